//! Settings: our own, and those of the session that a function holds still while it works.

use std::ffi::{CStr, CString};

use pgrx::pg_sys;

/// Declares our prefix: `SET canon.typo = 1` is an error, not a silent placeholder.
pub(crate) fn init() {
    crate::status::init();
    // SAFETY: called once from _PG_init with a static string.
    unsafe { pg_sys::MarkGUCPrefixReserved(c"canon".as_ptr()) };
}

/// Settings under which SQL texts of ours mean what they say, whatever the session has set:
/// names resolve in pg_catalog, backslashes in plain strings are backslashes.
const PLAIN: &[(&CStr, &CStr)] = &[
    (c"search_path", c"pg_catalog, pg_temp"),
    (c"standard_conforming_strings", c"on"),
    (c"check_function_bodies", c"on"),
    (c"quote_all_identifiers", c"off"),
    // A list of every dropped table says nothing that the result does not say.
    (c"client_min_messages", c"warning"),
];

/// Holds settings until dropped. After an error the end of the transaction restores them.
pub(crate) struct Pinned {
    level: std::ffi::c_int,
}

impl Pinned {
    /// Pins [`PLAIN`].
    pub(crate) fn plain() -> Self {
        // SAFETY: opens a nesting level that Drop, or the abort of the transaction, closes.
        let pinned = Self { level: unsafe { pg_sys::NewGUCNestLevel() } };
        for (name, value) in PLAIN {
            pinned.set(name, value);
        }
        pinned
    }

    /// Pins the time zone too, so that times have one spelling.
    pub(crate) fn plain_utc() -> Self {
        let pinned = Self::plain();
        pinned.set(c"TimeZone", c"UTC");
        pinned
    }

    /// Sets nothing but one setting.
    pub(crate) fn one(name: &CStr, value: &CStr) -> Self {
        // SAFETY: as in `plain`.
        let pinned = Self { level: unsafe { pg_sys::NewGUCNestLevel() } };
        pinned.set(name, value);
        pinned
    }

    /// Has long values compressed fast, where the server was built to.
    pub(crate) fn fast_compression() -> Self {
        // SAFETY: as in `plain`.
        let pinned = Self { level: unsafe { pg_sys::NewGUCNestLevel() } };
        pinned.try_set(c"default_toast_compression", c"lz4", pg_sys::DEBUG5 as i32);
        pinned
    }

    /// Pins what output functions of types depend on: the text of a value is then always the same.
    pub(crate) fn for_output() -> Self {
        let pinned = Self::plain_utc();
        for (name, value) in [
            (c"DateStyle", c"ISO, YMD"),
            (c"IntervalStyle", c"postgres"),
            (c"extra_float_digits", c"1"),
            (c"bytea_output", c"hex"),
            (c"lc_monetary", c"C"),
            (c"xmloption", c"content"),
        ] {
            pinned.set(name, value);
        }
        pinned
    }

    /// Makes the planner read large tables in the order of an index, whatever their statistics say.
    pub(crate) fn by_index() -> Self {
        let pinned = Self::one(c"enable_seqscan", c"off");
        for name in [c"enable_sort", c"enable_bitmapscan", c"enable_hashjoin", c"jit"] {
            pinned.set(name, c"off");
        }
        pinned
    }

    fn set(&self, name: &CStr, value: &CStr) {
        self.try_set(name, value, 0);
    }

    /// `level`: that of the message where the server does not know the value; 0 is an error.
    fn try_set(&self, name: &CStr, value: &CStr, level: i32) {
        let value = CString::from(value);
        // SAFETY: both strings outlive the call; GUC_ACTION_SAVE stacks the old value on our level.
        unsafe {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                level,
                false,
            );
        }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: closes the level that `plain` opened.
            unsafe { pg_sys::AtEOXact_GUC(false, self.level) };
        }
    }
}
