//! Bytes and hashes of entries against vectors computed by another program from the documented form
//! (Python's `struct` and `hashlib`), and a whole ledger against every single change to it.

use canon_core::ledger::block::Block;
use canon_core::ledger::dump::{Anchor, Line, Verdict, verify_dump, verify_lines};
use canon_core::ledger::entry::{Body, Header, Operation};
use canon_core::ledger::hash::{Hash, chain_hash, chain_start, to_hex};
use canon_core::ledger::note::{Checkpoint, Signer, Verifier};
use canon_core::ledger::receipt::{EntryJson, Receipt};
use canon_core::ledger::tree::{Edge, prove_inclusion};
use canon_core::ledger::value::{Class, fields, push_field};
use canon_core::ledger::verify::{Stored, Witnessed};

fn image(id: i64) -> Vec<u8> {
    let mut image = Vec::new();
    push_field(&mut image, "id", Class::Int, &id.to_be_bytes());
    push_field(&mut image, "name", Class::Text, "Zoë".as_bytes());
    push_field(&mut image, "paid", Class::Bool, &[1]);
    push_field(&mut image, "at", Class::TimestampTz, &1_700_000_000_123_456_i64.to_be_bytes());
    image
}

const SALT: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

fn header(id: i64) -> Header {
    Header {
        id,
        recorded_at: 1_700_000_000_123_456,
        xid: (3 << 32) + 9,
        operation: Operation::Insert,
        table: [0xab; 16],
    }
}

#[test]
fn golden_vectors() {
    let image = image(42);
    assert_eq!(
        to_hex(&image),
        "0269640200000008000000000000002a046e616d6506000000045a6fc3ab0470616964010000000101026174090000000800060a2418202240"
    );
    let body = Body {
        relation: Some(b"public.orders"),
        key: Some(b"42"),
        old: None,
        new: Some(&image),
        actor: Some(b"ada"),
        context: Some(b"{\"request_id\":\"r-1\"}"),
    };
    let commitment = body.commitment(&SALT);
    assert_eq!(commitment.to_string(), "33d8a4831445072b7dd2b187ed5b0c21fafd086e1e4f69ccafa694203537c4ce");
    let leaf = header(7).leaf(commitment);
    assert_eq!(leaf.to_string(), "4050d2be3b63404c77bd7d90c2735a94e9f9a9c1be32ac0281f56ec140b0c5a7");
    let chain = chain_hash(Hash::ZERO, leaf);
    assert_eq!(chain.to_string(), "df88e43c76c8220a4642e3f0685e0cf924a3758a770702a04411f95296c77112");
    let block = Block {
        number: 1,
        incarnation: 1,
        size: 1,
        root: leaf,
        previous: Hash::ZERO,
        snapshot_from: "10:10:".to_owned(),
        snapshot_to: "12:14:12".to_owned(),
        sealed_at: 1_700_000_001_000_000,
        lsn: "0/1A".to_owned(),
    };
    assert_eq!(block.hash().to_string(), "e0ff279989632be388b5f0bf3a15a3a2110f12bc176f5ab8273bb2f6168f3753");
}

#[test]
fn values_read_as_text() {
    let text = |class, bytes: &[u8]| {
        let mut image = Vec::new();
        push_field(&mut image, "c", class, bytes);
        fields(&image).next().flatten().and_then(|field| field.text())
    };
    let at = |micros: i64| text(Class::TimestampTz, &micros.to_be_bytes()).unwrap();
    assert_eq!(at(1_700_000_000_123_456), "2023-11-14 22:13:20.123456+00");
    assert_eq!(at(-1), "1969-12-31 23:59:59.999999+00");
    assert_eq!(at(-62_167_219_200_000_000), "0001-01-01 00:00:00+00 BC");
    assert_eq!(at(i64::MAX), "infinity");
    assert_eq!(text(Class::Date, &11_016_i32.to_be_bytes()).unwrap(), "2000-02-29");
    // -12345.6780: digits 1 2345 6780, weight 1, negative, scale 4
    let numeric = [0, 3, 0, 1, 0x40, 0, 0, 4, 0, 1, 9, 41, 26, 124];
    assert_eq!(text(Class::Numeric, &numeric).unwrap(), "-12345.6780");
    assert_eq!(text(Class::Numeric, &[0, 1, 0xff, 0xfe, 0, 0, 0, 6, 0x13, 0x88]).unwrap(), "0.000050");
    assert_eq!(text(Class::Uuid, &[0x11; 16]).unwrap(), "11111111-1111-1111-1111-111111111111");
    assert_eq!(text(Class::Bool, &[2]), None);
    assert_eq!(text(Class::Int, &[1, 2]), None);
    // Bytes that end early are no image.
    let whole = image(1);
    assert_eq!(fields(&whole).flatten().count(), 4);
    assert!(fields(&whole[..whole.len() - 1]).any(|field| field.is_none()));
}

