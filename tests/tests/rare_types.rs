//! Generated types of every kind of type and name: they compile, they are what `canon` writes
//! today, they mean what PostgreSQL means, and rows of them go there and back.
#![deny(warnings, missing_docs, clippy::all)]

use std::collections::HashMap;
use std::ops::Bound;

use anyhow::{Context, Result, ensure};
use canon_codegen::load::load;
use canon_codegen::model::Model;
use canon_codegen::project::{Project, What};
use canon_codegen::source::Source;
use canon_tests::{Database, database, journey, repo_root, subjects};
use generated::rare::{
    Address, Arrays, Custom, CustomCode, Email, Exact, ExactId, Feeling, Grade, KeptNotes, Mood, NewCustom, NewExact,
    NewExactOptional, NewNoColumns, NewOrder, NoColumns, Order, Person, PlainNotes, Ranges, Scalars, Scores, WorkEmail,
};
use generated::runtime::{
    Array, Bits, Interval, Json, MacAddr, Money, Multirange, Path, Point, Range, Rectangle, TimeTz,
};
use generated::{FromRow, Insert, Relation, Table};
use postgres::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[path = "../types/metadata.rs"]
pub mod metadata;

/// Committed, so that a change of the generator is seen as what it changes.
#[rustfmt::skip]
#[path = "../types/generated/mod.rs"]
pub mod generated;

fn loaded(name: &str) -> Result<(Database, Client, Model)> {
    let db = database(name)?;
    let mut client = db.connect()?;
    let path = repo_root()?.join("tests/types/schema.sql");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    client.batch_execute(&text)?;
    Ok((db, client, load(vec![Source::new("schema.sql", text)]).model))
}

fn only<T: Relation + FromRow>(client: &mut Client) -> Result<T> {
    Ok(T::from_row(&client.query_one(&T::select(), &[])?)?)
}

/// With `PG_CANON_WRITE=1` they are written.
#[test]
fn generated_types_are_up_to_date() -> Result<()> {
    let project = Project::open(&repo_root()?.join("tests/types/canon.toml"))?;
    let files = project.generate(What { types: true, ..What::default() })?;
    if std::env::var_os("PG_CANON_WRITE").is_some() {
        files.write(&project.root)?;
    }
    let stale = files.check(&project.root)?;
    let shown: Vec<String> = stale.iter().map(|s| format!("{}\n{}", s.path.display(), s.difference)).collect();
    ensure!(shown.is_empty(), "{}\nrun: {}", shown.join("\n\n"), project.config.command);
    Ok(())
}

#[test]
fn rows_of_every_table_go_there_and_back() -> Result<()> {
    let (_db, mut client, model) = loaded("rare_types")?;
    let subjects = generated::for_each_table!(subjects, crate::generated);
    let tables: Vec<_> = subjects.iter().map(|subject| subject.table.clone()).collect();
    let went = journey::travel(&mut journey::Local::new(&mut client, subjects), &model, &tables, &[])?;
    ensure!(went.failures().is_empty(), "{}", went.failures().join("\n"));
    let wanted = model.tables.iter().filter(|t| t.partition_of.is_none()).count();
    // What is made up is no address.
    let lifted = ["rare.email: check ck_email"];
    assert_eq!((went.arrived(), went.lifted.iter().map(String::as_str).collect()), (wanted, lifted.to_vec()));
    Ok(())
}

