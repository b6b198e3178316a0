//! PostgreSQL's choice of names for what people leave unnamed.
//!
//! After `makeObjectName`, `ChooseRelationName`, `ChooseConstraintName` and `ChooseIndexName` of
//! the server: `table_column_label`, cut to 63 bytes by shortening the longer part, numbered where
//! it is taken.

use canon_core::schema::{IndexKey, QName, Table};

use super::{Catalog, expressions};
use crate::parse::MAX_IDENTIFIER;

/// `name1_name2_label`, at most 63 bytes.
fn object_name(name1: &str, name2: Option<&str>, label: &str) -> String {
    let overhead = 1 + label.len() + usize::from(name2.is_some());
    let room = MAX_IDENTIFIER.saturating_sub(overhead);
    let (mut len1, mut len2) = (name1.len(), name2.map_or(0, str::len));
    while len1 + len2 > room {
        if len1 > len2 {
            len1 -= 1;
        } else {
            len2 -= 1;
        }
    }
    let first = &name1[..name1.floor_char_boundary(len1)];
    match name2 {
        Some(name2) => format!("{first}_{}_{label}", &name2[..name2.floor_char_boundary(len2)]),
        None => format!("{first}_{label}"),
    }
}

/// The multirange type of a range type, after `makeMultirangeTypeName`.
pub(super) fn multirange(range: &str) -> String {
    let name = match range.find("range") {
        Some(at) => format!("{}multi{}", &range[..at], &range[at..]),
        None => format!("{}_multirange", &range[..range.floor_char_boundary(MAX_IDENTIFIER - "_multirange".len())]),
    };
    name[..name.floor_char_boundary(MAX_IDENTIFIER)].to_owned()
}

/// Numbers a label until `free` accepts the name: `key`, `key1`, `key2`, ...
fn choose(name1: &str, name2: Option<&str>, label: &str, free: impl Fn(&str) -> bool) -> String {
    let mut name = object_name(name1, name2, label);
    let mut pass = 0;
    while !free(&name) {
        pass += 1;
        name = object_name(name1, name2, &format!("{label}{pass}"));
    }
    name
}

/// Column names run together, as far as a name may be long.
fn joined<'a>(columns: impl IntoIterator<Item = &'a str>) -> String {
    let mut all = String::new();
    for column in columns {
        if !all.is_empty() {
            all.push('_');
        }
        all.push_str(column);
        if all.len() >= MAX_IDENTIFIER {
            all.truncate(all.floor_char_boundary(MAX_IDENTIFIER));
            break;
        }
    }
    all
}

impl Catalog {
    fn relation_is_free(&self, schema: &str, name: &str) -> bool {
        !self.relations.contains_key(&QName::new(schema, name))
    }

    fn constraint_is_free(&self, schema: &str, name: &str) -> bool {
        !self.constraint_names.contains_key(&QName::new(schema, name))
    }

    /// Name of the index behind a key constraint: it must be free as relation and as constraint.
    fn unnamed_key(&self, table: &QName, columns: Option<String>, label: &str) -> String {
        choose(&table.name, columns.as_deref(), label, |name| {
            self.relation_is_free(&table.schema, name) && self.constraint_is_free(&table.schema, name)
        })
    }

    pub(super) fn unnamed_primary(&self, table: &QName) -> String {
        self.unnamed_key(table, None, "pkey")
    }

    /// Included columns are part of the name, as they are of the index behind it.
    pub(super) fn unnamed_unique(&self, table: &QName, columns: &[String], include: &[String]) -> String {
        self.unnamed_key(table, Some(joined(columns.iter().chain(include).map(String::as_str))), "key")
    }

    pub(super) fn unnamed_exclusion(&self, table: &QName, text: &str) -> String {
        let names = expressions::exclusion_columns(text);
        self.unnamed_key(table, Some(joined(names.iter().map(String::as_str))), "excl")
    }

    pub(super) fn unnamed_foreign(&self, table: &QName, columns: &[String]) -> String {
        let columns = joined(columns.iter().map(String::as_str));
        choose(&table.name, Some(&columns), "fkey", |name| self.constraint_is_free(&table.schema, name))
    }

    /// A check over one column is named after it, any other after the table alone.
    pub(super) fn unnamed_check(&self, table: &Table, expression: &str) -> String {
        let columns = expressions::columns_in(expression, table.columns.iter().map(|c| c.name.as_str()));
        let column = if let [only] = columns.as_slice() { Some(*only) } else { None };
        choose(&table.name.name, column, "check", |name| self.constraint_is_free(&table.name.schema, name))
    }

    pub(super) fn unnamed_domain_check(&self, domain: &QName) -> String {
        choose(&domain.name, None, "check", |name| self.constraint_is_free(&domain.schema, name))
    }

    pub(super) fn unnamed_index(&self, table: &QName, keys: &[IndexKey], include: &[String]) -> String {
        let base = |key: &IndexKey| match (&key.column, &key.expression) {
            (Some(column), _) => column.clone(),
            (None, Some(expression)) => self.name_of_expression(expression),
            (None, None) => "expr".to_owned(),
        };
        let names = expressions::numbered(keys.iter().map(base).collect());
        let columns = joined(names.iter().chain(include).map(String::as_str));
        choose(&table.name, Some(&columns), "idx", |name| self.relation_is_free(&table.schema, name))
    }

    pub(super) fn unnamed_sequence(&self, table: &QName, column: &str) -> String {
        choose(&table.name, Some(column), "seq", |name| self.relation_is_free(&table.schema, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_as_the_server_cuts_them() {
        // SELECT conname: measured on PostgreSQL 15.
        let table = "data_sensitivity_classifications_of_organizations";
        assert_eq!(
            object_name(table, Some("classification_reason_text"), "check"),
            "data_sensitivity_classificatio_classification_reason_text_check"
        );
        assert_eq!(object_name("t", None, "pkey"), "t_pkey");
        assert_eq!(object_name(table, Some("c"), "fkey"), format!("{table}_c_fkey"));
    }

    #[test]
    fn taken_names_are_numbered() {
        let taken = ["t_a_key", "t_a_key1"];
        assert_eq!(choose("t", Some("a"), "key", |name| !taken.contains(&name)), "t_a_key2");
    }
}
