//! What the database has.

use std::collections::HashSet;

use canon_core::pack::Manifest;
use canon_core::schema::Model;
use pgrx::JsonB;
use pgrx::prelude::*;

use super::record::DefaultRows;
use crate::error::{Error, Result};

/// The query that the `canon` tool runs too.
const CATALOG: &str = include_str!("../../../sql/catalog.sql");

/// Names of the schemas that exist.
pub(super) struct Namespaces(HashSet<String>);

impl Namespaces {
    pub(super) fn read() -> Result<Self> {
        strings("SELECT nspname::pg_catalog.text FROM pg_catalog.pg_namespace", &[])
            .map(|all| Self(all.into_iter().collect()))
    }

    pub(super) fn exists(&self, schema: &str) -> bool {
        self.0.contains(schema)
    }
}

/// Tables and sequences of some schemas, by their quoted full names.
pub(super) fn relations(schemas: &[&str]) -> Result<HashSet<String>> {
    let schemas: Vec<String> = schemas.iter().map(|s| (*s).to_owned()).collect();
    let all = strings(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
         WHERE n.nspname OPERATOR(pg_catalog.=) ANY ($1) AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,S}')",
        &[schemas.into()],
    )?;
    Ok(all.into_iter().collect())
}

/// Number and digest of the rows of every table of a pack that has any.
///
/// Rows are digested as JSON in UTC, so that the digest does not depend on settings of the
/// session and survives a dump.
pub(super) fn row_digests(pack: &Manifest, schemas: &[String]) -> Result<DefaultRows> {
    let names: Vec<&str> = schemas.iter().map(String::as_str).collect();
    let existing = relations(&names)?;
    let branches: Vec<String> = pack
        .model
        .tables
        .iter()
        .map(|table| table.name.to_string())
        .filter(|table| existing.contains(table))
        .map(|table| {
            let literal = pgrx::spi::quote_literal(&table);
            format!(
                "SELECT {literal} AS name, pg_catalog.count(*) AS n,
                        pg_catalog.md5(pg_catalog.string_agg(j.t, '' ORDER BY j.t)) AS digest
                 FROM (SELECT pg_catalog.to_jsonb(r)::pg_catalog.text COLLATE pg_catalog.\"C\" AS t FROM {table} r) j"
            )
        })
        .collect();
    if branches.is_empty() {
        return Ok(DefaultRows::new());
    }
    let sql = format!(
        "SELECT COALESCE(pg_catalog.jsonb_object_agg(name, pg_catalog.jsonb_build_object('rows', n, 'digest', digest)), '{{}}')
         FROM ({}) AS t WHERE n OPERATOR(pg_catalog.>) 0",
        branches.join(" UNION ALL ")
    );
    let digests = Spi::connect(|client| client.select(sql.as_str(), Some(1), &[])?.first().get_one::<JsonB>())?;
    let digests = digests.ok_or_else(|| Error::Internal("no digests".to_owned()))?;
    serde_json::from_value(digests.0).map_err(|error| Error::Internal(error.to_string()))
}

/// The model of some schemas.
pub(super) fn model(schemas: &[String]) -> Result<Model> {
    let document = Spi::connect(|client| {
        client.select(CATALOG, Some(1), &[schemas.to_vec().into()])?.first().get_one::<String>()
    })?;
    let document = document.ok_or_else(|| Error::Internal("the catalogue query gave nothing".to_owned()))?;
    serde_json::from_str(&document).map_err(|error| Error::Internal(format!("catalogue document: {error}")))
}

pub(super) fn current_role() -> Result<String> {
    one("SELECT CURRENT_USER::pg_catalog.text")
}

pub(super) fn current_database() -> Result<String> {
    one("SELECT pg_catalog.current_database()::pg_catalog.text")
}

fn one(sql: &str) -> Result<String> {
    let all = strings(sql, &[])?;
    all.into_iter().next().ok_or_else(|| Error::Internal(format!("no row: {sql}")))
}

/// The first column of a query.
pub(super) fn strings(sql: &str, arguments: &[pgrx::datum::DatumWithOid<'_>]) -> Result<Vec<String>> {
    Spi::connect(|client| {
        let rows = client.select(sql, None, arguments)?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            all.extend(row.get::<String>(1)?);
        }
        Ok(all)
    })
}
