use super::*;

fn table(name: &str) -> Listed {
    with_columns(name, "")
}

fn with_columns(name: &str, columns: &str) -> Listed {
    Listed {
        name: name.to_owned(),
        category: Category::Core,
        columns: columns.split_whitespace().map(str::to_owned).collect(),
        earlier_names: Vec::new(),
        is_partition: false,
    }
}

fn assign_with(
    lock: &mut Lock,
    tables: &[Listed],
    renamed: &[(&str, &str)],
    dropped: &[&str],
) -> Result<Vec<String>, String> {
    let renamed = renamed.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let dropped: Vec<String> = dropped.iter().map(|d| (*d).to_owned()).collect();
    let renames = Renames { renamed: &renamed, dropped: &dropped, config: Path::new("canon.toml") };
    lock.assign("s", tables, &renames).map_err(|error| error.to_string())
}

fn assign(lock: &mut Lock, tables: &[Listed]) -> Vec<String> {
    assign_with(lock, tables, &[], &[]).unwrap()
}

/// `name=ID` of what is there, `ID=name` of what is gone.
fn shown(lock: &Lock) -> String {
    let source = lock.source("s").unwrap();
    let active = source.active.iter().map(|(name, id)| format!("{name}={}", id.0));
    let retired = source.retired.iter().map(|(id, name)| format!("{}={name}", id.0));
    active.chain(retired).collect::<Vec<_>>().join(" ")
}

#[test]
fn ids_are_kept_and_never_used_again() {
    let mut lock = Lock::default();
    assign(&mut lock, &[table("a"), table("b")]);
    assign(&mut lock, &[table("b"), table("c")]);
    assert_eq!(shown(&lock), "b=2 c=3 1=a");
    assign(&mut lock, &[table("c"), table("b"), table("a")]);
    assert_eq!(shown(&lock), "a=1 b=2 c=3");
}

#[test]
fn a_full_range_goes_on_in_its_thousand_and_then_beyond() {
    let mut lock = Lock::default();
    let tables: Vec<_> = (0..1100).map(|n| table(&format!("t{n:04}"))).collect();
    assign(&mut lock, &tables);
    let source = lock.source("s").unwrap();
    assert_eq!(source.active["t0098"], DocId(99));
    assert_eq!(source.active["t0099"], DocId(1001));
    assert_eq!(source.active["t1097"], DocId(1999));
    assert_eq!(source.active["t1098"], DocId(100_001));
}

#[test]
fn the_file_reads_back() {
    let mut lock = Lock::default();
    assign(&mut lock, &[with_columns("a \"quoted\" one", "x \"y\" z'"), table("b")]);
    assign(&mut lock, &[table("b")]);
    assert_eq!(toml::from_str::<Lock>(&lock.to_text()).unwrap(), lock);
}

#[test]
fn an_id_that_two_branches_gave_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("canon.lock");
    std::fs::write(&path, "[source.s.active]\n\"s.a\" = \"DBT-101\"\n\"s.b\" = \"DBT-101\"\n").unwrap();
    let error = Lock::read(&path).unwrap_err().to_string();
    assert!(error.contains("DBT-101 stands for s.a (line 2) and for s.b (line 3); remove the line"), "{error}");
    std::fs::write(&path, "[source.s.active]\n\"s.a\" = \"DBT-1\"\n").unwrap();
    let error = Lock::read(&path).unwrap_err().to_string();
    assert!(error.contains("`DBT-1` is not an ID of the form DBT-001"), "{error}");
}

#[test]
fn a_rename_in_the_files_keeps_the_id() {
    let mut lock = Lock::default();
    assign(&mut lock, &[table("a"), table("b")]);
    let renamed = Listed { earlier_names: vec!["a".to_owned(), "x".to_owned()], ..table("c") };
    let notes = assign(&mut lock, &[table("b"), renamed.clone()]);
    assert_eq!((shown(&lock).as_str(), notes.len()), ("b=2 c=1", 0));
    // The chain says so forever; it happens once.
    assign(&mut lock, &[table("a"), table("b"), renamed.clone()]);
    assert_eq!(shown(&lock), "a=3 b=2 c=1");
    assign(&mut lock, &[table("b"), renamed]);
    assert_eq!(shown(&lock), "b=2 c=1 3=a");
}

#[test]
fn a_name_that_was_taken_again_stays_with_the_table_that_has_it() {
    let mut lock = Lock::default();
    assign(&mut lock, &[table("orders")]);
    let old = Listed { earlier_names: vec!["orders".to_owned()], ..table("orders_old") };
    assign(&mut lock, &[table("orders"), old]);
    assert_eq!(shown(&lock), "orders=1 orders_old=2");
}

