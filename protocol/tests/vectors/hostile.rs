//! What a peer must not get away with, in both formats: each refusal has its number, names the field, and carries the
//! request's id where it could be read.

use ringway_protocol::codec::{BinaryEncoder, DecodeError, JsonDecoder, binary, json};
use ringway_protocol::command::Publish;
use ringway_protocol::limit::{JOIN_MANY_MAX, JSON_DEPTH_MAX, KEYS_PER_ROOM_MAX};
use ringway_protocol::{Body, BodyKind, Command, ErrorCode, Event, Lane, Position, RequestId, RoomName};
use ringway_schema as schema;

use super::samples::{commands, events};

/// Where the head begins in a frame that ends in its root table: found by the id that only it holds.
fn head_of(frame: &[u8], id: u32) -> usize {
    let at = frame.windows(4).position(|bytes| bytes == id.to_le_bytes()).expect("the id is there");
    at - 36
}

const KIND: usize = 32;
const LANE: usize = 33;
const BODY_KIND: usize = 34;
const ID: u32 = 0xfeed_beef;

fn publish(body: Body<'_>) -> Publish<'_> {
    Publish {
        id: RequestId::new(ID),
        room: RoomName::new("chat:lobby").unwrap(),
        body,
        lane: Lane::Reliable,
        key: None,
        msg_id: None,
        retry: None,
        echo: true,
    }
}

fn json_body(bytes: &[u8]) -> Body<'_> {
    Body { kind: BodyKind::Json, bytes }
}

fn binary_error(frame: &[u8]) -> DecodeError {
    binary::decode_command(frame).expect_err("must be refused")
}

fn json_error(text: &str) -> DecodeError {
    JsonDecoder::new().command(text.as_bytes()).expect_err(text)
}

/// The command in both formats; both must be refused alike.
fn refused(command: &Command<'_>) -> DecodeError {
    let error = binary_error(BinaryEncoder::new().command(command));
    let mut text = Vec::new();
    json::encode_command(command, &mut text);
    assert_eq!(json_error(core::str::from_utf8(&text).unwrap()), error);
    error
}

