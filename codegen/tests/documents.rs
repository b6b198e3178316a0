//! Pages that two hands write: what people wrote survives whatever happens to the schema, what they
//! edited in the wrong place is reported, and nothing that a name or comment contains breaks a page.

mod common;

use std::fs;

use common::{Project, Ran};

const PAGE: &str = "docs/shop/README.md";

impl Project {
    fn docs(&self) -> Ran {
        self.canon(&["docs"])
    }

    /// Runs `canon docs`, which must work.
    fn gen_docs(&self) -> Ran {
        let ran = self.docs();
        assert!(ran.ok, "{}", ran.err);
        ran
    }

    /// Puts a text into a region of a page.
    fn fill(&self, page: &str, key: &str, text: &str) {
        let old = self.read(page);
        let (begin, end) = (format!("<!-- canon:begin {key} -->\n"), format!("<!-- canon:end {key} -->"));
        let start = old.find(&begin).unwrap_or_else(|| panic!("{page} has no region {key}")) + begin.len();
        let stop = old[start..].find(&end).unwrap() + start;
        self.write(page, &format!("{}{text}{}", &old[..start], &old[stop..]));
    }

    /// What a region holds, wherever below docs/shop it is.
    fn region(&self, key: &str) -> Option<String> {
        let begin = format!("<!-- canon:begin {key} -->\n");
        let end = format!("<!-- canon:end {key} -->");
        let mut found = self.pages().into_iter().filter_map(|page| {
            let text = self.read(&page);
            let start = text.find(&begin)? + begin.len();
            Some(text[start..start + text[start..].find(&end)?].to_owned())
        });
        let region = found.next();
        assert_eq!(found.next(), None, "{key} is in two places");
        region
    }

    fn pages(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path("docs/shop"))
            .unwrap()
            .map(|entry| format!("docs/shop/{}", entry.unwrap().file_name().into_string().unwrap()))
            .collect();
        names.sort();
        names
    }
}

const ODD: &str = "A *text*, with CRLF\r\n\r\n```sql\n-- fenced\n<!-- canon:begin human DBT-999 x -->\n````\n\
                   <!-- canon:end human DBT-102 purpose -->\n\t  trailing  \n\n\n\u{feff}|`<b>`\n";

#[test]
fn text_of_people_survives_whatever_happens_to_the_schema() {
    let project = Project::new();
    project.gen_docs();
    project.fill(PAGE, "human DBT-101 purpose", ODD);
    project.fill(PAGE, "human DBT-102 related", "- API-045 (RW)\n- BR-7\n");
    project.fill(PAGE, "human source overview", "Everything about the shop.\n");
    let holds = |when: &str| {
        project.gen_docs();
        assert_eq!(project.region("human DBT-101 purpose").as_deref(), Some(ODD), "{when}");
        assert_eq!(project.region("human DBT-102 related").as_deref(), Some("- API-045 (RW)\n- BR-7\n"), "{when}");
        assert_eq!(project.region("human source overview").as_deref(), Some("Everything about the shop.\n"), "{when}");
        assert!(project.canon(&["check", "--config", "canon.toml"]).out.contains("src/"), "only the types are stale");
        assert!(project.gen_docs().out.contains("up to date"), "{when}: a second run changes nothing");
    };
    holds("nothing changed");
    project.edit("ddl/10_shop.sql", "name text NOT NULL", "name varchar(80) NOT NULL");
    holds("a column changed");
    project.write("ddl/20_rename.sql", "ALTER TABLE shop.customers RENAME TO clients;\n");
    holds("renamed by a migration");
    assert!(project.read(PAGE).contains("## DBT-101: clients\n"));
    project.write("ddl/20_rename.sql", "ALTER TABLE shop.customers RENAME TO clients; CREATE TABLE shop.a (x int);\n");
    holds("a table more");
    project.edit("canon.toml", "path = \"docs\"", "path = \"docs\"\npages = \"table\"");
    holds("a page a table");
    assert_eq!(
        project.pages(),
        ["docs/shop/DBT-101-clients.md", "docs/shop/DBT-102-orders.md", "docs/shop/DBT-103-a.md", PAGE]
    );
    project.edit("canon.toml", "pages = \"table\"", "pages = \"schema\"");
    project.write("ddl/30_more.sql", "CREATE TABLE crm.leads (id int PRIMARY KEY);\n");
    holds("a page a schema");
    assert_eq!(project.pages(), [PAGE, "docs/shop/crm.md", "docs/shop/shop.md"]);
    fs::remove_file(project.path("ddl/30_more.sql")).unwrap();
    holds("one page again");
    let ddl = project.read("ddl/10_shop.sql");
    let (customers, orders) = ddl.split_at(ddl.find("CREATE TABLE shop.orders").unwrap());
    let orders = orders.replace("REFERENCES shop.customers (id) ON DELETE CASCADE", "REFERENCES shop.customers (id)");
    let (schema, customers) = customers.split_at(customers.find("CREATE TABLE").unwrap());
    let constraint = "    CONSTRAINT fk_orders_customer FOREIGN KEY (customer_id) REFERENCES shop.customers (id),\n";
    let orders = orders.replace(constraint, "");
    project.write("ddl/10_shop.sql", &format!("{schema}{orders}{customers}"));
    holds("another order");
    let dropped = "ALTER TABLE shop.customers RENAME TO clients; DROP TABLE shop.clients;\n";
    project.write("ddl/20_rename.sql", dropped);
    holds("dropped");
    let page = project.read(PAGE);
    assert!(page.contains("### DBT-101: shop.clients \\[DEPRECATED\\]\n"), "{page}");
    assert!(page.contains("- **Dropped**: `ddl/20_rename.sql:1`\n"), "{page}");
    assert!(page.find("## Deprecated Tables").unwrap() < page.find("human DBT-101 purpose").unwrap());
    assert!(page.contains("- API-045: [DBT-102](#dbt-102-orders) orders (RW)\n"), "{page}");
    project.write("ddl/20_rename.sql", "ALTER TABLE shop.customers RENAME TO clients;\n");
    holds("back again");
    assert!(!project.read(PAGE).contains("DBT-101: shop.clients"));
}

