//! The tables of the pack `saas`, read and written as the role that installed it: callers need no
//! rights on them, and whatever that role has put on them runs with its rights and no more.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::error::LimitError;
use crate::cache::Sources;
use crate::error::{Error, Result};
use crate::guc::Pinned;
use crate::user::ActingAs;

/// The OID of a table of the pack.
fn table(name: &CStr) -> Option<pg_sys::Oid> {
    // SAFETY: looks into the catalogue, inside a transaction.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"saas".as_ptr(), true);
        if schema == pg_sys::InvalidOid {
            return None;
        }
        let table = pg_sys::get_relname_relid(name.as_ptr(), schema);
        (table != pg_sys::InvalidOid).then_some(table)
    }
}

/// Whether the pack is there.
pub(super) fn is_installed() -> bool {
    table(c"quota_policies").is_some()
}

/// Says what to do where the pack is not there.
pub(super) fn require() -> Result<()> {
    if is_installed() { Ok(()) } else { Err(LimitError::NoPack.into()) }
}

/// The owner of the pack.
fn owner() -> Result<pg_sys::Oid> {
    let table = table(c"quota_policies").ok_or_else(|| Error::from(LimitError::NoPack))?;
    // SAFETY: looks into the catalogue, inside a transaction; the tuple is released before it goes.
    unsafe {
        let id = pg_sys::SysCacheIdentifier::RELOID as i32;
        let tuple = pg_sys::SearchSysCache1(id, pg_sys::Datum::from(table));
        if tuple.is_null() {
            return Err(LimitError::NoPack.into());
        }
        let owner = (*pg_sys::heap_tuple_get_struct::<pg_sys::FormData_pg_class>(tuple)).relowner;
        pg_sys::ReleaseSysCache(tuple);
        Ok(owner)
    }
}

/// Runs statements on the pack's tables as their owner, with names that mean what they say.
pub(super) fn as_owner<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let owner = owner()?;
    let pinned = Pinned::plain_utc();
    let acting = ActingAs::owner_of_expressions(owner);
    let result = body();
    drop(acting);
    drop(pinned);
    result
}

/// Names the tables that policies are read from.
pub(super) fn add_policy_tables(sources: &mut Sources) {
    for name in [c"quota_policies", c"organization_quota_overrides", c"rate_limit_config"] {
        if let Some(table) = table(name) {
            sources.add(table);
        }
    }
    // SAFETY: looks into the catalogue, inside a transaction.
    let ours = unsafe {
        let schema = pg_sys::get_namespace_oid(c"canon".as_ptr(), true);
        pg_sys::get_relname_relid(c"rate_limit_policy".as_ptr(), schema)
    };
    if ours != pg_sys::InvalidOid {
        sources.add(ours);
    }
}
