//! What a user is told: a SQLSTATE that clients can match, a message, DETAIL, and a HINT to run.

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::spi::{quote_identifier as ident, quote_literal};

use crate::plan::PlanError;

/// An error of the extension.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no schema pack called \"{name}\"")]
    UnknownPack { name: String, known: Vec<String> },
    #[error("pack \"{pack}\" is installed in version {installed}, this library holds version {ours}")]
    OtherVersion { pack: String, installed: String, ours: String },
    #[error("schema \"{schema}\" already exists and does not belong to pack \"{pack}\"")]
    ForeignSchema { pack: String, schema: String },
    #[error("permission denied to create schemas in database \"{database}\"")]
    CannotCreate { database: String, role: String },
    #[error("pack \"{pack}\" is not installed")]
    NotInstalled { pack: String },
    #[error("pack \"{pack}\" still holds rows that did not come with it")]
    HoldsRows { pack: String, tables: Vec<String> },
    #[error("other objects depend on pack \"{pack}\"")]
    StillUsed { pack: String, objects: Vec<String> },
    #[error("canon.touch_updated_at() must be called by a BEFORE UPDATE trigger FOR EACH ROW")]
    NotARowUpdate { table: String },
    #[error("column \"{column}\" of table {table} does not exist")]
    UnknownColumn { table: String, column: String },
    #[error("column \"{column}\" of table {table} holds no point in time")]
    NotATime { table: String, column: String },
    #[error(transparent)]
    Limit(#[from] crate::limit::LimitError),
    #[error("there is no audit ledger in this database yet")]
    NoLedger,
    #[error("the audit ledger is append-only: table {table} cannot be changed by hand")]
    LedgerIsAppendOnly { table: String },
    #[error("{relation} cannot be recorded: it is {kind}")]
    NotAuditable { relation: String, kind: String },
    #[error("must be owner of table {relation}")]
    NotTableOwner { relation: String },
    #[error("table {relation} has no column \"{column}\"")]
    NoSuchAuditColumn { relation: String, column: String, option: &'static str },
    #[error("{option} cannot be \"{value}\"")]
    BadAuditOption { option: &'static str, value: String, allowed: &'static str },
    #[error("table {relation} is not recorded")]
    NotAudited { relation: String },
    #[error("there is no entry {entry} in the audit ledger")]
    NoEntry { entry: i64 },
    #[error("entry {entry} is not sealed yet")]
    NotSealed { entry: i64 },
    #[error("trigger \"{trigger}\" does not have the arguments that canon.audit_enable() gives")]
    NotOurTrigger { trigger: String },
    #[error("table {relation} is not recorded as {id}: its trigger was not made by canon.audit_enable()")]
    NotRecordedAs { relation: String, id: String },
    #[error("the audit ledger is not sealed that far after {seconds} s")]
    SealTimeout { seconds: f64 },
    #[error("cannot sign a checkpoint: {why}")]
    CannotSign { why: String },
    #[error("entry {entry} cannot be undone: {why}")]
    CannotUndo { entry: i64, why: &'static str },
    #[error("old entries cannot be removed: they do not verify: {why}")]
    CannotRetain { entry: Option<i64>, why: String },
    #[error("a row of {relation} cannot be changed: the table is append-only")]
    LogIsAppendOnly { relation: String },
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A bug or a damaged installation, never the user's fault.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    fn code(&self) -> Code {
        match self {
            Self::Plan(error) => error.code(),
            Self::UnknownPack { .. } => Code::ERRCODE_UNDEFINED_OBJECT,
            Self::OtherVersion { .. } | Self::NotInstalled { .. } => Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Self::ForeignSchema { .. } => Code::ERRCODE_DUPLICATE_SCHEMA,
            Self::CannotCreate { .. } => Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
            Self::HoldsRows { .. } | Self::StillUsed { .. } => Code::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            Self::NotARowUpdate { .. } => Code::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            Self::UnknownColumn { .. } => Code::ERRCODE_UNDEFINED_COLUMN,
            Self::NotATime { .. } => Code::ERRCODE_DATATYPE_MISMATCH,
            Self::Limit(error) => error.code(),
            Self::NoLedger | Self::NotAudited { .. } | Self::NotSealed { .. } | Self::CannotUndo { .. } => {
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            }
            Self::LedgerIsAppendOnly { .. } | Self::NotTableOwner { .. } | Self::LogIsAppendOnly { .. } => {
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE
            }
            Self::CannotRetain { .. } => Code::ERRCODE_DATA_CORRUPTED,
            Self::NotAuditable { .. } => Code::ERRCODE_WRONG_OBJECT_TYPE,
            Self::NoSuchAuditColumn { .. } => Code::ERRCODE_UNDEFINED_COLUMN,
            Self::BadAuditOption { .. } => Code::ERRCODE_INVALID_PARAMETER_VALUE,
            Self::NoEntry { .. } => Code::ERRCODE_NO_DATA_FOUND,
            Self::NotOurTrigger { .. } | Self::NotRecordedAs { .. } => Code::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            Self::SealTimeout { .. } => Code::ERRCODE_QUERY_CANCELED,
            Self::CannotSign { .. } => Code::ERRCODE_CONFIG_FILE_ERROR,
            Self::Internal(_) => Code::ERRCODE_INTERNAL_ERROR,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Plan(error) => error.detail(),
            Self::UnknownPack { known, .. } => Some(format!("Packs: {}, or all.", known.join(", "))),
            Self::ForeignSchema { .. } => Some("Nothing was installed.".to_owned()),
            Self::CannotCreate { role, .. } => Some(format!("Role \"{role}\" lacks CREATE on the database.")),
            Self::HoldsRows { tables, .. } => Some(tables.join("\n")),
            Self::StillUsed { objects, .. } => Some(objects.join("\n")),
            Self::NotARowUpdate { table } => Some(format!("The trigger of table {table} is of another kind.")),
            Self::Limit(error) => error.detail(),
            Self::LedgerIsAppendOnly { .. } => {
                Some("Verification would find the change: canon.audit_verify().".to_owned())
            }
            Self::NoSuchAuditColumn { option, .. } => Some(format!("It is named in {option}.")),
            Self::BadAuditOption { allowed, .. } => Some(format!("Allowed: {allowed}.")),
            Self::CannotRetain { entry: Some(entry), .. } => Some(format!("The first bad entry is {entry}.")),
            Self::LogIsAppendOnly { .. } => {
                Some("Its rows are linked by hashes, and sealed in the audit ledger.".to_owned())
            }
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownPack { .. } => Some("SELECT * FROM canon.packs();".to_owned()),
            Self::OtherVersion { pack, .. } => Some(format!(
                "SELECT * FROM canon.uninstall('{pack}', force => true); SELECT * FROM canon.install('{pack}'); \
                 -- deletes the rows of the pack: save them first"
            )),
            Self::ForeignSchema { schema, .. } => {
                let schema = ident(schema);
                Some(format!("ALTER SCHEMA {schema} RENAME TO {};", ident(format!("{}_old", schema.trim_matches('"')))))
            }
            Self::CannotCreate { database, role } => {
                Some(format!("GRANT CREATE ON DATABASE {} TO {};", ident(database), ident(role)))
            }
            Self::NotInstalled { pack } => Some(format!("SELECT * FROM canon.install('{pack}');")),
            Self::HoldsRows { pack, .. } => {
                Some(format!("SELECT * FROM canon.uninstall('{pack}', force => true); -- deletes these rows"))
            }
            Self::StillUsed { pack, .. } => {
                Some(format!("SELECT * FROM canon.uninstall('{pack}', force => true); -- drops these objects too"))
            }
            Self::NotARowUpdate { table } => Some(format!(
                "CREATE TRIGGER touch BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION canon.touch_updated_at();"
            )),
            Self::UnknownColumn { .. } => {
                Some("Name the columns to stamp as arguments of the trigger function.".to_owned())
            }
            Self::NotATime { .. } => Some("Use timestamptz, timestamp or date.".to_owned()),
            Self::Limit(error) => error.hint(),
            Self::Plan(error) => error.hint(),
            Self::NoLedger | Self::NotOurTrigger { .. } => Some("SELECT canon.audit_enable('a_table');".to_owned()),
            Self::NotAudited { relation } | Self::NotRecordedAs { relation, .. } => {
                Some(format!("SELECT canon.audit_enable({});", quote_literal(relation.as_str())))
            }
            Self::NotAuditable { .. } => Some("Record an ordinary or partitioned table.".to_owned()),
            Self::NotTableOwner { .. } => Some("Let the owner of the table call it.".to_owned()),
            Self::NoSuchAuditColumn { relation, .. } => Some(format!(
                "SELECT attname FROM pg_attribute WHERE attrelid = {}::regclass AND attnum > 0;",
                quote_literal(relation.as_str())
            )),
            Self::NoEntry { .. } => Some("SELECT id FROM canon.audit_entry;".to_owned()),
            Self::NotSealed { .. } => Some("SELECT canon.audit_await_seal();".to_owned()),
            Self::SealTimeout { .. } => {
                Some("SELECT canon.audit_seal(); -- or preload the library: a worker then seals".to_owned())
            }
            Self::CannotSign { .. } => Some("SHOW canon.audit_key_file;".to_owned()),
            Self::CannotRetain { .. } => Some("SELECT * FROM canon.audit_verify();".to_owned()),
            Self::CannotUndo { entry, .. } => Some(format!("SELECT * FROM canon.audit_log WHERE id = {entry};")),
            Self::LedgerIsAppendOnly { .. }
            | Self::BadAuditOption { .. }
            | Self::LogIsAppendOnly { .. }
            | Self::Internal(_) => None,
        }
    }
}

impl From<Error> for ErrorReport {
    fn from(error: Error) -> Self {
        let mut report = ErrorReport::new(error.code(), error.to_string(), "pg_canon");
        if let Some(detail) = error.detail() {
            report = report.set_detail(detail);
        }
        if let Some(hint) = error.hint() {
            report = report.set_hint(hint);
        }
        report
    }
}

impl From<pgrx::spi::Error> for Error {
    fn from(error: pgrx::spi::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

/// Result of everything that can fail for the user.
pub(crate) type Result<T> = std::result::Result<T, Error>;
