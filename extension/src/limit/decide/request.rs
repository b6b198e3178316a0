//! What is asked, and what is answered.

use std::str::FromStr;

use canon_core::limit::{Algorithm, Decision, Rule, Zone};

use crate::limit::error::LimitError;
use crate::limit::memory::Space;
use crate::limit::settings::{ON_FULL, OnFull};

/// Where a state is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::limit) enum Tier {
    /// In shared memory.
    Memory,
    /// In shared memory, as far as a durable row has granted it.
    Leased,
    /// In a table, as part of the caller's transaction.
    Table,
}

impl Tier {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Leased => "leased",
            Self::Table => "table",
        }
    }
}

impl Tier {
    /// Whether the tier can hold the states of an algorithm.
    pub(in crate::limit) fn check(self, algorithm: Algorithm) -> std::result::Result<(), LimitError> {
        match (self, algorithm) {
            (Self::Memory, Algorithm::SlidingLog)
            | (Self::Leased, Algorithm::Gcra | Algorithm::SlidingWindow | Algorithm::SlidingLog) => {
                Err(LimitError::Tier { algorithm, tier: self.name() })
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Tier {
    type Err = LimitError;

    fn from_str(text: &str) -> std::result::Result<Self, LimitError> {
        [Self::Memory, Self::Leased, Self::Table].into_iter().find(|tier| tier.name() == text).ok_or_else(|| {
            LimitError::Word { argument: "tier", allowed: "memory, leased or table", found: text.to_owned() }
        })
    }
}

/// Why a request was decided as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::limit) enum Reason {
    Allowed,
    LimitExceeded,
    /// It costs more than can ever be there at once.
    CostExceedsLimit,
    /// A policy in shadow mode would have denied it.
    Shadow,
    /// Shared memory has no room for the key; `canon.rate_limit_on_full` decided.
    MemoryFull,
}

impl Reason {
    pub(in crate::limit) fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::LimitExceeded => "limit_exceeded",
            Self::CostExceedsLimit => "cost_exceeds_limit",
            Self::Shadow => "shadow",
            Self::MemoryFull => "memory_full",
        }
    }
}

/// A request.
#[derive(Clone, Copy)]
pub(in crate::limit) struct Request<'a> {
    pub(in crate::limit) space: Space,
    pub(in crate::limit) key: &'a str,
    pub(in crate::limit) rule: Rule,
    pub(in crate::limit) zone: &'a dyn Zone,
    pub(in crate::limit) cost: u64,
    pub(in crate::limit) tier: Tier,
    /// Whether a rolled-back transaction gets its units back.
    pub(in crate::limit) refund_on_abort: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::limit) struct Answer {
    pub(in crate::limit) decision: Decision,
    pub(in crate::limit) reason: Reason,
}

impl Answer {
    pub(super) fn of(decision: Decision) -> Self {
        let reason = match decision {
            Decision { allowed: true, .. } => Reason::Allowed,
            Decision { retry_after: None, .. } => Reason::CostExceedsLimit,
            _ => Reason::LimitExceeded,
        };
        Self { decision, reason }
    }

    /// Without a state: shared memory is full, and the setting says what then.
    pub(super) fn without_room(rule: &Rule) -> Self {
        let allowed = ON_FULL.get() == OnFull::allow;
        let retry_after = Some(if allowed { 0 } else { 1_000_000 });
        let decision = Decision { allowed, limit: rule.burst(), remaining: 0, retry_after, reset_after: 0 };
        Self { decision, reason: Reason::MemoryFull }
    }
}
