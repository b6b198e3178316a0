//! What `canon` reads from real DDL is what PostgreSQL makes of it.

use anyhow::Result;
use canon_tests::corpus::{FOLDER, folder, judge, samples};
use canon_tests::server;

#[test]
fn models_equal_the_catalogue() -> Result<()> {
    let Some(folder) = folder()? else {
        println!("skipped: no DDL files in ../shared/corpus; {FOLDER} names another folder");
        return Ok(());
    };
    for sample in samples(&folder)? {
        if let Ok(only) = std::env::var("ONLY")
            && only != sample.name
        {
            continue;
        }
        let verdict = judge(&server(), &sample)?;
        let account = &verdict.loaded.coverage[0];
        println!(
            "{}: {} statements, {} unparsed, {} refused, {} diagnostics, {} differences, {:.1} ms",
            verdict.name,
            account.statements,
            account.unparsed,
            verdict.refusals.len(),
            verdict.loaded.diagnostics.len(),
            verdict.differences.len(),
            verdict.milliseconds
        );
        let expected = canon_tests::corpus::expected(&folder)?;
        let row = &expected[&sample.name];
        for (name, n) in canon_codegen::counts::COLUMNS[1..].iter().zip(canon_codegen::counts::counts(&verdict.loaded.model)) {
            if row[*name] != n.to_string() { println!("    {name}: {n}, expected {}", row[*name]); }
        }
        if std::env::var_os("VERBOSE").is_some() {
            for d in &verdict.differences {
                println!("  {d}");
            }
            for d in &verdict.refusals {
                println!("  PG {d}");
            }
            for d in &verdict.loaded.diagnostics {
                println!("{}", d.render(&verdict.loaded.sources, false));
            }
        }
    }
    Ok(())
}
