//! `canon` reads a live database, with no right but to connect.

use anyhow::Result;
use canon_tests::{canon, canon_database, database, repo_root, server};

#[test]
fn a_live_database_is_read_by_a_plain_role() -> Result<()> {
    let db = canon_database("live_plain")?;
    let mut client = db.connect()?;
    client.batch_execute("SELECT canon.install('all')")?;
    let role = server().role("live_reader")?;
    let root = repo_root()?;
    let url = server().url(db.name()).replace("user=postgres", &format!("user={}", role.name()));
    let files = canon(&root, &["order", "schema/core"], &[])?;
    let live = canon(&root, &["order", "--schema", "core", "--database-url", &url], &[])?;
    assert_eq!((live.code, live.err.as_str()), (0, ""));
    assert_eq!(live.out.lines().count(), files.out.lines().count());
    let by_variable =
        canon(&root, &["order", "--schema", "core", "--database-url", "env:LIVE_URL"], &[("LIVE_URL", &url)])?;
    assert_eq!(by_variable, live);
    let same = canon(&root, &["diff", "schema/core", "--database-url", &url], &[])?;
    assert_eq!((same.code, same.out.as_str()), (0, ""), "{}", same.err);
    let wrong = canon(&root, &["order", "--schema", "croe", "--database-url", &url], &[])?;
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("there is no such schema"), "{}", wrong.err);
    Ok(())
}

#[test]
fn a_live_database_gives_what_files_give() -> Result<()> {
    let db = database("live_types")?;
    let ddl = "CREATE TYPE mood AS ENUM ('glad', 'sad');
               CREATE TABLE \"Odd name\" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \"type\" mood NOT NULL, n numeric(5, 2));
               CREATE TABLE child (odd bigint NOT NULL REFERENCES \"Odd name\", at timestamptz DEFAULT now());";
    db.connect()?.batch_execute(ddl)?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("app.sql"), ddl)?;
    let url = server().url(db.name());
    for command in ["types", "docs"] {
        let files = canon(folder.path(), &[command, "app.sql", "--out", "files"], &[])?;
        assert_eq!(files.code, 0, "{}", files.err);
        let live = canon(folder.path(), &[command, "--database-url", &url, "--out", "live"], &[])?;
        assert_eq!(live.code, 0, "{}", live.err);
    }
    // The same items; only where they were declared, and how to generate them, is not the same.
    let items = |name: &str| -> Result<Vec<String>> {
        let text = std::fs::read_to_string(folder.path().join(name))?;
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        Ok(code.map(str::to_owned).collect())
    };
    for name in ["mod.rs", "public/mod.rs", "public/child.rs", "public/odd_name.rs"] {
        assert_eq!(items(&format!("live/{name}"))?, items(&format!("files/{name}"))?, "{name}");
    }
    let page = std::fs::read_to_string(folder.path().join(format!("live/{}/README.md", db.name())))?;
    assert!(page.contains("Odd name"), "{page}");
    assert!(!page.contains(&url) && page.contains("--database-url URL"), "{page}");
    Ok(())
}
