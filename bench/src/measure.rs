use std::sync::Barrier;
use std::time::Instant;

use anyhow::{Result, anyhow};

use crate::case::Round;

/// Operations in a second of `round.clients` concurrent clients.
///
/// `client` is called with each client's number and returns its operation; connecting and preparing
/// statements belong there, before the clock starts for all clients at once. Each client works until
/// the round is over and finishes the operation it is in.
///
/// # Errors
///
/// The first error of a client.
pub fn throughput<Op>(round: Round, client: impl Fn(usize) -> Result<Op> + Sync) -> Result<f64>
where
    Op: FnMut() -> Result<()>,
{
    // A client that cannot connect must still arrive, or the others would wait for ever.
    let start_line = Barrier::new(round.clients);
    let one_client = |number: usize| -> Result<f64> {
        let prepared = client(number);
        start_line.wait();
        let mut operation = prepared?;
        let start = Instant::now();
        let mut done = 0.0;
        while start.elapsed() < round.duration {
            operation()?;
            done += 1.0;
        }
        Ok(done / start.elapsed().as_secs_f64())
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..round.clients).map(|number| scope.spawn(move || one_client(number))).collect();
        clients.into_iter().map(|c| c.join().map_err(|_| anyhow!("a client panicked"))?).sum()
    })
}

/// Microseconds for one call of `operation`, over as many as fit into the round.
///
/// # Errors
///
/// The first error of a call.
pub fn time_per_call(round: Round, mut operation: impl FnMut() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    let mut calls = 0.0;
    loop {
        operation()?;
        calls += 1.0;
        let elapsed = start.elapsed();
        if elapsed >= round.duration {
            return Ok(elapsed.as_secs_f64() * 1e6 / calls);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    const ROUND: Round = Round { clients: 3, duration: Duration::from_millis(20) };

    #[test]
    fn every_client_is_prepared_once_and_counted() {
        let (prepared, calls) = (AtomicU32::new(0), AtomicU32::new(0));
        let rate = throughput(ROUND, |_| {
            prepared.fetch_add(1, Ordering::Relaxed);
            Ok(|| {
                calls.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
                Ok(())
            })
        })
        .unwrap();
        assert_eq!(prepared.into_inner(), 3);
        // Each client's clock runs at least as long as the round, so the rate cannot exceed this.
        assert!(rate > 0.0 && rate <= f64::from(calls.into_inner()) / ROUND.duration.as_secs_f64());
    }

    #[test]
    fn a_client_that_cannot_start_stops_nobody_else() {
        let error = throughput(ROUND, |number| {
            anyhow::ensure!(number != 1, "no connection");
            Ok(|| Ok(()))
        });
        assert_eq!(error.unwrap_err().to_string(), "no connection");
    }

    #[test]
    fn a_call_takes_at_least_as_long_as_it_sleeps() {
        let nap = Duration::from_millis(2);
        let time = time_per_call(ROUND, || {
            std::thread::sleep(nap);
            Ok(())
        });
        assert!(time.unwrap() >= 2000.0);
    }
}
