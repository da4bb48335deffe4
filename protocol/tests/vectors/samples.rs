//! One value per command and event, and variants that the formats write differently. The golden vectors are these.

use ringway_protocol::command::{
    Hello, History, HistoryFrom, Join, JoinMany, KnownVersion, Leave, Presence, Publish, Refresh, Since,
};
use ringway_protocol::event::{
    ErrorEvent, HistoryPage, Joined, Member, Message, Place, PresenceChanged, PresencePage, Published,
    Sender, SessionLimits, Welcome,
};
use ringway_protocol::{
    Body, BodyKind, Command, Epoch, ErrorCode, Event, Lane, Offset, Position, RequestId, RoomHandle,
    RoomName, SessionId, UnixMicros, Version,
};

/// The room of every sample that is about one room.
pub(crate) const ROOM: &str = "chat:lobby";

const EPOCH: Epoch = Epoch(0x8c3f_0a51_77d2_e94b);
const HANDLE: RoomHandle = RoomHandle(0x5d1e_c0ff_ee15_600d);
const SESSION: SessionId = SessionId(0x01f2_e3d4_c5b6_a798);
const TIME: UnixMicros = UnixMicros(1_790_000_000_123_456);
const VERSION: Version = Version(0x0000_0200_0000_002a);
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";
const RESUME: &str = "rw1.AfLj1MW2p5gAAAGg.Zm9yZ2VyeS1wcm9vZg";

fn id(number: u32) -> Option<RequestId> {
    RequestId::new(number)
}

fn room() -> RoomName<'static> {
    RoomName::new(ROOM).expect("valid")
}

