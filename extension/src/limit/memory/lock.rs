use pgrx::pg_sys;
use pgrx::pg_sys::LWLockMode::{LW_EXCLUSIVE, LW_SHARED};

// The server's functions as they are: pgrx would set a jump buffer around each call, which costs as
// much as the lock itself. They raise an error only for more locks than the 200 a process may hold, or
// for the release of one it does not hold, and neither can come to pass here.
unsafe extern "C-unwind" {
    fn LWLockAcquire(lock: *mut pg_sys::LWLock, mode: pg_sys::LWLockMode::Type) -> bool;
    fn LWLockRelease(lock: *mut pg_sys::LWLock);
}

/// A lock held until dropped. Should a panic pass, the abort of the transaction releases it.
pub(super) struct Held(*mut pg_sys::LWLock);

impl Held {
    /// # Safety
    ///
    /// The lock must be one of the server's that this process does not hold.
    #[inline]
    pub(super) unsafe fn shared(lock: *mut pg_sys::LWLock) -> Self {
        // SAFETY: by contract.
        unsafe { LWLockAcquire(lock, LW_SHARED) };
        Self(lock)
    }

    /// # Safety
    ///
    /// As [`Held::shared`].
    #[inline]
    pub(super) unsafe fn exclusive(lock: *mut pg_sys::LWLock) -> Self {
        // SAFETY: by contract.
        unsafe { LWLockAcquire(lock, LW_EXCLUSIVE) };
        Self(lock)
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: acquired by this value.
            unsafe { LWLockRelease(self.0) };
        }
    }
}
