//! One frame of every shape, with values at their edges. What each says is the comment above its golden bytes.

use ringway_core::message::{
    ApiPublished, HistoryRequest, JoinRequest, JoinedDelivery, KeyValue, KnownKey, LeaveRequest, Origin,
    PageDelivery, PresenceRequest, PublishRequest, PullRequest, SessionRef,
};
use ringway_core::{Delivery, Departure, Request, SessionKey};
use ringway_link::limit::TERM_MAX;
use ringway_link::{
    Address, Encoded, Frame, GoodbyeReason, Head, Hello, Kind, MemberDigest, MemberEntry, MemberPage, Notice,
    Part, RefusalReason, Term, Unknown, VersionRange, Window, Word, Writer,
};
use ringway_protocol::command::{HistoryFrom, Since};
use ringway_protocol::event::Place;
use ringway_protocol::{
    BodyKind, CloseCode, Epoch, ErrorCode, Format, Generation, Lane, NodeId, Offset, Position, RequestId,
    RoomHandle, SessionId, Version,
};

const BYTES_MAX: usize = 64 * 1024;

pub(crate) const ROOM: RoomHandle = RoomHandle(0xabc1_2345_6789_def0);
pub(crate) const AT: Address = Address { shard: 3, term: Term(7), slot: 0xabc };
const FAR: Address = Address { shard: u16::MAX, term: Term(TERM_MAX), slot: 0xfff };
const FAR_ROOM: RoomHandle = RoomHandle(u64::MAX);
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
        body_kind: BodyKind::Json,
        body: (*b"[1]").into(),
    }
}