fn json(text: &'static str) -> Body<'static> {
    Body { kind: BodyKind::Json, bytes: text.as_bytes() }
}

fn text(text: &'static str) -> Body<'static> {
    Body { kind: BodyKind::Text, bytes: text.as_bytes() }
}

fn bytes(bytes: &'static [u8]) -> Body<'static> {
    Body { kind: BodyKind::Bytes, bytes }
}

fn position(offset: u64) -> Position {
    Position { epoch: EPOCH, offset: Offset(offset) }
}

fn ada() -> Member<'static> {
    Member { user: "ada", session: SESSION, info: None }
}

fn grace() -> Member<'static> {
    Member { user: "grace", session: SessionId(7), info: Some(r#"{"name":"Grace \"Amazing\" H."}"#) }
}

fn join(since: Option<Since>) -> Join<'static> {
    Join { id: id(3), room: room(), since, versions: Vec::new(), presence: false, stream: false }
}

fn publish() -> Publish<'static> {
    Publish {
        id: id(6),
        room: room(),
        body: json(r#"{"say":"hello"}"#),
        lane: Lane::Reliable,
        key: None,
        msg_id: None,
        retry: None,
        echo: true,
    }
}

/// Every command, by the name of its vector.
pub(crate) fn commands() -> Vec<(&'static str, Command<'static>)> {
    let known = |user, key, version| KnownVersion { user, key, version: Version(version) };
    vec![
        ("hello", Command::Hello(Hello { id: id(1), protocol: 1, token: None, client: None, resume: None })),
        (
            "hello_resume",
            Command::Hello(Hello {
                id: id(1),
                protocol: 1,
                token: Some(TOKEN),
                client: Some("ringway-web/0.1"),
                resume: Some(RESUME),
            }),
        ),
        ("refresh", Command::Refresh(Refresh { id: id(2), token: TOKEN })),
        ("join", Command::Join(join(None))),
        ("join_since", Command::Join(join(Some(Since::Position(position(41)))))),
        ("join_last", Command::Join(Join { presence: true, ..join(Some(Since::Last(50))) })),
        (
            "join_versions",
            Command::Join(Join {
                versions: vec![known(Some("ada"), "cursor", VERSION.0), known(None, "topic", 1)],
                ..join(None)
            }),
        ),
        (
            "join_many",
            Command::JoinMany(JoinMany {
                id: id(3),
                rooms: vec![
                    join(Some(Since::Position(position(41)))),
                    Join { room: RoomName::new("plan \"b\"").expect("valid"), presence: true, ..join(None) },
                ],
            }),
        ),
        ("leave", Command::Leave(Leave { id: id(5), room: room() })),
        ("publish", Command::Publish(publish())),
        ("publish_quiet", Command::Publish(Publish { id: None, body: text("hello"), ..publish() })),
        (
            "publish_text",
            Command::Publish(Publish { body: text("line one\nline \"two\" \u{1f600}"), ..publish() }),
        ),
        ("publish_bytes", Command::Publish(Publish { body: bytes(&[0, 1, 254, 255]), ..publish() })),
        (
            "publish_idempotent",
            Command::Publish(Publish { msg_id: Some(b"order-4711"), echo: false, ..publish() }),
        ),
        (
            "publish_retry",
            Command::Publish(Publish {
                msg_id: Some(&[0x93, 0, 0xff, 7]),
                retry: Some(position(41)),
                ..publish()
            }),
        ),
        (
            "publish_latest",
            Command::Publish(Publish {
                lane: Lane::Latest,
                key: Some("cursor"),
                body: json("[12,34]"),
                ..publish()
            }),
        ),
        (
            "publish_latest_remove",
            Command::Publish(Publish {
                lane: Lane::Latest,
                key: Some("cursor"),
                body: Body::default(),
                ..publish()
            }),
        ),
        (
            "publish_unreliable",
            Command::Publish(Publish {
                id: None,
                lane: Lane::Unreliable,
                body: bytes(&[9; 12]),
                ..publish()
            }),
        ),
        (
            "history_before",
            Command::History(History {
                id: id(7),
                room: room(),
                from: HistoryFrom::Before(Offset(41)),
                limit: 50,
            }),
        ),
        (
            "history_after",
            Command::History(History {
                id: id(7),
                room: room(),
                from: HistoryFrom::After(Offset(0)),
                limit: 256,
            }),
        ),
        ("presence", Command::Presence(Presence { id: id(8), room: room(), cursor: None })),
        ("presence_next", Command::Presence(Presence { id: id(8), room: room(), cursor: Some(SESSION.0) })),
        ("ping", Command::Ping { id: id(9) }),
    ]
}

fn welcome() -> Welcome<'static> {
    Welcome {
        id: id(1),
        session: SESSION,
        resume: RESUME,
        user: "ada",
        node: "node-1",
        time: TIME,
        heartbeat_ms: 25_000,
        limits: SessionLimits {
            frame_bytes: 65_536,
            rooms: 256,
            key_bytes: 64,
            history_page: 256,
            join_many: 64,
        },
        features: vec![],
        expires: None,
    }
}

fn joined() -> Joined<'static> {
    Joined {
        id: id(3),
        room: ROOM,
        handle: HANDLE,
        position: position(42),
        version: Version(0),
        recovered: true,
        replay: 0,
        count: 2,
        members: vec![ada(), grace()],
    }
}

fn reset(version: Version) -> Event<'static> {
    Event::Reset { room: ROOM, position: position(0), version, reason: "the room's owner was lost" }
}

fn published() -> Published<'static> {
    Published {
        id: RequestId::new(6).expect("not 0"),
        room: ROOM,
        epoch: EPOCH,
        place: Place::Offset(Offset(42)),
        time: TIME,
        duplicate: false,
    }
}

/// A message as the binary format carries it: with the handle, without the room's name.
fn message() -> Message<'static> {
    Message {
        room: None,
        handle: HANDLE,
        lane: Lane::Reliable,
        place: Place::Offset(Offset(42)),
        time: TIME,
        from: Sender { user: Some("ada"), session: SESSION },
        key: None,
        body: json(r#"{"say":"hello"}"#),
    }
}

fn error() -> ErrorEvent<'static> {
    ErrorEvent {
        id: id(6),
        room: None,
        code: ErrorCode::NotJoined,
        retry_after_ms: None,
        message: "join chat:lobby before you publish",
    }
}