const SEED: [u8; 32] = [9; 32];

fn signer() -> Signer {
    Signer::new("test", SEED).unwrap()
}

/// A ledger of 30 entries in blocks of 10; entries 5, 15 and 25 of a chain of their own, 12 erased.
fn ledger() -> Vec<Line> {
    let mut lines = vec![Line::Ledger { origin: "test".to_owned(), anchor: Anchor::default() }];
    let mut edge = Edge::default();
    let mut heads = std::collections::HashMap::new();
    let mut previous_block = Hash::ZERO;
    for k in 0..30_u64 {
        let id = 100 + i64::try_from(k).unwrap();
        // Entry 13 says that 12 was erased.
        let erasure = k == 13;
        let mut image = image(id);
        if erasure {
            push_field(&mut image, "entries", Class::Json, b"[112]");
        }
        let header =
            |id| Header { operation: if erasure { Operation::Redact } else { Operation::Insert }, ..header(id) };
        let body = Body { key: Some(b"1"), new: Some(&image), actor: Some(b"ada"), ..Body::default() };
        let leaf = header(id).leaf(body.commitment(&SALT));
        let stored = if k == 12 {
            let commitment = Some(body.commitment(&SALT));
            Stored { header: header(id), body: Body::default(), salt: None, commitment, leaf }
        } else {
            Stored { header: header(id), body, salt: Some(&SALT), commitment: None, leaf }
        };
        let chain = (k % 10 == 5).then(|| "acme".to_owned());
        let previous_hash = heads.get(&chain).copied().unwrap_or_else(|| chain_start(chain.as_deref()));
        let audit_chain_hash = chain_hash(previous_hash, leaf);
        heads.insert(chain.clone(), audit_chain_hash);
        edge.append(leaf, |_, _, _| {});
        let entry = EntryJson::of(&stored);
        lines.push(Line::Entry { position: k, chain, previous_hash, audit_chain_hash, leaf, entry });
        if k % 10 == 9 {
            let number = k / 10 + 1;
            let block = Block {
                number,
                incarnation: 1,
                size: k + 1,
                root: edge.root(),
                previous: previous_block,
                snapshot_from: format!("{number}:{number}:"),
                snapshot_to: format!("{}:{}:", number + 1, number + 1),
                sealed_at: 1_700_000_001_000_000,
                lsn: "0/0".to_owned(),
            };
            let hash = block.hash();
            let checkpoint =
                Checkpoint { origin: "test".to_owned(), size: k + 1, root: edge.root(), block: Some(hash) };
            previous_block = hash;
            lines.push(Line::Block { block, hash, checkpoint: Some(signer().sign(&checkpoint.text())) });
        }
    }
    lines
}

fn write(lines: &[Line]) -> String {
    lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect()
}

fn verify(text: &str, witnessed: Vec<Witnessed>) -> Verdict {
    verify_lines(text, Some(&signer().verifier()), witnessed).unwrap()
}

fn witnessed(size: u64) -> Vec<Witnessed> {
    let checkpoint = ledger().into_iter().find_map(|line| match line {
        Line::Block { block, checkpoint, .. } if block.size == size => checkpoint,
        _ => None,
    });
    let checkpoint = Checkpoint::of_note(&checkpoint.unwrap()).unwrap();
    vec![Witnessed { checkpoint, source: "the witness".to_owned() }]
}

#[test]
fn a_ledger_is_as_it_was_written() {
    let verdict = verify(&write(&ledger()), witnessed(20));
    assert_eq!(verdict, Verdict { entries: 30, redacted: 1, removed: 0, signed: 3, size: 30, problem: None });
}

/// Every string and number of every line is changed, one at a time. Nothing passes, and the blame goes to the
/// changed entry, or to the first entry of the changed block.
#[test]
fn no_single_change_passes() {
    let lines = ledger();
    let mut changes = 0;
    for (number, line) in lines.iter().enumerate().skip(1) {
        let first_bad = match line {
            Line::Entry { position, .. } => *position,
            Line::Block { block, .. } => block.size - 10,
            Line::Ledger { .. } => unreachable!(),
        };
        let value = serde_json::to_value(line).unwrap();
        for pointer in pointers(&value, String::new()) {
            let mut changed = value.clone();
            let place = changed.pointer_mut(&pointer).unwrap();
            *place = match place {
                serde_json::Value::Number(n) => (n.as_i64().unwrap() + 1).into(),
                serde_json::Value::String(text) => flip(text).into(),
                _ => continue,
            };
            let mut texts: Vec<String> = lines.iter().map(|l| serde_json::to_string(l).unwrap()).collect();
            texts[number] = changed.to_string();
            let Ok(verdict) = verify_lines(&texts.join("\n"), Some(&signer().verifier()), Vec::new()) else {
                changes += 1;
                continue;
            };
            let problem = verdict.problem.unwrap_or_else(|| panic!("passed: {pointer} of line {number}"));
            assert_eq!(problem.position, first_bad, "{pointer} of line {number}: {problem:?}");
            changes += 1;
        }
    }
    assert!(changes > 400, "{changes}");
}

