//! `canon verify` and `canon key`: the audit ledger outside the database.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use canon_codegen::error::Error;
use canon_core::ledger::dump::{self, verify_dump, verify_lines};
use canon_core::ledger::note::{Checkpoint, Signer, Verifier, notes_in};
use canon_core::ledger::receipt::{FORMAT, Receipt};
use canon_core::ledger::verify::Witnessed;
use clap::Args;

use super::{Outcome, Verdict, counted};

#[derive(Args)]
pub(super) struct VerifyArgs {
    /// Receipts (JSON), exports (JSON lines) or dumps (plain text of pg_dump)
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Public key, NAME+HASH+BASE64, or a file that holds it
    #[arg(long, required_unless_present = "without_key")]
    key: Option<String>,
    /// Believe the root that stands in the file: finds accidents, not forgery
    #[arg(long, conflicts_with = "key")]
    without_key: bool,
    /// File of checkpoints that left the database; may be given more than once
    #[arg(long)]
    checkpoints: Vec<PathBuf>,
}

#[derive(Args)]
pub(super) struct KeyArgs {
    /// Name of the key, such as the host name of the ledger: no blanks, no "+"
    name: String,
    /// File for the secret; it must not exist
    #[arg(long)]
    out: PathBuf,
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(Error::io(path))
}

fn text(path: &Path) -> Result<String, Error> {
    String::from_utf8(read(path)?).map_err(|_| Error::Usage(format!("{}: not UTF-8", path.display())))
}

/// A key on the command line, or the file that holds it.
fn public_key(argument: &str) -> Result<Verifier, Error> {
    let parsed = Verifier::parse(argument);
    if parsed.is_ok() || argument.contains('+') {
        return parsed.map_err(|error| Error::Usage(format!("--key: {error}")));
    }
    Verifier::parse(&text(Path::new(argument))?).map_err(|error| Error::Usage(format!("{argument}: {error}")))
}

/// The checkpoints in a file; with a key, each must be signed by it.
fn witnessed(path: &Path, key: Option<&Verifier>) -> Result<Vec<Witnessed>, Error> {
    let bad = |number: usize, error: &dyn std::fmt::Display| {
        Error::Usage(format!("{}: checkpoint {number}: {error}", path.display()))
    };
    let mut found = Vec::new();
    for (k, note) in notes_in(&text(path)?).iter().enumerate() {
        let parsed = match key {
            Some(key) => key.open(note).and_then(Checkpoint::parse),
            None => Checkpoint::of_note(note),
        };
        let checkpoint = parsed.map_err(|error| bad(k + 1, &error))?;
        found.push(Witnessed { checkpoint, source: format!("checkpoint {} of {}", k + 1, path.display()) });
    }
    Ok(found)
}

pub(super) fn verify(args: &VerifyArgs) -> Outcome {
    let key = args.key.as_deref().map(public_key).transpose()?;
    let mut known = Vec::new();
    for path in &args.checkpoints {
        known.extend(witnessed(path, key.as_ref())?);
    }
    let mut report = String::new();
    let mut verdict = Verdict::Good;
    for path in &args.files {
        let (line, good) = verify_file(path, &read(path)?, key.as_ref(), &known)?;
        let _ = writeln!(report, "{}: {line}", path.display());
        if !good {
            verdict = Verdict::Bad;
        }
    }
    Ok((report, verdict))
}

fn verify_file(
    path: &Path,
    bytes: &[u8],
    key: Option<&Verifier>,
    known: &[Witnessed],
) -> Result<(String, bool), Error> {
    let unreadable = |error: dump::Unreadable| Error::Usage(format!("{}: {error}", path.display()));
    let as_text = std::str::from_utf8(bytes).ok().filter(|text| text.trim_start().starts_with('{'));
    let found = match as_text {
        Some(text) if is_receipt(text) => {
            let receipt: Receipt = serde_json::from_str(text)
                .map_err(|error| Error::Usage(format!("{}: not a receipt: {error}", path.display())))?;
            return Ok(match receipt.verify(key) {
                Ok(()) => {
                    let signed = if key.is_some() { ", signed" } else { "" };
                    (
                        format!(
                            "ok: entry {} at index {} of {}{signed}",
                            receipt.entry.id, receipt.index, receipt.size
                        ),
                        true,
                    )
                }
                Err(what) => (format!("BAD: {what}"), false),
            });
        }
        Some(text) => verify_lines(text, key, known.to_vec()),
        None => verify_dump(bytes, key, known.to_vec()),
    };
    let found = found.map_err(unreadable)?;
    let entries = counted(usize::try_from(found.entries).unwrap_or(usize::MAX), "entry", "entries");
    Ok(match found.problem {
        None => {
            let (signed, redacted) = (found.signed, found.redacted);
            let removed = if found.removed > 0 { format!(", {} removed", found.removed) } else { String::new() };
            (
                format!("ok: {entries}, {signed} signed checkpoints, {redacted} erased{removed}, size {}", found.size),
                true,
            )
        }
        Some(problem) => {
            let entry = problem.entry.map(|entry| format!("entry {entry}, ")).unwrap_or_default();
            (
                format!("BAD: {entry}position {}: {}; {entries} before it are good", problem.position, problem.text),
                false,
            )
        }
    })
}

fn is_receipt(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| value["format"] == FORMAT)
}

pub(super) fn key(args: &KeyArgs) -> Outcome {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| Error::Internal(format!("no random bytes: {error}")))?;
    let signer = Signer::new(&args.name, seed).map_err(|error| Error::Usage(error.to_string()))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&args.out).map_err(Error::io(&args.out))?;
    writeln!(file, "{}", signer.secret()).and_then(|()| file.sync_all()).map_err(Error::io(&args.out))?;
    Ok((format!("{}\n", signer.verifier()), Verdict::Good))
}