#[test]
fn scalars_mean_what_postgresql_means() -> Result<()> {
    let (_db, mut client, _) = loaded("rare_scalars")?;
    client.batch_execute(
        "INSERT INTO rare.scalars (a_money, a_character, a_timetz, an_interval, a_macaddr, a_bit, a_varbit, a_box,
             an_open_path, an_hstore, a_wide_number, a_tsvector, a_jsonb, an_inet, a_point)
         SELECT '-1234.56', 'ab', '01:02:03.000004-05:30', '-1 year 2 mons -3 days 04:05:06.000007',
             '08:00:2b:01:02:ff', B'10000000001', B'', '(1,2),(3,4)', '[(1,2),(3,-4.5)]', 'a=>1, b=>NULL',
             12345678901234567890123456789012345678, 'b:3 a:1', '{\"k\": \"v\"}', '192.0.2.1/24',
             '(1.5,-2)'",
    )?;
    let row: Scalars = only(&mut client)?;
    assert_eq!(row.a_money, Some(Money(-123_456)));
    assert_eq!(row.a_character.as_deref(), Some("ab   "));
    let time = chrono::NaiveTime::from_hms_micro_opt(1, 2, 3, 4).context("a time")?;
    assert_eq!(row.a_timetz, Some(TimeTz { time, offset_seconds: -(5 * 3600 + 30 * 60) }));
    let microseconds = ((4 * 60 + 5) * 60 + 6) * 1_000_000 + 7;
    assert_eq!(row.an_interval, Some(Interval { months: -10, days: -3, microseconds }));
    assert_eq!(row.a_macaddr, Some(MacAddr([8, 0, 0x2b, 1, 2, 0xff])));
    assert_eq!(row.a_macaddr.map(|address| address.to_string()).as_deref(), Some("08:00:2b:01:02:ff"));
    assert_eq!("08:00:2b:01:02:ff".parse(), Ok(MacAddr([8, 0, 0x2b, 1, 2, 0xff])));
    assert_eq!(row.a_bit, Some("10000000001".parse::<Bits>()?));
    assert_eq!(row.a_varbit, Some(Bits(Vec::new())));
    let corners = Rectangle { upper_right: Point { x: 3.0, y: 4.0 }, lower_left: Point { x: 1.0, y: 2.0 } };
    assert_eq!(row.a_box, Some(corners));
    let points = vec![Point { x: 1.0, y: 2.0 }, Point { x: 3.0, y: -4.5 }];
    assert_eq!(row.an_open_path, Some(Path { closed: false, points }));
    assert_eq!(row.a_point, Some(Point { x: 1.5, y: -2.0 }));
    let pairs = HashMap::from([("a".to_owned(), Some("1".to_owned())), ("b".to_owned(), None)]);
    assert_eq!(row.an_hstore, Some(pairs));
    assert_eq!(row.a_wide_number.as_deref(), Some("12345678901234567890123456789012345678"));
    assert_eq!(row.a_tsvector.as_deref(), Some("'a':1 'b':3"));
    assert_eq!(row.a_jsonb.and_then(|json| json.0.get("k").cloned()).as_deref(), Some("v"));
    assert_eq!(row.an_inet, Some("192.0.2.1/24".parse()?));
    Ok(())
}

#[test]
fn ranges_mean_what_postgresql_means() -> Result<()> {
    let (_db, mut client, _) = loaded("rare_ranges")?;
    client.batch_execute(
        "INSERT INTO rare.ranges (id, int4, int8, num, day, tstz, int4s, float)
         VALUES (1, '(1,5]', 'empty', '(,2.5]', '[2025-03-01,2025-03-01]', '(2025-03-01 00:00+00,)',
             '{[7,9),[1,2]}', '[0.5,1.5]')",
    )?;
    let row: Ranges = only(&mut client)?;
    // Whole numbers and days come in the form with an open upper bound.
    assert_eq!(row.int4, Some(Range::new(2, 6)));
    assert_eq!(row.int8, Some(Range::Empty));
    assert_eq!(row.num, Some(Range::Bounds(Bound::Unbounded, Bound::Included("2.5".parse()?))));
    let day = |day| chrono::NaiveDate::from_ymd_opt(2025, 3, day).context("a day");
    assert_eq!(row.day, Some(Range::new(day(1)?, day(2)?)));
    assert_eq!(row.tstz, Range::Bounds(Bound::Excluded("2025-03-01T00:00:00Z".parse()?), Bound::Unbounded));
    assert_eq!(row.int4s, Some(Multirange(vec![Range::new(1, 3), Range::new(7, 9)])));
    assert_eq!(row.days, Multirange(Vec::new()));
    assert_eq!(row.float, Some(Range::Bounds(Bound::Included(0.5), Bound::Included(1.5))));
    for (number, inside) in [(1, false), (2, true), (5, true), (6, false)] {
        assert_eq!(row.int4.as_ref().map(|range| range.contains(&number)), Some(inside), "{number}");
    }
    Ok(())
}

