//! `canon.status_fire` and `canon.status_permitted`: one row, by its key.

use std::ffi::CString;
use std::rc::Rc;

use canon_core::status::{Refusal, StateIndex};
use pgrx::PgSqlErrorCode as Code;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::quote_identifier as ident;

use super::attempt::Attempt;
use super::error::{Error, Result};
use super::explain;
use super::functions::Functions;
use super::guard::Target;
use super::load::{self, Guard, Rules};
use super::refusal::{self, About};
use super::row::{Column, Row};
use super::setting;
use super::setup;
use super::values::Value;
use crate::cache::catch_up;
use crate::guc::Pinned;

/// A change that a row could make: column, from, to, event, allowed, why not.
pub(super) type Permitted = (String, Option<String>, String, Option<String>, bool, Option<String>);

/// Fires an event for one row and returns its new state.
pub(super) fn fire(
    relation: pg_sys::Oid,
    key: &str,
    event: &str,
    reason: Option<&str>,
    column: Option<&str>,
) -> Result<String> {
    let target = Target::find(relation)?;
    let guard = guard_of(relation, &target.table, column)?;
    let keys = parse_key(&guard, key)?;
    // Locked first: what is decided is decided about the row as it will be changed.
    let (layout, row) = fetch(&guard, key, &keys, " FOR UPDATE")?;
    let rules = guard.rules(&row)?;
    let from = state_of(&guard, rules, row)?;
    let known = rules.machine.machine().transitions.iter().any(|t| t.event == event);
    let Some(to) = rules.machine.fire(from, event) else {
        let name = &rules.machine.machine().name;
        if !known {
            return Err(Error::new(
                Code::ERRCODE_UNDEFINED_OBJECT,
                format!("status machine \"{name}\" has no event \"{event}\""),
            )
            .hint(format!("SELECT DISTINCT event FROM canon.status_transitions({});", load::literal(name))));
        }
        let allowed: Vec<String> =
            rules.machine.leaving(from).map(|(to, t)| explain::describe(rules.machine.name(to), t)).collect();
        let allowed = if allowed.is_empty() { "nothing, it is terminal".to_owned() } else { allowed.join(", ") };
        let error = Error::new(
            Code::ERRCODE_CHECK_VIOLATION,
            format!(
                "event \"{event}\" cannot happen to row {key} of {}, which is in \"{}\"",
                guard.table,
                rules.machine.name(from)
            ),
        )
        .detail(format!("Allowed from there: {allowed}."))
        .hint(guard.permitted_call(Some(key), None));
        let from = Some(rules.machine.name(from));
        refusal::note(&guard, &About { version: rules.version, key: Some(key), from, to: None }, &error);
        return Err(error);
    };
    drop(layout);
    let reason = match reason {
        Some(reason) => {
            let text = CString::new(reason).map_err(|_| Error::internal("a zero byte in a reason"))?;
            Some(Pinned::one(setting::REASON_NAME, &text))
        }
        None => None,
    };
    let sql = format!(
        "UPDATE {} SET {} = CAST($1 AS {}) WHERE {}",
        guard.table,
        ident(&guard.column.name),
        type_name(&guard.column),
        condition(&guard, 2)
    );
    let mut arguments: Vec<DatumWithOid<'_>> = vec![rules.texts[to].as_str().into()];
    arguments.extend(keys.iter().map(|key| DatumWithOid::from(key.as_str())));
    Spi::connect_mut(|client| client.update(sql.as_str(), None, &arguments).map(|_| ()))?;
    drop(reason);
    Ok(rules.machine.name(to).to_owned())
}

/// What one row may become and, for every other state, why not.
pub(super) fn permitted(relation: pg_sys::Oid, key: &str, column: Option<&str>) -> Result<Vec<Permitted>> {
    let target = Target::find(relation)?;
    let columns = match column {
        Some(column) => vec![setup::of_column(relation, &target.table, Some(column))?],
        None => setup::of_table(relation)?,
    };
    if columns.is_empty() {
        setup::of_column(relation, &target.table, None)?;
    }
    let mut all = Vec::new();
    for (_, text) in columns {
        catch_up();
        let guard = load::guard(relation, &text)?;
        let keys = parse_key(&guard, key)?;
        let (_layout, row) = fetch(&guard, key, &keys, "")?;
        let rules = guard.rules(&row)?;
        let from = state_of(&guard, rules, row)?;
        for to in (0..rules.texts.len()).filter(|to| *to != from) {
            all.push(permitted_change(&guard, rules, row, from, to)?);
        }
    }
    Ok(all)
}

fn permitted_change(guard: &Guard, rules: &Rules, row: Row, from: StateIndex, to: StateIndex) -> Result<Permitted> {
    // SAFETY: the functions are dropped before the context of the call.
    let context = unsafe { pg_sys::CurrentMemoryContext };
    let mut functions = Functions::new(guard.row_type, guard.table.clone(), context);
    let new = row.with(&[(guard.column.number, Some(input(&rules.texts[to], &guard.column)?))]);
    let mut attempt = Attempt { guard, rules, old: Some(row), new, functions: &mut functions };
    let step = rules.step(from, to);
    if let Some((transition, step)) = step {
        attempt.new = attempt.stamped(transition, step)?;
    }
    let refusal: Option<Refusal> = attempt.decide(from, to, true)?.err();
    Ok((
        guard.column.name.clone(),
        Some(rules.machine.name(from).to_owned()),
        rules.machine.name(to).to_owned(),
        step.map(|(transition, _)| transition.event.clone()),
        refusal.is_none(),
        refusal.map(|refusal| refusal.to_string()),
    ))
}

