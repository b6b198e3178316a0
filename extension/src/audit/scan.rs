//! Rows of a query one by one, where the executor has them: none is copied, and none is kept.

use std::cell::Cell;
use std::ffi::CString;
use std::ops::ControlFlow;

use pgrx::prelude::*;
use pgrx::spi::SpiClient;
use pgrx::{PgMemoryContexts, varlena};

use crate::error::{Error, Result};

/// What is done with a row; [`ControlFlow::Break`] ends the query.
pub(super) type Visit<'v> = dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>> + 'v;

/// A query with whole numbers as arguments, planned once.
pub(super) struct Query<'c> {
    plan: pg_sys::SPIPlanPtr,
    types: &'static [pg_sys::Oid],
    /// The plan lives as long as the connection to SPI.
    _client: &'c SpiClient<'c>,
}

impl<'c> Query<'c> {
    /// Plans a query; the arguments are of these types, which are passed like an `int8`.
    pub(super) fn plan(client: &'c SpiClient<'c>, sql: &str, types: &'static [pg_sys::Oid]) -> Result<Self> {
        let text = CString::new(sql).map_err(|error| Error::Internal(error.to_string()))?;
        let count = i32::try_from(types.len()).unwrap_or(i32::MAX);
        // One plan for all arguments: planning anew takes longer than reading a few hundred rows.
        let options = pg_sys::CURSOR_OPT_GENERIC_PLAN as i32;
        // SAFETY: both are read during the call; the types are not written to.
        let plan = unsafe { pg_sys::SPI_prepare_cursor(text.as_ptr(), count, types.as_ptr().cast_mut(), options) };
        if plan.is_null() {
            return Err(Error::Internal(format!("cannot prepare: {sql}")));
        }
        Ok(Self { plan, types, _client: client })
    }

    /// Visits the rows that the snapshot of the calling statement sees.
    pub(super) fn each(&self, arguments: &[i64], visit: &mut Visit<'_>) -> Result<()> {
        self.run(arguments, true, visit)
    }

    /// Visits the rows that are committed by now.
    pub(super) fn each_of_now(&self, arguments: &[i64], visit: &mut Visit<'_>) -> Result<()> {
        self.run(arguments, false, visit)
    }

    fn run(&self, arguments: &[i64], read_only: bool, visit: &mut Visit<'_>) -> Result<()> {
        debug_assert_eq!(arguments.len(), self.types.len());
        let mut receiver = Receiver {
            base: pg_sys::DestReceiver {
                receiveSlot: Some(receive),
                rStartup: Some(startup),
                rShutdown: Some(nothing),
                rDestroy: Some(nothing),
                // Any that is not SPI's own.
                mydest: pg_sys::CommandDest::DestTuplestore,
            },
            visit,
            scratch: PgMemoryContexts::new("canon audit row"),
            outcome: Ok(()),
        };
        let count = i32::try_from(self.types.len()).unwrap_or(i32::MAX);
        // SAFETY: the list has room for the arguments; the receiver outlives the call.
        let code = unsafe {
            let list = pg_sys::makeParamList(count);
            let places = (*list).params.as_mut_ptr();
            for (k, (value, oid)) in arguments.iter().zip(self.types).enumerate() {
                *places.add(k) = pg_sys::ParamExternData {
                    value: pg_sys::Datum::from(*value),
                    isnull: false,
                    pflags: pg_sys::PARAM_FLAG_CONST as u16,
                    ptype: *oid,
                };
            }
            let options = pg_sys::SPIExecuteOptions {
                params: list,
                read_only,
                dest: (&raw mut receiver).cast(),
                ..Default::default()
            };
            pg_sys::SPI_execute_plan_extended(self.plan, &options)
        };
        receiver.outcome?;
        if code == pg_sys::SPI_OK_SELECT as i32 {
            Ok(())
        } else {
            Err(Error::Internal(format!("reading the ledger ended with code {code}")))
        }
    }
}

