//! What one format says, the other says too: whatever is read from binary is the same after a way through JSON.
//!
//! Bodies and member infos of events are the server's own and are trusted by the formats; those that no server makes are
//! left aside here.

use ringway_protocol::codec::{BinaryEncoder, JsonDecoder, binary, binary_to_json, body, json};
use ringway_protocol::event::{Event, Member, Message};
use ringway_protocol::{Body, BodyKind, RoomHandle};

const ROOM: &str = "chat:lobby";

pub(crate) fn run(data: &[u8]) {
    let length = u32::try_from(data.len()).expect("fuzz inputs are small");
    let frame = [&length.to_le_bytes(), data].concat();
    let mut text = Vec::new();
    let mut decoder = JsonDecoder::new();
    if let Ok(command) = binary::decode_command(&frame) {
        json::encode_command(&command, &mut text);
        assert_eq!(decoder.command(&text), Ok(command));
    }
    if let Ok(event) = binary::decode_event(&frame) {
        text.clear();
        binary_to_json(&frame, ROOM, &mut text).expect("it was read before");
        if !is_a_server_s(&event) {
            return;
        }
        assert_eq!(decoder.event(&text), Ok(as_json(&event)), "{}", String::from_utf8_lossy(&text));
    }
    if let Ok(command) = decoder.command(data) {
        assert_eq!(binary::decode_command(BinaryEncoder::new().command(&command)), Ok(command));
    }
}

fn is_a_server_s(event: &Event<'_>) -> bool {
    match event {
        Event::Message(message) => body::check(message.body) == Ok(message.body),
        Event::Joined(joined) => joined.members.iter().all(is_shown),
        Event::Presence(page) => page.members.iter().all(is_shown),
        Event::PresenceChanged(change) => change.joined.iter().chain(&change.left).all(is_shown),
        _ => true,
    }
}

fn is_shown(member: &Member<'_>) -> bool {
    member.info.is_none_or(|info| {
        let info = Body { kind: BodyKind::Json, bytes: info.as_bytes() };
        info.bytes != b"null" && body::check(info) == Ok(info)
    })
}

fn as_json<'a>(event: &Event<'a>) -> Event<'a> {
    match event {
        Event::Message(message) => {
            Event::Message(Message { room: Some(ROOM), handle: RoomHandle(0), ..message.clone() })
        }
        other => other.clone(),
    }
}
