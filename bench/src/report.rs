use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{Machine, Unit};

/// The result of one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// Name of the benchmark.
    pub bench: String,
    /// Name of the case.
    pub case: String,
    /// Concurrent clients.
    pub clients: usize,
    /// Unit of `ours` and `peers`. More is better where it ends in `/s`, and less otherwise.
    pub unit: String,
    /// Median of our rounds.
    pub ours: f64,
    /// Median of each peer's rounds.
    pub peers: BTreeMap<String, f64>,
    /// How many times better we are than each peer: `ours / peer` where more is better, `peer / ours`
    /// where less is. So above 1 we win, whatever the unit.
    pub ratios: BTreeMap<String, f64>,
    /// Where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
}

impl Measurement {
    pub(crate) fn new(
        bench: &str,
        case: &str,
        clients: usize,
        unit: Unit,
        ours: f64,
        peers: BTreeMap<String, f64>,
    ) -> Self {
        let ratios = peers.iter().map(|(name, peer)| (name.clone(), unit.ratio(ours, *peer))).collect();
        Self {
            bench: bench.to_owned(),
            case: case.to_owned(),
            clients,
            unit: unit.symbol().to_owned(),
            ours,
            peers,
            ratios,
            machine: None,
        }
    }

    /// What we measured, with its unit.
    pub(crate) fn value(&self) -> String {
        format!("{} {}", number(self.ours), self.unit)
    }

    /// The same, with the machine it was measured on.
    #[must_use]
    pub fn on(mut self, machine: &Machine) -> Self {
        self.machine = Some(machine.clone());
        self
    }
}

/// Results for people: a line for each peer, with how many times better we are.
#[must_use]
pub fn table(results: &[Measurement]) -> String {
    let mut rows = vec![["case", "clients", "unit", "ours", "peer", "theirs", "ratio"].map(str::to_owned)];
    for result in results {
        let ours = || [result.case.clone(), result.clients.to_string(), result.unit.clone(), number(result.ours)];
        let mut line = |theirs: [String; 3]| {
            let [a, b, c, d] = ours();
            let [e, f, g] = theirs;
            rows.push([a, b, c, d, e, f, g]);
        };
        if result.peers.is_empty() {
            line(["-", "-", "-"].map(str::to_owned));
        }
        for (name, value) in &result.peers {
            line([name.clone(), number(*value), format!("{:.2}x", result.ratios[name])]);
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            // Names to the left, numbers to the right.
            let _ = match column {
                0 | 2 | 4 => write!(text, "{cell:<width$}  "),
                _ => write!(text, "{cell:>width$}  "),
            };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// Three significant digits or all before the point, whichever are more.
fn number(value: f64) -> String {
    let decimals = match value {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

/// Writes the results of one benchmark to `NAME.json` in `dir` and returns its path. With `keep`, what
/// the file says of other cases stays.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_json(dir: &Path, name: &str, results: &[Measurement], keep: bool) -> Result<PathBuf> {
    let file = dir.join(format!("{name}.json"));
    let mut all = if keep { read_json(&file) } else { Vec::new() };
    for result in results {
        let new = serde_json::to_value(result)?;
        match all.iter_mut().find(|old| old["case"] == new["case"] && old["clients"] == new["clients"]) {
            Some(old) => *old = new,
            None => all.push(new),
        }
    }
    let text = serde_json::to_string_pretty(&all)? + "\n";
    std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&file, text))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// The results in a file; none where there is no such file, or none that can be read.
fn read_json(file: &Path) -> Vec<serde_json::Value> {
    std::fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(unit: Unit, ours: f64, peers: &[(&str, f64)]) -> Measurement {
        let peers = peers.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Measurement::new("rate", "one key", 4, unit, ours, peers)
    }

    fn machine() -> Machine {
        Machine {
            cpu: "Z80".to_owned(),
            cores: 1,
            memory_gib: 0,
            kernel: "CP/M 2.2".to_owned(),
            postgres: "15.20".to_owned(),
            profile: "release".to_owned(),
        }
    }

    #[test]
    fn the_file_has_the_documented_shape() {
        let dir = tempfile::tempdir().unwrap();
        let results = [result(Unit::OpsPerSecond, 3000.0, &[("redis", 1000.0)]).on(&machine())];
        let file = write_json(&dir.path().join("new"), "rate", &results, false).unwrap();
        assert_eq!(file.file_name().unwrap(), "rate.json");
        let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let expected = serde_json::json!([{
            "bench": "rate", "case": "one key", "clients": 4, "unit": "ops/s",
            "ours": 3000.0, "peers": {"redis": 1000.0}, "ratios": {"redis": 3.0},
            "machine": {"cpu": "Z80", "cores": 1, "memory_gib": 0, "kernel": "CP/M 2.2",
                        "postgres": "15.20", "profile": "release"}
        }]);
        assert_eq!(json, expected);
    }

    #[test]
    fn what_was_measured_again_replaces_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let write = |ours: f64, keep| {
            let other = Measurement { case: "other".to_owned(), ..result(Unit::Bytes, 1.0, &[]) };
            let results = [result(Unit::Bytes, ours, &[]), other];
            let results = if keep { &results[..1] } else { &results[..] };
            let file = write_json(dir.path(), "rate", results, keep).unwrap();
            read_json(&file).iter().map(|r| (r["case"].clone(), r["ours"].as_f64().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(write(5.0, false), [("one key".into(), 5.0), ("other".into(), 1.0)]);
        assert_eq!(write(7.0, true), [("one key".into(), 7.0), ("other".into(), 1.0)]);
    }

    #[test]
    fn the_table_has_a_line_for_each_peer() {
        let results = [
            result(Unit::Microseconds, 2.5, &[("plpgsql", 10.0), ("upsert", 1.0)]),
            result(Unit::OpsPerSecond, 123_456.7, &[]),
        ];
        let expected = "\
case     clients  unit     ours  peer     theirs  ratio
one key        4  µs       2.50  plpgsql    10.0  4.00x
one key        4  µs       2.50  upsert     1.00  0.40x
one key        4  ops/s  123457  -             -      -
";
        assert_eq!(table(&results), expected);
    }
}
