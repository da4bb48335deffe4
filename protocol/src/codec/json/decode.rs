//! From text to the fields of one frame: what commands and events have in common.

use super::arena::Arena;
use super::scan::{Fault, Scanner, whole_value};
use super::value::Value;
use crate::codec::DecodeError;
use crate::codec::body::bad_body;
use crate::{Body, BodyKind, Epoch, ErrorCode, Lane, Offset, Position, RequestId};

/// Reads JSON frames; holds the scratch in which strings with escapes are decoded. One per shard.
#[derive(Debug, Default)]
pub struct JsonDecoder {
    pub(super) scratch: Vec<u8>,
}

impl JsonDecoder {
    /// A decoder; its scratch grows to twice the largest frame it reads.
    #[must_use]
    pub const fn new() -> Self {
        Self { scratch: Vec::new() }
    }
}

/// Scans a whole frame with the given reader of its fields.
///
/// # Errors
/// `bad_frame`.
pub(super) fn frame<'a, F>(
    text: &'a [u8],
    scan: impl FnOnce(&mut Scanner<'a>) -> Result<F, Fault>,
) -> Result<F, DecodeError> {
    let Ok(text) = simdutf8::basic::from_utf8(text) else {
        return Err(DecodeError::frame("is not UTF-8"));
    };
    let mut scanner = Scanner::new(text);
    scanner.space();
    if scanner.peek() != Some(b'{') {
        return Err(DecodeError::frame("is not a JSON object"));
    }
    let fields = scan(&mut scanner).and_then(|fields| scanner.end().map(|()| fields));
    fields.map_err(|fault| DecodeError::frame(fault.message()))
}

/// A field that must be there.
pub(super) trait Required<'a> {
    fn required(self, name: &'static str) -> Result<Value<'a>, DecodeError>;
}

impl<'a> Required<'a> for Option<Value<'a>> {
    fn required(self, name: &'static str) -> Result<Value<'a>, DecodeError> {
        self.ok_or(DecodeError::missing(name))
    }
}

/// 0 is the same as absent.
pub(super) fn request_id(id: Option<Value<'_>>) -> Result<Option<RequestId>, DecodeError> {
    Ok(id.map(Value::u32).transpose()?.and_then(RequestId::new))
}

pub(super) fn flag(value: Option<Value<'_>>) -> Result<bool, DecodeError> {
    value.map_or(Ok(false), Value::boolean)
}

pub(super) fn lane(value: Option<Value<'_>>) -> Result<Lane, DecodeError> {
    let Some(value) = value else {
        return Ok(Lane::Reliable);
    };
    match value.raw {
        "\"reliable\"" => Ok(Lane::Reliable),
        "\"latest\"" => Ok(Lane::Latest),
        "\"unreliable\"" => Ok(Lane::Unreliable),
        _ => Err(value.error("must be reliable, latest or unreliable")),
    }
}

pub(super) fn position(epoch: Value<'_>, offset: Option<Value<'_>>) -> Result<Position, DecodeError> {
    let offset = offset.required("offset")?.u64()?;
    Ok(Position { epoch: Epoch(epoch.hex()?), offset: Offset(offset) })
}

/// `data`, `text` or `bytes`; at most one of them. A value of `data` is JSON already, because the frame is, unless
/// something in the frame was too deep to be checked.
pub(super) fn body<'a>(
    deep: bool,
    data: Option<Value<'a>>,
    text: Option<Value<'a>>,
    bytes: Option<Value<'a>>,
    arena: &mut Arena<'a>,
) -> Result<Body<'a>, DecodeError> {
    match (data, text, bytes) {
        (None, None, None) => Ok(Body::default()),
        (Some(data), None, None) if deep && whole_value(data.raw).is_err() => {
            Err(bad_body(Fault::Depth.message()))
        }
        (Some(data), None, None) => Ok(Body { kind: BodyKind::Json, bytes: data.raw.as_bytes() }),
        (None, Some(text), None) => match text.text(arena) {
            Ok(text) => Ok(Body { kind: BodyKind::Text, bytes: text.as_bytes() }),
            Err(error) => Err(error.code(ErrorCode::BadBody)),
        },
        (None, None, Some(bytes)) => match bytes.base64(arena) {
            Ok(bytes) => Ok(Body { kind: BodyKind::Bytes, bytes }),
            Err(error) => Err(error.code(ErrorCode::BadBody)),
        },
        _ => Err(bad_body("data, text and bytes exclude each other")),
    }
}
