//! Tiles: how the hashes of the tree are stored.
//!
//! A tile holds up to 256 hashes of one level. Only every eighth level is stored: tiles of level 0
//! hold leaves, tiles of level 1 the roots of 256 leaves each, and so on. What lies between is
//! computed from one tile. The last tile of a level is partial, and grows.

use std::collections::BTreeMap;

use super::hash::{Hash, node_hash};

/// Hashes of a full tile.
pub const WIDTH: u64 = 256;
/// Levels of the tree in a tile.
const HEIGHT: u32 = 8;

/// Level of the tile (the level of its hashes divided by eight) and number within the level.
pub type TileId = (u32, u64);

/// Tiles that have grown, as the hashes that they have gained, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Growth(BTreeMap<TileId, Vec<Hash>>);

impl Growth {
    /// Takes note of a node that an appended leaf has completed: for [`super::tree::Edge::append`].
    pub fn add(&mut self, level: u32, index: u64, hash: Hash) {
        if level.is_multiple_of(HEIGHT) {
            self.0.entry((level / HEIGHT, index / WIDTH)).or_default().push(hash);
        }
    }

    /// The tiles, each with what it has gained.
    pub fn iter(&self) -> impl Iterator<Item = (TileId, &[Hash])> {
        self.0.iter().map(|(id, hashes)| (*id, hashes.as_slice()))
    }
}

/// The tile from which a node is computed.
#[must_use]
pub fn tile_of(level: u32, index: u64) -> TileId {
    let within = level % HEIGHT;
    (level / HEIGHT, (index << within) / WIDTH)
}

/// A node, from the hashes of its tile; `None` where the tile does not reach so far.
#[must_use]
pub fn node(level: u32, index: u64, tile: &[Hash]) -> Option<Hash> {
    let within = level % HEIGHT;
    let from = usize::try_from((index << within) % WIDTH).ok()?;
    let mut hashes = tile.get(from..from + (1 << within))?.to_vec();
    while hashes.len() > 1 {
        hashes = hashes.chunks_exact(2).map(|pair| node_hash(pair[0], pair[1])).collect();
    }
    hashes.first().copied()
}
