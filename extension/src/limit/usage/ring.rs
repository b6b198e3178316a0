//! The ring of events in shared memory.

use std::cell::Cell;
use std::ptr::NonNull;

use pgrx::pg_sys;
use pgrx::pg_sys::LWLockMode::{LW_EXCLUSIVE, LW_SHARED};
use pgrx::prelude::*;

use super::{Event, What};
use crate::shmem::{self, Area};

/// Events that there is room for.
const CAPACITY: usize = 8_192;
/// Bytes of a text; longer ones are cut off between two characters.
const TEXT: usize = 200;

static AREA: Area = Area { name: c"pg_canon usage", size: || size_of::<Ring>(), locks: 1, start };

/// Text of limited length.
#[derive(Clone, Copy)]
#[repr(C)]
struct Text {
    length: u16,
    bytes: [u8; TEXT],
}

impl Text {
    fn new(text: &str) -> Self {
        let length = (0..=TEXT.min(text.len())).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
        let mut bytes = [0; TEXT];
        bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
        Self { length: length as u16, bytes }
    }

    fn get(&self) -> String {
        String::from_utf8_lossy(&self.bytes[..usize::from(self.length).min(TEXT)]).into_owned()
    }
}

/// An event at rest. What the numbers and texts mean depends on `kind`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    /// 0: written already.
    database: u32,
    kind: u8,
    has_user: bool,
    flag: bool,
    has_number: bool,
    organization: super::Id,
    user: super::Id,
    at: i64,
    numbers: [i64; 3],
    real: f64,
    endpoint: Text,
    texts: [Text; 2],
}

#[repr(C)]
struct Ring {
    /// Numbers of the oldest event and of the next one.
    tail: u64,
    head: u64,
    slots: [Slot; CAPACITY],
}

#[derive(Clone, Copy)]
struct Place {
    ring: *mut Ring,
    lock: *mut pg_sys::LWLock,
}

/// Set in the postmaster and inherited by every process.
static mut PLACE: Option<Place> = None;

thread_local! {
    /// Number of the event up to which this transaction has written those of its database.
    static WRITTEN: Cell<Option<u64>> = const { Cell::new(None) };
}

pub(super) fn init() {
    if shmem::is_preloading() {
        shmem::reserve(&AREA);
    }
    // SAFETY: the function stays where it is.
    unsafe { pg_sys::RegisterXactCallback(Some(transaction_ends), std::ptr::null_mut()) };
}

/// # Safety
///
/// As for [`Area::start`].
unsafe fn start(memory: NonNull<u8>, locks: *mut pg_sys::LWLockPadded) {
    // SAFETY: the area is as large as a ring, and zeros are one that is empty.
    unsafe {
        std::ptr::write_bytes(memory.as_ptr(), 0, size_of::<Ring>());
        PLACE = Some(Place { ring: memory.as_ptr().cast(), lock: &raw mut (*locks).lock });
    }
}

/// Runs `body` on the ring under its lock; `None` without one. Nothing in it may fail.
fn with_ring<T>(mode: pg_sys::LWLockMode::Type, body: impl FnOnce(&mut Ring) -> T) -> Option<T> {
    // SAFETY: written in the postmaster only; the lock is one this process does not hold.
    unsafe {
        let place = PLACE?;
        pg_sys::LWLockAcquire(place.lock, mode);
        let result = body(&mut *place.ring);
        pg_sys::LWLockRelease(place.lock);
        Some(result)
    }
}

/// Puts an event into the ring; whether there was room.
pub(super) fn push(database: pg_sys::Oid, event: &Event) -> bool {
    let slot = pack(database, event);
    let put = |ring: &mut Ring| {
        let room = ((ring.head - ring.tail) as usize) < CAPACITY;
        if room {
            ring.slots[ring.head as usize % CAPACITY] = slot;
            ring.head += 1;
        }
        room
    };
    with_ring(LW_EXCLUSIVE, put).unwrap_or(false)
}

