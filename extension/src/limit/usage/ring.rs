//! The ring of events in shared memory.

use super::{Event, What};
use crate::queue::{self, Queue};
use crate::shmem::{self, Area};

/// Events that there is room for.
const CAPACITY: usize = 8_192;
type Text = queue::Text<200>;

static RING: Queue<Slot, CAPACITY> = Queue::new();
static AREA: Area = Area {
    name: c"pg_canon usage",
    size: Queue::<Slot, CAPACITY>::size,
    locks: 1,
    // SAFETY: the memory and the locks are those of the area.
    start: |memory, locks| unsafe { RING.start(memory, locks) },
};

/// An event at rest. What the numbers and texts mean depends on `kind`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
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

pub(super) fn init() {
    if shmem::is_preloading() {
        shmem::reserve(&AREA);
    }
    RING.init();
}

/// Puts an event into the ring; whether there was room.
pub(super) fn push(event: &Event) -> bool {
    RING.push(pack(event))
}

/// The events of this database. They are taken out of the ring when the transaction commits.
pub(super) fn take() -> Vec<Event> {
    RING.take().iter().filter_map(unpack).collect()
}

fn pack(event: &Event) -> Slot {
    let mut slot = Slot {
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
        texts: [Text::EMPTY; 2],
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