#[test]
fn a_rename_in_place_is_known_by_the_columns() {
    let project = Project::new();
    project.gen_docs();
    project.fill(PAGE, "human DBT-102 purpose", "What was sold.\n");
    project.edit("ddl/10_shop.sql", "shop.orders", "shop.purchases");
    let ran = project.gen_docs();
    assert_eq!(
        ran.err,
        "note: shop.purchases has the columns that shop.orders had, and keeps its ID DBT-102; if it is another \
         table, say so in ./canon.toml: [docs] dropped = [\"shop.orders\"]\n"
    );
    assert!(project.read(PAGE).contains("## DBT-102: purchases\n"));
    assert_eq!(project.region("human DBT-102 purpose").as_deref(), Some("What was sold.\n"));
}

#[test]
fn an_edit_of_generated_text_is_reported_and_kept() {
    let project = Project::new();
    assert!(project.canon(&["gen"]).ok);
    project.fill(PAGE, "human DBT-101 purpose", "Ours.\n");
    project.edit(PAGE, "Decides the discount.", "Decides the discount, by hand.");
    let before = project.files();
    for command in ["docs", "gen"] {
        let ran = project.canon(&[command]);
        assert!(!ran.ok, "{command}");
        assert!(ran.err.contains("docs/shop/README.md: line "), "{}", ran.err);
        assert!(ran.err.contains("generated text was edited by hand"), "{}", ran.err);
        assert!(ran.err.contains(
            "-| `tier` | text | No | `'basic'` | check `ck_customers_tier` | Decides the discount, by hand."
        ));
        assert!(ran.err.contains("--accept-loss"), "{}", ran.err);
        assert_eq!(project.files(), before, "{command} writes nothing");
    }
    let ran = project.canon(&["check"]);
    assert!(!ran.ok && ran.out.contains("edited by hand"), "{}", ran.out);
    let ran = project.canon(&["docs", "--accept-loss"]);
    assert!(ran.ok, "{}", ran.err);
    assert!(!project.read(PAGE).contains("by hand"));
    assert_eq!(project.region("human DBT-101 purpose").as_deref(), Some("Ours.\n"));
    assert!(project.canon(&["check"]).ok);
}

