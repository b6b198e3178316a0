//! Signing checkpoints, and handing them out.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use canon_core::ledger::note::{Checkpoint, Signer, Verifier, notes_in};
use canon_core::ledger::verify::Witnessed;
use pgrx::prelude::*;

use super::{ledger, settings};
use crate::error::{Error, Result};

fn cannot(why: impl std::fmt::Display) -> Error {
    Error::CannotSign { why: why.to_string() }
}

fn signer() -> Result<Option<Signer>> {
    let Some(file) = settings::text(&settings::KEY_FILE) else { return Ok(None) };
    // The content never appears in an error.
    let secret = std::fs::read_to_string(&file).map_err(|error| cannot(format!("{file}: {error}")))?;
    Signer::parse(&secret).map(Some).map_err(|error| cannot(format!("{file}: {error}")))
}

/// The note of a checkpoint; `None` where nothing is configured to sign.
pub(super) fn sign(checkpoint: &Checkpoint) -> Result<Option<String>> {
    let text = checkpoint.text();
    let note = match (settings::text(&settings::SIGNER_COMMAND), signer()?) {
        (Some(command), _) => call_signer(&command, &text)?,
        (None, Some(signer)) => signer.sign(&text),
        (None, None) => return Ok(None),
    };
    if Checkpoint::of_note(&note).as_ref() != Ok(checkpoint) {
        return Err(cannot("the signer returned a note about something else"));
    }
    if let Some(key) = public_key()? {
        key.open(&note).map_err(cannot)?;
    }
    Ok(Some(note))
}

/// Runs the command of the administrator with the shell, as `archive_command` is run.
fn call_signer(command: &str, text: &str) -> Result<String> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).map_err(cannot)?;
    }
    let mut note = String::new();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_string(&mut note).map_err(cannot)?;
    }
    // The server collects the processes that it started; where it was quicker the note speaks for itself.
    match child.wait() {
        Ok(status) if !status.success() => Err(cannot(format!("the signer ended with {status}"))),
        _ => Ok(note),
    }
}

/// The key that checkpoints must be signed with: the setting, or the public half of the key file.
pub(super) fn public_key() -> Result<Option<Verifier>> {
    match settings::text(&settings::PUBLIC_KEY) {
        Some(text) => Verifier::parse(&text).map(Some).map_err(cannot),
        None => Ok(signer()?.map(|signer| signer.verifier())),
    }
}

/// The checkpoints in the file that they were appended to.
pub(super) fn exported() -> Result<Vec<Witnessed>> {
    let Some(file) = settings::text(&settings::CHECKPOINT_FILE) else { return Ok(Vec::new()) };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot(format!("{file}: {error}"))),
    };
    let key = public_key()?;
    let origin = Spi::connect(|client| {
        client.select("SELECT origin FROM canon.audit_ledger", Some(1), &[])?.first().get_one::<String>()
    })?;
    let mut found = Vec::new();
    for (k, note) in notes_in(&text).iter().enumerate() {
        let checkpoint = match &key {
            Some(key) => key.open(note).and_then(Checkpoint::parse),
            None => Checkpoint::of_note(note),
        };
        // One file may serve several ledgers. A line cut short by a full disk was written again.
        if let Ok(checkpoint) = checkpoint
            && Some(&checkpoint.origin) == origin.as_ref()
        {
            found.push(Witnessed { checkpoint, source: format!("checkpoint {} of the checkpoint file", k + 1) });
        }
    }
    Ok(found)
}

/// Hands out the checkpoints of blocks that earlier transactions have committed, and that every
/// synchronous standby has: what was handed out can then not be lost. Must run as the owner.
pub(super) fn export() -> Result<()> {
    let Some(file) = settings::text(&settings::CHECKPOINT_FILE) else { return Ok(()) };
    Spi::connect_mut(|client| {
        let rows = client.update(
            "SELECT b.block, b.checkpoint FROM canon.audit_block AS b
             WHERE b.exported_at IS NULL AND b.checkpoint IS NOT NULL
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_replication AS r
                   WHERE r.sync_state OPERATOR(pg_catalog.=) ANY (ARRAY['sync', 'quorum'])
                     AND r.replay_lsn OPERATOR(pg_catalog.<) b.lsn::pg_catalog.pg_lsn)
             ORDER BY b.block",
            None,
            &[],
        )?;
        let mut notes = String::new();
        let mut blocks = Vec::new();
        for row in rows {
            if let (Some(block), Some(note)) = (row.get::<i64>(1)?, row.get::<String>(2)?) {
                blocks.push(block);
                notes.push_str(&note);
                notes.push('\n');
            }
        }
        if blocks.is_empty() {
            return Ok(());
        }
        append(Path::new(&file), &notes).map_err(|error| cannot(format!("{file}: {error}")))?;
        client.update(
            "UPDATE canon.audit_block SET exported_at = pg_catalog.clock_timestamp()
             WHERE block OPERATOR(pg_catalog.=) ANY ($1)",
            None,
            &[blocks.into()],
        )?;
        Ok(())
    })
}

fn append(file: &Path, text: &str) -> std::io::Result<()> {
    let mut open: File = OpenOptions::new().append(true).create(true).open(file)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()
}

/// Tells listeners; they hear it when the transaction commits.
pub(super) fn notify(note: &str) -> Result<()> {
    ledger::run("SELECT pg_catalog.pg_notify('canon_checkpoint', $1)", &[note.into()])
}
