//! What a request must be to be given out, and what becomes of the others.

use ringway_protocol::webtransport::server::{BidiStep, BidiStream};
use ringway_protocol::webtransport::{
    Code, Connection, Fault, Request, Role, UniStream, write_control_stream,
};

use crate::support::record;

const SESSION: [(&str, &str); 5] = [
    (":method", "CONNECT"),
    (":protocol", "webtransport"),
    (":scheme", "https"),
    (":authority", "game.example"),
    (":path", "/v1"),
];

/// A HEADERS frame of literals alone, names included.
fn head(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut section = vec![0, 0];
    for (name, value) in fields {
        // A prefix of three bits, then of seven, each with what is over it in at most two bytes more.
        for (text, bits, upper) in [(name.as_bytes(), 3, 0x20), (*value, 7, 0)] {
            let most = (1_usize << bits) - 1;
            match text.len().checked_sub(most) {
                None => section.push(upper | text.len() as u8),
                Some(over) => section.extend([upper | most as u8, over as u8 | 0x80, (over >> 7) as u8]),
            }
            section.extend_from_slice(text);
        }
    }
    record(0x1, &section)
}

fn step(fields: &[(&str, &str)]) -> Result<BidiStep, Fault> {
    let fields: Vec<(&str, &[u8])> = fields.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    step_of(&head(&fields))
}

fn step_of(bytes: &[u8]) -> Result<BidiStep, Fault> {
    let mut connection = Connection::new(Role::Server);
    let mut control = Vec::new();
    write_control_stream(Role::Client, &mut control);
    UniStream::new().read(&mut connection, &mut &control[..])?;
    BidiStream::new(0).read(&mut connection, &mut &bytes[..])
}

fn request(fields: &[(&str, &str)]) -> Request {
    match step(fields) {
        Ok(BidiStep::Request(request)) => *request,
        other => panic!("{other:?}"),
    }
}

/// The session's fields with one of them changed, left out (`None`), or with more behind them.
fn with(name: &str, value: Option<&'static str>) -> Vec<(String, String)> {
    SESSION
        .iter()
        .filter_map(|&(known, ours)| {
            let value = if known == name { value? } else { ours };
            Some((known.to_owned(), value.to_owned()))
        })
        .collect()
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (&**name, &**value)).collect()
}

#[test]
fn path_query_authority_origin_and_protocols_are_given_out() {
    let mut fields = SESSION.to_vec();
    fields[4].1 = "/v1?a=1&b=?";
    fields.extend([
        ("origin", "https://game.example"),
        ("cookie", "a=b"),
        ("wt-available-protocols", "\"one\";q=1, \"ringway.v1.json\""),
        ("te", "trailers"),
        ("wt-available-protocols", "\"ringway.v1.fb\""),
    ]);
    let request = request(&fields);
    assert_eq!((request.path(), request.query()), ("/v1", Some("a=1&b=?")));
    assert_eq!((request.authority(), request.origin()), ("game.example", Some("https://game.example")));
    assert_eq!(request.protocols().collect::<Vec<_>>(), ["one", "ringway.v1.json", "ringway.v1.fb"]);
    assert_eq!(request.offered_format(), Some(ringway_protocol::Format::Json));
}

#[test]
fn a_request_needs_neither_origin_nor_protocols_and_may_use_the_newer_token() {
    let plain = request(&SESSION);
    assert_eq!((plain.origin(), plain.query(), plain.protocols().count()), (None, None, 0));
    assert_eq!(request(&borrowed(&with(":protocol", Some("webtransport-h3")))).path(), "/v1");
}

#[test]
fn protocols_that_are_no_list_of_strings_are_as_if_not_there() {
    for value in ["ringway.v1.fb", "\"ringway.v1.fb\", other", "\"ringway", "(\"ringway.v1.fb\")", "\"ä\""] {
        let request = request(&[&SESSION[..], &[("wt-available-protocols", value)]].concat());
        assert_eq!(request.protocols().count(), 0, "{value}");
    }
}

