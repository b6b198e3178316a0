//! Long steps: a spinner on a terminal, plain lines in a log.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

/// Runs `work` under the name `name`, which reads as "... building the extension".
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    if !std::io::stderr().is_terminal() {
        eprintln!("==> {name}");
        let result = work();
        let verdict = if result.is_ok() { "done in" } else { "failed after" };
        eprintln!("    {verdict} {}", seconds(start.elapsed()));
        return result;
    }
    let bar = ProgressBar::new_spinner().with_message(name.to_owned());
    bar.set_style(ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("a fixed template"));
    bar.enable_steady_tick(Duration::from_millis(100));
    let result = work();
    bar.finish_and_clear();
    let verdict = if result.is_ok() { "" } else { "failed after " };
    eprintln!("==> {name} ({verdict}{})", seconds(start.elapsed()));
    result
}

/// Heading of something whose own output follows.
pub(crate) fn heading(text: &str) {
    eprintln!("==> {text}");
}

/// `12.3 s`.
pub(crate) fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}
