//! The memory tier: a partitioned hash table in shared memory, 48 bytes of state for a key.
//!
//! A key is found by 128 bits of a keyed hash, so nobody can choose keys that collide; keys
//! themselves are not kept. Under the shared lock of its partition a state is changed by
//! compare-and-swap. The exclusive lock is for what is rare: a new key, a changed rule, several keys
//! at once. Nothing here allocates, raises errors or calls SPI while a lock is held.

mod chain;
mod layout;
mod lock;
mod operate;
mod prepared;
mod save;
mod several;

use std::hash::Hasher;

use pgrx::pg_sys;
use siphasher::sip128::{Hasher128, SipHasher13};

pub(super) use layout::{note_spilled, rate_offset, spilled_until, statistics};
pub(super) use operate::{Found, Level, Verdict, change, decide, look, open, raw, refund, reset};
pub(super) use prepared::{park, resolve};
pub(super) use save::snapshot;
pub(super) use several::{Together, decide_all};

/// 128 bits that stand for a key.
pub(super) type Hash = [u64; 2];

/// Which keys are meant: those of callers and those of policies never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Space {
    /// Keys given to `canon.rate_limit` and the like.
    Caller = 1,
    /// The same in the leased tier.
    Leased = 2,
    /// Keys of policies.
    Policy = 3,
    /// The same in the leased tier.
    LeasedPolicy = 4,
}

impl Space {
    /// Whether units of its keys are leased.
    #[inline]
    pub(super) fn is_leased(self) -> bool {
        matches!(self, Self::Leased | Self::LeasedPolicy)
    }

    /// Where the leased tier has keys of this kind.
    pub(super) fn leased(self) -> Self {
        match self {
            Self::Caller | Self::Leased => Self::Leased,
            Self::Policy | Self::LeasedPolicy => Self::LeasedPolicy,
        }
    }
}

/// Called from `_PG_init`.
pub(super) fn init() {
    // Without a 128-bit compare-and-swap (x86-64 before 2006) there is no memory tier.
    if crate::shmem::is_preloading() && portable_atomic::AtomicU128::is_lock_free() {
        crate::shmem::reserve(&layout::AREA);
    }
}

/// The hash of a key of this database; `None` without a memory tier.
#[inline]
pub(super) fn hash(space: Space, key: &[u8]) -> Option<Hash> {
    let [a, b] = layout::table()?.secret();
    let mut hasher = SipHasher13::new_with_keys(a, b);
    // SAFETY: a constant of the session.
    hasher.write_u32(unsafe { pg_sys::MyDatabaseId }.to_u32());
    hasher.write_u8(space as u8);
    hasher.write(key);
    let hash = hasher.finish128();
    // All zeros mark a free entry.
    Some([hash.h1.max(1), hash.h2])
}
