//! Mappings, kept from call to call: to read them from the catalogue takes longer than to copy a
//! small plan.

use std::cell::Cell;
use std::ffi::CStr;
use std::rc::Rc;

use pgrx::pg_sys;

use super::error::PlanError;
use super::mapping::{Level, Mapping};
use super::sql::{Db, ident};
use crate::cache::{Cache, Sources, catch_up};
use crate::error::Result;

/// Reads the mappings with the names and types as the catalogue has them now, so that renamed tables
/// are followed.
const READ: &str = include_str!("mapping.sql");

/// What the mappings are read from: our tables, and those that they name.
const SOURCES: &str = "
    SELECT pg_catalog.json_agg(t.oid::pg_catalog.int8) FROM (
        SELECT 'canon.plan'::pg_catalog.regclass::pg_catalog.oid AS oid
        UNION SELECT 'canon.plan_mapping'::pg_catalog.regclass
        UNION SELECT u.oid FROM canon.plan_mapping m
            CROSS JOIN LATERAL (VALUES (m.template::pg_catalog.oid), (m.instance)) AS u (oid)
    ) t";

/// Plans whose roots the current user may read.
const READABLE: &str = "
    SELECT pg_catalog.json_agg(m.plan) FROM canon.plan_mapping m
    WHERE m.kind OPERATOR(pg_catalog.=) 'plan' AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_class c
        WHERE c.oid OPERATOR(pg_catalog.=) ANY (ARRAY[m.template::pg_catalog.oid, m.instance::pg_catalog.oid])
          AND NOT (pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')))";

thread_local! {
    /// The one entry is that of the present [`EDITION`].
    static KNOWN: Cache<u64, Vec<Rc<Mapping>>> = Cache::new();
    static EDITION: Cell<u64> = const { Cell::new(0) };
}

/// The mapping of that name.
pub(super) fn named(db: &Db, name: &str) -> Result<Rc<Mapping>> {
    let all = all(db)?;
    let known = || all.iter().map(|m| m.plan.clone()).collect();
    let found = all.iter().find(|m| m.plan == name).map(Rc::clone);
    Ok(found.ok_or_else(|| PlanError::UnknownPlan { name: name.to_owned(), known: known() })?)
}

/// The mapping whose root template holds that key.
pub(super) fn of_template(db: &Db, template: &str) -> Result<Rc<Mapping>> {
    let holds = |mapping: &Mapping| {
        let root = mapping.root();
        mapping.has_row(db, &root.template, &root.template_key, template)
    };
    let found = only(db, template, |level| &level.template, holds)?;
    Ok(found.ok_or_else(|| PlanError::UnknownTemplate { template: template.to_owned() })?)
}

/// The mapping whose root instance holds that key.
pub(super) fn of_instance(db: &Db, instance: pgrx::Uuid) -> Result<Rc<Mapping>> {
    let holds = |mapping: &Mapping| {
        let root = mapping.root();
        let sql = format!(
            "SELECT pg_catalog.to_json(EXISTS (SELECT FROM ONLY {} i WHERE i.{} OPERATOR(pg_catalog.=) $1))",
            root.instance,
            ident(&root.instance_key)
        );
        db.json(&sql, &[instance.into()])
    };
    let key = instance.to_string();
    let found = only(db, &key, |level| &level.instance, holds)?;
    Ok(found.ok_or(PlanError::UnknownInstance { instance: key })?)
}

/// The mapping that holds a key. Several may share a table, and the first counts; a key that is in
/// tables of different plans is refused: somebody else's rows must not take the place of one's own.
fn only(
    db: &Db,
    key: &str,
    table: impl Fn(&Level) -> &String,
    holds: impl Fn(&Mapping) -> Result<bool>,
) -> Result<Option<Rc<Mapping>>> {
    let mut found: Option<Rc<Mapping>> = None;
    let (readable, hidden) = by_readability(db)?;
    for mapping in readable {
        match &found {
            Some(known) if table(known.root()) == table(mapping.root()) => {}
            Some(known) if holds(&mapping)? => {
                let plans = vec![known.plan.clone(), mapping.plan.clone()];
                return Err(PlanError::SeveralPlans { key: key.to_owned(), plans }.into());
            }
            None if holds(&mapping)? => found = Some(mapping),
            _ => {}
        }
    }
    // What the user may not read is asked for where nothing else is left; the server then says so.
    for mapping in hidden {
        if found.is_none() && holds(&mapping)? {
            found = Some(mapping);
        }
    }
    Ok(found)
}

type Mappings = Vec<Rc<Mapping>>;

/// Mappings whose roots the current user may read, and the others.
pub(super) fn by_readability(db: &Db) -> Result<(Mappings, Mappings)> {
    let all = all(db)?;
    if all.len() < 2 {
        return Ok((all.to_vec(), Vec::new()));
    }
    let readable: Vec<String> = db.list(READABLE, &[])?;
    Ok(all.iter().cloned().partition(|mapping| readable.contains(&mapping.plan)))
}

/// All mappings, in the order of their names, as long as no registration changes them and none of
/// their tables is altered.
pub(super) fn all(db: &Db) -> Result<Rc<Vec<Rc<Mapping>>>> {
    catch_up();
    let known = read(db)?;
    if known.iter().flat_map(|m| &m.schemas).all(|(oid, name)| is_schema(*oid, name)) {
        return Ok(known);
    }
    // A renamed schema says nothing to its tables.
    EDITION.set(EDITION.get() + 1);
    read(db)
}

fn read(db: &Db) -> Result<Rc<Vec<Rc<Mapping>>>> {
    KNOWN.with(|cache| {
        cache.get(EDITION.get(), |sources: &mut Sources| {
            for relation in db.list::<u32>(SOURCES, &[])? {
                sources.add(pg_sys::Oid::from(relation));
            }
            Ok(db.list::<Mapping>(READ, &[])?.into_iter().map(Rc::new).collect())
        })
    })
}

fn is_schema(oid: u32, name: &str) -> bool {
    // SAFETY: a look-up by OID; the name is a copy, or null.
    unsafe {
        let found = pg_sys::get_namespace_name(pg_sys::Oid::from(oid));
        let same = !found.is_null() && CStr::from_ptr(found).to_bytes() == name.as_bytes();
        if !found.is_null() {
            pg_sys::pfree(found.cast());
        }
        same
    }
}
