//! What can be wrong with a request for a decision.

use canon_core::limit::{Algorithm, Invalid};
use pgrx::PgSqlErrorCode as Code;

/// Bytes of the longest key.
pub(crate) const MAX_KEY: usize = 1_024;
/// Levels that are decided together.
pub(crate) const MAX_LEVELS: usize = 16;

/// An error of the limits.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LimitError {
    #[error("{argument} must not be NULL")]
    Null { function: &'static str, argument: &'static str },
    #[error("a key of a rate limit must have 1 to {MAX_KEY} bytes, not {length}")]
    KeyLength { length: usize },
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("{argument} must be {allowed}, not \"{found}\"")]
    Word { argument: &'static str, allowed: &'static str, found: String },
    #[error("time zone \"{name}\" not recognized")]
    UnknownZone { name: String },
    #[error("the algorithm {algorithm} is not available in the tier {tier}")]
    Tier { algorithm: Algorithm, tier: &'static str },
    #[error("keys, limits and periods must be as many: {keys} keys, {found} {argument}")]
    Lengths { keys: usize, argument: &'static str, found: usize },
    #[error("rate_limit_all takes 1 to {MAX_LEVELS} levels, not {found}")]
    Levels { found: usize },
    #[error("key \"{key}\" appears twice")]
    Twice { key: String },
    #[error("pack \"saas\" is not installed")]
    NoPack,
    #[error("units cannot be leased on a standby")]
    LeaseOnStandby,
    #[error("too many prepared transactions hold refundable requests")]
    TooManyPrepared,
}

impl LimitError {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Null { .. } => Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            Self::Tier { .. } => Code::ERRCODE_FEATURE_NOT_SUPPORTED,
            Self::Lengths { .. } => Code::ERRCODE_INVALID_PARAMETER_VALUE,
            Self::NoPack => Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Self::LeaseOnStandby => Code::ERRCODE_READ_ONLY_SQL_TRANSACTION,
            Self::TooManyPrepared => Code::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
            _ => Code::ERRCODE_INVALID_PARAMETER_VALUE,
        }
    }

    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Self::Null { function, .. } => {
                Some(format!("canon.{function} would not know what to decide, and NULL is easily taken for a yes."))
            }
            Self::Twice { .. } => Some("The levels of one decision are counted separately.".to_owned()),
            Self::TooManyPrepared => Some("At most 1024 requests can wait for COMMIT PREPARED.".to_owned()),
            Self::LeaseOnStandby => Some(
                "They are granted from a row of canon.rate_limit_lease, which only the primary can write.".to_owned(),
            ),
            _ => None,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Null { .. } => "Give the caller you know a key of its own, and all others one they share.".to_owned(),
            Self::KeyLength { length: 0 } => "Name who or what is limited, as in 'login:ada'.".to_owned(),
            Self::KeyLength { .. } => "Use a digest of it: pg_catalog.md5(key)".to_owned(),
            Self::Invalid(Invalid::Algorithm(_)) => {
                let names: Vec<&str> = Algorithm::ALL.iter().map(|a| a.name()).collect();
                format!("Algorithms: {}.", names.join(", "))
            }
            Self::Invalid(Invalid::CalendarPeriod) => {
                "Use for example interval '1 hour', '1 day', '7 days', '1 month' or '1 year'.".to_owned()
            }
            Self::Invalid(Invalid::LogTooLong { .. }) => {
                "Use algorithm => 'gcra' or 'sliding_window', whose state does not grow.".to_owned()
            }
            Self::UnknownZone { .. } => "SELECT name FROM pg_catalog.pg_timezone_names ORDER BY name;".to_owned(),
            Self::Tier { algorithm: Algorithm::SlidingLog, .. } => "Use tier => 'table'.".to_owned(),
            Self::Tier { .. } => "Use algorithm => 'calendar' or 'fixed_window'.".to_owned(),
            Self::LeaseOnStandby => {
                "Spend on the primary; canon.rate_limit_peek() works here, and so does tier => 'memory'.".to_owned()
            }
            Self::NoPack => "SELECT * FROM canon.install('saas');".to_owned(),
            Self::Twice { .. } => "Add the window to the key, as in 'org:7/hour' and 'org:7/day'.".to_owned(),
            Self::TooManyPrepared => {
                "Use on_abort => 'keep', or finish: SELECT gid FROM pg_catalog.pg_prepared_xacts;".to_owned()
            }
            _ => return None,
        })
    }
}
