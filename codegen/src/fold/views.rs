//! Views and tables made by a query.

use canon_core::schema::{Column, Origin, QName, Table, View};

use super::taken::{is_temporary_name, twice};
use super::{Catalog, Refused, Relation};
use crate::parse::change::{CreateTable, CreateView};

impl Catalog {
    pub(super) fn create_view(&mut self, def: CreateView, origin: Origin) -> Result<(), Refused> {
        let derived = self.derive(&def.query);
        // A view over what is temporary is temporary too.
        let reads_temporary = derived.reads.iter().any(|read| self.relations.get(read) == Some(&Relation::Temporary));
        if def.temporary || reads_temporary || is_temporary_name(&def.name) {
            return self.claim_temporary(&def.name.name, def.if_not_exists || def.or_replace);
        }
        let name = self.new_name(&def.name);
        let replaces = def.or_replace && self.views.get(&name).is_some_and(|v| !v.materialized);
        if def.if_not_exists && self.relations.contains_key(&name) {
            return Ok(());
        }
        let columns = with_names(derived.columns, def.columns);
        refuse_twice(&name, &columns)?;
        if !replaces {
            self.claim(&name, Relation::View)?;
        }
        let view = View {
            name: name.clone(),
            materialized: def.materialized,
            columns,
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
        let columns = with_names(derived.columns, def.as_columns);
        refuse_twice(&name, &columns)?;
        self.claim(&name, Relation::Table)?;
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

fn refuse_twice(name: &QName, columns: &[Column]) -> Result<(), Refused> {
    match twice(columns.iter().map(|c| c.name.as_str())) {
        Some(column) => Err(format!("column {column} of {name} is there twice")),
        None => Ok(()),
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
