//! The publication and the message that the codecs' cases speak of: a body of 64 bytes.

use ringway_protocol::command::Publish;
use ringway_protocol::event::{Message, Place, Sender};
use ringway_protocol::{
    Body, BodyKind, Command, Event, Lane, Offset, RequestId, RoomHandle, RoomName, SessionId, UnixMicros,
};

/// A JSON value of 64 bytes.
const BODY: &[u8] = br#"{"text":"sixty-four bytes of a chat message, give or take none."}"#;

pub(super) fn message() -> Event<'static> {
    Event::Message(Message {
        room: Some("chat:lobby"),
        handle: RoomHandle(0x1234_5678_9abc_def0),
        lane: Lane::Reliable,
        place: Place::Offset(Offset(42)),
        time: UnixMicros(1_790_000_000_123_456),
        from: Sender { user: Some("ada"), session: SessionId(7) },
        key: None,
        body: Body { kind: BodyKind::Json, bytes: BODY },
    })
}

pub(super) fn publish() -> Command<'static> {
    Command::Publish(Publish {
        id: RequestId::new(7),
        room: RoomName::new("chat:lobby").expect("a valid name"),
        body: Body { kind: BodyKind::Json, bytes: BODY },
        lane: Lane::Reliable,
        key: None,
        msg_id: None,
        retry: None,
        echo: true,
    })
}