#[test]
fn other_requests_are_refused_with_a_status() {
    for (fields, status) in [
        (with(":protocol", Some("websocket")), 501),
        (with(":protocol", None), 501),
        (vec![(":method".into(), "CONNECT".into()), (":authority".into(), "a:443".into())], 501),
    ] {
        let Ok(BidiStep::Refuse(refused)) = step(&borrowed(&fields)) else { panic!("{fields:?}") };
        assert_eq!(refused.number(), status, "{fields:?}");
    }
    for method in ["GET", "POST", "connect"] {
        let fields = [(":method", method), (":scheme", "https"), (":path", "/"), (":authority", "a")];
        let Ok(BidiStep::Refuse(refused)) = step(&fields) else { panic!("{method}") };
        assert_eq!(refused.number(), 405);
    }
}

#[test]
fn malformed_requests_are_reset() {
    let mut wrong: Vec<Vec<(String, String)>> = Vec::new();
    for missing in [":method", ":scheme", ":authority", ":path"] {
        wrong.push(with(missing, None));
    }
    wrong.extend([
        with(":scheme", Some("http")),
        with(":authority", Some("")),
        with(":path", Some("")),
        with(":path", Some("*")),
        with(":path", Some("/a b")),
        with(":path", Some("/ä")),
        with(":method", Some("GET")),
    ]);
    let more = [
        (":path", "/v1"),
        (":method", "CONNECT"),
        (":status", "200"),
        (":", ""),
        ("", ""),
        ("Origin", "https://a"),
        ("or igin", "https://a"),
        ("origin:", "https://a"),
        ("origin", "https://a b"),
        ("x", "a\nb"),
        ("x", "a\rb"),
        ("x", "a\0b"),
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
    ];
    let owned = |fields: &[(&str, &str)]| fields.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
    for field in more {
        wrong.push(owned(&[&SESSION[..], &[field]].concat()));
    }
    // A pseudo-header behind a field; an origin twice.
    wrong.push(owned(&[&SESSION[..4], &[("x", "y")], &SESSION[4..]].concat()));
    wrong.push(owned(&[&SESSION[..], &[("origin", "https://a"), ("origin", "https://a")]].concat()));
    for fields in wrong {
        let Ok(BidiStep::Reset(fault)) = step(&borrowed(&fields)) else { panic!("{fields:?}") };
        assert_eq!(fault.code, Code::MessageError, "{fields:?}");
    }
    let Ok(BidiStep::Reset(_)) = step_of(&head(&[(":method", b"CONNECT"), ("\u{e4}", b"x")])) else {
        panic!()
    };
}

#[test]
fn a_head_larger_than_announced_is_refused_with_431() {
    // By what it says of itself, by what it becomes, and by its fields' number.
    let large = "v".repeat(16 * 1024 - 100);
    let many = vec![("a", "b"); 500];
    let length = [&[0x01][..], &[0x80, 0x00, 0x40, 0x01]].concat();
    let becomes = step(&[&SESSION[..], &[("x", &large)]].concat());
    for step in [step_of(&length), becomes, step(&[&SESSION[..], &many].concat())] {
        let Ok(BidiStep::Refuse(refused)) = step else { panic!("{step:?}") };
        assert_eq!(refused.number(), 431);
    }
}

#[test]
fn a_client_without_datagrams_gets_no_session() {
    let mut connection = Connection::new(Role::Server);
    UniStream::new().read(&mut connection, &mut &[0x00, 0x04, 0x00][..]).unwrap();
    let fields: Vec<(&str, &[u8])> = SESSION.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let Ok(BidiStep::Reset(fault)) = BidiStream::new(0).read(&mut connection, &mut &head(&fields)[..]) else {
        panic!()
    };
    assert_eq!(fault.code, Code::MessageError);
}
