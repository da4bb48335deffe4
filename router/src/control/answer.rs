//! Answers as JSON. A refusal has the fields of the wire's `error`, so that one table of numbers serves both doors.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ringway_protocol::ErrorCode;
use serde_json::{Value, json};

/// A good answer.
pub(super) fn good(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], value.to_string())
        .into_response()
}

/// A refusal, with the HTTP status that fits its number.
pub(super) fn refused(code: ErrorCode, message: impl AsRef<str>) -> Response {
    refused_as(status_of(code), code, message)
}

/// A refusal with a status of its own.
pub(super) fn refused_as(status: StatusCode, code: ErrorCode, message: impl AsRef<str>) -> Response {
    let message = if message.as_ref().is_empty() { code.text() } else { message.as_ref() };
    good(
        status,
        &json!({
            "type": "error",
            "code": code.number(),
            "name": code.name(),
            "retry": code.retry().name(),
            "message": message,
        }),
    )
}

fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::TokenRequired | ErrorCode::TokenInvalid => StatusCode::UNAUTHORIZED,
        ErrorCode::FrameTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::UnknownNamespace | ErrorCode::UnknownType => StatusCode::NOT_FOUND,
        ErrorCode::OutcomeUnknown | ErrorCode::HandleTaken => StatusCode::CONFLICT,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::ShardFull | ErrorCode::Unavailable | ErrorCode::Draining | ErrorCode::TooManyKeys => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorCode::PublishDenied => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    }
}