#[test]
fn arrays_keep_their_nulls_and_dimensions() -> Result<()> {
    let (_db, mut client, _) = loaded("rare_arrays")?;
    client.batch_execute(
        "INSERT INTO rare.arrays (id, numbers, texts, moods, matrix)
         VALUES (1, '{}', '{a,NULL,\"\"}', '{sad,\"\"}', '[0:1][5:7]={{1,2,3},{4,NULL,6}}')",
    )?;
    let row: Arrays = only(&mut client)?;
    assert_eq!(row.numbers, Vec::<i32>::new());
    assert_eq!(row.texts, Some(vec![Some("a".to_owned()), None, Some(String::new())]));
    assert_eq!(row.moods, Some(vec![Mood::Sad, Mood::Empty]));
    let matrix = row.matrix.context("there is a matrix")?;
    assert_eq!(matrix.dimensions, [(2, 0), (3, 5)]);
    assert_eq!(matrix.get(&[1, 7]), Some(&Some(6)));
    assert_eq!((matrix.get(&[1, 6]), matrix.get(&[2, 5]), matrix.get(&[1])), (Some(&None), None, None));
    let sent: String = client.query_one("SELECT ($1::integer[])::text", &[&matrix])?.get(0);
    assert_eq!(sent, "[0:1][5:7]={{1,2,3},{4,NULL,6}}");
    let broken = Array { dimensions: vec![(2, 1)], elements: vec![1] };
    assert!(client.query("SELECT $1::integer[]", &[&broken]).is_err());
    // A NULL where the type has no room for one is an error, not a value.
    client.batch_execute("UPDATE rare.arrays SET numbers = '{1,NULL}'")?;
    let refused = only::<Arrays>(&mut client).err().context("a NULL was read")?.to_string();
    assert!(refused.contains("column 1"), "{refused}");
    Ok(())
}