#[test]
fn every_kind_of_edit_outside_the_regions_is_noticed() {
    let project = Project::new();
    project.gen_docs();
    let clean = project.read(PAGE);
    let sum = clean.lines().find(|l| l.starts_with("<!-- canon:sum")).unwrap().to_owned();
    for (what, edited) in [
        ("text at the end", format!("{clean}\nMine.\n")),
        ("text at the beginning", clean.replacen("# shop\n", "# shop\n\nMine.\n", 1)),
        ("a checksum taken out", clean.replacen(&format!("{sum}\n"), "", 1)),
        (
            "all marks taken out",
            clean.lines().filter(|l| !l.starts_with("<!--")).fold(String::new(), |t, l| t + l + "\n"),
        ),
        (
            "a region taken out",
            clean
                .replace("<!-- canon:begin human DBT-101 purpose -->\n", "")
                .replace("<!-- canon:end human DBT-101 purpose -->\n", ""),
        ),
    ] {
        project.write(PAGE, &edited);
        let ran = project.docs();
        assert!(!ran.ok && ran.err.contains("edited by hand"), "{what}: {}", ran.err);
        assert_eq!(project.read(PAGE), edited, "{what}");
    }
    project.write(PAGE, &clean.replace('\n', "\r\n"));
    assert!(project.gen_docs().out.contains("up to date"), "a checkout with CRLF is no edit");
    project.write(PAGE, &format!("\u{feff}{clean}"));
    assert!(project.docs().ok, "nor is a byte-order mark");
}

#[test]
fn pages_of_two_branches_merge() {
    let project = Project::new();
    project.gen_docs();
    let base = project.read(PAGE);
    project.edit("ddl/10_shop.sql", "Who buys.", "Who buys here.");
    project.gen_docs();
    let ours = project.read(PAGE);
    project.edit("ddl/10_shop.sql", "Who buys here.", "Who buys.");
    project.write(PAGE, &base);
    project.edit("ddl/10_shop.sql", "total numeric(12, 2)", "total numeric(14, 2)");
    project.gen_docs();
    let theirs = project.read(PAGE);
    // What git makes of it: each side's table from that side.
    let cut = |text: &str| text.find("## DBT-102").unwrap();
    let merged = format!("{}{}", &ours[..cut(&ours)], &theirs[cut(&theirs)..]);
    project.write(PAGE, &merged);
    project.edit("ddl/10_shop.sql", "Who buys.", "Who buys here.");
    assert!(project.gen_docs().out.contains("up to date"));
}

#[test]
fn another_version_of_the_tool_edits_nothing_by_hand() {
    let project = Project::new();
    project.write(
        "templates/entry.md",
        &format!("## {{{{ entry.id }}}}: {{{{ entry.name }}}}\n\nOlder.\n\n{PURPOSE}\n\n{{{{ checkpoint() }}}}\n"),
    );
    project.edit("canon.toml", "path = \"docs\"", "path = \"docs\"\ntemplates = \"templates\"");
    project.gen_docs();
    assert!(project.read(PAGE).contains("Older."));
    project.fill(PAGE, "human DBT-101 purpose", "Kept.\n");
    project.edit("canon.toml", "templates = \"templates\"\n", "");
    project.gen_docs();
    assert!(!project.read(PAGE).contains("Older."));
    assert_eq!(project.region("human DBT-101 purpose").as_deref(), Some("Kept.\n"));
}

const PURPOSE: &str = "{{ human(of=entry.id, region=\"purpose\", text=\"*Why?*\") }}";

#[test]
fn pages_from_before_there_were_regions_are_replaced() {
    let project = Project::new();
    project.write(
        PAGE,
        "---\ntitle: \"shop\"\ngeneration: Generated by canon; change the DDL and run `canon gen`.\n---\n\n# shop\n",
    );
    project.gen_docs();
    assert!(project.read(PAGE).contains("canon:begin human DBT-101 purpose"));
}

