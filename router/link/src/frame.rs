//! Every frame of a link, and the one place where kinds meet their bytes.

use ringway_core::{Delivery, Request};
use ringway_protocol::RoomHandle;

use crate::field::Encoded;
use crate::head::{PREFIX_BYTES, SKIPPABLE, of_slot};
use crate::notice::MemberPage;
use crate::sink::Sink;
use crate::source::Source;
use crate::{Address, DecodeError, EncodeError, Fault, Head, Hello, Kind, Notice, Word, delivery, request};

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// About the link itself.
    Word(Word<'a>),
    /// From an edge to the owner of a room. Owns what it holds, as the core takes it.
    Request(Address, Request),
    /// From an owner to the edges of a node. Frames are borrowed.
    Delivery(Address, Delivery<Encoded<'a>>),
    /// Between nodes.
    Notice(Address, Notice<'a>),
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
    let (at, room) = (head.address(), head.room);
    let request = |request| Frame::Request(at, request);
    let delivered = |delivery| Frame::Delivery(at, delivery);
    let notice = |notice| Frame::Notice(at, notice);
    match kind {
        Kind::Hello => Hello::take(source).map(|hello| Frame::Word(Word::Hello(hello))),
        Kind::Accepted => Word::take_accepted(source).map(Frame::Word),
        Kind::Refusal => Word::take_refusal(source).map(Frame::Word),
        Kind::Window => Word::take_window(source).map(Frame::Word),
        Kind::Ping => Ok(Frame::Word(Word::Ping { token: source.field("token")? })),
        Kind::Pong => Ok(Frame::Word(Word::Pong { token: source.field("token")? })),
        Kind::Goodbye => Word::take_goodbye(source).map(Frame::Word),

        Kind::Join => request::take_join(room, source).map(request),
        Kind::Leave => request::take_leave(room, source).map(request),
        Kind::Publish => request::take_publish(room, source).map(request),
        Kind::Pull => request::take_pull(room, source).map(request),
        Kind::History => request::take_history(room, source).map(request),
        Kind::Presence => request::take_presence(room, source).map(request),

        Kind::Publication => delivery::take_publication(head, source).map(delivered),
        Kind::Joined => delivery::take_joined(room, source).map(delivered),
        Kind::JoinRefused => delivery::take_join_refused(room, source).map(delivered),
        Kind::Displaced => delivery::take_displaced(source).map(delivered),
        Kind::Reply => delivery::take_reply(head, source).map(delivered),
        Kind::PublishedInPlace => delivery::take_published_in_place(room, source).map(delivered),
        Kind::Page => delivery::take_page(room, source).map(delivered),
        Kind::PresenceChanged => delivery::take_presence_changed(room, source).map(delivered),
        Kind::Reset => delivery::take_reset(room, source).map(delivered),
        Kind::ApiAnswer => delivery::take_api_answer(source).map(delivered),

        Kind::Interest => Notice::take_interest(room, source).map(notice),
        Kind::InterestAnswer => Notice::take_answer(room, source).map(notice),
        Kind::Disinterest => Ok(notice(Notice::Disinterest { handle: room })),
        Kind::Refused => Notice::take_refused(source).map(notice),
        Kind::MemberDigest => Notice::take_digest(room, source).map(notice),
        Kind::MemberSet => MemberPage::take(room, source).map(Notice::MemberSet).map(notice),
        Kind::Transfer => Notice::take_transfer(room, source).map(notice),
    }
}

impl Frame<'_> {
    /// Whether the frame costs credit: all but words about the link.
    #[must_use]
    pub const fn costs_credit(&self) -> bool {
        !matches!(self, Self::Word(_))
    }

    /// Under what the frame is said; `None`: it is about the link and not about a slot.
    #[must_use]
    pub const fn address(&self) -> Option<Address> {
        match self {
            Self::Word(_) => None,
            Self::Request(at, _) | Self::Delivery(at, _) | Self::Notice(at, _) => Some(*at),
            Self::Unknown(unknown) => Some(unknown.head.address()),
        }
    }

    /// Appends the frame; nothing if it is refused.
    pub(crate) fn encode(&self, frame_bytes_max: usize, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = bytes.len();
        let mut sink = Sink::new(bytes);
        self.put(&mut sink);
        let written = sink.finish().and_then(|()| finish(&mut bytes[start..], frame_bytes_max));
        if written.is_err() {
            bytes.truncate(start);
        }
        written
    }

    fn put(&self, sink: &mut Sink<'_>) {
        match self {
            Self::Word(word) => {
                head(word.kind(), 0, &Address::default(), None, sink);
                word.put(sink);
            }
            Self::Request(at, request) => {
                head(request::kind(request), 0, at, Some(request::room(request)), sink);
                request::put(request, sink);
            }
            Self::Delivery(at, delivery) => {
                let flags = delivery::flags(delivery);
                head(delivery::kind(delivery), flags, at, delivery::room(delivery), sink);
                delivery::put(delivery, sink);
            }
            Self::Notice(at, notice) => {
                head(notice.kind(), 0, at, notice.room(), sink);
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

/// Writes a head. A frame without a room has its slot alone.
fn head(kind: Kind, flags: u8, at: &Address, room: Option<RoomHandle>, sink: &mut Sink<'_>) {
    let room = room.unwrap_or_else(|| of_slot(at.slot));
    if room.slot() != at.slot {
        sink.refuse(Fault::BadAddress, "room");
    }
    Head { kind: kind as u8, flags, shard: at.shard, term: at.term, room }.put(sink);
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
