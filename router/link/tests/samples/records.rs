//! Records, one of each content.

use super::*;

pub(crate) fn room_record() -> RoomRecord {
    RoomRecord {
        handle: ROOM,
        name: "chat:lobby".into(),
        epoch: Epoch(3),
        first: Offset(40),
        version: Version(7 << 40),
        known_above: Some(Offset(12)),
    }
}

pub(super) fn records() -> Vec<(&'static str, Frame<'static>)> {
    let handle = ROOM;
    let new = RoomRecord { first: Offset(1), known_above: None, ..room_record() };
    let known: Box<[u8]> = b"ann\0\x01\x02\x03".as_slice().into();
    let id = |offset, age_ms, known: &[u8]| KnownRecord { offset, age_ms, known: known.into() };
    let publication =
        |known| Content::Publication { handle, offset: Offset(40), age_ms: 1500, known, frame: BINARY };
    let kept = KeptKey { session: SessionId(0x5e55), key_tag: 1, expires_ms: Some(30_000), frame: BINARY };
    let key = KeyRecord {
        handle,
        user: "ann".into(),
        key: "cursor".into(),
        version: Version(7 << 40 | 1),
        value: Some(kept.clone()),
    };
    let stays =
        KeyRecord { user: "".into(), value: Some(KeptKey { expires_ms: None, ..kept }), ..key.clone() };
    let removed = KeyRecord { value: None, ..key.clone() };
    let member = MemberRecord {
        session: SessionId(0x5e55),
        generation: Generation(9),
        user: "ann".into(),
        info: Some("{}".into()),
        has_keys: true,
    };
    let bare = MemberRecord { user: "".into(), info: None, has_keys: false, ..member.clone() };
    [
        ("record: a standby's stream begins", Content::Begin(Purpose::Standby)),
        ("record: a handover begins", Content::Begin(Purpose::Handover)),
        ("record: a room", Content::Room(Box::new(room_record()))),
        ("record: a room without a window of ids", Content::Room(Box::new(new))),
        ("record: a publication", publication(None)),
        ("record: a publication with its id", publication(Some(known.clone()))),
        (
            "record: an id with the longest form",
            Content::Known { handle, known: vec![id(Offset(39), u32::MAX, &[7; 161])] },
        ),
        (
            "record: ids",
            Content::Known { handle, known: vec![id(Offset(38), 1, &known), id(Offset(39), 0, &known)] },
        ),
        ("record: a key that expires", Content::Key(Box::new(key))),
        ("record: a key of the room", Content::Key(Box::new(stays))),
        ("record: a key without a value", Content::Key(Box::new(removed))),
        ("record: members", Content::Members { handle, members: vec![member, bare] }),
        ("record: a room ended", Content::Ended { handle }),
        ("record: versions of rooms that ended", Content::Floor(Version(u64::MAX))),
        ("record: all was sent", Content::Filled),
    ]
    .map(|(what, content)| (what, record(content)))
    .into()
}
