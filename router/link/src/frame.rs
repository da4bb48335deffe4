//! Every frame of a link, and the one place where kinds meet their bytes.

use ringway_cluster::Term;
use ringway_core::{Asked, ShardId, Told};
use ringway_protocol::RoomHandle;

use crate::field::{Encoded, Forms};
use crate::head::{PREFIX_BYTES, SKIPPABLE, of_slot};
use crate::sink::Sink;
use crate::source::Source;
use crate::{Address, DecodeError, EncodeError, Fault, Head, Hello, Kind, Notice, Word, delivery, request};

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// About the link itself.
    Word(Word<'a>),
    /// From an edge, this shard of the sending node, to the owner of a slot. Owns what it holds, as the core takes it.
    Request(ShardId, Asked),
    /// From the owner of a slot to edges of the receiving node. Frames are borrowed.
    Delivery(Told<Encoded<'a>>),
    /// Between nodes.
    Notice(Notice<'a>),
    /// Of a newer version, marked as one that may be skipped.
    Unknown(Unknown<'a>),
}

/// A frame whose kind this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// Its head; the kind is not in [`Kind`], and the flag is set that it may be skipped.
    pub head: Head,
    /// What follows.
    pub body: &'a [u8],
}

/// Reads one whole frame, its prefix included.
///
/// # Errors
/// What is wrong, in which field, and where; the link can't go on.
pub fn decode(frame: &[u8]) -> Result<Frame<'_>, DecodeError> {
    let mut source = Source::new(frame);
    let head = Head::take(&mut source, frame.len())?;
    let Some(kind) = head.kind()? else {
        return Ok(Frame::Unknown(Unknown { head, body: source.rest() }));
    };
    let read = take(kind, &head, &mut source)?;
    source.finish()?;
    Ok(read)
}

fn take<'a>(kind: Kind, head: &Head, source: &mut Source<'a>) -> Result<Frame<'a>, DecodeError> {
    match kind {
        Kind::Hello => Hello::take(source).map(|hello| Frame::Word(Word::Hello(hello))),
        Kind::Accepted => Word::take_accepted(source).map(Frame::Word),
        Kind::Refusal => Word::take_refusal(source).map(Frame::Word),
        Kind::Window => Word::take_window(source).map(Frame::Word),
        Kind::Ping => Ok(Frame::Word(Word::Ping { token: source.field("token")? })),
        Kind::Pong => Ok(Frame::Word(Word::Pong { token: source.field("token")? })),
        Kind::Goodbye => Word::take_goodbye(source).map(Frame::Word),

        Kind::Join
        | Kind::Leave
        | Kind::Publish
        | Kind::Pull
        | Kind::History
        | Kind::Presence
        | Kind::Register
        | Kind::Flush
        | Kind::Ack => {
            let request = request::take(kind, head, source)?;
            Ok(Frame::Request(ShardId(head.shard), Asked { term: head.term, number: head.number, request }))
        }

        Kind::Publication
        | Kind::Joined
        | Kind::JoinRefused
        | Kind::Displaced
        | Kind::Reply
        | Kind::PublishedInPlace
        | Kind::Page
        | Kind::PresenceChanged
        | Kind::Reset
        | Kind::ApiAnswer
        | Kind::Registered
        | Kind::Returned
        | Kind::Flushed
        | Kind::Record
        | Kind::PublishRefused => delivery::take(kind, head, source).map(Frame::Delivery),

        Kind::Disconnect => Notice::take_disconnect(source).map(Frame::Notice),
    }
}

impl Frame<'_> {
    /// Whether the frame costs credit: all but words about the link.
    #[must_use]
    pub const fn costs_credit(&self) -> bool {
        !matches!(self, Self::Word(_))
    }

    /// Under what the frame is said; `None`: it is about the link and not about a slot. A notice is of stream 0.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        match self {
            Self::Word(_) => None,
            Self::Request(shard, Asked { term, request, .. }) => {
                Some(Address { shard: shard.0, term: *term, slot: request.slot() })
            }
            Self::Delivery(told) => {
                Some(Address { shard: delivery::shard(told), term: told.term, slot: told.slot })
            }
            Self::Notice(_) => Some(Address::default()),
            Self::Unknown(unknown) => Some(unknown.head.address()),
        }
    }

    /// Appends the frame; nothing if it is refused.
    pub(crate) fn encode(&self, frame_bytes_max: usize, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        append(frame_bytes_max, bytes, |sink| self.put(sink))
    }

    fn put(&self, sink: &mut Sink<'_>) {
        match self {
            Self::Word(word) => {
                put_bare(word.kind(), sink);
                word.put(sink);
            }
            Self::Request(shard, asked) => put_request(*shard, asked, sink),
            Self::Delivery(told) => delivery::put(told, sink),
            Self::Notice(notice) => {
                put_bare(notice.kind(), sink);
                notice.put(sink);
            }
            Self::Unknown(unknown) => {
                if Kind::from_u8(unknown.head.kind).is_some() || unknown.head.flags & SKIPPABLE == 0 {
                    sink.refuse(Fault::UnknownKind, "kind");
                }
                unknown.head.put(sink);
                sink.bytes(unknown.body);
            }
        }
    }
}

/// Appends a delivery whose frames have forms of their own; nothing if it is refused.
pub(crate) fn encode_delivery<S: Forms>(
    told: &Told<S>,
    frame_bytes_max: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    append(frame_bytes_max, bytes, |sink| delivery::put(told, sink))
}

fn append(
    frame_bytes_max: usize,
    bytes: &mut Vec<u8>,
    put: impl FnOnce(&mut Sink<'_>),
) -> Result<(), EncodeError> {
    let start = bytes.len();
    let mut sink = Sink::new(bytes);
    put(&mut sink);
    let written = sink.finish().and_then(|()| finish(&mut bytes[start..], frame_bytes_max));
    if written.is_err() {
        bytes.truncate(start);
    }
    written
}

fn put_request(shard: ShardId, asked: &Asked, sink: &mut Sink<'_>) {
    let Asked { term, number, request } = asked;
    let slot = request.slot();
    let room = request::room(request).unwrap_or(of_slot(slot));
    if room.slot() != slot {
        sink.refuse(Fault::BadAddress, "room");
    }
    let kind = request::kind(request) as u8;
    Head { kind, flags: 0, shard: shard.0, term: *term, room, number: *number }.put(sink);
    request::put(*term, request, sink);
}

/// Writes the head of a frame that is of no slot.
fn put_bare(kind: Kind, sink: &mut Sink<'_>) {
    let kind = kind as u8;
    Head { kind, flags: 0, shard: 0, term: Term::default(), room: RoomHandle(0), number: 0 }.put(sink);
}

/// Sets the length.
fn finish(frame: &mut [u8], frame_bytes_max: usize) -> Result<(), EncodeError> {
    const TOO_LARGE: EncodeError = EncodeError { fault: Fault::TooLarge, field: "frame" };
    if frame.len() > frame_bytes_max {
        return Err(TOO_LARGE);
    }
    let length = u32::try_from(frame.len() - PREFIX_BYTES).map_err(|_| TOO_LARGE)?;
    frame[..PREFIX_BYTES].copy_from_slice(&length.to_le_bytes());
    Ok(())
}
