//! Deliveries but records.

use super::*;

pub(super) fn deliveries() -> Vec<(&'static str, Frame<'static>)> {
    let joined = JoinedDelivery {
        session: KEY,
        handle: ROOM,
        seat: 2,
        position: POSITION,
        replay_from: Some(Offset(40)),
        frame: BINARY,
        after: vec![JSON],
        keys: vec![KeyValue { key_tag: 1, frame: BINARY }, KeyValue { key_tag: u64::MAX, frame: BINARY }],
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
    let displaced = Told {
        slot: SLOT,
        edges: Edges::One(ShardId(u16::MAX)),
        term: Term::MAX,
        answers: 0,
        delivery: Delivery::Displaced { session: KEY, code: CloseCode::TakenOver },
    };
    let one_shard = Edges::Many(Edges::bit(ShardId(66)));
    vec![
        ("publication on the reliable lane", many(publication(Lane::Reliable, None, BINARY.bytes))),
        (
            "publication that its publisher does not get",
            many(publication(Lane::Reliable, EXCEPT, BINARY.bytes)),
        ),
        ("publication of a key", many(publication(Lane::Latest, None, BINARY.bytes))),
        (
            "publication of a key that its publisher does not get",
            many(publication(Lane::Unreliable, EXCEPT, BINARY.bytes)),
        ),
        ("joined with replay, gap and values", answer(Delivery::Joined(Box::new(joined)))),
        ("joined", answer(Delivery::Joined(Box::new(bare)))),
        (
            "a join is refused",
            answer(Delivery::JoinRefused { session: KEY, handle: ROOM, seat: 2, frame: JSON }),
        ),
        (
            "a publish is refused",
            answer(Delivery::PublishRefused {
                session: KEY,
                handle: ROOM,
                refusals: 7,
                ordinal: 0x0102_0304_0506_0708,
                msg_id: Some((*b"m-1").into()),
                frame: JSON,
            }),
        ),
        ("a session is displaced", Frame::Delivery(displaced)),
        (
            "reply about a room, the last of a membership",
            answer(Delivery::Reply {
                session: KEY,
                room: Some(ROOM),
                last: true,
                format: Format::Binary,
                frames: vec![BINARY],
            }),
        ),
        (
            "reply about no room, several frames",
            answer(Delivery::Reply {
                session: KEY,
                room: None,
                last: false,
                format: Format::Json,
                frames: vec![JSON, JSON],
            }),
        ),
        (
            "published in its offset's place",
            answer(Delivery::PublishedInPlace {
                session: KEY,
                handle: ROOM,
                offset: Offset(42),
                frame: BINARY,
            }),
        ),
        ("page of a replay behind a gap", answer(Delivery::Page(page))),
        ("page of a replay, empty", answer(Delivery::Page(empty))),
        ("presence changed", many(Delivery::PresenceChanged { handle: ROOM, frame: BINARY })),
        (
            "presence changed, for one shard",
            Frame::Delivery(told(one_shard, Delivery::PresenceChanged { handle: ROOM, frame: BINARY })),
        ),
        ("reset", many(Delivery::Reset { handle: ROOM, position: POSITION, frame: BINARY })),
        (
            "the API's publish took an offset",
            answer(Delivery::ApiAnswer { ticket: 1, result: Ok(published) }),
        ),
        ("the API's publish took a version", answer(Delivery::ApiAnswer { ticket: 1, result: Ok(value) })),
        (
            "the API's publish failed",
            answer(Delivery::ApiAnswer { ticket: u64::MAX, result: Err(ErrorCode::Unavailable) }),
        ),
    ]
}

pub(super) fn registrations() -> Vec<(&'static str, Frame<'static>)> {
    let registered = RegisteredDelivery {
        handle: ROOM,
        position: POSITION,
        reset: None,
        gone: Some((Offset(1), Offset(39))),
        missed: vec![(Offset(40), BINARY), (Offset(41), BINARY)],
        keys: vec![KeyValue { key_tag: 1, frame: BINARY }],
        members: 1000,
    };
    let anew = RegisteredDelivery {
        reset: Some(BINARY),
        gone: None,
        missed: Vec::new(),
        keys: Vec::new(),
        position: END,
        members: u32::MAX,
        ..registered.clone()
    };
    vec![
        ("registered, behind a gap", answer(Delivery::Registered(Box::new(registered)))),
        ("registered, the order begins anew", answer(Delivery::Registered(Box::new(anew)))),
        ("flushed", answer(Delivery::Flushed)),
    ]
}
