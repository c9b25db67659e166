//! The gateway's refusals: the documentation's table of errors, with the fields they concern.

/// A row of the documentation's table of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// 400 `VALIDATION_ERROR`.
    ValidationError,
    /// 401 `UNAUTHENTICATED`.
    Unauthenticated,
    /// 403 `FORBIDDEN`.
    Forbidden,
    /// 404 `NOT_FOUND`.
    NotFound,
    /// 409 `DUPLICATED`.
    Duplicated,
    /// 419 `EXPIRED`.
    Expired,
    /// 422 `PROCESS_FAILED`.
    ProcessFailed,
    /// 500 `SYSTEM_ERROR`.
    SystemError,
    /// 503 `FEATURE_UNDER_MAINTENANCE`.
    UnderMaintenance,
    /// 504 `GATEWAY_TIMEOUT`.
    GatewayTimeout,
}

impl ErrorCode {
    /// Every row, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::ValidationError,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Duplicated,
        Self::Expired,
        Self::ProcessFailed,
        Self::SystemError,
        Self::UnderMaintenance,
        Self::GatewayTimeout,
    ];

    fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::ValidationError => (400, "VALIDATION_ERROR", "Validation error."),
            Self::Unauthenticated => (401, "UNAUTHENTICATED", "Unauthenticated."),
            Self::Forbidden => (403, "FORBIDDEN", "Access denied."),
            Self::NotFound => (404, "NOT_FOUND", "Record not found."),
            Self::Duplicated => (409, "DUPLICATED", "Existing record found."),
            Self::Expired => (419, "EXPIRED", "Requesting record was expired."),
            Self::ProcessFailed => (422, "PROCESS_FAILED", "Sub-process failed."),
            Self::SystemError => (500, "SYSTEM_ERROR", "Internal server error."),
            Self::UnderMaintenance => {
                (503, "FEATURE_UNDER_MAINTENANCE", "Feature is under maintenance.")
            }
            Self::GatewayTimeout => (504, "GATEWAY_TIMEOUT", "Gateway time-out."),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        self.row().0
    }

    /// The constant, such as `NOT_FOUND`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The sentence of the documentation.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().2
    }

    /// The row with this constant.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

/// A refusal of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    /// The fields that a validation error names, each with its sentence.
    pub(crate) fields: Vec<(String, String)>,
}

impl Refusal {
    /// One field is wrong: 400, naming it.
    pub(crate) fn field(name: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![(name.to_owned(), message.into())])
    }

    /// Several fields are wrong: 400, the first of them in the message, as Laravel does.
    pub(crate) fn invalid(fields: Vec<(String, String)>) -> Self {
        let code = ErrorCode::ValidationError;
        let message =
            fields.first().map_or_else(|| code.meaning().to_owned(), |(_, text)| text.clone());
        Self { code, message, fields }
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, message: code.meaning().to_owned(), fields: Vec::new() }
    }
}
