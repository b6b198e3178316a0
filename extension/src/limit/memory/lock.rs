use pgrx::pg_sys;
use pgrx::pg_sys::LWLockMode::{LW_EXCLUSIVE, LW_SHARED};

/// A lock held until dropped. Should a panic pass, the abort of the transaction releases it.
pub(super) struct Held(*mut pg_sys::LWLock);

impl Held {
    /// # Safety
    ///
    /// The lock must be one of the server's that this process does not hold.
    #[inline]
    pub(super) unsafe fn shared(lock: *mut pg_sys::LWLock) -> Self {
        // SAFETY: by contract.
        unsafe { pg_sys::LWLockAcquire(lock, LW_SHARED) };
        Self(lock)
    }

    /// # Safety
    ///
    /// As [`Held::shared`].
    #[inline]
    pub(super) unsafe fn exclusive(lock: *mut pg_sys::LWLock) -> Self {
        // SAFETY: by contract.
        unsafe { pg_sys::LWLockAcquire(lock, LW_EXCLUSIVE) };
        Self(lock)
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: acquired by this value.
            unsafe { pg_sys::LWLockRelease(self.0) };
        }
    }
}