pub(crate) fn publication(
    lane: Lane,
    except: Option<SessionKey>,
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

pub(crate) fn except() -> Option<SessionKey> {
    Some(KEY)
}

/// Every sample with what it is.
pub(crate) fn all() -> Vec<(&'static str, Frame<'static>)> {
    let mut all = words();
    all.extend(requests().into_iter().map(|(what, at, request)| (what, Frame::Request(at, request))));
    all.extend(deliveries().into_iter().map(|(what, at, delivery)| (what, Frame::Delivery(at, delivery))));
    all.extend(notices().into_iter().map(|(what, at, notice)| (what, Frame::Notice(at, notice))));
    let head = Head { kind: 0x7f, flags: 0x81, shard: 1, term: Term(2), room: ROOM };
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
            Word::Goodbye { reason: GoodbyeReason::Fault, number: 103, text: "cut: session at byte 20" },
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

fn requests() -> Vec<(&'static str, Address, Request)> {
    let join = JoinRequest {
        session: session(),
        user: "ann".into(),
        info: Some("{\"n\":\"Ann\"}".into()),
        id: RequestId::new(u32::MAX),
        many: true,
        handle: ROOM,
        room: "chat:lobby".into(),
        since: Some(Since::Position(POSITION)),
        versions: vec![
            KnownKey {
                user: Some("ann".into()),
                key: "cursor".into(),
                version: Version(0x0000_0700_0000_0001),
            },
            KnownKey { user: None, key: "".into(), version: Version(u64::MAX) },
        ],
        presence: true,
        seat: 2,
    };
    let bare = JoinRequest {
        session: SessionRef { format: Format::Json, ..session() },
        user: "".into(),
        info: None,
        id: None,
        many: false,
        handle: FAR_ROOM,
        room: "r".repeat(128).into(),
        since: None,
        versions: Vec::new(),
        presence: false,
        seat: u32::MAX,
    };
    let last = JoinRequest { since: Some(Since::Last(50)), handle: ROOM, room: "ö".into(), ..bare.clone() };
    let api = PublishRequest {
        origin: Origin::Api { ticket: u64::MAX },
        id: None,
        lane: Lane::Latest,
        key: "k".repeat(64).into(),
        msg_id: None,
        retry: None,
        echo: false,
        body_kind: BodyKind::None,
        body: Box::default(),
        ..publish()
    };
    let value = PublishRequest {
        lane: Lane::Unreliable,
        key: "x".into(),
        body_kind: BodyKind::Bytes,
        body: [0, 255].into(),
        ..api.clone()
    };
    let longest = PublishRequest {
        msg_id: Some([7; 32].into()),
        body_kind: BodyKind::Text,
        body: Box::default(),
        ..publish()
    };
    let leave =
        LeaveRequest { session: session(), id: RequestId::new(1), handle: ROOM, departure: Departure::Left };
    let pull = PullRequest { session: session(), handle: ROOM, seat: 2, from: POSITION, bytes_max: 65_536 };
    let history = HistoryRequest {
        session: session(),
        id: RequestId::new(6),
        handle: ROOM,
        room: "chat:lobby".into(),
        from: HistoryFrom::Before(Offset(u64::MAX)),
        limit: 256,
    };
    let after = HistoryRequest { from: HistoryFrom::After(Offset(0)), id: None, ..history.clone() };
    let presence = PresenceRequest {
        session: session(),
        id: RequestId::new(8),
        handle: ROOM,
        room: "chat:lobby".into(),
        cursor: None,
    };
    let next = PresenceRequest { cursor: Some(u64::MAX), id: None, ..presence.clone() };
    vec![
        ("join with everything", AT, Request::Join(Box::new(join))),
        ("join with nothing, longest name, last slot", FAR, Request::Join(Box::new(bare))),
        ("join with the newest 50", AT, Request::Join(Box::new(last))),
        ("leave", AT, Request::Leave(leave)),
        (
            "leave because the connection broke",
            AT,
            Request::Leave(LeaveRequest { id: None, departure: Departure::Detached, ..leave }),
        ),
        ("publish, sent again", AT, Request::Publish(Box::new(publish()))),
        ("publish of the API that removes a key", AT, Request::Publish(Box::new(api))),
        ("publish of an unreliable value", AT, Request::Publish(Box::new(value))),
        ("publish of an empty text with the longest msg_id", AT, Request::Publish(Box::new(longest))),
        ("pull", AT, Request::Pull(pull)),
        (
            "pull with the largest numbers",
            AT,
            Request::Pull(PullRequest { from: END, seat: u32::MAX, ..pull }),
        ),
        ("history, backwards", AT, Request::History(history)),
        ("history, forwards", AT, Request::History(after)),
        ("presence, first page", AT, Request::Presence(presence)),
        ("presence, a later page", AT, Request::Presence(next)),
    ]
}

fn deliveries() -> Vec<(&'static str, Address, Delivery<Encoded<'static>>)> {
    let joined = JoinedDelivery {
        session: KEY,
        handle: ROOM,
        seat: 2,
        position: POSITION,
        replay_from: Some(Offset(40)),
        frame: BINARY,
        after: vec![JSON],
        keys: vec![KeyValue { key_tag: 1, frame: BINARY }, KeyValue { key_tag: u64::MAX, frame: JSON }],
    };
    let bare = JoinedDelivery {
        replay_from: None,
        after: Vec::new(),
        keys: Vec::new(),
        frame: JSON,
        ..joined.clone()
    };
    let page = PageDelivery {
        session: KEY,
        handle: ROOM,
        seat: 2,
        gone: Some((Offset(1), Offset(39))),
        frames: vec![(Offset(40), BINARY), (Offset(41), BINARY)],
        position: POSITION,
    };
    let empty = PageDelivery { gone: None, frames: Vec::new(), position: END, ..page.clone() };
    let published = ApiPublished { epoch: Epoch(3), place: Place::Offset(Offset(42)), duplicate: true };
    let value = ApiPublished { place: Place::Version(Version(u64::MAX)), duplicate: false, ..published };
    let slot = Address { slot: 0xabc, ..FAR };
    vec![
        ("publication on the reliable lane", AT, publication(Lane::Reliable, None, BINARY.bytes)),
        (
            "publication that its publisher does not get",
            AT,
            publication(Lane::Reliable, Some(KEY), BINARY.bytes),
        ),
        ("publication of a key", AT, publication(Lane::Latest, None, BINARY.bytes)),
        (
            "publication of a key that its publisher does not get",
            AT,
            publication(Lane::Unreliable, Some(KEY), BINARY.bytes),
        ),
        ("joined with replay, gap and values", AT, Delivery::Joined(Box::new(joined))),
        ("joined", AT, Delivery::Joined(Box::new(bare))),
        ("a join is refused", AT, Delivery::JoinRefused { session: KEY, handle: ROOM, seat: 2, frame: JSON }),
        ("a session is displaced", slot, Delivery::Displaced { session: KEY, code: CloseCode::TakenOver }),
        (
            "reply about a room, the last of a membership",
            AT,
            Delivery::Reply { session: KEY, room: Some(ROOM), last: true, frames: vec![BINARY] },
        ),
        (
            "reply about no room, several frames",
            AT,
            Delivery::Reply { session: KEY, room: None, last: false, frames: vec![JSON, BINARY] },
        ),
        (
            "published in its offset's place",
            AT,
            Delivery::PublishedInPlace { session: KEY, handle: ROOM, offset: Offset(42), frame: BINARY },
        ),
        ("page of a replay behind a gap", AT, Delivery::Page(page)),
        ("page of a replay, empty", AT, Delivery::Page(empty)),
        ("presence changed", AT, Delivery::PresenceChanged { handle: ROOM, frame: BINARY }),
        ("reset", AT, Delivery::Reset { handle: ROOM, position: POSITION, frame: BINARY }),
        ("the API's publish took an offset", AT, Delivery::ApiAnswer { ticket: 1, result: Ok(published) }),
        ("the API's publish took a version", AT, Delivery::ApiAnswer { ticket: 1, result: Ok(value) }),
        (
            "the API's publish failed",
            AT,
            Delivery::ApiAnswer { ticket: u64::MAX, result: Err(ErrorCode::Unavailable) },
        ),
    ]
}

fn notices() -> Vec<(&'static str, Address, Notice<'static>)> {
    let handle = ROOM;
    let member = MemberEntry {
        shard: 3,
        key: KEY,
        id: SessionId(0x5e55),
        generation: Generation(9),
        detached: false,
        user: "ann",
        info: Some("{}"),
    };
    let detached = MemberEntry { shard: u16::MAX, detached: true, user: "", info: None, ..member };
    let set = MemberPage { handle, sequence: 0, last: false, members: vec![member, detached] };
    let end = MemberPage { handle, sequence: u32::MAX, last: true, members: Vec::new() };
    let refused =
        |kind, reason, retry_after_ms| Notice::Refused { kind, term: Term(6), reason, retry_after_ms };
    let transfer = |part, sequence, last, page| Notice::Transfer { handle, part, sequence, last, page };
    [
        (
            "interest in a room held before",
            Notice::Interest { handle, room: "chat:lobby", held: Some(POSITION) },
        ),
        ("interest in a new room", Notice::Interest { handle, room: "r", held: None }),
        (
            "interest is answered, what was missed follows",
            Notice::InterestAnswer {
                handle,
                position: POSITION,
                version: Version(7 << 40),
                replay_from: Some(Offset(40)),
            },
        ),
        (
            "interest is answered, nothing was missed",
            Notice::InterestAnswer { handle, position: END, version: Version(0), replay_from: None },
        ),
        ("disinterest", Notice::Disinterest { handle }),
        ("refused: the term is over", refused(Kind::Publish, RefusalReason::StaleTerm, 0)),
        ("refused: not the owner", refused(Kind::Join, RefusalReason::NotOwner, 0)),
        ("refused: the owner is new", refused(Kind::Interest, RefusalReason::Registering, 200)),
        ("refused: the slot moves", refused(Kind::Publish, RefusalReason::Moving, u32::MAX)),
        (
            "digest of members",
            Notice::MemberDigest { handle, digest: MemberDigest { members: 2, hash: u64::MAX } },
        ),
        ("page of members", Notice::MemberSet(set)),
        ("the last page of members", Notice::MemberSet(end)),
        ("transfer of history", transfer(Part::History, 0, false, &[1, 2, 3])),
        ("transfer of members", transfer(Part::Members, 1, true, &[])),
        ("transfer of keys", transfer(Part::Keys, u32::MAX, true, &[0xff])),
        ("transfer of remembered msg_ids", transfer(Part::Dedup, 0, true, &[])),
    ]
    .map(|(what, notice)| (what, AT, notice))
    .into()
}
