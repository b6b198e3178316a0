//! Mappings, kept from call to call: to read them from the catalogue takes longer than to copy a
//! small plan.

use std::cell::Cell;
use std::ffi::CStr;
use std::rc::Rc;

use pgrx::pg_sys;

use super::error::PlanError;
use super::mapping::Mapping;
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
    for mapping in all(db)?.iter() {
        let root = mapping.root();
        if mapping.has_row(db, &root.template, &root.template_key, template)? {
            return Ok(Rc::clone(mapping));
        }
    }
    Err(PlanError::UnknownTemplate { template: template.to_owned() }.into())
}

/// The mapping whose root instance holds that key.
pub(super) fn of_instance(db: &Db, instance: pgrx::Uuid) -> Result<Rc<Mapping>> {
    for mapping in all(db)?.iter() {
        let root = mapping.root();
        let sql = format!(
            "SELECT pg_catalog.to_json(EXISTS (SELECT FROM ONLY {} i WHERE i.{} OPERATOR(pg_catalog.=) $1))",
            root.instance,
            ident(&root.instance_key)
        );
        if db.json(&sql, &[instance.into()])? {
            return Ok(Rc::clone(mapping));
        }
    }
    Err(PlanError::UnknownInstance { instance: instance.to_string() }.into())
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
