//! Settings of a session that changes statuses.

use std::cell::Cell;
use std::ffi::{CStr, CString};

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::pg_sys;

static REASON: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static ACTOR: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static BYPASS: GucSetting<bool> = GucSetting::<bool>::new(false);

thread_local! {
    static MIGRATING: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::Oid::INVALID) };
}

/// Registers the settings; before the prefix is closed.
pub(crate) fn init() {
    GucRegistry::define_string_guc(
        c"canon.status_reason",
        c"Reason for the changes of status that follow.",
        c"Transitions that need a reason are refused without it; the history records it.",
        &REASON,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"canon.actor",
        c"User of the application on whose behalf the session acts.",
        c"Recorded with changes of status; business rules about people go by it.",
        &ACTOR,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"canon.status_bypass",
        c"Lets members of a machine's bypass roles break its rules.",
        c"Every change of status is then marked in the history.",
        &BYPASS,
        GucContext::Userset,
        GucFlags::default(),
    );
    super::history::init();
    super::refusal::init();
}

/// The reason of the session, without blanks around it; None where there is nothing left.
pub(super) fn reason() -> Option<String> {
    let reason = REASON.get()?;
    let reason = reason.to_string_lossy();
    let reason = reason.trim();
    (!reason.is_empty()).then(|| reason.to_owned())
}

/// Whether the session asks for the rules to be broken.
pub(super) fn bypass() -> bool {
    BYPASS.get()
}

/// Name of the setting for a reason.
pub(super) const REASON_NAME: &CStr = c"canon.status_reason";

/// The application's user; None where the application names none.
pub(super) fn actor() -> Option<String> {
    let actor = ACTOR.get()?;
    let actor = actor.to_string_lossy();
    (!actor.is_empty()).then(|| actor.into_owned())
}

/// The table that `canon.status_migrate` is at work on, or the invalid OID.
pub(super) fn migrating() -> pg_sys::Oid {
    MIGRATING.get()
}

/// Lets the triggers of a table know that a migration is at work, until dropped.
pub(super) struct Migrating;

impl Migrating {
    pub(super) fn begin(relation: pg_sys::Oid) -> Self {
        MIGRATING.set(relation);
        Self
    }
}

impl Drop for Migrating {
    fn drop(&mut self) {
        MIGRATING.set(pg_sys::Oid::INVALID);
    }
}
