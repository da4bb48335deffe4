//! One frame of every shape, with values at their edges. What each says is the comment above its golden bytes.

mod deliveries;
pub(crate) mod records;
mod requests;

use ringway_cluster::Term;
use ringway_core::message::{
    Ack, ApiPublished, HistoryRequest, JoinRequest, JoinedDelivery, KeyValue, KnownKey, LeaveRequest, Origin,
    PageDelivery, PresenceRequest, PublishRequest, PullRequest, RegisterRequest, RegisteredDelivery,
    RegisteredMember, Sent, SessionRef,
};
use ringway_core::record::{
    Content, KeptKey, KeyRecord, KnownRecord, MemberRecord, Purpose, Record, RoomRecord,
};
use ringway_core::{Asked, Delivery, Departure, Edges, Request, SessionKey, ShardId, Target, Told};
use ringway_link::{
    Encoded, Frame, GoodbyeReason, Head, Hello, Notice, Unknown, VersionRange, Window, Word, Writer,
};
use ringway_protocol::command::{HistoryFrom, Since};
use ringway_protocol::event::Place;
use ringway_protocol::{
    BodyKind, CloseCode, Epoch, ErrorCode, Format, Generation, Lane, NodeId, Offset, Position, RequestId,
    RoomHandle, SessionId, Version,
};

const BYTES_MAX: usize = 64 * 1024;

pub(crate) const ROOM: RoomHandle = RoomHandle(0xabc1_2345_6789_def0);
const SLOT: u16 = 0xabc;
const TERM: Term = Term(7);
const FAR_ROOM: RoomHandle = RoomHandle(u64::MAX);
/// Shards 0, 3 and 63.
const MANY: Edges = Edges::Many(1 << 63 | 0b1001);
const KEY: SessionKey = SessionKey { index: 0x0102_0304, reuse: 5 };
const BINARY: Encoded<'_> = Encoded { format: Format::Binary, bytes: &[4, 0, 0, 0, 0xf1, 0xf2, 0xf3, 0xf4] };
const JSON: Encoded<'_> = Encoded { format: Format::Json, bytes: b"{}" };
const POSITION: Position = Position { epoch: Epoch(0x1122_3344_5566_7788), offset: Offset(42) };
const END: Position = Position { epoch: Epoch(u64::MAX), offset: Offset(u64::MAX) };

/// The bytes of one frame.
pub(crate) fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut writer = Writer::new(BYTES_MAX);
    writer.push(frame).unwrap_or_else(|error| panic!("{error}: {frame:?}"));
    writer.as_bytes().to_vec()
}

pub(crate) fn session() -> SessionRef {
    SessionRef { key: KEY, id: SessionId(0x5e55), generation: Generation(9), format: Format::Binary }
}

pub(crate) fn publish() -> PublishRequest {
    PublishRequest {
        origin: Origin::Session(session()),
        user: "ann".into(),
        id: RequestId::new(1),
        handle: ROOM,
        room: "chat:lobby".into(),
        lane: Lane::Reliable,
        key: "".into(),
        msg_id: Some([1, 2, 3].into()),
        retry: Some(POSITION),
        echo: true,
        sent: Sent { refusals: 6, ordinal: 6 },
        body_kind: BodyKind::Json,
        body: (*b"[1]").into(),
    }
}

/// A request of shard 3.
pub(crate) fn asked(request: Request) -> Frame<'static> {
    Frame::Request(ShardId(3), Asked { term: TERM, number: 0x0a0b_0c0d, request })
}

