//! Why bytes were refused.

use core::fmt;

use crate::{ErrorCode, RequestId};

/// A refusal: what the peer is told, and whether the connection can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The number that the peer sees.
    pub code: ErrorCode,
    /// The request's id, if it could be read.
    pub id: Option<RequestId>,
    /// The wire's name of the field at fault; empty: the frame itself.
    pub field: &'static str,
    /// What is wrong, for people.
    pub message: &'static str,
}

impl DecodeError {
    pub(crate) const fn frame(message: &'static str) -> Self {
        Self { code: ErrorCode::BadFrame, id: None, field: "", message }
    }

    pub(crate) const fn too_large() -> Self {
        Self {
            code: ErrorCode::FrameTooLarge,
            id: None,
            field: "",
            message: "the frame is larger than this end takes",
        }
    }

    pub(crate) const fn field(field: &'static str, message: &'static str) -> Self {
        Self { code: ErrorCode::BadField, id: None, field, message }
    }

    pub(crate) const fn missing(field: &'static str) -> Self {
        Self::field(field, "is missing")
    }

    pub(crate) const fn code(mut self, code: ErrorCode) -> Self {
        self.code = code;
        self
    }

    pub(crate) const fn id(mut self, id: Option<RequestId>) -> Self {
        self.id = id;
        self
    }

    /// Whether the connection must end: the peer does not speak the format. Other refusals are answered by an `error`
    /// and the connection goes on.
    #[must_use]
    pub const fn ends_connection(&self) -> bool {
        matches!(self.code, ErrorCode::BadFrame | ErrorCode::FrameTooLarge | ErrorCode::WrongFormat)
    }
}

/// `field: message`, as it goes into the `message` of an `error`.
impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            formatter.write_str(self.message)
        } else {
            write!(formatter, "{}: {}", self.field, self.message)
        }
    }
}

impl core::error::Error for DecodeError {}

/// The error of a number on the wire. A number of a newer server becomes one that asks for the same reaction.
pub(super) fn error_code(number: u16, retry: &str) -> ErrorCode {
    ErrorCode::from_number(number).unwrap_or(match retry {
        "after" => ErrorCode::Unavailable,
        "reconnect" => ErrorCode::Draining,
        "rejoin" => ErrorCode::NotJoined,
        _ => ErrorCode::BadField,
    })
}
