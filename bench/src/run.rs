use std::time::Duration;

use anyhow::{Context, Result, ensure};
use xtask::Server;

use crate::Unit;
use crate::case::{Benchmark, Case, Round};
use crate::report::Measurement;
use crate::stats::median;

/// How to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Rounds of each contender that count.
    pub rounds: u32,
    /// Length of a round, where a contender lets us choose.
    pub duration: Duration,
}

/// Measures every case of `benchmark` with `only` in its name, and says on standard error how far it
/// is and what has come of it.
///
/// # Errors
///
/// When no case has such a name, a contender fails, or it measures something that is not a positive
/// number.
pub fn measure(
    benchmark: &Benchmark,
    server: &Server,
    options: Options,
    only: Option<&str>,
) -> Result<Vec<Measurement>> {
    let mut cases = (benchmark.cases)(server).with_context(|| format!("preparing benchmark {}", benchmark.name))?;
    let all = cases.len();
    cases.retain(|case| only.is_none_or(|part| case.name.contains(part)));
    ensure!(!cases.is_empty() || all == 0, "no case of {} has {only:?} in its name", benchmark.name);
    let count = cases.len();
    let mut measured = Vec::new();
    for (number, mut case) in cases.into_iter().enumerate() {
        let plural = if case.clients == 1 { "" } else { "s" };
        eprint!("==> {} {}/{count}: {}, {} client{plural}", benchmark.name, number + 1, case.name, case.clients);
        let result = measure_case(benchmark.name, &mut case, options)
            .with_context(|| format!("benchmark {}, case {}", benchmark.name, case.name))?;
        let ratios: String = result.ratios.iter().map(|(peer, ratio)| format!(", {ratio:.2}x {peer}")).collect();
        eprintln!(": {}{ratios}", result.value());
        measured.push(result);
    }
    Ok(measured)
}

/// One round of each contender to warm up, which does not count; then ours, every peer, ours, every
/// peer, ...
fn measure_case(bench: &'static str, case: &mut Case, options: Options) -> Result<Measurement> {
    ensure!(options.rounds > 0, "there must be at least one round");
    let round = Round { clients: case.clients, duration: options.duration };
    let mut ours = Vec::new();
    let mut peers: Vec<Vec<f64>> = vec![Vec::new(); case.peers.len()];
    for number in 0..=options.rounds {
        let counts = number > 0;
        let value = measured("ours", case.unit, (case.ours)(round)?)?;
        if counts {
            ours.push(value);
        }
        for ((name, run), values) in case.peers.iter_mut().zip(&mut peers) {
            let value = measured(name, case.unit, run(round).with_context(|| format!("peer {name}"))?)?;
            if counts {
                values.push(value);
            }
        }
    }
    let names = case.peers.iter().map(|(name, _)| name.clone());
    let medians = names.zip(peers.iter().map(|values| median(values)));
    Ok(Measurement::new(bench, &case.name, case.clients, case.unit, median(&ours), medians.collect()))
}

/// A number of bytes may be zero; anything else that is was not measured.
fn measured(name: &str, unit: Unit, value: f64) -> Result<f64> {
    let nothing = value == 0.0 && unit == Unit::Bytes;
    ensure!(value.is_finite() && (value > 0.0 || nothing), "{name} measured {value}, which is not a positive number");
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    const OPTIONS: Options = Options { rounds: 3, duration: Duration::from_millis(1) };

    #[test]
    fn contenders_take_turns_and_the_first_round_does_not_count() {
        let log = Rc::new(RefCell::new(String::new()));
        let contender = |name: char, values: [f64; 4]| {
            let (log, mut values) = (Rc::clone(&log), values.into_iter());
            move |round: Round| {
                assert_eq!(round, Round { clients: 2, duration: OPTIONS.duration });
                log.borrow_mut().push(name);
                Ok(values.next().expect("no more than four rounds"))
            }
        };
        let mut case = Case::new("c", 2, Unit::Milliseconds, contender('o', [900.0, 1.0, 2.0, 3.0]))
            .against("slow", contender('s', [1.0, 8.0, 8.0, 8.0]))
            .against("fast", contender('f', [1.0, 1.0, 1.0, 500.0]));
        let measured = measure_case("b", &mut case, OPTIONS).unwrap();
        assert_eq!(*log.borrow(), "osf".repeat(4));
        assert_eq!(measured.ours, 2.0);
        assert_eq!((measured.ratios["slow"], measured.ratios["fast"]), (4.0, 0.5));
    }

    #[test]
    fn a_contender_that_measures_nothing_is_named() {
        let mut case = Case::new("c", 1, Unit::Milliseconds, |_| Ok(1.0)).against("void", |_| Ok(0.0));
        let error = measure_case("b", &mut case, OPTIONS).unwrap_err().to_string();
        assert_eq!(error, "void measured 0, which is not a positive number");
    }
}
