//! What generated documents say is true in a database: queries that it understands, sizes that it has.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use canon_codegen::emit::quote;
use canon_tests::{canon, canon_database, database, repo_root, server};
use postgres::Client;

/// Has the server plan every example query of a page; gives back how many there were.
fn plan_queries(client: &mut Client, page: &str) -> Result<usize> {
    let mut count = 0;
    for section in page.split("### Example Queries\n").skip(1) {
        let section = section.split("\n### ").next().unwrap_or_default();
        for block in section.split("```sql\n").skip(1) {
            let sql = block.split("\n```").next().unwrap_or_default();
            client.prepare(sql).with_context(|| sql.to_owned())?;
            count += 1;
        }
    }
    Ok(count)
}

fn pages(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(pages(&path)?);
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(fs::read_to_string(&path)?);
        }
    }
    Ok(found)
}

#[test]
fn example_queries_of_the_packs_are_understood_by_the_server() -> Result<()> {
    let db = canon_database("documents_packs")?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT canon.install('all')")?;
    let mut count = 0;
    for page in pages(&repo_root()?.join("docs/sot"))? {
        count += plan_queries(&mut client, &page)?;
    }
    ensure!(count > 500, "{count} queries");
    Ok(())
}

#[test]
fn example_queries_work_with_odd_names() -> Result<()> {
    let db = database("documents_odd")?;
    let mut client = db.connect()?;
    let ddl = r#"CREATE SCHEMA "user";
        CREATE TABLE "user"."order" ("select" int, "a""b" text, "from" int NOT NULL UNIQUE, PRIMARY KEY ("select", "a""b"));
        CREATE TABLE "user"."Table" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "when" timestamptz NOT NULL,
            "select" int, "a""b" text, FOREIGN KEY ("select", "a""b") REFERENCES "user"."order",
            twice int GENERATED ALWAYS AS ("select" * 2) STORED);
        CREATE UNIQUE INDEX ON "user"."Table" ("when", "select");
        CREATE TABLE "user".nothing ();
        CREATE TABLE "user".only_identity (id int GENERATED ALWAYS AS IDENTITY);
        CREATE VIEW "user"."end" AS SELECT "from", "select" AS "all" FROM "user"."order";"#;
    client.batch_execute(ddl)?;
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("app.sql"), ddl)?;
    let ran = canon(folder.path(), &["docs", "app.sql", "--out", "out"], &[])?;
    ensure!(ran.code == 0, "{}", ran.err);
    let page = pages(&folder.path().join("out"))?.concat();
    let count = plan_queries(&mut client, &page)?;
    ensure!(count >= 10, "{count} queries");
    Ok(())
}

#[test]
fn every_reserved_word_is_quoted() -> Result<()> {
    let db = database("documents_words")?;
    let sql = "SELECT word, catcode IN ('R', 'T') FROM pg_catalog.pg_get_keywords()";
    for row in db.connect()?.query(sql, &[])? {
        let (word, reserved): (&str, bool) = (row.get(0), row.get(1));
        ensure!(!reserved || quote::ident(word) == format!("\"{word}\""), "{word} is not quoted");
    }
    Ok(())
}

#[test]
fn sizes_come_from_the_database_and_stay_on_the_page() -> Result<()> {
    let db = database("documents_sizes")?;
    let ddl = "CREATE SCHEMA app;
        CREATE TABLE app.rows (id int PRIMARY KEY, text text NOT NULL);
        CREATE TABLE app.parts (id int NOT NULL) PARTITION BY RANGE (id);
        CREATE TABLE app.part PARTITION OF app.parts FOR VALUES FROM (0) TO (1000);
        CREATE TABLE app.fresh (id int);";
    let mut client = db.connect()?;
    client.batch_execute(ddl)?;
    client.batch_execute(
        "INSERT INTO app.rows SELECT n, 'x' FROM pg_catalog.generate_series(1, 1000) AS n;
         INSERT INTO app.parts SELECT n FROM pg_catalog.generate_series(1, 200) AS n;
         ANALYZE app.rows, app.parts, app.part;",
    )?;
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("app.sql"), ddl)?;
    let config = "[[source]]\nname = \"app\"\npaths = [\"app.sql\"]\n[docs]\npath = \"docs\"\n";
    fs::write(folder.path().join("canon.toml"), config)?;
    let url = server().url(db.name());
    let ran = canon(folder.path(), &["docs", "--sizes", "env:SIZES"], &[("SIZES", &url)])?;
    ensure!(ran.code == 0, "{}", ran.err);
    let page = fs::read_to_string(folder.path().join("docs/app/README.md"))?;
    let section = |name: &str| {
        let from = page.find(&format!(": {name}\n")).context(name.to_owned())?;
        let begin = page[from..].find("canon:begin measured").context("no size")? + from;
        Ok::<_, anyhow::Error>(page[begin..].split("canon:end").next().unwrap_or_default())
    };
    let bytes: i64 = client.query_one("SELECT pg_catalog.pg_table_size('app.rows')", &[])?.get(0);
    let rows = section("rows")?;
    ensure!(rows.contains("- **Rows**: about 1000\n"), "{rows}");
    ensure!(rows.contains(&format!("- **Table size**: {} kB\n", (bytes + 512) / 1024)), "{bytes}: {rows}");
    ensure!(section("parts")?.contains("- **Rows**: about 200\n"), "{}", section("parts")?);
    ensure!(section("fresh")?.contains("- **Rows**: not counted yet\n"), "{}", section("fresh")?);
    for command in ["check", "docs"] {
        let again = canon(folder.path(), &[command], &[])?;
        ensure!(again.out.ends_with("everything is up to date\n"), "{command}: {}", again.out);
    }
    ensure!(fs::read_to_string(folder.path().join("docs/app/README.md"))? == page);
    let refused = canon(folder.path(), &["docs", "--sizes", "env:NO_SUCH_VARIABLE"], &[])?;
    ensure!(refused.code == 2 && refused.err.contains("--sizes: environment variable"), "{}", refused.err);
    Ok(())
}
