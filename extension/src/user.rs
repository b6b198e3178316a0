//! Acting as another role for a moment.

use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;

use crate::error::{Error, Result};

/// Restores the role when dropped. After an error the end of the transaction restores it.
pub(crate) struct ActingAs {
    user: pg_sys::Oid,
    context: std::ffi::c_int,
}

impl ActingAs {
    /// The owner of a configuration table of ours, for one fixed statement on that table. This is
    /// how foreign-key triggers of the server read tables their caller may not.
    pub(crate) fn owner_of_our_table(owner: pg_sys::Oid) -> Self {
        Self::switch(owner, pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32)
    }

    /// The owner of a table, for evaluating expressions that the owner wrote. What they can do is
    /// restricted as in VACUUM and CREATE INDEX.
    pub(crate) fn owner_of_expressions(owner: pg_sys::Oid) -> Self {
        Self::switch(owner, pg_sys::SECURITY_RESTRICTED_OPERATION as i32)
    }

    fn switch(user: pg_sys::Oid, flags: i32) -> Self {
        let mut before = Self { user: pg_sys::InvalidOid, context: 0 };
        // SAFETY: reads and sets two process-wide values; Drop puts the old ones back.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut before.user, &mut before.context);
            pg_sys::SetUserIdAndSecContext(user, before.context | flags);
        }
        before
    }
}

impl Drop for ActingAs {
    fn drop(&mut self) {
        // SAFETY: puts back what `switch` read.
        unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) };
    }
}

/// Runs one fixed statement as the owner of the configuration table that it changes: callers may
/// only read it.
pub(crate) fn run_as_owner(table: &str, sql: &'static str, arguments: &[DatumWithOid<'_>]) -> Result<()> {
    let owner = Spi::connect(|client| {
        let sql = "SELECT relowner FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass";
        client.select(sql, Some(1), &[table.into()])?.first().get_one::<pg_sys::Oid>()
    })?;
    let owner = owner.ok_or_else(|| Error::Internal(format!("{table} has no owner")))?;
    let acting = ActingAs::owner_of_our_table(owner);
    let done = Spi::connect_mut(|client| client.update(sql, None, arguments).map(|_| ()));
    drop(acting);
    Ok(done?)
}
