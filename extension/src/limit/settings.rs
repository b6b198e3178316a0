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
pub(super) static SNAPSHOT_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(1_000);

/// Thresholds of alerts, in percent of a quota: warning, critical, exceeded.
static ALERTS: [GucSetting<i32>; 3] =
    [GucSetting::<i32>::new(80), GucSetting::<i32>::new(95), GucSetting::<i32>::new(100)];

/// [`ALERTS`] as numbers.
pub(super) fn alert_percentages() -> [u32; 3] {
    std::array::from_fn(|k| ALERTS[k].get().unsigned_abs())
}

struct Int {
    name: &'static CStr,
    what: &'static CStr,
    more: &'static CStr,
    setting: &'static GucSetting<i32>,
    range: (i32, i32),
    /// Whether a change needs a restart of the server; otherwise it needs a reload.
    restart: bool,
    flags: GucFlags,
}

const INTS: &[Int] = &[
    Int {
        name: c"canon.rate_limit_max_keys",
        what: c"Keys that shared memory has room for.",
        more: c"A key takes about 59 bytes.",
        setting: &MAX_KEYS,
        range: (1_000, 100_000_000),
        restart: true,
        flags: GucFlags::empty(),
    },
    Int {
        name: c"canon.rate_limit_snapshot_interval",
        what: c"Time between two copies of the counters in memory on disk.",
        more: c"After a crash at most this time is forgotten. 0: none; a crash forgets everything.",
        setting: &SNAPSHOT_INTERVAL,
        range: (0, 3_600_000),
        restart: false,
        flags: GucFlags::UNIT_MS,
    },
    Int {
        name: c"canon.quota_warning_percent",
        what: c"Use of a quota, in percent, that raises the alert warning.",
        more: c"0: none.",
        setting: &ALERTS[0],
        range: (0, 100),
        restart: false,
        flags: GucFlags::empty(),
    },
    Int {
        name: c"canon.quota_critical_percent",
        what: c"Use of a quota, in percent, that raises the alert critical.",
        more: c"0: none.",
        setting: &ALERTS[1],
        range: (0, 100),
        restart: false,
        flags: GucFlags::empty(),
    },
    Int {
        name: c"canon.quota_exceeded_percent",
        what: c"Use of a quota, in percent, that raises the alert exceeded.",
        more: c"0: none.",
        setting: &ALERTS[2],
        range: (0, 100),
        restart: false,
        flags: GucFlags::empty(),
    },
];

pub(super) fn init() {
    // Such a setting can only be made known while the server starts, and means nothing without it.
    let preloading = crate::shmem::is_preloading();
    for int in INTS.iter().filter(|int| preloading || !int.restart) {
        let (low, high) = int.range;
        let context = if int.restart { GucContext::Postmaster } else { GucContext::Sighup };
        GucRegistry::define_int_guc(int.name, int.what, int.more, int.setting, low, high, context, int.flags);
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