#[test]
fn an_unknown_type_is_told_apart_and_carries_its_id() {
    let command = Command::Ping { id: RequestId::new(ID) };
    let mut frame = BinaryEncoder::new().command(&command).to_vec();
    let kind = head_of(&frame, ID) + KIND;
    for unknown in [0, 10, 64, 65, 80, 255] {
        frame[kind] = unknown;
        let error = binary_error(&frame);
        assert_eq!((error.code, error.id), (ErrorCode::UnknownType, RequestId::new(ID)), "{unknown}");
        assert!(!error.ends_connection());
    }
    frame[kind] = 1;
    assert_eq!(binary::decode_event(&frame).unwrap_err().code, ErrorCode::UnknownType);
    let error = json_error(r#"{"id":7,"type":"subscribe"}"#);
    assert_eq!((error.code, error.id), (ErrorCode::UnknownType, RequestId::new(7)));
}

#[test]
fn a_truncated_frame_is_refused_wherever_it_is_cut() {
    let mut encoder = BinaryEncoder::new();
    let mut whole: Vec<_> = commands().iter().map(|(_, command)| encoder.command(command).to_vec()).collect();
    whole.extend(events().iter().map(|(_, event)| encoder.event(event).to_vec()));
    for frame in whole {
        for cut in 0..frame.len() {
            let mut frame = frame[..cut].to_vec();
            assert_eq!(binary_error(&frame).code, ErrorCode::BadFrame);
            if let Some(prefix) = frame.first_chunk_mut::<4>() {
                *prefix = (cut as u32 - 4).to_le_bytes();
            }
            // With a prefix that fits, what is cut off may be padding: it must only not panic.
            let _ = binary::decode_command(&frame);
            let _ = binary::decode_event(&frame);
        }
    }
}

#[test]
fn any_flipped_byte_is_refused_or_read_but_never_panics() {
    let mut encoder = BinaryEncoder::new();
    let mut whole: Vec<_> = commands().iter().map(|(_, command)| encoder.command(command).to_vec()).collect();
    whole.extend(events().iter().map(|(_, event)| encoder.event(event).to_vec()));
    for mut frame in whole {
        for at in 0..frame.len() {
            for flip in [1, 0x80, 0xff] {
                frame[at] ^= flip;
                let _ = binary::decode_command(&frame);
                let _ = binary::decode_event(&frame);
                frame[at] ^= flip;
            }
        }
    }
}

#[test]
fn the_prefix_must_count_exactly_what_follows() {
    let frame = BinaryEncoder::new().command(&Command::Ping { id: None }).to_vec();
    let padded = [&frame[..], &[0; 8]].concat();
    assert_eq!(binary_error(&padded).code, ErrorCode::BadFrame);
    for wrong in [0, 1, u32::MAX] {
        let mut frame = frame.clone();
        frame[..4].copy_from_slice(&wrong.to_le_bytes());
        assert_eq!(binary_error(&frame).code, ErrorCode::BadFrame);
    }
}

#[test]
fn numbers_without_a_lane_or_a_kind_of_body_are_refused() {
    let frame = BinaryEncoder::new().command(&Command::Publish(publish(json_body(b"1")))).to_vec();
    let head = head_of(&frame, ID);
    for (byte, field) in [(LANE, "lane"), (BODY_KIND, "body_kind")] {
        let mut frame = frame.clone();
        frame[head + byte] = 99;
        let error = binary_error(&frame);
        assert_eq!((error.code, error.field, error.id), (ErrorCode::BadField, field, RequestId::new(ID)));
    }
}

#[test]
fn a_json_body_can_t_break_out_of_its_frame() {
    let breakouts: [&[u8]; 16] = [
        b"1}",
        b"1,\"type\":\"hello\"",
        b"1},{\"type\":\"leave\"",
        b"{}{}",
        b"1 2",
        b"",
        b" ",
        b"\"\n\"",
        b"\"\0\"",
        b"\"open",
        b"{\"a\":1",
        b"[1,]",
        b"{,}",
        b"01",
        b"nul",
        b"\xef\xbb\xbf1",
    ];
    for body in breakouts {
        let error = binary_error(BinaryEncoder::new().command(&Command::Publish(publish(json_body(body)))));
        assert_eq!((error.code, error.id), (ErrorCode::BadBody, RequestId::new(ID)), "{body:?}");
        assert!(!error.ends_connection());
    }
}

#[test]
fn white_space_around_a_json_body_is_not_part_of_it() {
    let mut encoder = BinaryEncoder::new();
    let frame = encoder.command(&Command::Publish(publish(json_body(b" \r\n[1, 2]\t"))));
    let Ok(Command::Publish(read)) = binary::decode_command(frame) else { panic!("must be read") };
    assert_eq!(read.body, json_body(b"[1, 2]"));
}

#[test]
fn a_json_body_is_at_most_32_brackets_deep() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        for (depth, fits) in [(JSON_DEPTH_MAX, true), (JSON_DEPTH_MAX + 1, false), (10_000, false)] {
            let body = nested(depth);
            let command = Command::Publish(publish(json_body(body.as_bytes())));
            if fits {
                let mut encoder = BinaryEncoder::new();
                assert_eq!(binary::decode_command(encoder.command(&command)).as_ref(), Ok(&command));
                let mut text = Vec::new();
                json::encode_command(&command, &mut text);
                assert_eq!(JsonDecoder::new().command(&text).as_ref(), Ok(&command));
            } else {
                let error = refused(&command);
                assert_eq!((error.code, error.id), (ErrorCode::BadBody, RequestId::new(ID)), "{depth}");
            }
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let body = Body { kind: BodyKind::Text, bytes: b"\xff" };
    let error = binary_error(BinaryEncoder::new().command(&Command::Publish(publish(body))));
    assert_eq!((error.code, error.field), (ErrorCode::BadBody, "body"));
    let error =
        JsonDecoder::new().command(b"{\"type\":\"publish\",\"room\":\"a\",\"text\":\"\xff\"}").unwrap_err();
    assert_eq!(error.code, ErrorCode::BadFrame);
    let error = json_error(r#"{"type":"publish","id":7,"room":"a","text":"\ud800"}"#);
    assert_eq!((error.code, error.field, error.id), (ErrorCode::BadBody, "text", RequestId::new(7)));
}

#[test]
fn the_rules_of_publish_are_the_same_in_both_formats() {
    let one = || publish(json_body(b"1"));
    let long = "k".repeat(65);
    for (command, code, field) in [
        (Publish { key: Some("k"), ..one() }, ErrorCode::BadKey, "key"),
        (Publish { key: Some(&long), lane: Lane::Latest, ..one() }, ErrorCode::BadKey, "key"),
        (Publish { msg_id: Some(b"1"), lane: Lane::Latest, ..one() }, ErrorCode::BadMsgId, "msg_id"),
        (Publish { msg_id: Some(b""), ..one() }, ErrorCode::BadMsgId, "msg_id"),
        (Publish { msg_id: Some(&[b'i'; 33]), ..one() }, ErrorCode::BadMsgId, "msg_id"),
        (Publish { retry: Some(Position::default()), ..one() }, ErrorCode::BadField, "retry"),
        (publish(Body::default()), ErrorCode::BodyRequired, "body"),
        (Publish { lane: Lane::Unreliable, ..publish(Body::default()) }, ErrorCode::BodyRequired, "body"),
        (Publish { id: None, echo: false, ..one() }, ErrorCode::IdRequired, "id"),
    ] {
        let id = command.id;
        let error = refused(&Command::Publish(command));
        assert_eq!((error.code, error.field, error.id), (code, field, id));
    }
}

#[test]
fn json_that_is_not_one_object_is_not_a_frame() {
    for text in [
        "",
        " ",
        "[]",
        "1",
        "\"a\"",
        "null",
        "{",
        "{}{}",
        "{} 1",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{'a':1}",
    ] {
        let error = json_error(text);
        assert_eq!(error.code, ErrorCode::BadFrame, "{text}");
        assert!(error.ends_connection());
    }
    let bomb = "[".repeat(60_000);
    assert_eq!(json_error(&format!("{{\"type\":{bomb}")).code, ErrorCode::BadFrame);
}

#[test]
fn a_known_field_given_twice_is_refused_however_it_is_spelled() {
    for text in [
        r#"{"type":"ping","id":1,"id":2}"#,
        r#"{"type":"ping","id":null,"id":2}"#,
        r#"{"type":"ping","id":1,"\u0069d":2}"#,
        r#"{"type":"ping","type":"hello"}"#,
    ] {
        assert_eq!(json_error(text).code, ErrorCode::BadFrame, "{text}");
    }
    let unknown = r#"{"type":"ping","id":1,"new":1,"new":2}"#;
    assert_eq!(JsonDecoder::new().command(unknown.as_bytes()), Ok(Command::Ping { id: RequestId::new(1) }));
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    for (text, field) in [
        (r#"{"id":7}"#, "type"),
        (r#"{"id":7,"type":1}"#, "type"),
        (r#"{"id":7,"type":"leave"}"#, "room"),
        (r#"{"id":7,"type":"leave","room":null}"#, "room"),
        (r#"{"id":7,"type":"leave","room":["a"]}"#, "room"),
        (r#"{"id":7,"type":"hello"}"#, "protocol"),
        (r#"{"id":7,"type":"hello","protocol":1.0}"#, "protocol"),
        (r#"{"id":7,"type":"hello","protocol":-1}"#, "protocol"),
        (r#"{"id":7,"type":"hello","protocol":4294967296}"#, "protocol"),
        (r#"{"id":7,"type":"refresh"}"#, "token"),
        (r#"{"id":7,"type":"join","room":"a","presence":1}"#, "presence"),
        (r#"{"id":7,"type":"join","room":"a","since":5}"#, "since"),
        (r#"{"id":7,"type":"join","room":"a","since":{}}"#, "since"),
        (r#"{"id":7,"type":"join","room":"a","since":{"epoch":"12"}}"#, "offset"),
        (r#"{"id":7,"type":"join","room":"a","since":{"epoch":"12","offset":1}}"#, "epoch"),
        (r#"{"id":7,"type":"join","room":"a","since":{"last":1,"epoch":"00000000000000ff"}}"#, "since"),
        (r#"{"id":7,"type":"join","room":"a","versions":{}}"#, "versions"),
        (r#"{"id":7,"type":"join","room":"a","versions":[1]}"#, "versions"),
        (r#"{"id":7,"type":"join","room":"a","versions":[{"key":"k"}]}"#, "version"),
        (r#"{"id":7,"type":"join_many","rooms":["a"]}"#, "rooms"),
        (r#"{"id":7,"type":"publish","room":"a","lane":"fast","data":1}"#, "lane"),
        (r#"{"id":7,"type":"publish","room":"a","echo":"no","data":1}"#, "echo"),
        (r#"{"id":7,"type":"publish","room":"a","retry":{"offset":1},"data":1}"#, "retry"),
        (r#"{"id":7,"type":"history","room":"a","limit":1}"#, "before"),
        (r#"{"id":7,"type":"history","room":"a","limit":1,"before":1,"after":1}"#, "before"),
        (r#"{"id":7,"type":"history","room":"a","before":18446744073709551616,"limit":1}"#, "before"),
        (r#"{"id":7,"type":"presence","room":"a","cursor":5}"#, "cursor"),
    ] {
        let error = json_error(text);
        assert_eq!(
            (error.code, error.field, error.id),
            (ErrorCode::BadField, field, RequestId::new(7)),
            "{text}"
        );
    }
    for (text, field) in [
        (r#"{"id":7,"type":"publish","room":"a","data":1,"text":"b"}"#, "body"),
        (r#"{"id":7,"type":"publish","room":"a","bytes":"=="}"#, "bytes"),
        (r#"{"id":7,"type":"publish","room":"a","bytes":"a b="}"#, "bytes"),
    ] {
        let error = json_error(text);
        assert_eq!(
            (error.code, error.field, error.id),
            (ErrorCode::BadBody, field, RequestId::new(7)),
            "{text}"
        );
    }
    for text in [r#"{"id":7,"type":"leave","room":""}"#, r#"{"id":7,"type":"leave","room":"a\nb"}"#] {
        assert_eq!(json_error(text).code, ErrorCode::BadRoomName);
    }
    assert_eq!(json_error(r#"{"id":"7","type":"ping"}"#).field, "id");
}

#[test]
fn a_value_too_deep_is_nobody_s_but_its_own_field_s() {
    let deep = "[".repeat(40) + &"]".repeat(40);
    let ignored = format!(r#"{{"new":{deep},"type":"ping","id":7}}"#);
    assert_eq!(JsonDecoder::new().command(ignored.as_bytes()), Ok(Command::Ping { id: RequestId::new(7) }));
    let error = json_error(&format!(r#"{{"data":{deep},"type":"publish","room":"a","id":7}}"#));
    assert_eq!((error.code, error.id), (ErrorCode::BadBody, RequestId::new(7)));
    let error = json_error(&format!(r#"{{"since":{deep},"type":"join","room":"a","id":7}}"#));
    assert_eq!((error.code, error.field), (ErrorCode::BadField, "since"));
}

#[test]
fn lists_are_bounded() {
    let rooms = vec![r#"{"room":"a"}"#; JOIN_MANY_MAX + 1];
    let many = |rooms: &[&str]| format!(r#"{{"type":"join_many","id":7,"rooms":[{}]}}"#, rooms.join(","));
    assert_eq!(json_error(&many(&rooms)).field, "rooms");
    assert!(JsonDecoder::new().command(many(&rooms[1..]).as_bytes()).is_ok());

    let (_, many) = commands().into_iter().find(|(name, _)| *name == "join_many").unwrap();
    let Command::JoinMany(mut many) = many else { panic!("is a join_many") };
    let room = many.rooms[1].clone();
    many.rooms = vec![room.clone(); JOIN_MANY_MAX + 1];
    assert_eq!(refused(&Command::JoinMany(many)).field, "rooms");

    let (_, join) = commands().into_iter().find(|(name, _)| *name == "join_versions").unwrap();
    let Command::Join(mut join) = join else { panic!("is a join") };
    join.versions = vec![join.versions[0]; KEYS_PER_ROOM_MAX + 1];
    assert_eq!(refused(&Command::Join(join)).field, "versions");
}

#[test]
fn an_error_number_of_a_newer_server_asks_for_the_same_reaction() {
    for (retry, code) in [
        ("after", ErrorCode::Unavailable),
        ("reconnect", ErrorCode::Draining),
        ("rejoin", ErrorCode::NotJoined),
        ("never", ErrorCode::BadField),
        ("dance", ErrorCode::BadField),
    ] {
        let text = format!(r#"{{"type":"error","code":699,"name":"new","retry":"{retry}","message":"m"}}"#);
        let mut decoder = JsonDecoder::new();
        let Ok(Event::Error(error)) = decoder.event(text.as_bytes()) else { panic!("must be read") };
        assert_eq!((error.code, error.message), (code, "m"));
    }
}

#[test]
fn a_small_frame_can_t_stand_for_many_tables() {
    let mut builder = flatbuffers::FlatBufferBuilder::new();
    let key = Some(builder.create_string("k"));
    let known =
        schema::KnownVersion::create(&mut builder, &schema::KnownVersionArgs { key, ..Default::default() });
    let versions = Some(builder.create_vector(&[known; 500]));
    let room = Some(builder.create_string("a"));
    let join = schema::Join::create(&mut builder, &schema::JoinArgs { room, versions, ..Default::default() });
    let joins = Some(builder.create_vector(&[join; 50]));
    let detail = schema::Detail::create(&mut builder, &schema::DetailArgs { joins, ..Default::default() });
    let mut head = schema::Head::default();
    head.set_kind(schema::FrameKind::JoinMany);
    let args = schema::FrameArgs { head: Some(&head), detail: Some(detail), ..Default::default() };
    let frame = schema::Frame::create(&mut builder, &args);
    builder.finish_size_prefixed(frame, None);
    let frame = builder.finished_data();
    assert!(frame.len() < 4096, "{} bytes stand for 25,000 tables", frame.len());
    assert_eq!(binary_error(frame).code, ErrorCode::BadFrame);
}

#[test]
fn a_frame_without_its_head_or_its_room_is_refused() {
    let mut builder = flatbuffers::FlatBufferBuilder::new();
    let room = builder.create_string("a frame long enough to be one, but it has no head at all");
    let start = builder.start_table();
    builder.push_slot_always(schema::Frame::VT_ROOM, room);
    let root = builder.end_table(start);
    builder.finish_size_prefixed(root, None);
    assert_eq!(binary_error(builder.finished_data()).code, ErrorCode::BadFrame);

    let mut builder = flatbuffers::FlatBufferBuilder::new();
    let mut head = schema::Head::default();
    head.set_kind(schema::FrameKind::Leave);
    head.set_id(ID);
    let frame =
        schema::Frame::create(&mut builder, &schema::FrameArgs { head: Some(&head), ..Default::default() });
    builder.finish_size_prefixed(frame, None);
    let error = binary_error(builder.finished_data());
    assert_eq!((error.code, error.field, error.id), (ErrorCode::BadField, "room", RequestId::new(ID)));
}
