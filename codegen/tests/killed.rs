//! A run of `canon gen` that is killed, at any moment: what is on disk is the old state or the new
//! one, or the next run makes it the new one.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{CONFIG, Project};

const TABLES: usize = 40;

/// Many files, so that a run has many moments to be killed at.
fn ddl(ty: &str) -> String {
    let mut text = "CREATE SCHEMA shop;\n".to_owned();
    for n in 0..TABLES {
        let _ = writeln!(text, "CREATE TABLE shop.t{n} (id {ty} PRIMARY KEY, name text);");
    }
    text
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What a user sees: no temporary files, no note.
fn shown(project: &Project) -> Files {
    let all = project.files().into_iter().map(|(path, (bytes, _))| (path, bytes));
    let shown = all.filter(|(path, _)| !is_hidden(path));
    shown.map(|(path, bytes)| (path.strip_prefix(project.root()).unwrap().to_owned(), bytes)).collect()
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".canon-"))
}

fn restore(project: &Project, files: &Files) {
    for entry in fs::read_dir(project.root()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }
    for (path, bytes) in files {
        project.write(&path.to_string_lossy(), std::str::from_utf8(bytes).unwrap());
    }
}

/// Starts a run and kills it when `now` says so; true where it was still running.
fn killed(project: &Project, mut now: impl FnMut() -> bool) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_canon"));
    command.arg("gen").current_dir(project.root()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    while !now() {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

#[test]
fn a_killed_run_leaves_the_old_state_or_is_ended_by_the_next() {
    let project = Project::new();
    let config = CONFIG.replace("path = \"docs\"", "path = \"docs\"\npages = \"table\"");
    project.write("canon.toml", &config);
    project.write("ddl/10_shop.sql", &ddl("int"));
    assert!(project.canon(&["gen"]).ok);
    let mut before = shown(&project);
    project.write("ddl/10_shop.sql", &ddl("bigint"));
    before.insert("ddl/10_shop.sql".into(), ddl("bigint").into_bytes());
    let start = Instant::now();
    assert!(project.canon(&["gen"]).ok);
    let whole = start.elapsed();
    let after = shown(&project);
    let changed = after.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes)).count();
    assert!(changed > TABLES, "{changed} files");

    let journal = project.path(".canon-journal");
    let (mut on_the_way, mut moving) = (0, 0);
    for turn in 0..24u32 {
        restore(&project, &before);
        let start = Instant::now();
        let hit = if turn % 2 == 0 {
            let moment = whole * turn / 24;
            killed(&project, || start.elapsed() >= moment)
        } else {
            // While the files are put in their places.
            let pause = Duration::from_micros(u64::from(turn) * 20);
            let mut seen: Option<Instant> = None;
            killed(&project, || {
                seen = seen.or_else(|| journal.exists().then(Instant::now));
                seen.is_some_and(|at| at.elapsed() >= pause)
            })
        };
        on_the_way += u32::from(hit);
        let now = shown(&project);
        if journal.exists() {
            moving += 1;
        } else {
            assert!(now == before || now == after, "turn {turn}: a mixture without a note");
        }
        let ran = project.canon(&["gen"]);
        assert!(ran.ok, "turn {turn}: {}", ran.err);
        assert_eq!(shown(&project), after, "turn {turn}");
        let left: Vec<PathBuf> = project.files().into_keys().filter(|path| is_hidden(path)).collect();
        assert!(left.is_empty(), "turn {turn}: {left:?}");
    }
    assert!(on_the_way > 5 && moving > 0, "{on_the_way} runs were killed, {moving} of them while moving");
}

/// Two runs at once do not take each other's temporary files for left behind.
#[test]
fn two_runs_at_once_both_succeed() {
    let project = Project::new();
    project.write("ddl/10_shop.sql", &ddl("int"));
    assert!(project.canon(&["gen"]).ok);
    for ty in ["bigint", "smallint", "int"] {
        project.write("ddl/10_shop.sql", &ddl(ty));
        let run = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_canon"));
            command.arg("gen").current_dir(project.root()).stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().unwrap()
        };
        let both = [run(), run()];
        for child in both {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        assert!(project.canon(&["check"]).ok);
    }
}
