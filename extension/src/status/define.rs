//! `canon.status_define`, `canon.status_apply` and `canon.status_drop`.

use canon_core::status::{Document, GuardedColumn, Machine};
use pgrx::JsonB;
use pgrx::PgSqlErrorCode as Code;
use pgrx::prelude::*;
use pgrx::spi::{quote_identifier as ident, quote_qualified_identifier};

use super::check::invalid;
use super::error::{Error, Result};
use super::guard::{self, require_functions};
use super::load::{self, literal, oid_of};
use super::setup::Setup;
use crate::cache::{Sources, read};
use crate::guc::Pinned;
use crate::user::run_as_owner;

const TABLE: &str = "canon.status_machine";

/// Name, version, and what was done.
pub(super) type Defined = (String, i32, &'static str);

/// Stores the machines of a text.
pub(super) fn define(text: &str) -> Result<Vec<Defined>> {
    let document = Document::read(text).map_err(invalid)?;
    if document.machines.is_empty() {
        return Err(Error::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, "the definition describes no machine"));
    }
    define_all(document.machines)
}

/// Stores the machines of a text and guards the columns that it names.
pub(super) fn apply(text: &str) -> Result<Vec<(String, String, &'static str)>> {
    let document = Document::read(text).map_err(invalid)?;
    let defined = define_all(document.machines)?;
    let mut done: Vec<_> = defined
        .into_iter()
        .map(|(name, version, action)| ("machine".to_owned(), format!("{name} {version}"), action))
        .collect();
    for column in document.columns {
        let GuardedColumn { table, column, machine, history, deferred, label_column, version_column } = column;
        let relation = oid_of(&table)?.ok_or_else(|| {
            Error::new(Code::ERRCODE_UNDEFINED_TABLE, format!("relation {table} does not exist"))
                .detail("A status machine is to guard it.")
        })?;
        let name = format!("{table}.{}", ident(&column));
        let setup = Setup { column, machine, version: None, history: None, deferred, label_column, version_column };
        done.push(("column".to_owned(), name, guard::guard(relation, setup, history)?));
    }
    Ok(done)
}

fn define_all(machines: Vec<Machine>) -> Result<Vec<Defined>> {
    let _pinned = Pinned::plain();
    // One definition at a time: the version is one more than the latest.
    run_as_owner(TABLE, "LOCK TABLE canon.status_machine IN SHARE ROW EXCLUSIVE MODE", &[])?;
    let defined = machines.into_iter().map(define_one).collect::<Result<Vec<_>>>()?;
    for (name, ..) in defined.iter().filter(|(_, _, action)| *action != "unchanged") {
        require_that_it_fits(name)?;
    }
    Ok(defined)
}

fn define_one(machine: Machine) -> Result<Defined> {
    let rows = read(
        "SELECT version::pg_catalog.text, definition::pg_catalog.text, owner FROM canon.status_machine
         WHERE name OPERATOR(pg_catalog.=) $1 ORDER BY version DESC LIMIT 1",
        &[&machine.name],
    )?;
    let name = machine.name.clone();
    let wanted = machine.version.map(|version| i32::try_from(version).unwrap_or(i32::MAX));
    let definition = machine.unversioned();
    let (version, owner, action) = match rows.first().map(Vec::as_slice) {
        Some([Some(version), Some(stored), Some(owner)]) => {
            require_ownership(&name, owner)?;
            let latest: i32 = version.parse().map_err(|_| Error::internal("version"))?;
            let stored: Machine = serde_json::from_str(stored).map_err(|error| Error::internal(error.to_string()))?;
            let same = stored == definition;
            match wanted {
                Some(wanted) if wanted < latest || (wanted == latest && !same) => {
                    return Err(Error::new(
                        Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                        format!("version {wanted} of status machine \"{name}\" is taken"),
                    )
                    .detail(format!(
                        "The latest version is {latest}, and {}.",
                        if same { "says the same" } else { "says otherwise" }
                    ))
                    .hint(format!("Write version = {}, or leave it out.", latest.saturating_add(1))));
                }
                _ if same => return Ok((name, latest, "unchanged")),
                _ => (wanted.unwrap_or_else(|| latest.saturating_add(1)), owner.clone(), "redefined"),
            }
        }
        _ => (wanted.unwrap_or(1), user(), "defined"),
    };
    let json = serde_json::to_value(&definition).map_err(|error| Error::internal(error.to_string()))?;
    run_as_owner(
        TABLE,
        "INSERT INTO canon.status_machine (name, version, definition, owner, defined_by) VALUES ($1, $2, $3, $4, $5)",
        &[name.as_str().into(), version.into(), JsonB(json).into(), owner.into(), user().into()],
    )?;
    Ok((name, version, action))
}

