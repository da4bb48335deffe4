//! Requests, and those that come back.

use super::*;

pub(super) fn requests() -> Vec<(&'static str, Frame<'static>)> {
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
        sent: Sent { refusals: 0, ordinal: 0 },
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
    let leave = LeaveRequest {
        session: session(),
        id: RequestId::new(1),
        handle: ROOM,
        departure: Departure::Left,
        room: None,
    };
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
    let far =
        |request| Frame::Request(ShardId(u16::MAX), Asked { term: Term::MAX, number: u32::MAX, request });
    let last_page = RegisterRequest { last: true, held: END, members: vec![], ..register() };
    let ack = Ack { term: TERM, stream: 4, held: Some(0x1_0000_0001) };
    let refused = Ack { term: Term::MAX, stream: u32::MAX, held: None };
    vec![
        ("join with everything", asked(Request::Join(Box::new(join)))),
        ("join with nothing, longest name, last slot", far(Request::Join(Box::new(bare)))),
        ("join with the newest 50", asked(Request::Join(Box::new(last)))),
        ("leave", asked(Request::Leave(leave.clone()))),
        (
            "leave because the connection broke",
            asked(Request::Leave(LeaveRequest { id: None, departure: Departure::Detached, ..leave })),
        ),
        ("publish, sent again", asked(Request::Publish(Box::new(publish())))),
        ("publish of the API that removes a key", asked(Request::Publish(Box::new(api)))),
        ("publish of an unreliable value", asked(Request::Publish(Box::new(value)))),
        ("publish of an empty text with the longest msg_id", asked(Request::Publish(Box::new(longest)))),
        ("pull", asked(Request::Pull(pull))),
        (
            "pull with the largest numbers",
            asked(Request::Pull(PullRequest { from: END, seat: u32::MAX, ..pull })),
        ),
        ("history, backwards", asked(Request::History(history))),
        ("history, forwards", asked(Request::History(after))),
        ("presence, first page", asked(Request::Presence(presence))),
        ("presence, a later page", asked(Request::Presence(next))),
        ("register, the first page", asked(Request::Register(Box::new(register())))),
        ("register, the last page, without members", asked(Request::Register(Box::new(last_page)))),
        ("flush", asked(Request::Flush { slot: SLOT })),
        (
            "ack",
            Frame::Request(
                ShardId(3),
                Asked { term: TERM, number: 0, request: Request::Ack { slot: SLOT, ack } },
            ),
        ),
        ("ack: the records are not wanted", far(Request::Ack { slot: 0xfff, ack: refused })),
    ]
}

/// Each request that comes back.
pub(super) fn returned() -> Vec<(&'static str, Frame<'static>)> {
    let names = [
        (0, "returned: join with everything"),
        (3, "returned: leave"),
        (5, "returned: publish, sent again"),
        (9, "returned: pull"),
        (11, "returned: history, backwards"),
        (13, "returned: presence, first page"),
        (15, "returned: register, the first page"),
    ];
    let requests = requests();
    names
        .map(|(index, what)| {
            let (name, Frame::Request(_, asked)) = &requests[index] else { panic!("no request") };
            assert_eq!(what.strip_prefix("returned: "), Some(*name));
            (what, answer(Delivery::Returned(Box::new(asked.request.clone()))))
        })
        .into()
}
