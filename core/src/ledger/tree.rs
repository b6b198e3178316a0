//! The Merkle tree of RFC 6962: appending, roots, inclusion and consistency proofs.
//!
//! Leaves are numbered from 0. A *node* is a complete subtree: `(level, index)` covers the leaves
//! from `index << level` on, `1 << level` of them.

use super::hash::{Hash, node_hash, sha256};

/// Root of the tree without leaves (RFC 6962, section 2.1).
#[must_use]
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// The right edge of a tree: the roots of the complete subtrees that it consists of, the largest
/// first. It is all that appending needs: 32 bytes for each bit that is set in the size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    roots: Vec<Hash>,
}

impl Edge {
    /// The edge of a tree of `size` leaves; `None` where there are too many or too few roots.
    #[must_use]
    pub fn new(size: u64, roots: Vec<Hash>) -> Option<Self> {
        (roots.len() == size.count_ones() as usize).then_some(Self { size, roots })
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, the largest first.
    #[must_use]
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Adds a leaf. `complete` is called with level, index and hash of each node that this completes,
    /// the leaf itself first.
    pub fn append(&mut self, leaf: Hash, mut complete: impl FnMut(u32, u64, Hash)) {
        let (mut level, mut index, mut hash) = (0, self.size, leaf);
        complete(level, index, hash);
        while index % 2 == 1 {
            let Some(left) = self.roots.pop() else { break };
            hash = node_hash(left, hash);
            level += 1;
            index /= 2;
            complete(level, index, hash);
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.roots.iter().rev().copied().reduce(|right, left| node_hash(left, right)).unwrap_or_else(empty_root)
    }
}

/// The nodes that the complete subtrees of the leaves `from..to` are, from left to right. `from`
/// must be a multiple of every subtree used, as it is in the recursion of RFC 6962.
fn cover(from: u64, to: u64) -> Vec<(u32, u64)> {
    let mut nodes = Vec::new();
    let mut at = from;
    while at < to {
        let fits = (to - at).ilog2();
        let level = if at == 0 { fits } else { at.trailing_zeros().min(fits) };
        nodes.push((level, at >> level));
        at += 1 << level;
    }
    nodes
}

/// Root of the subtree of the leaves `from..to`.
fn range_root<E>(from: u64, to: u64, node: &mut impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    let mut root = None;
    for (level, index) in cover(from, to).into_iter().rev() {
        let left = node(level, index)?;
        root = Some(root.map_or(left, |right| node_hash(left, right)));
    }
    Ok(root.unwrap_or_else(empty_root))
}

/// Leaves of the left subtree of a tree of `size` > 1: the largest power of two below it.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The proof that leaf `index` is in the tree of `size` leaves (RFC 6962, section 2.1.1), from the
/// leaf up. `node` looks complete subtrees up. `None` where there is no such leaf.
///
/// # Errors
///
/// Those of `node`.
pub fn prove_inclusion<E>(
    index: u64,
    size: u64,
    mut node: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if index >= size {
        return Ok(None);
    }
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(range_root(middle, to, &mut node)?);
            to = middle;
        } else {
            path.push(range_root(from, middle, &mut node)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(Some(path))
}

/// The proof that the tree of `new` leaves begins with that of `old` (RFC 6962, section 2.1.2).
/// `None` unless 0 < `old` <= `new`.
///
/// # Errors
///
/// Those of `node`.
pub fn prove_consistency<E>(
    old: u64,
    new: u64,
    mut node: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if old == 0 || old > new {
        return Ok(None);
    }
    let (mut from, mut to) = (0, new);
    let mut path = Vec::new();
    // Whether the subtree at hand is the whole old tree, whose root the verifier knows.
    let mut known = true;
    while to - from > 1 && old < to {
        let middle = from + split(to - from);
        if old <= middle {
            path.push(range_root(middle, to, &mut node)?);
            to = middle;
        } else {
            path.push(range_root(from, middle, &mut node)?);
            from = middle;
            known = false;
        }
    }
    if !known {
        path.push(range_root(from, to, &mut node)?);
    }
    path.reverse();
    Ok(Some(path))
}

/// Whether `path` proves that `leaf` stands at `index` in the tree of `size` leaves with this root
/// (RFC 9162, section 2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash], root: Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for &sibling in path {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(sibling, hash);
            while node % 2 == 0 && node != 0 {
                node /= 2;
                last /= 2;
            }
        } else {
            hash = node_hash(hash, sibling);
        }
        node /= 2;
        last /= 2;
    }
    last == 0 && hash == root
}

/// Whether `path` proves that the tree of `new` leaves begins with the tree of `old` leaves
/// (RFC 9162, section 2.1.4.2).
#[must_use]
pub fn verify_consistency(old: u64, old_root: Hash, new: u64, new_root: Hash, path: &[Hash]) -> bool {
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    if old == 0 || old > new {
        return false;
    }
    let whole = old.is_power_of_two().then_some(old_root);
    let mut nodes = whole.into_iter().chain(path.iter().copied());
    let Some(first) = nodes.next() else { return false };
    let (mut node, mut last) = (old - 1, new - 1);
    while node % 2 == 1 {
        node /= 2;
        last /= 2;
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in nodes {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            old_hash = node_hash(sibling, old_hash);
            new_hash = node_hash(sibling, new_hash);
            while node % 2 == 0 && node != 0 {
                node /= 2;
                last /= 2;
            }
        } else {
            new_hash = node_hash(new_hash, sibling);
        }
        node /= 2;
        last /= 2;
    }
    last == 0 && old_hash == old_root && new_hash == new_root
}
