//! The module that generated types lean on, put together from what they need.

use std::collections::BTreeSet;

use crate::config::{Client, Dates, Serde, TypesConfig};

const CORE: &str = include_str!("../../../templates/runtime/core.rs");
const TOKIO_POSTGRES: &str = include_str!("../../../templates/runtime/tokio_postgres.rs");
const SQLX: &str = include_str!("../../../templates/runtime/sqlx.rs");

/// A file of the runtime, the parts it is there for, and whether only `tokio-postgres` has it.
struct Module {
    name: &'static str,
    parts: &'static [&'static str],
    text: &'static str,
    internal: bool,
}

const MODULES: &[Module] = &[
    Module {
        name: "array",
        parts: &["array"],
        text: include_str!("../../../templates/runtime/array.rs"),
        internal: false,
    },
    Module {
        name: "bits",
        parts: &["bits"],
        text: include_str!("../../../templates/runtime/bits.rs"),
        internal: false,
    },
    Module {
        name: "geometric",
        parts: &["geometric"],
        text: include_str!("../../../templates/runtime/geometric.rs"),
        internal: false,
    },
    Module {
        name: "interval",
        parts: &["interval"],
        text: include_str!("../../../templates/runtime/interval.rs"),
        internal: false,
    },
    Module {
        name: "json",
        parts: &["json", "json_text"],
        text: include_str!("../../../templates/runtime/json.rs"),
        internal: false,
    },
    Module {
        name: "macaddr",
        parts: &["macaddr", "macaddr8"],
        text: include_str!("../../../templates/runtime/macaddr.rs"),
        internal: false,
    },
    Module {
        name: "money",
        parts: &["money"],
        text: include_str!("../../../templates/runtime/money.rs"),
        internal: false,
    },
    Module { name: "oid", parts: &["oid"], text: include_str!("../../../templates/runtime/oid.rs"), internal: false },
    Module {
        name: "range",
        parts: &["range"],
        text: include_str!("../../../templates/runtime/range.rs"),
        internal: false,
    },
    Module {
        name: "record",
        parts: &["record"],
        text: include_str!("../../../templates/runtime/record.rs"),
        internal: false,
    },
    Module {
        name: "timetz",
        parts: &["timetz"],
        text: include_str!("../../../templates/runtime/timetz.rs"),
        internal: false,
    },
    Module { name: "wire", parts: &["wire"], text: include_str!("../../../templates/runtime/wire.rs"), internal: true },
];

/// What a part needs in turn, with one client or with both.
const NEEDS: &[(&str, &str, &str)] = &[
    ("multirange", "range", ""),
    ("array", "wire_values", "tokio-postgres"),
    ("range", "wire_values", "tokio-postgres"),
    ("composite", "record", "tokio-postgres"),
    ("record", "wire_values", "tokio-postgres"),
    ("wire_values", "wire", "tokio-postgres"),
    ("bits", "wire", "tokio-postgres"),
    ("geometric", "wire", "tokio-postgres"),
    ("interval", "wire", "tokio-postgres"),
    ("timetz", "wire", "tokio-postgres"),
    ("newtype_sql", "inner_value", "sqlx"),
    ("domain", "inner_value", "sqlx"),
    ("domain", "named", "sqlx"),
    ("text_enum", "text_value", "sqlx"),
    ("sql_enum", "text_value", "sqlx"),
    ("sql_enum", "named", "sqlx"),
    ("composite", "named", "sqlx"),
];

fn client_tag(client: Client) -> &'static str {
    match client {
        Client::TokioPostgres => "tokio-postgres",
        Client::Sqlx => "sqlx",
        Client::None => "none",
    }
}

/// The files of the module, by name.
pub(super) fn files(config: &TypesConfig, parts: &BTreeSet<&'static str>) -> Vec<(String, String)> {
    let client = client_tag(config.client);
    let mut tags = parts.clone();
    tags.insert(client);
    if config.serde != Serde::Never {
        tags.insert("serde");
    }
    loop {
        let before = tags.len();
        for (part, needs, only) in NEEDS {
            if tags.contains(part) && (only.is_empty() || *only == client) {
                tags.insert(needs);
            }
        }
        if tags.len() == before {
            break;
        }
    }
    let mut files = Vec::new();
    let mut modules = Vec::new();
    match config.client {
        Client::TokioPostgres => modules.push(("client", TOKIO_POSTGRES, false)),
        Client::Sqlx => modules.push(("client", SQLX, false)),
        Client::None => {}
    }
    let wanted = MODULES.iter().filter(|module| module.parts.iter().any(|part| tags.contains(part)));
    modules.extend(wanted.map(|module| (module.name, module.text, module.internal)));
    let mut list = String::new();
    for (name, text, internal) in &modules {
        files.push((format!("{name}.rs"), assemble(text, config, &tags, "")));
        list.push_str(&format!("mod {name};\n"));
        if !internal {
            list.push_str(&format!("pub use {name}::*;\n"));
        }
    }
    if !list.is_empty() {
        list.push('\n');
    }
    files.push(("mod.rs".to_owned(), assemble(CORE, config, &tags, &list)));
    files
}

