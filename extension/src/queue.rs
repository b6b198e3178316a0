//! Queues in shared memory. Any process puts items in; the worker of their database takes them, and they leave the
//! queue when the transaction commits in which it wrote them down.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pgrx::pg_sys;
use pgrx::pg_sys::LWLockMode::{LW_EXCLUSIVE, LW_SHARED};
use pgrx::pg_sys::panic::pgrx_extern_c_guard;

/// A queue of at most `N` items; a static of its user.
pub(crate) struct Queue<T, const N: usize> {
    /// Both are set in the postmaster and inherited by every process.
    shared: AtomicPtr<Shared<T, N>>,
    lock: AtomicPtr<pg_sys::LWLock>,
    /// What this transaction has taken, in order. The process has one thread.
    taken: Mutex<Vec<Taken>>,
}

/// All items of the database before `head` are taken, if `within` is kept.
#[derive(Clone, Copy)]
struct Taken {
    head: u64,
    within: pg_sys::SubTransactionId,
}

#[repr(C)]
struct Shared<T, const N: usize> {
    /// Numbers of the oldest item and of the next one.
    tail: u64,
    head: u64,
    slots: [Slot<T>; N],
}

#[repr(C)]
struct Slot<T> {
    /// 0: free, whatever the item is.
    database: u32,
    item: MaybeUninit<T>,
}

impl<T: Copy + 'static, const N: usize> Queue<T, N> {
    pub(crate) const fn new() -> Self {
        Self {
            shared: AtomicPtr::new(std::ptr::null_mut()),
            lock: AtomicPtr::new(std::ptr::null_mut()),
            taken: Mutex::new(Vec::new()),
        }
    }

    /// Bytes of shared memory.
    pub(crate) const fn size() -> usize {
        size_of::<Shared<T, N>>()
    }

    /// # Safety
    ///
    /// As for [`crate::shmem::Area::start`]; the memory has [`Self::size`] bytes.
    pub(crate) unsafe fn start(&self, memory: NonNull<u8>, locks: *mut pg_sys::LWLockPadded) {
        // SAFETY: zeros are an empty queue.
        unsafe {
            std::ptr::write_bytes(memory.as_ptr(), 0, Self::size());
            self.lock.store(&raw mut (*locks).lock, Ordering::Relaxed);
        }
        self.shared.store(memory.as_ptr().cast(), Ordering::Relaxed);
    }

    /// Runs `body` under the lock; `None` where nothing is preloaded. Nothing in it may fail.
    fn with<R>(&self, mode: pg_sys::LWLockMode::Type, body: impl FnOnce(&mut Shared<T, N>) -> R) -> Option<R> {
        let (shared, lock) = (self.shared.load(Ordering::Relaxed), self.lock.load(Ordering::Relaxed));
        if shared.is_null() {
            return None;
        }
        // SAFETY: written in the postmaster only; the lock is one this process does not hold.
        unsafe {
            pg_sys::LWLockAcquire(lock, mode);
            let result = body(&mut *shared);
            pg_sys::LWLockRelease(lock);
            Some(result)
        }
    }

    /// Puts an item in; whether there was room.
    pub(crate) fn push(&self, item: T) -> bool {
        let slot = Slot { database: this_database(), item: MaybeUninit::new(item) };
        let put = |shared: &mut Shared<T, N>| {
            let room = ((shared.head - shared.tail) as usize) < N;
            if room {
                shared.slots[shared.head as usize % N] = slot;
                shared.head += 1;
            }
            room
        };
        self.with(LW_EXCLUSIVE, put).unwrap_or(false)
    }

    /// Whether there is nothing, of any database.
    pub(crate) fn is_empty(&self) -> bool {
        self.with(LW_SHARED, |shared| shared.head == shared.tail).unwrap_or(true)
    }

    /// To be called once in `_PG_init`: [`Self::take`] then follows transactions and savepoints.
    pub(crate) fn init(&'static self) {
        let this = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the functions stay where they are, and so does the queue.
        unsafe {
            pg_sys::RegisterXactCallback(Some(transaction_ends::<T, N>), this);
            pg_sys::RegisterSubXactCallback(Some(savepoint_ends::<T, N>), this);
        }
    }

    /// The items of this database that this transaction has not taken yet. They leave the queue when it
    /// commits, and stay where it, or the savepoint in which they were taken, is rolled back.
    pub(crate) fn take(&self) -> Vec<T> {
        let database = this_database();
        let mut taken = self.taken();
        let known = taken.last().map_or(0, |taken| taken.head);
        let mut mine = Vec::new();
        let head = self.with(LW_SHARED, |shared| {
            for number in shared.tail.max(known)..shared.head {
                let slot = &shared.slots[number as usize % N];
                if slot.database == database {
                    // SAFETY: a slot with a database has an item.
                    mine.push(unsafe { slot.item.assume_init() });
                }
            }
            shared.head
        });
        if let Some(head) = head.filter(|_| !mine.is_empty()) {
            // SAFETY: inside a transaction.
            taken.push(Taken { head, within: unsafe { pg_sys::GetCurrentSubTransactionId() } });
        }
        mine
    }

    fn taken(&self) -> MutexGuard<'_, Vec<Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn transaction_ends(&self, event: pg_sys::XactEvent::Type) {
        use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
        if !matches!(event, XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE) {
            return;
        }
        let last = std::mem::take(&mut *self.taken()).pop();
        if let Some(Taken { head, .. }) = last.filter(|_| event == XACT_EVENT_COMMIT) {
            self.with(LW_EXCLUSIVE, |shared| shared.forget(this_database(), head));
        }
    }

    fn savepoint_ends(&self, event: pg_sys::SubXactEvent::Type, id: pg_sys::SubTransactionId) {
        if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
            // Savepoints that began later than it and are still of interest lie within it.
            self.taken().retain(|taken| taken.within < id);
        }
    }
}

