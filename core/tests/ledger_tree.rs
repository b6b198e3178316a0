//! The tree against published vectors and an independent implementation, notes against the published
//! example.

use std::convert::Infallible;

use canon_core::ledger::hash::{Hash, leaf_hash};
use canon_core::ledger::note::{Checkpoint, NoteError, Signer, Verifier, notes_in};
use canon_core::ledger::tile::{self, Growth};
use canon_core::ledger::tree::{
    Edge, empty_root, prove_consistency, prove_inclusion, verify_consistency, verify_inclusion,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2_of_peer::Sha256;

/// The inputs and roots of the reference implementation of RFC 6962 (certificate-transparency,
/// `merkle_tree_test`).
const INPUTS: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// A tree that keeps its tiles, as the ledger does.
#[derive(Default)]
struct Tree {
    edge: Edge,
    tiles: std::collections::BTreeMap<tile::TileId, Vec<Hash>>,
    roots: Vec<Hash>,
}

impl Tree {
    fn of(leaves: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut tree = Self { roots: vec![empty_root()], ..Self::default() };
        for leaf in leaves {
            let mut growth = Growth::default();
            tree.edge.append(leaf_hash(&leaf), |level, index, hash| growth.add(level, index, hash));
            for (id, hashes) in growth.iter() {
                tree.tiles.entry(id).or_default().extend_from_slice(hashes);
            }
            tree.roots.push(tree.edge.root());
        }
        tree
    }

    fn node(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
        Ok(tile::node(level, index, &self.tiles[&tile::tile_of(level, index)]).expect("a complete node"))
    }

    fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        prove_inclusion(index, size, |l, i| self.node(l, i)).unwrap().unwrap()
    }

    fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        prove_consistency(old, new, |l, i| self.node(l, i)).unwrap().unwrap()
    }
}

#[test]
fn roots_are_the_published_ones() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(empty_root().to_string(), empty);
    let tree = Tree::of(INPUTS.map(<[u8]>::to_vec));
    let roots: Vec<String> = tree.roots[1..].iter().map(ToString::to_string).collect();
    assert_eq!(roots, ROOTS);
}

/// The published paths of the same tests.
#[test]
fn proofs_are_the_published_ones() {
    let tree = Tree::of(INPUTS.map(<[u8]>::to_vec));
    let hex = |path: Vec<Hash>| path.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(tree.inclusion(0, 1).is_empty());
    assert_eq!(
        hex(tree.inclusion(0, 8)),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
        ]
    );
    assert_eq!(
        hex(tree.inclusion(5, 8)),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
        ]
    );
    assert_eq!(
        hex(tree.consistency(6, 8)),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
        ]
    );
    assert!(tree.consistency(8, 8).is_empty());
}

fn leaves(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|k| k.to_string().into_bytes()).collect()
}

fn peer_root(tree: &MemoryBackedTree<Sha256, Vec<u8>>) -> Hash {
    Hash::from_slice(tree.root().as_bytes()).unwrap()
}

