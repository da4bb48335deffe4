//! From bytes to a verified frame: what commands and events have in common.

use flatbuffers::VerifierOptions;
use ringway_schema as schema;

use super::FLAG;
use crate::codec::DecodeError;
use crate::{Body, BodyKind, ErrorCode, Lane, RequestId};

/// Tables inside each other: frame, detail, join, known version.
const TABLES_DEEP_MAX: usize = 4;
/// Tables in all: well above 64 joins, 1,024 versions or 64 members.
const TABLES_MAX: usize = 4096;
/// How much larger than its bytes a frame may be when what it shares is counted each time.
const APPARENT_RATIO_MAX: usize = 4;

/// A verified frame whose kind is known to be this end's.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) root: schema::Frame<'a>,
    pub(super) head: &'a schema::Head,
}

/// Verifies one whole frame: its prefix must count exactly the bytes behind it.
///
/// # Errors
/// `bad_frame`; nothing of the frame can be trusted, not even its id.
pub(super) fn verify(bytes: &[u8]) -> Result<Frame<'_>, DecodeError> {
    let Some(prefix) = bytes.first_chunk::<4>() else {
        return Err(DecodeError::frame("shorter than its size prefix"));
    };
    if u32::from_le_bytes(*prefix) as usize != bytes.len() - prefix.len() {
        return Err(DecodeError::frame("the size prefix does not count the bytes behind it"));
    }
    let options = VerifierOptions {
        max_depth: TABLES_DEEP_MAX,
        max_tables: TABLES_MAX,
        max_apparent_size: bytes.len() * APPARENT_RATIO_MAX,
        ignore_missing_null_terminator: false,
    };
    match flatbuffers::size_prefixed_root_with_opts::<schema::Frame<'_>>(&options, bytes) {
        Ok(root) => Ok(Frame { root, head: root.head() }),
        Err(_) => Err(DecodeError::frame("not a valid flatbuffer of the schema")),
    }
}

impl<'a> Frame<'a> {
    pub(super) fn id(self) -> Option<RequestId> {
        RequestId::new(self.head.id())
    }

    pub(super) fn flag(self) -> bool {
        self.head.flags() & FLAG != 0
    }

    pub(super) fn lane(self) -> Result<Lane, DecodeError> {
        Lane::from_u8(self.head.lane().0).ok_or(DecodeError::field("lane", "no lane has this number"))
    }

    /// The body as it was sent: its kind is known, its bytes are not checked.
    pub(super) fn body(self) -> Result<Body<'a>, DecodeError> {
        let Some(kind) = BodyKind::from_u8(self.head.body_kind().0) else {
            return Err(DecodeError::field("body_kind", "no kind of body has this number"));
        };
        let bytes = self.root.body().map(|bytes| bytes.bytes());
        match (kind, bytes) {
            (BodyKind::None, Some([_, ..])) => {
                Err(DecodeError::field("body", "is there, but its kind is none"))
            }
            (_, bytes) => Ok(Body { kind, bytes: bytes.unwrap_or_default() }),
        }
    }

    pub(super) fn detail(self) -> Result<schema::Detail<'a>, DecodeError> {
        self.root.detail().ok_or(DecodeError::missing("detail"))
    }

    pub(super) fn room(self) -> Result<&'a str, DecodeError> {
        self.root.room().ok_or(DecodeError::missing("room"))
    }

    pub(super) fn unknown_type(self) -> DecodeError {
        DecodeError {
            code: ErrorCode::UnknownType,
            id: self.id(),
            field: "kind",
            message: "unknown to this end",
        }
    }
}
