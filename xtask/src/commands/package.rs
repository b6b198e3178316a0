//! `cargo xtask package`.

use std::fs::read_dir;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::project::Project;

/// Builds the extension in release mode as a tree of files, and says how to install it.
pub(crate) fn run(project: &Project) -> Result<()> {
    let out = project.repo().join(format!("target/package/pg{}", project.major()));
    project.pgrx()?.package_for(project.install()?, &out)?;
    for file in files(&out)? {
        println!("{}", file.display());
    }
    println!("to install on a machine with the same PostgreSQL: sudo cp -r '{}/.' /", out.display());
    Ok(())
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
