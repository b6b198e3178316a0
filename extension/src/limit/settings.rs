//! Settings of limits.

use std::ffi::CStr;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};

/// What becomes of a key for which shared memory has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
#[allow(non_camel_case_types, reason = "the names of the values in SQL")]
pub(super) enum OnFull {
    /// Denied.
    deny,
    /// Allowed, uncounted.
    allow,
    /// Counted in the table, until its state has expired.
    spill,
}

pub(super) static MAX_KEYS: GucSetting<i32> = GucSetting::<i32>::new(100_000);
pub(super) static ON_FULL: GucSetting<OnFull> = GucSetting::<OnFull>::new(OnFull::spill);
pub(super) static LEASE_PERCENT: GucSetting<i32> = GucSetting::<i32>::new(1);
pub(super) static LEASE_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(1_000);
pub(super) static SNAPSHOT_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(1_000);

/// Thresholds of alerts, in percent of a quota: warning, critical, exceeded.
static ALERTS: [GucSetting<i32>; 3] =
    [GucSetting::<i32>::new(80), GucSetting::<i32>::new(95), GucSetting::<i32>::new(100)];

/// [`ALERTS`] as numbers.
pub(super) fn alert_percentages() -> [u32; 3] {
    std::array::from_fn(|k| ALERTS[k].get().unsigned_abs())
}

/// Who can change a setting, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Restart,
    Reload,
    Anybody,
}

impl By {
    fn context(self) -> GucContext {
        match self {
            Self::Restart => GucContext::Postmaster,
            Self::Reload => GucContext::Sighup,
            Self::Anybody => GucContext::Userset,
        }
    }
}

struct Int {
    name: &'static CStr,
    what: &'static CStr,
    more: &'static CStr,
    setting: &'static GucSetting<i32>,
    range: (i32, i32),
    changed_by: By,
    flags: GucFlags,
}

const INTS: &[Int] = &[
    Int {
        name: c"canon.rate_limit_max_keys",
        what: c"Keys that shared memory has room for.",
        more: c"A key takes about 59 bytes.",
        setting: &MAX_KEYS,
        range: (1_000, 100_000_000),
        changed_by: By::Restart,
        flags: GucFlags::empty(),
    },
    Int {
        name: c"canon.rate_limit_snapshot_interval",
        what: c"Time between two copies of the counters in memory on disk.",
        more: c"After a crash at most this time is forgotten. 0: none; a crash forgets everything.",
        setting: &SNAPSHOT_INTERVAL,
        range: (0, 3_600_000),
        changed_by: By::Reload,
        flags: GucFlags::UNIT_MS,
    },
    Int {
        name: c"canon.rate_limit_lease_percent",
        what: c"Share of a quota in the tier leased that memory holds at most, in percent.",
        more: c"A crash loses at most this. A row is written for each time that it is spent.",
        setting: &LEASE_PERCENT,
        range: (1, 100),
        changed_by: By::Reload,
        flags: GucFlags::empty(),
    },
    Int {
        name: c"canon.rate_limit_lease_timeout",
        what: c"Time that a request in the tier leased waits for the background worker to grant units.",
        more: c"Then it takes them from the row itself, as part of its transaction. 0: at once.",
        setting: &LEASE_TIMEOUT,
        range: (0, 60_000),
        changed_by: By::Anybody,
        flags: GucFlags::UNIT_MS,
    },
    Int {
        name: c"canon.quota_warning_percent",
        what: c"Use of a quota, in percent, that raises the alert warning.",
        more: c"0: none.",
        setting: &ALERTS[0],
        range: (0, 100),
        changed_by: By::Reload,
        flags: GucFlags::empty(),
    },
    Int {
        name: c"canon.quota_critical_percent",
        what: c"Use of a quota, in percent, that raises the alert critical.",
        more: c"0: none.",
        setting: &ALERTS[1],
        range: (0, 100),
        changed_by: By::Reload,
        flags: GucFlags::empty(),
    },
    Int {
        name: c"canon.quota_exceeded_percent",
        what: c"Use of a quota, in percent, that raises the alert exceeded.",
        more: c"0: none.",
        setting: &ALERTS[2],
        range: (0, 100),
        changed_by: By::Reload,
        flags: GucFlags::empty(),
    },
];

pub(super) fn init() {
    // Such a setting can only be made known while the server starts, and means nothing without it.
    let preloading = crate::shmem::is_preloading();
    for int in INTS.iter().filter(|int| preloading || int.changed_by != By::Restart) {
        let (low, high) = int.range;
        GucRegistry::define_int_guc(
            int.name,
            int.what,
            int.more,
            int.setting,
            low,
            high,
            int.changed_by.context(),
            int.flags,
        );
    }
    GucRegistry::define_enum_guc(
        c"canon.rate_limit_on_full",
        c"What becomes of a key for which shared memory has no room.",
        c"deny, allow (uncounted), or spill: count it in a table until there is room.",
        &ON_FULL,
        GucContext::Suset,
        GucFlags::empty(),
    );
}