#[test]
fn types_of_the_schema_mean_what_postgresql_means() -> Result<()> {
    let (_db, mut client, _) = loaded("rare_custom")?;
    let address = Address {
        street: Some("a \"b\", (c)".to_owned()),
        house_no: Some(7),
        mail: Some(Email("a@b".to_owned())),
        moods: Some(vec![Mood::AB, Mood::AB2, Mood::WithQuotes]),
        tags: None,
    };
    let owner =
        Person { name: None, home: Some(address.clone()), r#type: Some(Mood::Ok2), weight: Some("1.50".parse()?) };
    let new = NewCustom {
        work: WorkEmail(Email("c@d".to_owned())),
        code: CustomCode::BC,
        optional: generated::rare::NewCustomOptional {
            mail: Some(Email("e@f".to_owned())),
            scores: Some(Scores(vec![1, 2])),
            feeling: Some(Feeling(Mood::V2nd)),
            home: Some(address),
            owner: Some(owner),
            search: Some("(\"'x':1\",3)".to_owned()),
            ..Default::default()
        },
    };
    let statement = new.statement();
    let back = Custom::from_row(&client.query_one(&statement.sql, &statement.parameters)?)?;
    assert_eq!(
        (&back.home, &back.owner, &back.scores),
        (&new.optional.home, &new.optional.owner, &new.optional.scores)
    );
    assert_eq!((back.code, back.is_valid, back.seq), (CustomCode::BC, Some(false), 1));
    // Left out: the defaults of the column and of the domain.
    assert_eq!((back.mood, back.grade), (Mood::Ok, Grade::Low));
    let sql =
        "SELECT ((home).street || (home).\"house No.\" || (home).moods[3])::text, (owner).type::text, feeling::text,
                      (search).n, work::text FROM rare.custom";
    let row = client.query_one(sql, &[])?;
    let text = |at: usize| row.get::<_, String>(at);
    assert_eq!((text(0), text(1), text(2)), ("a \"b\", (c)7with \"quotes\"".into(), "Ok".into(), "2nd".into()));
    assert_eq!((row.get::<_, i32>(3), text(4)), (3, "c@d".to_owned()));
    // The check of a domain is the database's.
    let bad = NewCustom { work: WorkEmail(Email("nobody".to_owned())), ..new.clone() };
    let statement = bad.statement();
    let refused = client.query_one(&statement.sql, &statement.parameters).err().context("it was accepted")?;
    assert_eq!(refused.code(), Some(&postgres::error::SqlState::CHECK_VIOLATION));
    Ok(())
}

#[test]
fn an_unknown_label_is_an_error_with_its_name() -> Result<()> {
    let (_db, mut client, _) = loaded("rare_labels")?;
    client.batch_execute("ALTER TYPE rare.mood ADD VALUE 'new'")?;
    client.batch_execute("INSERT INTO rare.custom (work, code, mood) VALUES ('a@b', 'a', 'new')")?;
    let error = only::<Custom>(&mut client).err().context("it was read")?;
    assert_eq!(format!("{error:#}"), "error deserializing column 1: `new` is not a value of Mood");
    Ok(())
}

/// `[types."rare.*.metadata"]` holds wherever nothing more specific does.
#[test]
fn columns_have_the_types_that_the_settings_name() -> Result<()> {
    let (_db, mut client, _) = loaded("rare_metadata")?;
    client.batch_execute(
        r#"INSERT INTO rare.kept_notes (id, metadata) VALUES (1, '{"source": "web", "ip": "192.0.2.1"}');
           INSERT INTO rare.plain_notes (id, metadata) VALUES (1, '[1]')"#,
    )?;
    let kept: KeptNotes = only(&mut client)?;
    let Json(metadata) = kept.metadata;
    let rest = [("ip".to_owned(), "192.0.2.1".to_owned())].into();
    assert_eq!(metadata, metadata::Metadata { source: Some("web".to_owned()), rest });
    let plain: PlainNotes = only(&mut client)?;
    assert_eq!(plain.metadata.0, serde_json::json!([1]));
    // JSON that is not of the type is an error that says where.
    client.batch_execute("UPDATE rare.kept_notes SET metadata = '[1]'")?;
    let error = only::<KeptNotes>(&mut client).err().context("it was read")?;
    assert!(format!("{error:#}").starts_with("error deserializing column 1: invalid type: sequence"), "{error:#}");
    Ok(())
}

#[test]
fn what_a_type_cannot_hold_is_an_error_and_text_holds_it() -> Result<()> {
    let (_db, mut client, _) = loaded("rare_unheld")?;
    for (column, value) in [
        ("a_numeric", "NaN"),
        ("a_numeric", "Infinity"),
        ("a_numeric", "1e40"),
        ("a_date", "infinity"),
        ("a_timestamp", "-infinity"),
        ("a_timestamptz", "infinity"),
        ("an_oid", "4294967295"),
    ] {
        client.batch_execute(&format!(
            "DELETE FROM rare.scalars; INSERT INTO rare.scalars ({column}) VALUES ('{value}')"
        ))?;
        let read = only::<Scalars>(&mut client).map_err(|error| error.to_string());
        match (column, read) {
            ("an_oid", read) => ensure!(read.is_ok_and(|row| row.an_oid == Some(u32::MAX)), "{value}"),
            (_, Err(error)) => ensure!(error.starts_with("error deserializing column"), "{value}: {error}"),
            (_, Ok(row)) => anyhow::bail!("{value} was read as {row:?}"),
        }
    }
    let digits = "-0.1234567890123456789012345678901234567890";
    let new = NewExact {
        id: ExactId(1),
        amount: digits.to_owned(),
        optional: NewExactOptional {
            amounts: Some(vec!["NaN".to_owned(), digits.to_owned()]),
            at: Some("infinity".to_owned()),
            day: Some("0001-12-31 BC".to_owned()),
        },
    };
    let statement = new.statement();
    let back = Exact::from_row(&client.query_one(&statement.sql, &statement.parameters)?)?;
    let optional = new.optional;
    assert_eq!(
        (back.amount, back.amounts, back.at, back.day),
        (new.amount, optional.amounts, optional.at, optional.day)
    );
    Ok(())
}

#[test]
fn odd_tables_can_be_filled() -> Result<()> {
    let (_db, mut client, _) = loaded("rare_odd")?;
    let none = NewNoColumns {};
    let statement = none.statement();
    assert_eq!(statement.sql, "INSERT INTO \"rare\".\"no_columns\" DEFAULT VALUES RETURNING NULL");
    assert_eq!(NoColumns::from_row(&client.query_one(&statement.sql, &[])?)?, NoColumns {});
    assert_eq!(NoColumns::select(), "SELECT  FROM \"rare\".\"no_columns\"");
    let order = NewOrder { optional: "a".to_owned(), optional_2: "b".to_owned(), optional_: Default::default() };
    let statement = order.statement();
    let back = Order::from_row(&client.query_one(&statement.sql, &statement.parameters)?)?;
    assert_eq!((back.optional.as_str(), back.optional_2.as_str(), back.r#type), ("a", "b", None));
    Ok(())
}

/// What the analysis derived, the compiler agrees to; what it left out could not have been.
#[test]
fn traits_are_derived_where_every_field_has_them() {
    fn is_key<T: Copy + Eq + Ord + std::hash::Hash + Serialize + DeserializeOwned>() {}
    fn is_eq<T: Eq + std::hash::Hash>() {}
    is_key::<generated::rare::OnlyIds>();
    is_key::<Mood>();
    is_key::<generated::rare::CustomId>();
    is_eq::<Custom>();
    // In the order of the declaration.
    assert!(Mood::Sad < Mood::V2nd);
}