#[test]
fn templates_of_the_user_take_the_place_of_ours() {
    let project = Project::new();
    project.edit("canon.toml", "path = \"docs\"", "path = \"docs\"\ntemplates = \"templates\"");
    project.write(
        "templates/entry.md",
        &format!(
            "## {{{{ entry.id }}}}: {{{{ entry.name | text }}}}\n\nMy own {{% include \"part.md\" %}}\n\n{PURPOSE}\n"
        ),
    );
    project.write("templates/part.md", "part of {{ entry.columns | length }}");
    project.gen_docs();
    assert!(project.read(PAGE).contains("## DBT-101: customers\n\nMy own part of 3\n"));
    for (text, expected) in [
        ("{{ entry.nope.nope }}", "entry.md:1:"),
        ("line\n{% if %}", "entry.md:2:"),
        ("a\n{{ human(of=entry.id, region=\"a b\") }}", "`a b` is no name of a region"),
        ("text {{ human(of=entry.id, region=\"a\") }}", "stand on a line of their own"),
        ("{{ human(of=\"DBT-1\", region=\"a\") }}", "`DBT-1` is not an ID"),
    ] {
        project.write("templates/entry.md", text);
        let before = project.files();
        let ran = project.docs();
        assert!(!ran.ok && ran.err.contains(expected), "{text}: {}", ran.err);
        assert_eq!(project.files(), before);
    }
    project.write("templates/entry.md", &format!("{PURPOSE}\n{PURPOSE}\n"));
    assert!(project.docs().err.contains("the region \"human DBT-101 purpose\" is placed twice"));
    project.write("templates/entry.md", PURPOSE);
    project.write("templates/index.md", "no marker");
    assert!(project.docs().err.contains("must say {{ marker }}"), "{}", project.docs().err);
    fs::remove_dir_all(project.path("templates")).unwrap();
    assert!(project.docs().err.contains("templates: "), "a folder that is not there");
}

#[test]
fn a_template_that_leaves_a_text_out_is_stopped() {
    let project = Project::new();
    project.gen_docs();
    project.fill(PAGE, "human DBT-101 compliance", "Personal data.\n");
    project.edit("canon.toml", "path = \"docs\"", "path = \"docs\"\ntemplates = \"templates\"");
    project.write("templates/entry.md", PURPOSE);
    let ran = project.docs();
    assert!(!ran.ok);
    assert!(ran.err.contains("the text of the region \"human DBT-101 compliance\" has no place"), "{}", ran.err);
    assert!(project.canon(&["docs", "--accept-loss"]).ok);
    assert!(!project.read(PAGE).contains("Personal data."));
}

#[test]
fn marks_that_do_not_fit_stop_everything() {
    let project = Project::new();
    project.gen_docs();
    let clean = project.read(PAGE);
    let end = "<!-- canon:end human DBT-101 purpose -->\n";
    for (edited, expected) in [
        (clean.replace(end, ""), "begins here and never ends"),
        (clean.replace(end, &format!("{end}{end}")), "ends here but does not begin"),
        (clean.replace(end, &end.replace("DBT-101", "DBT101")), "begins here and never ends"),
        (format!("{clean}<!-- canon:begin human DBT-101 purpose -->\nx\n{end}"), "is there already, at line"),
        (
            format!("{clean}<!-- canon:begin human DBT-404 purpose -->\nx\n<!-- canon:end human DBT-404 purpose -->\n"),
            "DBT-404 is no ID of the source shop",
        ),
        (format!("{clean}<!-- canon: begin -->\n"), "is no marker"),
    ] {
        project.write(PAGE, &edited);
        let before = project.files();
        for command in [vec!["docs"], vec!["docs", "--accept-loss"], vec!["check"]] {
            let ran = project.canon(&command);
            assert!(!ran.ok && ran.err.contains(expected), "{expected}: {}", ran.err);
            assert!(ran.err.contains("docs/shop/README.md:"), "{}", ran.err);
            assert_eq!(project.files(), before);
        }
    }
    let copy = "docs/shop/copy.md";
    project.write(PAGE, &clean);
    project.fill(PAGE, "human DBT-101 purpose", "One.\n");
    project.write(copy, &project.read(PAGE).replace("One.", "Two."));
    let ran = project.docs();
    assert!(ran.err.contains("is also at docs/shop/README.md:"), "{}", ran.err);
    fs::write(project.path(copy), [project.read(PAGE).as_bytes(), b"caf\xe9"].concat()).unwrap();
    assert!(project.docs().err.contains("docs/shop/copy.md: line "), "bytes that are no text: {}", project.docs().err);
}

