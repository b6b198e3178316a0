//! What a rule is, and the table of all rules.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::finding::Findings;
use super::rules;
use super::set::Set;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A convention, or a place worth a look.
    Info,
    /// A likely defect.
    Warning,
    /// PostgreSQL refuses it, or it fails when it runs.
    Error,
}

impl Severity {
    /// The word for it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its number, which never changes: `L6`.
    pub code: &'static str,
    /// Its name: `foreign-key-without-index`.
    pub name: &'static str,
    /// What it finds, in one sentence.
    pub summary: &'static str,
    /// Severity unless the configuration says otherwise.
    pub severity: Severity,
    /// Its page of the book.
    pub page: &'static str,
    pub(super) check: Check,
}

/// The work of a rule.
#[derive(Debug)]
pub(super) enum Check {
    /// Looks at one model at a time.
    Unit(fn(&Context<'_>, &mut Findings<'_>)),
    /// Looks at all models and documents together.
    Set(fn(&Set<'_>, NaiveDate, &mut Findings<'_>)),
    /// Is part of the engine.
    Engine,
}

/// All rules in the order of their numbers.
pub static RULES: &[&Rule] = &[
    &rules::l01_mutable_expression::RULE,
    &rules::l02_foreign_key_target::RULE,
    &rules::l03_unresolved_name::RULE,
    &rules::l04_inline_enum::RULE,
    &rules::l05_duplicate_index::RULE,
    &rules::l06_foreign_key_without_index::RULE,
    &rules::l07_table_without_primary_key::RULE,
    &rules::l08_reference_without_foreign_key::RULE,
    &rules::l09_uuid_key_without_default::RULE,
    &rules::l10_updated_at_without_trigger::RULE,
    &rules::l11_audit_columns::RULE,
    &rules::l12_duplicate_timestamp::RULE,
    &rules::l13_status_without_set::RULE,
    &rules::l14_nullable_default::RULE,
    &rules::l15_unique_over_nullable::RULE,
    &rules::l16_integer_bytes::RULE,
    &rules::l17_soft_delete_unique::RULE,
    &rules::l18_row_level_security::RULE,
    &rules::l19_tenant_column_missing::RULE,
    &rules::l20_cross_tenant_key::RULE,
    &rules::l21_json_in_text::RULE,
    &rules::l22_sequence_not_owned::RULE,
    &rules::l23_claimed_count::RULE,
    &rules::l24_document_reference::RULE,
    &rules::l25_foreign_key_cycle::RULE,
    &rules::l26_name_collision::RULE,
    &rules::l27_cascade_into_audit::RULE,
    &rules::l28_unguarded_drop::RULE,
    &rules::engine::IGNORE_WITHOUT_REASON,
    &rules::engine::IGNORE_OF_UNKNOWN_RULE,
    &rules::engine::UNUSED_IGNORE,
    &rules::engine::UNREAD_STATEMENT,
    &rules::engine::REFUSED_STATEMENT,
    &rules::engine::STALE_BASELINE,
];

/// The rule of that number or name, whatever the case.
pub fn find(reference: &str) -> Option<&'static Rule> {
    let is = |rule: &&&Rule| rule.code.eq_ignore_ascii_case(reference) || rule.name.eq_ignore_ascii_case(reference);
    RULES.iter().find(is).copied()
}
