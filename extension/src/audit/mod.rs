//! The audit ledger inside the server: recording, sealing, proofs, verification.
//!
//! Recording takes no lock and reads no head: each change becomes a row with a salted leaf, written in
//! the transaction that made the change. Sealing comes after commit and gives the entries their order.

mod await_seal;
mod capture;
mod checks;
mod columns;
mod compare;
mod config;
mod context;
mod ddl;
mod enable;
mod export;
mod guard;
mod history;
mod identity;
mod ledger;
mod log;
mod read;
mod ready;
mod record;
mod redact;
mod retain;
mod rows;
mod scan;
mod seal;
mod settings;
mod sign;
mod status;
mod store;
mod tree;
mod verify;

pub(crate) use seal::SEAL;
pub(crate) use settings::init;

pgrx::extension_sql_file!(
    "install.sql",
    name = "audit",
    requires = [
        capture::audit_capture,
        guard::audit_guard,
        ddl::audit_ddl,
        enable::audit_enable,
        enable::audit_disable,
        status::audit_status,
        seal::audit_seal,
        await_seal::audit_await_seal,
        await_seal::audit_await_receipts,
        seal::audit_declare_restore,
        verify::audit_verify,
        tree::audit_prove,
        tree::audit_prove_consistency,
        columns::audit_image,
        ledger::audit_identity,
        redact::audit_redact,
        retain::audit_retain,
        history::audit_history,
        history::audit_row_at,
        history::audit_diff,
        history::audit_undo,
        export::audit_export,
        log::audit_seal_table,
        log::audit_log_guard,
    ]
);