#[test]
fn the_same_columns_under_another_name_are_the_same_table() {
    let mut lock = Lock::default();
    assign(&mut lock, &[with_columns("s.a", "id name price tax"), with_columns("s.b", "id x")]);
    let notes = assign(&mut lock, &[with_columns("s.c", "id name price tax note"), with_columns("s.d", "id x")]);
    assert_eq!(shown(&lock), "s.c=1 s.d=3 2=s.b", "four of five; two are too few");
    assert!(notes[0].starts_with("s.c has the columns that s.a had, and keeps its ID DBT-001;"), "{notes:?}");
    assert_eq!(notes.len(), 1);
    assign(&mut lock, &[with_columns("s.e", "id name price tax")]);
    assert_eq!(shown(&lock), "s.e=1 2=s.b 3=s.d");
    assign(&mut lock, &[with_columns("s.f", "id name cost vat")]);
    assert_eq!(shown(&lock), "s.f=4 1=s.e 2=s.b 3=s.d", "two of six");
}

#[test]
fn what_is_declared_as_dropped_is_not_renamed() {
    let mut lock = Lock::default();
    assign(&mut lock, &[with_columns("a", "id name at")]);
    assign_with(&mut lock, &[with_columns("b", "id name at")], &[], &["a"]).unwrap();
    assert_eq!(shown(&lock), "b=2 1=a");
}

#[test]
fn partitions_come_and_go() {
    let partition = |name: &str| Listed { is_partition: true, ..with_columns(name, "id at what") };
    let mut lock = Lock::default();
    assign(&mut lock, &[partition("e_01"), partition("e_02")]);
    assign(&mut lock, &[partition("e_02"), partition("e_03")]);
    assert_eq!(shown(&lock), "e_02=2 e_03=3 1=e_01");
}

#[test]
fn a_choice_between_tables_is_left_to_people() {
    let mut lock = Lock::default();
    let columns = "id name created_at";
    let both = |a: &str, b: &str| [with_columns(a, columns), with_columns(b, columns)];
    assign(&mut lock, &both("s.a", "s.b"));
    let before = lock.clone();
    let error = assign_with(&mut lock.clone(), &both("s.c", "s.d"), &[], &[]).unwrap_err();
    assert_eq!(
        error,
        "canon.toml: s.a and s.b are gone and s.c and s.d are new, with the same columns. If one was renamed, add \
         the line that is true:\n\n[docs.renamed]\n\"s.a\" = \"s.c\"\n\"s.a\" = \"s.d\"\n\"s.b\" = \"s.c\"\n\
         \"s.b\" = \"s.d\"\n\nIf none was, add\n\n[docs]\ndropped = [\"s.a\", \"s.b\"]"
    );
    let one = assign_with(&mut lock, &both("s.c", "s.d"), &[("s.a", "s.d")], &[]).unwrap();
    assert_eq!((shown(&lock).as_str(), one.len()), ("s.c=2 s.d=1", 1), "the rest is no choice any more");
    lock = before.clone();
    assign_with(&mut lock, &both("s.c", "s.d"), &[], &["s.a", "s.b"]).unwrap();
    assert_eq!(shown(&lock), "s.c=3 s.d=4 1=s.a 2=s.b");
    lock = before;
    assign(&mut lock, &both("t.a", "t.b"));
    assert_eq!(shown(&lock), "t.a=1 t.b=2", "to another schema under the same name");
}

#[test]
fn a_declaration_works_after_the_fact_and_only_once() {
    let mut lock = Lock::default();
    assign(&mut lock, &[table("a")]);
    assign(&mut lock, &[table("b")]);
    assert_eq!(shown(&lock), "b=2 1=a");
    for _ in 0..2 {
        assign_with(&mut lock, &[table("b")], &[("a", "b")], &[]).unwrap();
        assert_eq!(shown(&lock), "b=1 2=b");
    }
    assign(&mut lock, &[table("c")]);
    assert_eq!(shown(&lock), "c=3 1=b 2=b", "neither is lost, though both had the name");
}

#[test]
fn declarations_that_cannot_be_are_refused() {
    let mut lock = Lock::default();
    assign(&mut lock, &[table("a"), table("b")]);
    let both = assign_with(&mut lock.clone(), &[table("a"), table("b")], &[("a", "b")], &[]).unwrap_err();
    assert_eq!(both, "canon.toml: [docs.renamed] \"a\" = \"b\": both tables exist");
    let nowhere = assign_with(&mut lock, &[table("b")], &[("a", "c")], &[]).unwrap_err();
    assert_eq!(nowhere, "canon.toml: [docs.renamed] \"a\" = \"c\": there is no table c");
}

#[test]
fn tables_that_exchange_their_names_exchange_their_ids_once() {
    let mut lock = Lock::default();
    assign(&mut lock, &[with_columns("a", "id name"), with_columns("b", "id a_id total")]);
    let was = |name: &str, columns: &str, earlier: &[&str]| Listed {
        earlier_names: earlier.iter().map(|e| (*e).to_owned()).collect(),
        ..with_columns(name, columns)
    };
    let after = [was("a", "id a_id total", &["b"]), was("b", "id name", &["a", "tmp"])];
    for _ in 0..2 {
        assign(&mut lock, &after);
        assert_eq!(shown(&lock), "a=2 b=1");
    }
    // A column more does not turn it around again.
    assign(&mut lock, &[was("a", "id a_id total at", &["b"]), was("b", "id name at", &["a", "tmp"])]);
    assert_eq!(shown(&lock), "a=2 b=1");
}
