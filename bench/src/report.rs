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

/// Writes the results of one benchmark to `NAME.json` in `dir` and returns its path.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_json(dir: &Path, name: &str, results: &[Measurement]) -> Result<PathBuf> {
    let file = dir.join(format!("{name}.json"));
    let text = serde_json::to_string_pretty(results)? + "\n";
    std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&file, text))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
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
        let file = write_json(&dir.path().join("new"), "rate", &results).unwrap();
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
