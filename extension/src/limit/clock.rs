//! Two clocks, in microseconds: one for rates, which is never put back, and the Unix clock.

use super::memory;

/// A time on both clocks.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Times {
    /// Monotonic; shared by all processes of the server, and goes on after a restart.
    pub(super) rate: u64,
    /// Microseconds since the Unix epoch.
    pub(super) wall: u64,
}

impl Times {
    pub(super) fn now() -> Self {
        Self { rate: rate(), wall: wall() }
    }

    /// The clock that an algorithm counts by.
    pub(super) fn of(self, algorithm: canon_core::limit::Algorithm) -> u64 {
        if algorithm.is_on_the_wall_clock() { self.wall } else { self.rate }
    }
}

/// The time on the clock that an algorithm counts by.
#[inline]
pub(super) fn of(algorithm: canon_core::limit::Algorithm) -> u64 {
    if algorithm.is_on_the_wall_clock() { wall() } else { rate() }
}

/// Microseconds since the Unix epoch.
pub(super) fn wall() -> u64 {
    read(libc::CLOCK_REALTIME)
}

/// The monotonic clock, set to the Unix clock when the server first started. Without shared memory
/// there is nothing to set it by, and it is the Unix clock.
pub(super) fn rate() -> u64 {
    memory::rate_offset().map_or_else(wall, |offset| monotonic().wrapping_add(offset))
}

/// Goes on while the machine sleeps, where there is such a clock.
pub(super) fn monotonic() -> u64 {
    #[cfg(target_os = "linux")]
    const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;
    read(CLOCK)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to `time`; the clock exists.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1_000
}

/// Microseconds from the Unix epoch to that of `timestamptz`.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// A `timestamptz` so many microseconds from now; the last one there is where it would be later.
pub(super) fn timestamptz_in(micros: u64) -> i64 {
    /// 294276-12-31.
    const LAST: i64 = 9_223_371_331_199_999_999;
    let now = wall() as i64 - POSTGRES_EPOCH;
    now.saturating_add(i64::try_from(micros).unwrap_or(i64::MAX)).min(LAST)
}

/// A `timestamptz` as microseconds since the Unix epoch.
pub(super) fn unix_of(timestamptz: i64) -> i64 {
    timestamptz.saturating_add(POSTGRES_EPOCH)
}

/// Microseconds since the Unix epoch as a `timestamptz`.
pub(super) fn timestamptz_of(unix: u64) -> i64 {
    (unix as i64).saturating_sub(POSTGRES_EPOCH)
}
