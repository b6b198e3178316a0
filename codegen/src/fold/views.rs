//! Views and tables made by a query.

use canon_core::schema::{Column, Origin, QName, Table, View};

use super::{Catalog, Refused, Relation};
use crate::parse::change::{CreateTable, CreateView};

impl Catalog {
    pub(super) fn create_view(&mut self, def: CreateView, origin: Origin) -> Result<(), Refused> {
        let name = self.new_name(&def.name);
        let replaces = def.or_replace && self.views.contains_key(&name);
        if self.relations.contains_key(&name) && !replaces {
            return if def.if_not_exists { Ok(()) } else { Err(format!("relation {name} already exists")) };
        }
        if def.temporary {
            return self.claim(&name, Relation::Temporary);
        }
        let derived = self.derive(&def.query);
        if derived.reads.iter().any(|read| self.relations.get(read) == Some(&Relation::Temporary)) {
            // PostgreSQL makes it a temporary view.
            return self.claim(&name, Relation::Temporary);
        }
        self.relations.insert(name.clone(), Relation::View);
        let view = View {
            name: name.clone(),
            materialized: def.materialized,
            columns: with_names(derived.columns, def.columns),
            query: def.query,
            // Those of a materialised view are about storage.
            options: if def.materialized { Vec::new() } else { def.options },
            origin: Some(origin),
            ..View::default()
        };
        let replaced = self.views.insert(name.clone(), view);
        if let (Some(old), Some(new)) = (replaced, self.views.get_mut(&name)) {
            // CREATE OR REPLACE keeps what hangs on the view.
            new.comment = old.comment;
            new.triggers = old.triggers;
        }
        if !replaces {
            self.endow("table", &name, None);
        }
        self.reads.insert(name, derived.reads);
        Ok(())
    }

    /// `CREATE TABLE ... AS`. Where the columns do not follow from the text the table has none, but
    /// it is known, so that statements about it fit.
    pub(super) fn create_table_as(&mut self, name: QName, def: CreateTable, origin: Origin) -> Result<(), Refused> {
        let derived = self.derive(def.as_query.as_deref().unwrap_or_default());
        self.claim(&name, Relation::Table)?;
        let columns = with_names(derived.columns, def.as_columns);
        let known = columns.iter().all(|c| !c.ty.is_empty());
        if columns.is_empty() || !known {
            self.note(format!("the columns of {name} depend on its query and are not known"));
        }
        let columns = if known { columns } else { Vec::new() };
        let table =
            Table { name: name.clone(), unlogged: def.unlogged, columns, origin: Some(origin), ..Table::default() };
        self.endow("table", &name, None);
        self.tables.insert(name, table);
        Ok(())
    }
}

/// Columns of a query under the names that were written in front of it.
fn with_names(derived: Option<Vec<Column>>, names: Vec<String>) -> Vec<Column> {
    match derived {
        Some(mut columns) => {
            for (column, name) in columns.iter_mut().zip(names) {
                column.name = name;
            }
            columns
        }
        None => names.into_iter().map(|name| Column { name, ..Column::default() }).collect(),
    }
}
