//! The rules, one a file.

pub(super) mod engine;
pub(super) mod l01_mutable_expression;
pub(super) mod l02_foreign_key_target;
pub(super) mod l03_unresolved_name;
pub(super) mod l04_inline_enum;
pub(super) mod l05_duplicate_index;
pub(super) mod l06_foreign_key_without_index;
pub(super) mod l07_table_without_primary_key;
pub(super) mod l08_reference_without_foreign_key;
pub(super) mod l09_uuid_key_without_default;
pub(super) mod l10_updated_at_without_trigger;
pub(super) mod l11_audit_columns;
pub(super) mod l12_duplicate_timestamp;
pub(super) mod l13_status_without_set;
pub(super) mod l14_nullable_default;
pub(super) mod l15_unique_over_nullable;
pub(super) mod l16_integer_bytes;
pub(super) mod l17_soft_delete_unique;
pub(super) mod l18_row_level_security;
pub(super) mod l19_tenant_column_missing;
pub(super) mod l20_cross_tenant_key;
pub(super) mod l21_json_in_text;
pub(super) mod l22_sequence_not_owned;
pub(super) mod l23_claimed_count;
pub(super) mod l24_document_reference;
pub(super) mod l25_foreign_key_cycle;
pub(super) mod l26_name_collision;
pub(super) mod l27_cascade_into_audit;
pub(super) mod l28_unguarded_drop;

/// A page of the book, as the command shows it.
macro_rules! page {
    ($code:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/lint/", $code, ".md"))
    };
}
use page;
