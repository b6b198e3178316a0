//! `canon verify` and `canon key` on files.

mod common;

use canon_core::ledger::block::Block;
use canon_core::ledger::dump::{Anchor, Line};
use canon_core::ledger::entry::{Body, Header, Operation};
use canon_core::ledger::hash::{Hash, chain_hash};
use canon_core::ledger::note::{Checkpoint, Signer};
use canon_core::ledger::receipt::{EntryJson, Receipt};
use canon_core::ledger::verify::Stored;
use common::Project;

/// An export of one entry, a receipt of it, and its checkpoint.
fn ledger(signer: &Signer) -> (String, Receipt, String) {
    let header =
        Header { id: 7, recorded_at: 1_700_000_000_000_000, xid: 9, operation: Operation::Insert, table: [1; 16] };
    let body = Body { key: Some(b"1"), actor: Some(b"ada"), ..Body::default() };
    let leaf = header.leaf(body.commitment(b"salt"));
    let entry = EntryJson::of(&Stored { header, body, salt: Some(b"salt"), commitment: None, leaf });
    let block = Block {
        number: 1,
        incarnation: 1,
        size: 1,
        root: leaf,
        previous: Hash::ZERO,
        snapshot_from: "1:1:".to_owned(),
        snapshot_to: "2:2:".to_owned(),
        sealed_at: 1_700_000_000_000_001,
        lsn: "0/0".to_owned(),
    };
    let origin = "ledger".to_owned();
    let checkpoint = Checkpoint { origin: origin.clone(), size: 1, root: leaf, block: Some(block.hash()) };
    let note = signer.sign(&checkpoint.text());
    let hash = block.hash();
    let lines = [
        Line::Ledger { origin, anchor: Anchor::default() },
        Line::Entry {
            position: 0,
            chain: None,
            previous_hash: Hash::ZERO,
            audit_chain_hash: chain_hash(Hash::ZERO, leaf),
            leaf,
            entry: entry.clone(),
        },
        Line::Block { block, hash, checkpoint: Some(note.clone()) },
    ];
    let text = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
    (text, Receipt::new(entry, 0, 1, &[], leaf, Some(note.clone())), note)
}

#[test]
fn a_key_is_made_once_and_verifies_what_it_signed() {
    let project = Project::new();
    let ran = project.canon(&["key", "ledger", "--out", "secret"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let public = ran.out.trim().to_owned();
    let signer = Signer::parse(&std::fs::read_to_string(project.path("secret")).unwrap()).unwrap();
    assert_eq!(signer.verifier().to_string(), public);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(project.path("secret")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(project.canon(&["key", "ledger", "--out", "secret"]).code, 2, "never overwritten");

    let (export, receipt, note) = ledger(&signer);
    project.write("export.jsonl", &export);
    project.write("receipt.json", &serde_json::to_string_pretty(&receipt).unwrap());
    project.write("public", &public);
    project.write("notes", &note);
    let ran = project.canon(&["verify", "export.jsonl", "receipt.json", "--key", "public", "--checkpoints", "notes"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (
            0,
            "export.jsonl: ok: 1 entry, 1 signed checkpoints, 0 erased, size 1\nreceipt.json: ok: entry 7 at index 0 of 1, signed\n"
        ),
        "{}",
        ran.err
    );

    project.write("export.jsonl", &export.replace("\"ada\"", "\"eve\""));
    let ran = project.canon(&["verify", "export.jsonl", "--key", &public]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.starts_with("export.jsonl: BAD: entry 7, position 0: the entry does not have the content"),
        "{}",
        ran.out
    );
    project.write("receipt.json", &serde_json::to_string(&receipt).unwrap().replace("\"ada\"", "\"eve\""));
    assert_eq!(project.canon(&["verify", "receipt.json", "--key", &public]).code, 1);
}

#[test]
fn what_cannot_be_verified_is_refused() {
    let project = Project::new();
    project.write("empty.sql", "SELECT 1;\n");
    let signer = Signer::new("ledger", [3; 32]).unwrap();
    let key = signer.verifier().to_string();
    for (arguments, message) in [
        (&["verify", "empty.sql", "--key", &key][..], "there is no COPY of canon.audit_ledger in it"),
        (&["verify", "empty.sql", "--key", "a+b"], "--key: not a key of the form"),
        (&["verify", "empty.sql", "--key", "nowhere"], "nowhere"),
        (&["verify", "nowhere", "--key", &key], "nowhere"),
        (&["verify", "empty.sql"], "--key"),
        (&["key", "a name", "--out", "k"], "the name of a key must not be empty"),
    ] {
        let ran = project.canon(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(ran.err.contains(message), "{arguments:?}: {}", ran.err);
    }
}
