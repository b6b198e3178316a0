//! Which tables belong to tenants, as far as the schema shows it.

use std::collections::{HashMap, HashSet};

use canon_core::schema::{QName, Table};

use super::context::Context;

/// The tenancy of one schema.
#[derive(Debug)]
pub(super) struct Tenancy<'a> {
    /// Tables with a tenant column, and that column.
    pub(super) columns: HashMap<&'a QName, &'a str>,
    /// The tables that tenant columns point at.
    pub(super) roots: HashSet<&'a QName>,
}

/// Fewer tables with a tenant column than this are no design.
const MIN_TABLES: usize = 3;

impl<'a> Tenancy<'a> {
    /// None where the schema is not one of many tenants: at least three tables and a quarter of
    /// all need a tenant column.
    pub(super) fn of(cx: &Context<'a>, schema: &str) -> Option<Self> {
        let model = cx.model;
        let tables: Vec<&'a Table> =
            model.tables.iter().filter(|t| t.name.schema == schema && t.partition_of.is_none()).collect();
        let mut columns = HashMap::new();
        let mut roots = HashSet::new();
        for table in &tables {
            let Some(column) = table.columns.iter().find(|c| cx.options.tenant_columns.contains(&c.name)) else {
                continue;
            };
            // A tenant that is itself the row: settings with the tenant as their key count too.
            columns.insert(&table.name, column.name.as_str());
            for (key, references) in table.foreign_keys() {
                if key.columns == [column.name.as_str()] {
                    roots.insert(&references.table);
                }
            }
        }
        (columns.len() >= MIN_TABLES && columns.len() * 4 >= tables.len()).then_some(Self { columns, roots })
    }

    /// One for every schema of many tenants.
    pub(super) fn all(cx: &Context<'a>) -> Vec<(&'a str, Self)> {
        let mut seen = HashSet::new();
        let model = cx.model;
        let schemas = model.tables.iter().map(|t| t.name.schema.as_str()).filter(|s| seen.insert(*s));
        schemas.filter_map(|schema| Some((schema, Self::of(cx, schema)?))).collect()
    }
}