fn concat(path: &[Hash]) -> Vec<u8> {
    path.iter().flat_map(|hash| hash.0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Each side verifies the proofs of the other, bytes are equal, and a changed proof is refused by both.
    #[test]
    fn proofs_agree_with_an_independent_implementation(old in 1..700_usize, more in 0..700_usize, pick in any::<u64>()) {
        let size = old + more;
        let ours = Tree::of(leaves(size));
        let (mut early, mut late) = (MemoryBackedTree::<Sha256, Vec<u8>>::new(), MemoryBackedTree::new());
        for (k, leaf) in leaves(size).into_iter().enumerate() {
            if k < old {
                early.push(leaf.clone());
            }
            late.push(leaf);
        }
        let (size64, old64) = (size as u64, old as u64);
        prop_assert_eq!(peer_root(&late), ours.roots[size]);
        prop_assert_eq!(peer_root(&early), ours.roots[old]);

        let index = pick % size64;
        let path = ours.inclusion(index, size64);
        let theirs = late.prove_inclusion(index as usize);
        prop_assert_eq!(concat(&path), theirs.as_bytes());
        let leaf = leaf_hash(index.to_string().as_bytes());
        prop_assert!(verify_inclusion(leaf, index, size64, &path, ours.roots[size]));
        let root = RootHash::<Sha256>::new(*late.root().as_bytes(), size64);
        let proof = InclusionProof::try_from_bytes(concat(&path)).unwrap();
        prop_assert!(root.verify_inclusion(&index.to_string().into_bytes(), index, &proof).is_ok());

        prop_assert!(!verify_inclusion(leaf_hash(b"other"), index, size64, &path, ours.roots[size]));
        if size > 1 {
            let other = (index + 1) % size64;
            prop_assert!(!verify_inclusion(leaf, other, size64, &path, ours.roots[size]));
            prop_assert!(!verify_inclusion(leaf, index, size64, &path[1..], ours.roots[size]));
        }

        let path = ours.consistency(old64, size64);
        if more > 0 {
            let theirs = late.prove_consistency(more);
            prop_assert_eq!(concat(&path), theirs.as_bytes());
            let proof = ConsistencyProof::try_from_bytes(concat(&path)).unwrap();
            let first = RootHash::<Sha256>::new(*early.root().as_bytes(), old64);
            prop_assert!(root.verify_consistency(&first, &proof).is_ok());
        }
        prop_assert!(verify_consistency(old64, ours.roots[old], size64, ours.roots[size], &path));
        prop_assert!(!verify_consistency(old64, ours.roots[old - 1], size64, ours.roots[size], &path));
        let mut longer = path;
        longer.push(leaf);
        prop_assert!(!verify_consistency(old64, ours.roots[old], size64, ours.roots[size], &longer));
        // What was cut off and appended again goes on where it was.
        let edge = Edge::new(size64, ours.edge.roots().to_vec()).unwrap();
        prop_assert_eq!(edge.root(), ours.roots[size]);
    }
}

#[test]
fn a_proof_in_a_tree_of_a_milliard_has_less_than_a_kilobyte() {
    let path = prove_inclusion(123_456_789, 1_000_000_007, |_, _| Ok::<_, Infallible>(Hash::ZERO)).unwrap().unwrap();
    assert!(path.len() * 32 <= 1024, "{}", path.len());
    assert_eq!(prove_inclusion(5, 5, |_, _| Ok::<_, Infallible>(Hash::ZERO)).unwrap(), None);
    assert_eq!(prove_consistency(0, 5, |_, _| Ok::<_, Infallible>(Hash::ZERO)).unwrap(), None);
}

/// The example of Go's `golang.org/x/mod/sumdb/note`, which defined the form.
const SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn notes_are_those_of_the_published_example() {
    let signer = Signer::parse(SECRET).unwrap();
    assert_eq!(signer.sign(TEXT), NOTE);
    assert_eq!(signer.verifier().to_string(), PUBLIC);
    assert_eq!(signer.secret(), SECRET);
    let verifier = Verifier::parse(PUBLIC).unwrap();
    assert_eq!(verifier.open(NOTE), Ok(TEXT));
    assert_eq!(verifier.open(&NOTE.replace("answer", "Answer")), Err(NoteError::WrongSignature("PeterNeumann".into())));
    let other = Signer::new("other", [7; 32]).unwrap();
    assert_eq!(verifier.open(&other.sign(TEXT)), Err(NoteError::NotSigned("PeterNeumann".into())));
    // A second signature is passed over.
    let both = format!("{}{}", other.sign(TEXT), NOTE.lines().last().unwrap()) + "\n";
    assert_eq!(verifier.open(&both), Ok(TEXT));
    assert!(!format!("{signer:?}").contains("AYEKFALVFGy"));
    for wrong in ["", "a+b", "a b+c74f20a3+AA==", &PUBLIC.replace("c74", "c75"), &PUBLIC.replace("ARpc", "AhpC")] {
        assert!(Verifier::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn checkpoints_read_what_they_write_and_refuse_the_rest() {
    let checkpoint = Checkpoint {
        origin: "example.org/log".to_owned(),
        size: 42,
        root: leaf_hash(b"root"),
        block: Some(leaf_hash(b"block")),
    };
    assert_eq!(Checkpoint::parse(&checkpoint.text()), Ok(checkpoint.clone()));
    let signer = Signer::parse(SECRET).unwrap();
    let notes = [signer.sign(&checkpoint.text()), NOTE.to_owned(), signer.sign(&checkpoint.text())];
    assert_eq!(notes_in(&notes.concat()), notes);
    assert_eq!(notes_in(&notes.join("\n")), notes);
    assert_eq!(Checkpoint::of_note(&notes[0]), Ok(checkpoint));
    let root = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=";
    for wrong in [
        "",
        "o\n1\n",
        &format!("o\n-1\n{root}\n"),
        &format!("o\n01\n{root}\n"),
        "o\n1\nAAAA\n",
        &format!("\n1\n{root}\n"),
    ] {
        assert!(Checkpoint::parse(wrong).is_err(), "{wrong:?}");
    }
    assert!(Checkpoint::parse(&format!("o\n0\n{root}\nextension\n")).is_ok());
}
