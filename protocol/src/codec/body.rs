//! What a body must be before anybody else sees it: the check at ingest, the same for both formats.
//!
//! A `json` body is later spliced into JSON frames as it is. It must therefore be exactly one complete value: nothing in
//! it may end the field and start another. One pass, no recursion, no allocation.

use super::DecodeError;
use super::json::scan;
use crate::{Body, BodyKind, ErrorCode};

/// Gives the body back if its bytes are what its kind says; a `json` body without the white space around it.
///
/// # Errors
/// `bad_body`.
pub fn check(body: Body<'_>) -> Result<Body<'_>, DecodeError> {
    match body.kind {
        BodyKind::None | BodyKind::Bytes => Ok(body),
        BodyKind::Text => utf8(body.bytes).map(|_| body),
        BodyKind::Json => {
            let text = utf8(body.bytes)?;
            match scan::whole_value(text) {
                Ok(value) => Ok(Body { kind: BodyKind::Json, bytes: value.as_bytes() }),
                Err(fault) => Err(bad_body(fault.message())),
            }
        }
    }
}

pub(super) const fn bad_body(message: &'static str) -> DecodeError {
    DecodeError::field("body", message).code(ErrorCode::BadBody)
}

fn utf8(bytes: &[u8]) -> Result<&str, DecodeError> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| bad_body("is not UTF-8"))
}
