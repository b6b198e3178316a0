//! Rows of every table of every pack go in and come back through the generated types.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use canon_codegen::model::{Model, QName, References, Table as TableModel};
use canon_codegen::project::Project;
use canon_codegen::sample;
use canon_tests::{canon_database, repo_root};
use canon_types::{Insert, Table, for_each_table};
use postgres::Transaction;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

type Row = Map<String, Value>;

struct Trip<'a> {
    transaction: Transaction<'a>,
    models: Vec<Model>,
    /// The rows of this test, two a table.
    rows: HashMap<QName, Vec<Row>>,
}

/// Columns that a trigger of the pack counts itself, whatever the client says.
const DERIVED: &[(&str, &str)] = &[("core.stakeholders", "decisions_pending")];

/// Values that a check or a trigger of the pack wants in a form of its own.
fn given(table: &QName, column: &str) -> Option<Value> {
    match (table.to_string().as_str(), column) {
        ("cutover.system_configuration_scf", "scf_validation_pattern") => Some("scf value .*".into()),
        ("cutover_plan.template_version", "hash") => Some(Value::from(vec![7; 32])),
        ("cutover_plan.plan_dependency", "plan") => Some("cutover".into()),
        ("cutover_plan.plan_dependency", "template") => Some("00000000-0000-0000-0000-000000000000".into()),
        _ => None,
    }
}

/// Number of the first sample row: beyond the keys of the rows that packs are delivered with.
const FIRST: u32 = 1000;

impl Trip<'_> {
    /// One row with every column given, one with nothing but what is required.
    fn table<T>(&mut self) -> Result<()>
    where
        T: Table + Serialize,
        T::New: DeserializeOwned,
    {
        let name = QName::new(T::SCHEMA, T::NAME);
        let model = self.models.iter().find_map(|m| m.table(&name)).context("not in the model")?.clone();
        for (k, full) in [(0, true), (1, false)] {
            let mut row = sample::row(&model, FIRST + k);
            for (column, value) in &mut row {
                if let Some(given) = given(&name, column) {
                    *value = given;
                }
            }
            if !full {
                row.retain(|column, _| model.column(column).is_some_and(|c| c.not_null && c.default.is_none()));
            }
            self.point_at_parents(&model, &mut row, k as usize)?;
            for (column, value) in &mut row {
                // Text that holds JSON is JSON to the types.
                if let (true, Value::String(text)) = (sample::is_json_text(&model, column), &*value) {
                    *value = serde_json::from_str(text)?;
                }
            }
            let back = self.insert::<T>(&row).with_context(|| format!("{name}, row {k}: {row:?}"))?;
            let derived = |column: &str| DERIVED.contains(&(name.to_string().as_str(), column));
            for (column, sent) in row.iter().filter(|(column, _)| !derived(column)) {
                let got = back.get(column).unwrap_or(&Value::Null);
                ensure!(got == sent, "{name}.{column}: sent {sent}, got {got}");
            }
            self.rows.entry(name.clone()).or_default().push(back);
        }
        Ok(())
    }

    fn insert<T>(&mut self, row: &Row) -> Result<Row>
    where
        T: Table + Serialize,
        T::New: DeserializeOwned,
    {
        let new: T::New = serde_json::from_value(Value::Object(row.clone()))?;
        let statement = new.statement();
        let returned = self.transaction.query_one(&statement.sql, &statement.parameters)?;
        let inserted = T::from_row(&returned)?;
        // And once more by a query of its own.
        let count =
            self.transaction.query(&T::select(), &[])?.iter().map(T::from_row).collect::<Result<Vec<_>, _>>()?;
        ensure!(count.iter().any(|found| serde_json::to_value(found).ok() == serde_json::to_value(&inserted).ok()));
        match serde_json::to_value(&inserted)? {
            Value::Object(back) => Ok(back),
            other => anyhow::bail!("not an object: {other}"),
        }
    }

    /// Gives foreign keys that are set the values of the k-th row of their table. Keys to rows
    /// that are not there yet, of a table to itself or of a cycle, stay empty.
    fn point_at_parents(&mut self, model: &TableModel, row: &mut Row, k: usize) -> Result<()> {
        for (key, references) in model.foreign_keys() {
            // With a NULL in any column the key says nothing.
            let is_null = |c: &String| !row.contains_key(c) && model.column(c).is_some_and(|c| c.generated.is_none());
            if key.columns.iter().any(is_null) {
                continue;
            }
            let Some(parent) = self.parent(model, &key.columns, references, k)? else {
                let nullable = key.columns.iter().filter(|c| model.column(c).is_some_and(|c| !c.not_null));
                let emptied = nullable.filter(|c| row.remove(*c).is_some()).count();
                ensure!(emptied > 0, "{}: no row of {} to point at", model.name, references.table);
                continue;
            };
            for (from, to) in key.columns.iter().zip(&references.columns) {
                if model.column(from).is_some_and(|c| c.generated.is_none()) {
                    row.insert(from.clone(), parent.get(to).cloned().unwrap_or(Value::Null));
                }
            }
        }
        Ok(())
    }

    fn parent(&mut self, model: &TableModel, key: &[String], references: &References, k: usize) -> Result<Option<Row>> {
        // A generated column of the key is a constant: only some rows of the parent fit.
        let constant = key.iter().zip(&references.columns).find_map(|(from, to)| {
            let generated = model.column(from)?.generated.as_ref()?;
            Some((to.clone(), generated.expression.trim_matches('\'').to_owned()))
        });
        let Some((column, value)) = constant else {
            return Ok(self.rows.get(&references.table).and_then(|rows| rows.get(k)).cloned());
        };
        let sql =
            format!("SELECT row_to_json(t)::text FROM {} t WHERE {column} = $1 ORDER BY 1 LIMIT 1", references.table);
        let found: String = self.transaction.query_one(&sql, &[&value])?.get(0);
        Ok(Some(serde_json::from_str(&found)?))
    }
}

#[test]
fn every_table_of_every_pack() -> Result<()> {
    let project = Project::open(&repo_root()?.join("canon.toml"))?;
    let models: Vec<Model> = project.sources.into_iter().map(|s| s.loaded.model).collect();
    let tables: usize = models.iter().map(|m| m.tables.len()).sum();
    let db = canon_database("round_trip")?;
    let mut client = db.connect()?;
    // Rows of every status are tried, also of those that no new row may have.
    client.batch_execute(
        "SELECT canon.install('all'); SELECT canon.status_unguard(relation) FROM canon.status_guards()",
    )?;
    let mut trip = Trip { transaction: client.transaction()?, models, rows: HashMap::new() };
    macro_rules! all {
        ($($table:ty),*) => { $(trip.table::<$table>()?;)* };
    }
    for_each_table!(all);
    // Nothing was left out: every table of the model has its rows.
    assert_eq!(trip.rows.len(), tables);
    trip.transaction.commit()?;
    Ok(())
}
