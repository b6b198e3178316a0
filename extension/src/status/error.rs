//! What a user of status machines is told.

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::panic::ErrorReport;

/// A refusal or a failure, as it is shown.
#[derive(Debug)]
pub(super) struct Error {
    code: Code,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

/// Result of everything that can fail for the user.
pub(super) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, hint: None }
    }

    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// SQL that helps, or a sentence where none can.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Whether the rules refuse, rather than something being wrong.
    pub(super) fn is_refusal(&self) -> bool {
        self.code == Code::ERRCODE_CHECK_VIOLATION
    }

    /// A bug or a damaged installation, never the user's fault.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::ERRCODE_INTERNAL_ERROR, message)
    }

    pub(super) fn unknown_machine(name: &str) -> Self {
        Self::new(Code::ERRCODE_UNDEFINED_OBJECT, format!("there is no status machine called \"{name}\""))
            .hint("SELECT * FROM canon.status_machines();")
    }
}

impl From<Error> for ErrorReport {
    fn from(error: Error) -> Self {
        let mut report = ErrorReport::new(error.code, error.message, "pg_canon");
        if let Some(detail) = error.detail {
            report = report.set_detail(detail);
        }
        if let Some(hint) = error.hint {
            report = report.set_hint(hint);
        }
        report
    }
}

impl From<crate::error::Error> for Error {
    fn from(error: crate::error::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<pgrx::spi::Error> for Error {
    fn from(error: pgrx::spi::Error) -> Self {
        Self::internal(error.to_string())
    }
}