fn guard_of(relation: pg_sys::Oid, table: &str, column: Option<&str>) -> Result<Rc<Guard>> {
    let (_, text) = setup::of_column(relation, table, column)?;
    catch_up();
    load::guard(relation, &text)
}

/// The values of the key, in the order of its columns.
fn parse_key(guard: &Guard, key: &str) -> Result<Vec<String>> {
    let columns = &guard.key;
    let wrong = |message: String| Error::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, message);
    match columns.len() {
        0 => Err(Error::new(
            Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("table {} has no primary key to find a row by", guard.table),
        )),
        1 => Ok(vec![key.to_owned()]),
        count => {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let values: Vec<serde_json::Value> = serde_json::from_str(key).map_err(|_| {
                wrong(format!(
                    "the key of {} has {count} columns: give a JSON array of {}",
                    guard.table,
                    names.join(", ")
                ))
            })?;
            if values.len() != count {
                return Err(wrong(format!(
                    "the key of {} has {count} columns, not {}: {}",
                    guard.table,
                    values.len(),
                    names.join(", ")
                )));
            }
            Ok(values
                .into_iter()
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                .collect())
        }
    }
}

/// `a = CAST($n AS type) AND b = ...`.
fn condition(guard: &Guard, first: usize) -> String {
    let one = |(place, column): (usize, &Column)| {
        format!("{} OPERATOR(pg_catalog.=) CAST(${} AS {})", ident(&column.name), first + place, type_name(column))
    };
    guard.key.iter().enumerate().map(one).collect::<Vec<_>>().join(" AND ")
}

/// The type of a column as SQL that means it under any search path.
pub(super) fn type_name(column: &Column) -> String {
    // SAFETY: formats the name of an existing type.
    unsafe {
        let name = pg_sys::format_type_extended(column.ty, -1, pg_sys::FORMAT_TYPE_FORCE_QUALIFY as u16);
        std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}

/// Keeps the table open, and with it the layout of its rows.
struct Layout(pg_sys::Relation);

impl Drop for Layout {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `fetch`; the lock stays until the end of the transaction.
            unsafe { pg_sys::table_close(self.0, pg_sys::NoLock as i32) };
        }
    }
}

/// The row of a key, with the rights of the caller.
fn fetch(guard: &Guard, key: &str, keys: &[String], lock: &str) -> Result<(Layout, Row)> {
    let sql = format!("SELECT t FROM ONLY {} AS t WHERE {}{lock}", guard.table, condition(guard, 1));
    let arguments: Vec<DatumWithOid<'_>> = keys.iter().map(|key| DatumWithOid::from(key.as_str())).collect();
    let select = |rows: pgrx::spi::SpiTupleTable<'_>| {
        if rows.is_empty() {
            return None;
        }
        // SAFETY: the result has one row of one column; the value is copied out of SPI's memory.
        unsafe {
            let table = pg_sys::SPI_tuptable;
            let mut null = false;
            let value = pg_sys::SPI_getbinval(*(*table).vals, (*table).tupdesc, 1, &mut null);
            (!null).then(|| pg_sys::SPI_datumTransfer(value, false, -1))
        }
    };
    let found = if lock.is_empty() {
        Spi::connect(|client| Ok::<_, pgrx::spi::Error>(select(client.select(sql.as_str(), Some(1), &arguments)?)))?
    } else {
        Spi::connect_mut(|client| {
            Ok::<_, pgrx::spi::Error>(select(client.update(sql.as_str(), Some(1), &arguments)?))
        })?
    };
    let value = found.ok_or_else(|| {
        Error::new(Code::ERRCODE_NO_DATA_FOUND, format!("there is no row {key} in {}", guard.table))
            .detail("Or it may not be seen by this role.")
    })?;
    // SAFETY: the value is a whole row of the table; the tuple around it lives as long as it.
    unsafe {
        let relation = pg_sys::table_open(guard.relation, pg_sys::AccessShareLock as i32);
        let header = pg_sys::pg_detoast_datum(value.cast_mut_ptr()).cast::<pg_sys::HeapTupleHeaderData>();
        let tuple = pg_sys::palloc0(size_of::<pg_sys::HeapTupleData>()).cast::<pg_sys::HeapTupleData>();
        (*tuple).t_len = u32::try_from(pgrx::varlena::varsize_any(header.cast())).unwrap_or(0);
        (*tuple).t_data = header;
        Ok((Layout(relation), Row::new(tuple, (*relation).rd_att)))
    }
}

fn state_of(guard: &Guard, rules: &Rules, row: Row) -> Result<StateIndex> {
    let mut functions = Functions::new(guard.row_type, guard.table.clone(), std::ptr::null_mut());
    let attempt = Attempt { guard, rules, old: Some(row), new: row, functions: &mut functions };
    let Some(datum) = row.get(guard.column.number) else { return Err(explain::null(&attempt)) };
    // SAFETY: the datum lies in the row.
    rules.state(&unsafe { Value::of(guard.kind, datum) }).ok_or_else(|| explain::outdated(&attempt, row))
}

/// A text as a value of the column.
fn input(text: &str, column: &Column) -> Result<pg_sys::Datum> {
    let text = CString::new(text).map_err(|_| Error::internal("a zero byte in a value"))?;
    let (mut function, mut parameter) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
    // SAFETY: calls the input function of the column's type.
    unsafe {
        pg_sys::getTypeInputInfo(column.ty, &mut function, &mut parameter);
        Ok(pg_sys::OidInputFunctionCall(function, text.as_ptr().cast_mut(), parameter, column.modifier))
    }
}