/// The events of this database. They are taken out of the ring when the transaction commits.
pub(super) fn take() -> Vec<Event> {
    // SAFETY: a constant of the session.
    let database = unsafe { pg_sys::MyDatabaseId }.to_u32();
    let mut mine = Vec::with_capacity(CAPACITY);
    let head = with_ring(LW_SHARED, |ring| {
        for number in ring.tail..ring.head {
            let slot = &ring.slots[number as usize % CAPACITY];
            if slot.database == database {
                mine.push(*slot);
            }
        }
        ring.head
    });
    WRITTEN.set(head.filter(|_| !mine.is_empty()));
    mine.iter().filter_map(unpack).collect()
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(event: pg_sys::XactEvent::Type, _arg: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    if !matches!(event, XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE) {
        return;
    }
    let Some(head) = WRITTEN.take() else { return };
    if event == XACT_EVENT_COMMIT {
        // SAFETY: a constant of the session.
        let database = unsafe { pg_sys::MyDatabaseId }.to_u32();
        with_ring(LW_EXCLUSIVE, |ring| forget(ring, database, head));
    }
}

/// Marks the events of a database before `head` as written, and moves the tail past all that are.
fn forget(ring: &mut Ring, database: u32, head: u64) {
    for number in ring.tail..head.min(ring.head) {
        let slot = &mut ring.slots[number as usize % CAPACITY];
        if slot.database == database {
            slot.database = 0;
        }
    }
    while ring.tail < ring.head && ring.slots[ring.tail as usize % CAPACITY].database == 0 {
        ring.tail += 1;
    }
}

fn pack(database: pg_sys::Oid, event: &Event) -> Slot {
    let none = Text { length: 0, bytes: [0; TEXT] };
    let mut slot = Slot {
        database: database.to_u32(),
        kind: 0,
        has_user: event.user.is_some(),
        flag: false,
        has_number: false,
        organization: event.organization,
        user: event.user.unwrap_or_default(),
        at: event.at,
        numbers: [0; 3],
        real: 0.0,
        endpoint: Text::new(&event.endpoint),
        texts: [none, none],
    };
    match &event.what {
        What::Counted { minutes } => (slot.kind, slot.numbers[0]) = (1, i64::from(*minutes)),
        What::Tracked { resource, denied, shadow } => {
            (slot.kind, slot.flag, slot.has_number) = (2, *denied, shadow.is_some());
            slot.texts = [Text::new(resource), Text::new(shadow.as_deref().unwrap_or_default())];
        }
        What::Answered { method, status, millis, denied, error } => {
            (slot.kind, slot.flag, slot.has_number) = (3, *denied, millis.is_some());
            slot.numbers = [i64::from(*status), i64::from(error.is_some()), 0];
            slot.real = millis.unwrap_or_default();
            slot.texts = [Text::new(method), Text::new(error.as_deref().unwrap_or_default())];
        }
        What::Alerted { policy, period, alert, used, limit, window_start } => {
            (slot.kind, slot.numbers) = (4 + *alert, [*used, *limit, *window_start]);
            slot.texts = [Text::new(policy), Text::new(period)];
        }
    }
    slot
}

fn unpack(slot: &Slot) -> Option<Event> {
    let [a, b] = &slot.texts;
    let what = match slot.kind {
        1 => What::Counted { minutes: i32::try_from(slot.numbers[0]).ok()? },
        2 => What::Tracked { resource: a.get(), denied: slot.flag, shadow: slot.has_number.then(|| b.get()) },
        3 => What::Answered {
            method: a.get(),
            status: i32::try_from(slot.numbers[0]).ok()?,
            millis: slot.has_number.then_some(slot.real),
            denied: slot.flag,
            error: (slot.numbers[1] != 0).then(|| b.get()),
        },
        4..=6 => What::Alerted {
            policy: a.get(),
            period: b.get(),
            alert: slot.kind - 4,
            used: slot.numbers[0],
            limit: slot.numbers[1],
            window_start: slot.numbers[2],
        },
        _ => return None,
    };
    let user = slot.has_user.then_some(slot.user);
    Some(Event { organization: slot.organization, user, endpoint: slot.endpoint.get(), at: slot.at, what })
}
