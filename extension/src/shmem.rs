//! Areas of shared memory whose size a setting decides: reserved while the library is preloaded,
//! mapped when the server starts, and again when it starts over after a crash.

use std::ffi::CStr;
use std::ptr::NonNull;

use pgrx::pg_sys;
use pgrx::prelude::*;

/// A piece of shared memory, with locks of its own.
pub(crate) struct Area {
    /// Unique in the server, so it begins with the name of the extension; also names the locks in
    /// `pg_stat_activity.wait_event`.
    pub(crate) name: &'static CStr,
    /// Bytes. Called when settings have their values.
    pub(crate) size: fn() -> usize,
    /// Number of locks.
    pub(crate) locks: i32,
    /// Called once in the postmaster, before any other process uses the area. It is aligned to a
    /// cache line and not cleared.
    pub(crate) start: unsafe fn(memory: NonNull<u8>, locks: *mut pg_sys::LWLockPadded),
}

static mut AREAS: Vec<&'static Area> = Vec::new();
static mut NEXT_REQUEST: pg_sys::shmem_request_hook_type = None;
static mut NEXT_STARTUP: pg_sys::shmem_startup_hook_type = None;

/// Whether the server loads its preloaded libraries now: only then can memory be reserved.
pub(crate) fn is_preloading() -> bool {
    // SAFETY: two flags of this process that the server sets before it loads libraries.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress && !pg_sys::IsBinaryUpgrade }
}

/// Reserves an area. Only from `_PG_init`, while [`is_preloading`].
pub(crate) fn reserve(area: &'static Area) {
    // SAFETY: at server start, in a process with one thread.
    unsafe {
        let areas: *mut Vec<&'static Area> = &raw mut AREAS;
        let areas = &mut *areas;
        if areas.is_empty() {
            NEXT_REQUEST = pg_sys::shmem_request_hook;
            pg_sys::shmem_request_hook = Some(request);
            NEXT_STARTUP = pg_sys::shmem_startup_hook;
            pg_sys::shmem_startup_hook = Some(startup);
        }
        areas.push(area);
    }
}

/// The areas that were reserved.
///
/// # Safety
///
/// After the preloaded libraries have been loaded.
unsafe fn areas() -> &'static [&'static Area] {
    let areas: *const Vec<&'static Area> = &raw const AREAS;
    // SAFETY: by contract nothing is added any more.
    unsafe { &*areas }
}

#[pg_guard]
unsafe extern "C-unwind" fn request() {
    // SAFETY: called once by the postmaster; the other hook is called in turn.
    unsafe {
        if let Some(next) = NEXT_REQUEST {
            pg_sys::ffi::pg_guard_ffi_boundary(|| next());
        }
        for area in areas() {
            pg_sys::RequestAddinShmemSpace((area.size)());
            pg_sys::RequestNamedLWLockTranche(area.name.as_ptr(), area.locks);
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn startup() {
    // SAFETY: called by the postmaster whenever it has made shared memory; the size is the one
    // that was requested.
    unsafe {
        if let Some(next) = NEXT_STARTUP {
            pg_sys::ffi::pg_guard_ffi_boundary(|| next());
        }
        for area in areas() {
            let mut found = false;
            let memory = pg_sys::ShmemInitStruct(area.name.as_ptr(), (area.size)(), &mut found);
            let locks = pg_sys::GetNamedLWLockTranche(area.name.as_ptr());
            (area.start)(NonNull::new_unchecked(memory.cast()), locks);
        }
    }
}