/// A new version must work for every column that it governs from now on.
fn require_that_it_fits(machine: &str) -> Result<()> {
    let rows = read(
        "SELECT t.tgrelid::pg_catalog.text,
                pg_catalog.convert_from(pg_catalog.substring(t.tgargs, 1, pg_catalog.length(t.tgargs) OPERATOR(pg_catalog.-) 1),
                                        pg_catalog.getdatabaseencoding())
         FROM pg_catalog.pg_trigger t
         WHERE t.tgnargs OPERATOR(pg_catalog.=) 1 AND t.tgfoid OPERATOR(pg_catalog.=) 'canon.status_enforce()'::pg_catalog.regprocedure",
        &[],
    )?;
    for row in rows {
        let [Some(relation), Some(text)] = row.as_slice() else { continue };
        let setup = Setup::parse(text)?;
        if setup.machine == machine && setup.version.is_none() {
            let relation: u32 = relation.parse().map_err(|_| Error::internal("tgrelid"))?;
            let guard = load::load(relation.into(), text, &mut Sources::default())?;
            require_functions(&guard)?;
        }
    }
    Ok(())
}

/// Removes a machine with all its versions; refuses while a column is guarded by it.
pub(super) fn drop(machine: &str) -> Result<()> {
    let _pinned = Pinned::plain();
    run_as_owner(TABLE, "LOCK TABLE canon.status_machine IN SHARE ROW EXCLUSIVE MODE", &[])?;
    let rows = read("SELECT owner FROM canon.status_machine WHERE name OPERATOR(pg_catalog.=) $1 LIMIT 1", &[machine])?;
    let owner = rows.into_iter().flatten().flatten().next().ok_or_else(|| Error::unknown_machine(machine))?;
    require_ownership(machine, &owner)?;
    let rows = read(
        "SELECT n.nspname, c.relname, g.column_name FROM canon.status_guards() g
         JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) g.relation
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
         WHERE g.machine OPERATOR(pg_catalog.=) $1",
        &[machine],
    )?;
    let uses: Vec<(String, String)> = rows
        .iter()
        .filter_map(|row| match row.as_slice() {
            [Some(schema), Some(table), Some(column)] => {
                Some((quote_qualified_identifier(schema, table), column.clone()))
            }
            _ => None,
        })
        .collect();
    if let Some((table, column)) = uses.first() {
        let list: Vec<String> = uses.iter().map(|(table, column)| format!("{table}.{}", ident(column))).collect();
        return Err(Error::new(
            Code::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("status machine \"{machine}\" guards columns"),
        )
        .detail(list.join("\n"))
        .hint(format!("SELECT canon.status_unguard({}, {});", literal(table), literal(column))));
    }
    Ok(run_as_owner(TABLE, "DELETE FROM canon.status_machine WHERE name OPERATOR(pg_catalog.=) $1", &[machine.into()])?)
}

fn require_ownership(machine: &str, owner: &str) -> Result<()> {
    // SAFETY: reads whether the current user is a superuser.
    if unsafe { pg_sys::superuser() } || super::attempt::is_member(owner) {
        return Ok(());
    }
    Err(Error::new(Code::ERRCODE_INSUFFICIENT_PRIVILEGE, format!("must be owner of status machine \"{machine}\""))
        .detail(format!("It belongs to role \"{owner}\".")))
}

/// Name of the current user.
pub(super) fn user() -> String {
    // SAFETY: the current user has a name, which is a C string.
    unsafe { std::ffi::CStr::from_ptr(pg_sys::GetUserNameFromId(pg_sys::GetUserId(), false)) }
        .to_string_lossy()
        .into_owned()
}
