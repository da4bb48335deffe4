//! The builder: one frame at a time in one reused buffer.
//!
//! Flatbuffers are built back to front, so what is created first stands last. The head is written into the table before
//! the offsets: it then ends where the body's length begins, on a multiple of 8, without padding between.

use core::fmt;

use flatbuffers::{FlatBufferBuilder, Push, Vector, WIPOffset};
use ringway_schema as schema;

use super::FLAG;
use crate::{BodyKind, Lane, RequestId};

/// Builds binary frames in one reused buffer.
pub struct BinaryEncoder {
    pub(super) builder: FlatBufferBuilder<'static>,
}

impl fmt::Debug for BinaryEncoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BinaryEncoder").finish_non_exhaustive()
    }
}

impl Default for BinaryEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl BinaryEncoder {
    /// An encoder; it grows to the largest frame it builds.
    #[must_use]
    pub fn new() -> Self {
        Self { builder: FlatBufferBuilder::with_capacity(1024) }
    }

    /// Writes the root around what was created before and gives the frame, prefix included.
    pub(super) fn finish(&mut self, root: Root<'_>) -> &[u8] {
        let builder = &mut self.builder;
        let room = root.room.map(|text| builder.create_string(text));
        let key = root.key.map(|text| builder.create_string(text));
        let user = root.user.map(|text| builder.create_string(text));
        let body = root.body.map(|bytes| create_bytes(builder, bytes));
        let mut frame = schema::FrameBuilder::new(builder);
        frame.add_head(&root.head.0);
        if let Some(room) = room {
            frame.add_room(room);
        }
        if let Some(key) = key {
            frame.add_key(key);
        }
        if let Some(user) = user {
            frame.add_user(user);
        }
        if let Some(detail) = root.detail {
            frame.add_detail(detail);
        }
        if let Some(body) = body {
            frame.add_body(body);
        }
        let frame = frame.finish();
        builder.finish_size_prefixed(frame, None);
        builder.finished_data()
    }

    /// A detail table; strings and vectors in it must exist already.
    pub(super) fn detail(
        &mut self,
        detail: &schema::DetailArgs<'_>,
    ) -> Option<WIPOffset<schema::Detail<'static>>> {
        Some(schema::Detail::create(&mut self.builder, detail))
    }

    pub(super) fn text(&mut self, text: &str) -> Option<WIPOffset<&'static str>> {
        Some(self.builder.create_string(text))
    }

    pub(super) fn text_if(&mut self, text: Option<&str>) -> Option<WIPOffset<&'static str>> {
        text.map(|text| self.builder.create_string(text))
    }
}

/// As `create_vector`, which copies byte by byte: this copies in pieces, the last first.
fn create_bytes(builder: &mut FlatBufferBuilder<'static>, bytes: &[u8]) -> WIPOffset<Vector<'static, u8>> {
    let (large, rest) = bytes.as_chunks::<64>();
    let (middle, rest) = rest.as_chunks::<16>();
    let (small, rest) = rest.as_chunks::<4>();
    builder.start_vector::<u8>(bytes.len());
    rest.iter().rev().for_each(|byte| {
        builder.push(*byte);
    });
    push_pieces(builder, small);
    push_pieces(builder, middle);
    push_pieces(builder, large);
    builder.end_vector::<u8>(bytes.len())
}

fn push_pieces<const N: usize>(builder: &mut FlatBufferBuilder<'static>, pieces: &[[u8; N]]) {
    for piece in pieces.iter().rev() {
        builder.push(Piece(piece));
    }
}

/// Some bytes of a vector of bytes, written at once.
struct Piece<'a, const N: usize>(&'a [u8; N]);

impl<const N: usize> Push for Piece<'_, N> {
    type Output = [u8; N];

    unsafe fn push(&self, to: &mut [u8], _written_bytes: usize) {
        to.copy_from_slice(self.0);
    }
}

/// What the root table holds.
pub(super) struct Root<'a> {
    pub(super) head: Head,
    pub(super) body: Option<&'a [u8]>,
    pub(super) detail: Option<WIPOffset<schema::Detail<'static>>>,
    pub(super) user: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    pub(super) room: Option<&'a str>,
}

impl Root<'_> {
    pub(super) const fn new(head: Head) -> Self {
        Self { head, body: None, detail: None, user: None, key: None, room: None }
    }
}

/// The fixed struct, field by field.
pub(super) struct Head(schema::Head);

impl Head {
    pub(super) fn new(kind: schema::FrameKind, id: Option<RequestId>) -> Self {
        let mut head = schema::Head::default();
        head.set_kind(kind);
        head.set_id(id.map_or(0, RequestId::get));
        Self(head)
    }

    pub(super) fn handle(mut self, handle: u64) -> Self {
        self.0.set_handle(handle);
        self
    }

    pub(super) fn place(mut self, place: u64) -> Self {
        self.0.set_place(place);
        self
    }

    pub(super) fn time(mut self, time: u64) -> Self {
        self.0.set_time(time);
        self
    }

    pub(super) fn session(mut self, session: u64) -> Self {
        self.0.set_session(session);
        self
    }

    pub(super) fn lane(mut self, lane: Lane) -> Self {
        self.0.set_lane(schema::Lane(lane as u8));
        self
    }

    pub(super) fn body(mut self, kind: BodyKind) -> Self {
        self.0.set_body_kind(schema::BodyKind(kind as u8));
        self
    }

    pub(super) fn flag(mut self, flag: bool) -> Self {
        self.0.set_flags(if flag { FLAG } else { 0 });
        self
    }
}