/// Every event, by the name of its vector.
pub(crate) fn events() -> Vec<(&'static str, Event<'static>)> {
    let nobody = || PresenceChanged { room: ROOM, count: 0, joined: vec![], left: vec![], truncated: false };
    vec![
        ("welcome", Event::Welcome(welcome())),
        (
            "welcome_expires",
            Event::Welcome(Welcome { features: vec!["echo", "mqtt"], expires: Some(TIME), ..welcome() }),
        ),
        ("refreshed", Event::Refreshed { id: id(2), expires: TIME }),
        ("joined", Event::Joined(joined())),
        (
            "joined_recovered",
            Event::Joined(Joined { recovered: false, replay: 17, count: 0, members: vec![], ..joined() }),
        ),
        ("joined_version", Event::Joined(Joined { version: VERSION, ..joined() })),
        ("left", Event::Left { id: id(5), room: ROOM }),
        ("left_by_server", Event::Left { id: None, room: ROOM }),
        ("published", Event::Published(published())),
        ("published_duplicate", Event::Published(Published { duplicate: true, ..published() })),
        ("published_latest", Event::Published(Published { place: Place::Version(VERSION), ..published() })),
        (
            "history_page",
            Event::History(HistoryPage { id: id(7), room: ROOM, epoch: EPOCH, replay: 50, more: true }),
        ),
        (
            "presence_page",
            Event::Presence(PresencePage {
                id: id(8),
                room: ROOM,
                count: 300,
                members: vec![ada(), grace()],
                cursor: Some(SESSION.0),
                partial: false,
            }),
        ),
        (
            "presence_last_page",
            Event::Presence(PresencePage {
                id: id(8),
                room: ROOM,
                count: 300,
                members: vec![],
                cursor: None,
                partial: true,
            }),
        ),
        ("pong", Event::Pong { id: id(9), time: TIME }),
        ("message", Event::Message(message())),
        (
            "message_text",
            Event::Message(Message { body: text("line one\nline \"two\" \u{1f600}"), ..message() }),
        ),
        ("message_bytes", Event::Message(Message { body: bytes(&[0, 1, 254, 255]), ..message() })),
        (
            "message_session",
            Event::Message(Message { from: Sender { user: None, session: SESSION }, ..message() }),
        ),
        (
            "message_latest",
            Event::Message(Message {
                lane: Lane::Latest,
                place: Place::Version(VERSION),
                key: Some("cursor"),
                body: json("[12,34]"),
                ..message()
            }),
        ),
        (
            "message_latest_removed",
            Event::Message(Message {
                lane: Lane::Latest,
                place: Place::Version(VERSION),
                key: Some("cursor"),
                body: Body::default(),
                ..message()
            }),
        ),
        (
            "message_unreliable",
            Event::Message(Message {
                lane: Lane::Unreliable,
                place: Place::Version(VERSION),
                key: Some(""),
                body: bytes(&[9; 12]),
                ..message()
            }),
        ),
        (
            "presence_changed",
            Event::PresenceChanged(PresenceChanged {
                count: 2,
                joined: vec![grace()],
                left: vec![ada()],
                ..nobody()
            }),
        ),
        (
            "presence_changed_truncated",
            Event::PresenceChanged(PresenceChanged {
                count: 9_000,
                joined: vec![ada()],
                truncated: true,
                ..nobody()
            }),
        ),
        ("gap", Event::Gap { room: ROOM, from: Offset(12), to: Offset(41) }),
        ("reset", reset(Version(0))),
        ("reset_version", reset(VERSION)),
        ("error", Event::Error(error())),
        (
            "error_in_join_many",
            Event::Error(ErrorEvent {
                room: Some(ROOM),
                code: ErrorCode::JoinDenied,
                message: "no grant",
                ..error()
            }),
        ),
        (
            "error_retry_after",
            Event::Error(ErrorEvent {
                id: None,
                code: ErrorCode::RateLimited,
                retry_after_ms: Some(250),
                message: "",
                ..error()
            }),
        ),
        (
            "closing",
            Event::Closing { code: 3000, reason: "the server stops", reconnect_after_ms: Some(1_500) },
        ),
        ("closing_for_good", Event::Closing { code: 3502, reason: "taken over", reconnect_after_ms: None }),
    ]
}

/// The event as its JSON form carries it: a message names its room and has no handle.
pub(crate) fn as_json(event: &Event<'static>) -> Event<'static> {
    match event {
        Event::Message(message) => {
            Event::Message(Message { room: Some(ROOM), handle: RoomHandle(0), ..message.clone() })
        }
        other => other.clone(),
    }
}