/// What is told to these edges of a node.
pub(crate) fn told(edges: Edges, delivery: Delivery<Encoded<'static>>) -> Told<Encoded<'static>> {
    let answers = if matches!(edges, Edges::One(_)) { 0x0a0b_0c0d } else { 0 };
    Told { slot: SLOT, edges, term: TERM, answers, delivery }
}

/// An answer to shard 3.
pub(crate) fn answer(delivery: Delivery<Encoded<'static>>) -> Frame<'static> {
    Frame::Delivery(told(Edges::One(ShardId(3)), delivery))
}

/// What is told to several shards at once.
pub(crate) fn many(delivery: Delivery<Encoded<'static>>) -> Frame<'static> {
    Frame::Delivery(told(MANY, delivery))
}

pub(crate) fn record(content: Content<Encoded<'static>>) -> Frame<'static> {
    let record = Record { stream: 4, number: 0x1_0000_0001, content };
    Frame::Delivery(told(Edges::Home, Delivery::Record(record)))
}

pub(crate) fn publication(
    lane: Lane,
    except: Option<(ShardId, SessionKey)>,
    bytes: &'static [u8],
) -> Delivery<Encoded<'static>> {
    Delivery::Publication {
        handle: ROOM,
        lane,
        place: Place::of(lane, 0x0000_0700_0000_002a),
        key_tag: if lane == Lane::Reliable { 0 } else { 0xdead_beef },
        members: 1000,
        except,
        frame: Encoded { format: Format::Binary, bytes },
    }
}

pub(crate) const EXCEPT: Option<(ShardId, SessionKey)> = Some((ShardId(5), KEY));

pub(crate) fn register() -> RegisterRequest {
    let member =
        RegisteredMember { session: session(), user: "ann".into(), info: Some("{}".into()), presence: true };
    let bare = RegisteredMember { user: "".into(), info: None, presence: false, ..member.clone() };
    RegisterRequest {
        handle: ROOM,
        room: "chat:lobby".into(),
        held: POSITION,
        last: false,
        members: vec![member, bare],
    }
}

/// Every sample with what it is.
pub(crate) fn all() -> Vec<(&'static str, Frame<'static>)> {
    let mut all = words();
    all.extend(requests::requests());
    all.extend(deliveries::deliveries());
    all.extend(deliveries::registrations());
    all.extend(requests::returned());
    all.extend(records::records());
    all.extend(notices());
    let head = Head { kind: 0x7f, flags: 0x81, shard: 1, term: Term(2), room: ROOM, number: 3 };
    all.push((
        "a frame of a newer version that may be skipped",
        Frame::Unknown(Unknown { head, body: &[1, 2, 3] }),
    ));
    all
}

fn words() -> Vec<(&'static str, Frame<'static>)> {
    let hello = Hello {
        versions: VersionRange::OURS,
        cluster: "prod-eu",
        node: NodeId(0x0a),
        incarnation: 0x0192_0000_0000_0001,
        shards: 8,
        features: 0,
    };
    let far = Hello {
        versions: VersionRange { oldest: u16::MAX, own: u16::MAX },
        cluster: "ü",
        node: NodeId(u64::MAX),
        incarnation: u64::MAX,
        shards: u16::MAX,
        features: u64::MAX,
    };
    [
        ("hello", Word::Hello(hello)),
        ("hello with the largest numbers", Word::Hello(far)),
        ("a hello is accepted", Word::Accepted { version: 1, features: 0 }),
        ("a hello is refused", Word::Refusal { number: 202, text: "This node belongs to another cluster." }),
        ("a window", Word::Window(Window { bytes: 4 * 1024 * 1024, frames: 4096 })),
        ("the largest window", Word::Window(Window { bytes: u64::MAX, frames: u64::MAX })),
        ("ping", Word::Ping { token: 0x1122_3344_5566_7788 }),
        ("pong", Word::Pong { token: u64::MAX }),
        ("goodbye: the node stops", Word::Goodbye { reason: GoodbyeReason::Stopping, number: 0, text: "" }),
        (
            "goodbye: a frame was cut",
            Word::Goodbye { reason: GoodbyeReason::Fault, number: 103, text: "cut: session at byte 24" },
        ),
        (
            "goodbye: replaced by another link",
            Word::Goodbye { reason: GoodbyeReason::Replaced, number: 0, text: "" },
        ),
        (
            "goodbye: no longer in the map",
            Word::Goodbye { reason: GoodbyeReason::Removed, number: 0, text: "" },
        ),
    ]
    .map(|(what, word)| (what, Frame::Word(word)))
    .into()
}

fn notices() -> Vec<(&'static str, Frame<'static>)> {
    const LONGEST: &str = match core::str::from_utf8(&[b'x'; 123]) {
        Ok(text) => text,
        Err(_) => panic!("not UTF-8"),
    };
    [
        (
            "disconnect a session",
            Notice::Disconnect { whom: Target::Session(SessionId(0x5e55)), code: 4000, reason: "" },
        ),
        ("disconnect a user", Notice::Disconnect { whom: Target::User("ann"), code: 4499, reason: "banned" }),
        (
            "disconnect with the longest reason",
            Notice::Disconnect { whom: Target::User(""), code: 4999, reason: LONGEST },
        ),
    ]
    .map(|(what, notice)| (what, Frame::Notice(notice)))
    .into()
}