/// What the executor hands rows to. The server knows its first part.
#[repr(C)]
struct Receiver<'v, 'w> {
    base: pg_sys::DestReceiver,
    visit: &'v mut Visit<'w>,
    /// For what is made of a row while it is visited.
    scratch: PgMemoryContexts,
    outcome: Result<()>,
}

unsafe extern "C-unwind" {
    /// Without the guard that pgrx puts around calls, which would cost as much as the call.
    fn slot_getsomeattrs_int(slot: *mut pg_sys::TupleTableSlot, count: std::ffi::c_int);
}

#[pg_guard]
unsafe extern "C-unwind" fn receive(slot: *mut pg_sys::TupleTableSlot, receiver: *mut pg_sys::DestReceiver) -> bool {
    // SAFETY: the executor passes a filled slot, and the receiver that it was given. Should reading the values
    // raise an error, nothing is skipped that would have to be dropped.
    let (receiver, row) = unsafe {
        let count = (*(*slot).tts_tupleDescriptor).natts;
        if i32::from((*slot).tts_nvalid) < count {
            slot_getsomeattrs_int(slot, count);
        }
        let count = usize::try_from(count).unwrap_or(0);
        let receiver = &mut *receiver.cast::<Receiver<'_, '_>>();
        let row = Row {
            values: std::slice::from_raw_parts((*slot).tts_values, count),
            nulls: std::slice::from_raw_parts((*slot).tts_isnull, count),
            scratch: receiver.scratch.value(),
            copied: Cell::new(false),
        };
        (receiver, row)
    };
    let visited = (receiver.visit)(&row);
    if row.copied.get() {
        // SAFETY: what the row has copied there is not used any more.
        unsafe { receiver.scratch.reset() };
    }
    match visited {
        Ok(flow) => flow.is_continue(),
        Err(error) => {
            receiver.outcome = Err(error);
            false
        }
    }
}

unsafe extern "C-unwind" fn startup(_: *mut pg_sys::DestReceiver, _: std::ffi::c_int, _: pg_sys::TupleDesc) {}

unsafe extern "C-unwind" fn nothing(_: *mut pg_sys::DestReceiver) {}

/// The values of a row, as long as it is visited.
pub(super) struct Row<'s> {
    values: &'s [pg_sys::Datum],
    nulls: &'s [bool],
    /// Where toasted values are copied to, and whether one was.
    scratch: pg_sys::MemoryContext,
    copied: Cell<bool>,
}

impl Row<'_> {
    /// A value that is passed like an `int8`.
    pub(super) fn int8(&self, at: usize) -> i64 {
        self.values[at].value() as i64
    }

    /// A text, json or bytea.
    pub(super) fn bytes(&self, at: usize) -> Option<&[u8]> {
        if self.nulls[at] {
            return None;
        }
        // SAFETY: columns of these types only; what is copied lives as long as the row.
        unsafe {
            let mut value = self.values[at].cast_mut_ptr::<pg_sys::varlena>();
            let plain =
                varlena::varatt_is_4b_u(value) || varlena::varatt_is_1b(value) && !varlena::varatt_is_1b_e(value);
            if !plain {
                self.copied.set(true);
                let outside = pg_sys::MemoryContextSwitchTo(self.scratch);
                value = pg_sys::pg_detoast_datum_packed(value);
                pg_sys::MemoryContextSwitchTo(outside);
            }
            Some(std::slice::from_raw_parts(varlena::vardata_any(value).cast(), varlena::varsize_any_exhdr(value)))
        }
    }

    /// A text in UTF-8.
    pub(super) fn text(&self, at: usize) -> Option<&str> {
        self.bytes(at).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// A uuid; all zero for NULL.
    pub(super) fn uuid(&self, at: usize) -> [u8; 16] {
        // SAFETY: a uuid is a pointer to 16 bytes.
        if self.nulls[at] { [0; 16] } else { unsafe { *self.values[at].cast_mut_ptr::<[u8; 16]>() } }
    }
}