#[test]
fn pages_of_a_source_that_is_gone_keep_what_people_wrote() {
    let project = Project::new();
    project.gen_docs();
    project.fill(PAGE, "human DBT-101 purpose", "Ours.\n");
    project.edit("canon.toml", "name = \"shop\"", "name = \"store\"");
    let before = project.files();
    let ran = project.docs();
    assert!(!ran.ok && ran.err.contains("no source of the configuration writes this page"), "{}", ran.err);
    assert_eq!(project.files(), before);
}

#[test]
fn hostile_names_and_comments_stay_text() {
    let project = Project::new();
    let ddl = r#"CREATE TABLE shop."a|b`c<script>" ("x|y" int PRIMARY KEY, "``" text DEFAULT '|`', "order" int UNIQUE);
COMMENT ON TABLE shop."a|b`c<script>" IS '# heading
<!-- canon:begin human DBT-101 purpose -->
</details><script>alert(1)</script> [x](javascript:alert) | `code` ![i](u)
---
- item';
COMMENT ON COLUMN shop."a|b`c<script>"."x|y" IS 'a | b
<img src=x> **bold**';
CREATE FUNCTION shop.f() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
```
<!-- canon:end human DBT-101 purpose -->
<!-- canon:sum 0123456789abcdef -->
RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON shop."a|b`c<script>" FOR EACH ROW EXECUTE FUNCTION shop.f();
"#;
    project.write("ddl/20_hostile.sql", ddl);
    project.gen_docs();
    let page = project.read(PAGE);
    insta::assert_snapshot!("hostile", &page[page.find("## DBT-103").unwrap()..page.find("## Insert Order").unwrap()]);
    assert!(project.gen_docs().out.contains("up to date"));
}

#[test]
fn history_from_git_stays_on_the_page() {
    let project = Project::new();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "init.defaultBranch=main"];
        let output = std::process::Command::new("git")
            .args(identity)
            .args(arguments)
            .env("GIT_COMMITTER_DATE", "2026-03-04T05:06:07Z")
            .current_dir(project.path(""))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    project.edit("canon.toml", "path = \"docs\"", "path = \"docs\"\nhistory = \"git\"");
    assert!(project.docs().err.starts_with("error: git: "), "no repository: {}", project.docs().err);
    git(&["init"]);
    git(&["add", "ddl"]);
    git(&["commit", "-m", "first"]);
    project.write("ddl/20_more.sql", "ALTER TABLE shop.orders ADD note text;\n");
    project.gen_docs();
    let commits = project.region("measured DBT-102 commits").unwrap();
    assert!(commits.contains("| `ddl/10_shop.sql` | 2026-03-04 (`"), "{commits}");
    assert!(commits.contains("| `ddl/20_more.sql` | not committed yet | - | 0 |"), "{commits}");
    git(&["add", "."]);
    git(&["commit", "-m", "second"]);
    assert!(project.canon(&["check"]).out.contains("src/"), "only the types were not written");
    assert!(!project.canon(&["check"]).out.contains("docs/"), "checking does not ask git");
    let shallow = tempfile::tempdir().unwrap();
    git(&[
        "clone",
        "--depth",
        "1",
        &format!("file://{}", project.path("").display()),
        shallow.path().to_str().unwrap(),
    ]);
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_canon")).arg("docs").current_dir(shallow.path()).output();
    let output = output.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "everything is up to date\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("does not have the whole history"));
    project.gen_docs();
    assert!(!project.region("measured DBT-102 commits").unwrap().contains("not committed yet"));
}

#[test]
fn ids_that_documents_define_are_linked() {
    let project = Project::new();
    project.edit("canon.toml", "path = \"docs\"", "path = \"docs\"\ndocuments = [\"*.md\"]");
    project.write("api.md", "## API-045: place an order\n");
    project.gen_docs();
    project.fill(PAGE, "human DBT-102 related", "- API-045 (RW)\n- API-046\n");
    project.gen_docs();
    let page = project.read(PAGE);
    assert!(
        page.contains("- [API-045](../../api.md#api-045-place-an-order): [DBT-102](#dbt-102-orders) orders (RW)\n"),
        "{page}"
    );
    assert!(page.contains("- API-046: [DBT-102](#dbt-102-orders) orders\n"));
    assert!(page.contains("- [DBT-102](#dbt-102-orders) orders: API-045, API-046\n"));
}
