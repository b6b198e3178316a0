//! Refusals: what was met, what is allowed instead, and SQL that helps.

use canon_core::status::{Refusal, StateIndex, Transition};
use pgrx::PgSqlErrorCode as Code;
use pgrx::spi::quote_identifier as ident;

use super::attempt::Attempt;
use super::error::Error;
use super::load::{Rules, literal};
use super::row::Row;

/// The machine, or a condition of it, refuses.
pub(super) fn refused(attempt: &Attempt<'_>, from: Option<StateIndex>, to: StateIndex, refusal: &Refusal) -> Error {
    let rules = attempt.rules;
    let table = &attempt.guard.table;
    let name = |state| rules.machine.name(state);
    let key = attempt.key();
    let Some(from) = from else {
        let initial = &rules.machine.machine().initial;
        return violation(format!("a row of {table} cannot begin with status \"{}\"", name(to)))
            .detail(format!("Machine {} begins with {}.", machine(rules), list(initial)))
            .hint(format!(
                "SELECT * FROM canon.status_states({}) WHERE initial;",
                literal(&rules.machine.machine().name)
            ));
    };
    let mut message = format!("status of {table} cannot change from \"{}\" to \"{}\"", name(from), name(to));
    if let Refusal::Role(_) | Refusal::Columns(_) | Refusal::Reason | Refusal::Guard { .. } = refusal {
        message.push_str(&format!(": {refusal}"));
    }
    let row = key.as_deref().map_or_else(|| "The row".to_owned(), |key| format!("Row {key}"));
    let allowed: Vec<String> = rules.machine.leaving(from).map(|(to, t)| describe(name(to), t)).collect();
    let allowed = if allowed.is_empty() { "nothing, it is terminal".to_owned() } else { allowed.join(", ") };
    let detail =
        format!("{row} is in \"{}\" of machine {}. Allowed from there: {allowed}.", name(from), machine(rules));
    violation(message).detail(detail).hint(help(attempt, key.as_deref(), name(from), refusal))
}

/// What the user can run.
fn help(attempt: &Attempt<'_>, key: Option<&str>, from: &str, refusal: &Refusal) -> String {
    match refusal {
        Refusal::Reason => "SET canon.status_reason = 'why it changes'; -- then run the statement again".to_owned(),
        Refusal::Role(roles) => {
            // SAFETY: the current user has a name.
            let user = unsafe { pgrx::pg_sys::GetUserNameFromId(pgrx::pg_sys::GetUserId(), false) };
            // SAFETY: a name is a C string.
            let user = unsafe { std::ffi::CStr::from_ptr(user) }.to_string_lossy().into_owned();
            let role = &roles[0];
            let create = if exists(role) { String::new() } else { format!("CREATE ROLE {}; ", ident(role)) };
            format!("{create}GRANT {} TO {};", ident(role), ident(user))
        }
        Refusal::NotInitial | Refusal::NoTransition | Refusal::Columns(_) | Refusal::Guard { .. } => {
            attempt.guard.permitted_call(key, Some(from))
        }
    }
}

fn exists(role: &str) -> bool {
    // SAFETY: a look-up by name.
    std::ffi::CString::new(role)
        .is_ok_and(|name| unsafe { pgrx::pg_sys::get_role_oid(name.as_ptr(), true) } != pgrx::pg_sys::InvalidOid)
}

/// A state that can be reached, with its event and conditions.
pub(super) fn describe(to: &str, transition: &Transition) -> String {
    let mut notes = vec![transition.event.clone()];
    if !transition.roles.is_empty() {
        notes.push(format!("for members of {}", transition.roles.join(" or ")));
    }
    if !transition.requires.is_empty() {
        notes.push(format!("needs {}", transition.requires.join(" and ")));
    }
    if transition.requires_reason {
        notes.push("needs a reason".to_owned());
    }
    if !transition.guards.is_empty() {
        notes.push(format!("if {} agrees", transition.guards.join(" and ")));
    }
    format!("\"{to}\" ({})", notes.join(", "))
}

/// NULL is no state.
pub(super) fn null(attempt: &Attempt<'_>) -> Error {
    let rules = attempt.rules;
    violation(format!("status of {} cannot be NULL", attempt.guard.table))
        .detail(format!("States of machine {}: {}.", machine(rules), list(&rules.machine.machine().states)))
        .hint(states_call(rules))
}

/// The new value stands for no state.
pub(super) fn unknown(attempt: &Attempt<'_>, row: Row) -> Error {
    let rules = attempt.rules;
    let value = row.text(&attempt.guard.column).unwrap_or_default();
    violation(format!("status of {} cannot be \"{value}\": it is no state", attempt.guard.table))
        .detail(format!("States of machine {}: {}.", machine(rules), list(&shown(rules))))
        .hint(states_call(rules))
}

/// The row is in a state that the governing version no longer has.
pub(super) fn outdated(attempt: &Attempt<'_>, old: Row) -> Error {
    let rules = attempt.rules;
    let value = old.text(&attempt.guard.column).unwrap_or_default();
    violation(format!("a row of {} is in status \"{value}\", which is no state", attempt.guard.table))
        .detail(format!("States of machine {}: {}.", machine(rules), list(&shown(rules))))
        .hint(format!(
            "SELECT canon.status_migrate({}, {}, jsonb_build_object({}, {}));",
            literal(&attempt.guard.table),
            literal(&attempt.guard.setup.column),
            literal(&value),
            literal(&rules.machine.machine().states[0]),
        ))
}

fn violation(message: String) -> Error {
    Error::new(Code::ERRCODE_CHECK_VIOLATION, message)
}

fn machine(rules: &Rules) -> String {
    format!("\"{}\" (version {})", rules.machine.machine().name, rules.version)
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    names.join(", ")
}

/// The states, and beside them the values where these are not the names.
fn shown(rules: &Rules) -> Vec<String> {
    let states = &rules.machine.machine().states;
    let show =
        |(state, text): (&String, &String)| if state == text { state.clone() } else { format!("{text} = {state}") };
    states.iter().zip(&rules.texts).map(show).collect()
}

fn states_call(rules: &Rules) -> String {
    format!("SELECT * FROM canon.status_states({});", literal(&rules.machine.machine().name))
}
