use std::ffi::CString;

use canon_core::limit::Zone;
use pgrx::pg_sys;

use super::error::LimitError;

/// A time zone of the server.
#[derive(Clone, Copy)]
pub(super) struct ServerZone(*const pg_sys::pg_tz);

impl ServerZone {
    /// The time zone of this name, and a number that stands for it.
    pub(super) fn named(name: &str) -> Result<(Self, u64), LimitError> {
        let unknown = || LimitError::UnknownZone { name: name.to_owned() };
        let text = CString::new(name).map_err(|_| unknown())?;
        // SAFETY: the name outlives the call; zones stay in memory for ever.
        let zone = unsafe { pg_sys::pg_tzset(text.as_ptr()) };
        // SAFETY: a zone of the server.
        if zone.is_null() || !unsafe { pg_sys::pg_tz_acceptable(zone) } {
            return Err(unknown());
        }
        let upper = name.to_ascii_uppercase();
        let id =
            upper.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Ok((Self(zone), id))
    }
}

impl Zone for ServerZone {
    fn offset(&self, unix_seconds: i64) -> i32 {
        // SAFETY: reads the zone and fills a static buffer; allocates nothing and raises no error.
        let local = unsafe { pg_sys::pg_localtime(&unix_seconds, self.0) };
        // SAFETY: NULL or that buffer.
        unsafe { local.as_ref() }.map_or(0, |local| i32::try_from(local.tm_gmtoff).unwrap_or(0))
    }
}
