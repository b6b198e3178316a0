//! Settings of the ledger.

use std::ffi::CString;
use std::time::Duration;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};

/// What happens to a statement whose change cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
pub(super) enum OnFailure {
    /// It fails.
    Error,
    /// It succeeds, with a warning: the change is missing in the ledger.
    Warning,
}

pub(super) static ACTOR: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
pub(super) static REQUEST_ID: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
pub(super) static REASON: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
pub(super) static IP: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
pub(super) static USER_AGENT: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
pub(super) static ON_FAILURE: GucSetting<OnFailure> = GucSetting::<OnFailure>::new(OnFailure::Error);
static PACKS: GucSetting<bool> = GucSetting::<bool>::new(true);
static SEAL_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(500);
pub(super) static KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
pub(super) static SIGNER_COMMAND: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
pub(super) static PUBLIC_KEY: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
pub(super) static CHECKPOINT_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// Time between two looks of the background worker for entries to seal.
pub(super) fn seal_interval() -> Duration {
    Duration::from_millis(u64::try_from(SEAL_INTERVAL.get()).unwrap_or(500))
}

/// A setting as text; empty counts as unset.
pub(super) fn text(setting: &GucSetting<Option<CString>>) -> Option<String> {
    setting.get().and_then(|text| text.into_string().ok()).filter(|text| !text.is_empty())
}

/// Defines the settings; called when the library is loaded, before the prefix is reserved.
pub(crate) fn init() {
    for (name, about, setting) in [
        (c"canon.audit_actor", c"Who acts, as the application says", &ACTOR),
        (c"canon.audit_request_id", c"Request that changes belong to, as the application says", &REQUEST_ID),
        (c"canon.audit_reason", c"Why changes are made, as the application says", &REASON),
        (c"canon.audit_ip", c"Address the request came from, as the application says", &IP),
        (c"canon.audit_user_agent", c"Program the request came from, as the application says", &USER_AGENT),
    ] {
        GucRegistry::define_string_guc(
            name,
            about,
            c"Recorded with each entry of the audit ledger.",
            setting,
            GucContext::Userset,
            GucFlags::default(),
        );
    }
    GucRegistry::define_enum_guc(
        c"canon.audit_on_failure",
        c"Whether a change that cannot be recorded in the audit ledger fails",
        c"With \"warning\" it succeeds and is missing in the ledger.",
        &ON_FAILURE,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"canon.audit_packs",
        c"Whether installing a pack records its important tables in the audit ledger",
        c"",
        &PACKS,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"canon.audit_seal_interval",
        c"Time between two looks of the background worker for entries to seal",
        c"",
        &SEAL_INTERVAL,
        10,
        60_000,
        GucContext::Sighup,
        GucFlags::UNIT_MS,
    );
    let secret = GucFlags::SUPERUSER_ONLY;
    for (name, about, setting, flags) in [
        (
            c"canon.audit_key_file",
            c"File with the key that signs checkpoints, made by \"canon key\"",
            &KEY_FILE,
            secret,
        ),
        (
            c"canon.audit_signer_command",
            c"Command that reads a checkpoint and prints the signed note, instead of a key file",
            &SIGNER_COMMAND,
            secret,
        ),
        (
            c"canon.audit_public_key",
            c"Public key that checkpoints must be signed with",
            &PUBLIC_KEY,
            GucFlags::default(),
        ),
        (c"canon.audit_checkpoint_file", c"File that signed checkpoints are appended to", &CHECKPOINT_FILE, secret),
    ] {
        GucRegistry::define_string_guc(name, about, c"", setting, GucContext::Sighup, flags);
    }
}