/// `queue` is the [`Queue`] that registered it.
unsafe extern "C-unwind" fn transaction_ends<T: Copy + 'static, const N: usize>(
    event: pg_sys::XactEvent::Type,
    queue: *mut c_void,
) {
    // SAFETY: by contract; the guard keeps a panic away from the server.
    unsafe { pgrx_extern_c_guard(|| (*queue.cast_const().cast::<Queue<T, N>>()).transaction_ends(event)) }
}

/// As [`transaction_ends`].
unsafe extern "C-unwind" fn savepoint_ends<T: Copy + 'static, const N: usize>(
    event: pg_sys::SubXactEvent::Type,
    this: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    queue: *mut c_void,
) {
    // SAFETY: as above.
    unsafe { pgrx_extern_c_guard(|| (*queue.cast_const().cast::<Queue<T, N>>()).savepoint_ends(event, this)) }
}

impl<T, const N: usize> Shared<T, N> {
    /// Frees the slots of a database before `head`, and moves the tail past all that are free.
    fn forget(&mut self, database: u32, head: u64) {
        for number in self.tail..head.min(self.head) {
            let slot = &mut self.slots[number as usize % N];
            if slot.database == database {
                slot.database = 0;
            }
        }
        while self.tail < self.head && self.slots[self.tail as usize % N].database == 0 {
            self.tail += 1;
        }
    }
}

fn this_database() -> u32 {
    // SAFETY: a constant of the session.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

/// Text in an item: longer ones are cut off between two characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C)]
pub(crate) struct Text<const N: usize> {
    length: u16,
    bytes: [u8; N],
}

impl<const N: usize> Text<N> {
    pub(crate) const EMPTY: Self = Self { length: 0, bytes: [0; N] };

    pub(crate) fn new(text: &str) -> Self {
        let length = (0..=N.min(text.len())).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
        let mut bytes = [0; N];
        bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
        Self { length: length as u16, bytes }
    }

    pub(crate) fn get(&self) -> String {
        String::from_utf8_lossy(&self.bytes[..usize::from(self.length).min(N)]).into_owned()
    }
}