fn pointers(value: &serde_json::Value, at: String) -> Vec<String> {
    match value {
        serde_json::Value::Object(map) => map.iter().flat_map(|(k, v)| pointers(v, format!("{at}/{k}"))).collect(),
        _ => vec![at],
    }
}

/// Another text of the same form: the last hexadecimal digit, letter or digit is another one.
fn flip(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = bytes.iter().rposition(u8::is_ascii_alphanumeric).unwrap_or(0);
    bytes[at] = match bytes[at] {
        b'0' => b'1',
        b'a' => b'b',
        b if b.is_ascii_digit() => b'0',
        _ => b'a',
    };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn nothing_can_be_removed_repeated_swapped_or_added() {
    let lines = ledger();
    for k in 1..lines.len() {
        let mut without = lines.clone();
        without.remove(k);
        // What stands behind the last block has no witness; the last block itself has none either.
        let verdict = verify(&write(&without), witnessed(30));
        assert!(verdict.problem.is_some(), "line {k} removed");
        let mut twice = lines.clone();
        twice.insert(k, lines[k].clone());
        assert!(verify(&write(&twice), Vec::new()).problem.is_some(), "line {k} repeated");
        let mut swapped = lines.clone();
        if k + 1 < lines.len() {
            swapped.swap(k, k + 1);
            assert!(verify(&write(&swapped), Vec::new()).problem.is_some(), "lines {k} and {} swapped", k + 1);
        }
    }
}

/// What only a checkpoint kept elsewhere can show.
#[test]
fn a_witness_sees_a_missing_end_and_a_rewritten_ledger() {
    let lines = ledger();
    let short = write(&lines[..lines.len() - 11]);
    assert_eq!(verify(&short, Vec::new()).problem, None, "without a witness nobody can know");
    let problem = verify(&short, witnessed(30)).problem.unwrap();
    assert_eq!((problem.position, problem.entry), (20, Some(120)));
    let other = Signer::new("test", [8; 32]).unwrap();
    let verdict = verify_lines(&write(&lines), Some(&other.verifier()), Vec::new()).unwrap();
    assert_eq!(verdict.problem.unwrap().position, 0);
}

#[test]
fn a_receipt_stands_on_its_own() {
    let lines = ledger();
    let leaves: Vec<Hash> =
        lines.iter().filter_map(|l| if let Line::Entry { leaf, .. } = l { Some(*leaf) } else { None }).collect();
    let mut nodes = std::collections::HashMap::new();
    let mut edge = Edge::default();
    for leaf in &leaves[..20] {
        edge.append(*leaf, |level, index, hash| {
            nodes.insert((level, index), hash);
        });
    }
    let note = lines.iter().find_map(|l| match l {
        Line::Block { block, checkpoint, .. } if block.size == 20 => checkpoint.clone(),
        _ => None,
    });
    let Line::Entry { entry, .. } = lines[8].clone() else { panic!() };
    let path = prove_inclusion(7, 20, |l, i| nodes.get(&(l, i)).copied().ok_or(())).unwrap().unwrap();
    let receipt = Receipt::new(entry, 7, 20, &path, edge.root(), note);
    let key: Verifier = signer().verifier();
    assert_eq!(receipt.verify(Some(&key)), Ok(()));
    let value = serde_json::to_value(&receipt).unwrap();
    for pointer in pointers(&value, String::new()) {
        let mut changed = value.clone();
        let place = changed.pointer_mut(&pointer).unwrap();
        *place = match place {
            serde_json::Value::Number(n) => (n.as_i64().unwrap() + 1).into(),
            serde_json::Value::String(text) => flip(text).into(),
            serde_json::Value::Array(path) => path[1..].to_vec().into(),
            _ => continue,
        };
        let passed = serde_json::from_value::<Receipt>(changed).is_ok_and(|r| r.verify(Some(&key)).is_ok());
        assert!(!passed, "{pointer}");
    }
}

#[test]
fn what_is_no_ledger_is_refused_with_its_line() {
    assert_eq!(verify_lines("", None, Vec::new()).unwrap_err().line, 1);
    let text = write(&ledger()[..3]) + "{\n";
    assert_eq!(verify_lines(&text, None, Vec::new()).unwrap_err().line, 4);
    assert_eq!(verify_dump(b"CREATE TABLE t ();\n", None, Vec::new()).unwrap_err().line, 0);
}