/// A template without the sections that are not wanted, and with its blanks filled in.
fn assemble(template: &str, config: &TypesConfig, tags: &BTreeSet<&'static str>, modules: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut open: Vec<bool> = Vec::new();
    let mut blank = false;
    for line in template.lines() {
        let bare = line.trim_start();
        if bare.starts_with("//[/") {
            open.pop();
            continue;
        }
        if let Some(tag) = bare.strip_prefix("//[").and_then(|rest| rest.strip_suffix(']')) {
            open.push(tags.contains(tag));
            continue;
        }
        if open.contains(&false) {
            continue;
        }
        if let Some(mark) = bare.strip_prefix("//@") {
            out.push_str(serde_line(mark, config.serde));
            continue;
        }
        if bare.is_empty() {
            blank = true;
            continue;
        }
        if std::mem::take(&mut blank) && !out.is_empty() {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
    }
    let (time, time_default) = match config.dates {
        Dates::Chrono => ("chrono::NaiveTime", "Default, "),
        Dates::Jiff => ("jiff::civil::Time", "Default, "),
        Dates::Time => ("time::Time", ""),
    };
    let has_client = config.client != Client::None;
    out.replace("{{modules}}\n", modules)
        .replace("{{from_row}}", if has_client { "FromRow" } else { "Sized" })
        .replace("{{insert}}", if has_client { ": Insert<Row = Self>" } else { "" })
        .replace("{{time}}", time)
        .replace("{{time_default}}", time_default)
        .replace("{{and_multiranges}}", if tags.contains("multirange") { " and multiranges" } else { "" })
}

fn serde_line(mark: &str, serde: Serde) -> &'static str {
    match (mark, serde) {
        ("serde", Serde::Always) => "#[derive(serde::Serialize, serde::Deserialize)]\n",
        ("serde", Serde::Feature) => "#[cfg_attr(feature = \"serde\", derive(serde::Serialize, serde::Deserialize))]\n",
        ("serde_transparent", Serde::Always) => {
            "#[derive(serde::Serialize, serde::Deserialize)]\n#[serde(transparent)]\n"
        }
        ("serde_transparent", Serde::Feature) => {
            "#[cfg_attr(feature = \"serde\", derive(serde::Serialize, serde::Deserialize), serde(transparent))]\n"
        }
        ("serde_cfg", Serde::Feature) => "#[cfg(feature = \"serde\")]\n",
        _ => "",
    }
}

/// A crate that generated code may use: how its paths begin, and its line in `Cargo.toml`.
struct Crate {
    path: &'static str,
    line: String,
}

/// The lines of `Cargo.toml` that `code` needs.
pub(super) fn dependencies<'a>(config: &TypesConfig, code: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let uses = |path: &str| {
        let spaced = format!("{path} ::");
        let tight = format!("{path}::");
        code.clone().any(|text| contains_path(text, &tight) || contains_path(text, &spaced))
    };
    let serde = config.serde != Serde::Never;
    let with_serde = |path: &'static str, version: &str, more: &str| {
        let features = [more, if serde { "\"serde\"" } else { "" }];
        let features: Vec<&str> = features.into_iter().filter(|f| !f.is_empty()).collect();
        let line = match features.join(", ") {
            none if none.is_empty() => format!("{path} = \"{version}\""),
            features => format!("{path} = {{ version = \"{version}\", features = [{features}] }}"),
        };
        Crate { path, line }
    };
    let mut crates = vec![
        with_serde("chrono", "0.4", ""),
        with_serde("cidr", "0.3", ""),
        with_serde("ipnetwork", "0.21", ""),
        with_serde("jiff", "0.2", ""),
        with_serde(
            "rust_decimal",
            "1",
            if config.client == Client::TokioPostgres { "\"db-tokio-postgres\"" } else { "" },
        ),
        with_serde("time", "0.3", ""),
        with_serde("uuid", "1", ""),
        Crate { path: "serde_json", line: "serde_json = \"1\"".to_owned() },
    ];
    crates.retain(|c| uses(c.path));
    if serde && uses("serde") {
        let optional = if config.serde == Serde::Feature { ", optional = true" } else { "" };
        let line = format!("serde = {{ version = \"1\", features = [\"derive\"]{optional} }}");
        crates.push(Crate { path: "serde", line });
    }
    let has = |path: &str| crates.iter().any(|c| c.path == path);
    let features: &[(&str, &str, &str)] = &[
        ("chrono", "with-chrono-0_4", "chrono"),
        ("jiff", "with-jiff-0_2", "jiff"),
        ("time", "with-time-0_3", "time"),
        ("cidr", "with-cidr-0_3", ""),
        ("serde_json", "with-serde_json-1", "json"),
        ("uuid", "with-uuid-1", "uuid"),
        ("rust_decimal", "", "rust_decimal"),
        ("ipnetwork", "", "ipnetwork"),
    ];
    let list = |choose: fn(&(&str, &'static str, &'static str)) -> &'static str| {
        let chosen = features.iter().filter(|f| has(f.0)).map(choose).filter(|f| !f.is_empty());
        chosen.map(|f| format!("\"{f}\"")).collect::<Vec<_>>().join(", ")
    };
    let line = match config.client {
        Client::TokioPostgres => {
            Some(format!("tokio-postgres = {{ version = \"0.7\", features = [{}] }}", list(|f| f.1)))
        }
        Client::Sqlx => {
            let features = list(|f| f.2);
            let comma = if features.is_empty() { "" } else { ", " };
            Some(format!(
                "sqlx = {{ version = \"0.9\", default-features = false, features = [\"postgres\"{comma}{features}] }}"
            ))
        }
        Client::None => None,
    };
    let mut lines: Vec<String> = crates.into_iter().map(|c| c.line).chain(line).collect();
    lines.sort();
    lines
}

/// Whether `text` has the path at the beginning of a word and outside comments.
fn contains_path(text: &str, path: &str) -> bool {
    // Most files have none: lines are looked at only where there is something to find.
    memchr::memmem::find(text.as_bytes(), path.as_bytes()).is_some()
        && text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
            line.match_indices(path).any(|(at, _)| {
                let before = line[..at].trim_end();
                !before.ends_with("::") && !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
            })
        })
}
