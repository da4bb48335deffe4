//! A client and what a broker may send it, without a socket.

use ringway_protocol::BodyKind;

use super::*;

fn client(qos: u8) -> Mqtt {
    let target = Target::new("mqtt://127.0.0.1:1883", None, false).unwrap();
    Mqtt::new(&target.speaking(crate::args::Protocol::Mqtt, qos).unwrap(), 7, None)
}

/// What is heard of these bytes, in words, subscribing to `room` when it may.
fn hear<'a>(client: &mut Mqtt, pieces: impl Iterator<Item = &'a [u8]>, out: &mut Out) -> Vec<String> {
    let mut heard = Vec::new();
    client.greet(out);
    for piece in pieces {
        let before = heard.len();
        client.handle(piece, out, &mut |word| heard.push(format!("{word:?}")));
        if heard[before..].contains(&"Ready".to_owned()) {
            client.subscribe("room", out, &mut |word| heard.push(format!("{word:?}")));
        }
    }
    heard
}

fn body(bytes: &[u8]) -> Body<'_> {
    Body { kind: BodyKind::Bytes, bytes }
}

/// Two publications, one of either QoS, and what goes before them.
fn conversation() -> Vec<Vec<u8>> {
    let mut publications = Vec::new();
    packet::write_publish("room", Some(9), &[b'x'; 200], &mut publications);
    packet::write_publish("room", None, b"", &mut publications);
    vec![vec![0x20, 2, 0, 0], vec![0x90, 3, 0, 1, 1], publications]
}

#[test]
fn the_same_is_heard_wherever_the_bytes_are_cut() {
    let conversation = conversation();
    let mut out = Out::default();
    let whole = hear(&mut client(1), conversation.iter().map(Vec::as_slice), &mut out);
    assert_eq!(whole.len(), 4, "{whole:?}");
    let said = out.raw().clone();
    assert!(said.ends_with(&[0x40, 2, 0, 9]), "acknowledged");
    // The answer to CONNECT comes before anything else can.
    let rest = conversation[1..].concat();
    for cut in 0..=rest.len() {
        let (front, back) = rest.split_at(cut);
        let mut out = Out::default();
        let pieces = [&conversation[0][..1], &conversation[0][1..], front, back];
        assert_eq!(hear(&mut client(1), pieces.into_iter(), &mut out), whole, "cut at {cut}");
        assert_eq!(*out.raw(), said, "cut at {cut}");
    }
    let bytes = conversation.concat();
    assert_eq!(hear(&mut client(1), bytes.chunks(1), &mut Out::default()), whole, "byte by byte");
}

#[test]
fn random_bytes_are_heard_or_malformed_and_never_a_panic() {
    let mut seed = 3_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let good = conversation().concat();
    for round in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..random() % 4 {
            let at = (random() % bytes.len() as u64) as usize;
            bytes[at] = random() as u8;
        }
        if round % 4 == 0 {
            bytes = (0..random() % 40).map(|_| random() as u8).collect();
        }
        let piece = (random() % 50 + 1) as usize;
        let mut client = client((round % 2) as u8);
        let heard = hear(&mut client, bytes.chunks(piece), &mut Out::default());
        let malformed = heard.iter().position(|word| word.starts_with("Malformed"));
        assert!(malformed.is_none_or(|at| at + 1 == heard.len()), "nothing after it: {heard:?}");
        assert!(client.held.len() <= bytes.len());
    }
}

#[test]
fn an_answer_that_was_not_asked_for_is_malformed() {
    let connack = [0x20, 2, 0, 0];
    for (bytes, words) in [
        (&[0xd0, 0][..], "before CONNACK"),
        (&[0x20, 2, 1, 0], "session"),
        (&[0x20, 2, 0, 0, 0x20, 2, 0, 0], "second CONNACK"),
        (&[0x20, 2, 0, 0, 0x40, 2, 0, 1], "not outstanding"),
        (&[0x20, 2, 0, 0, 0x90, 3, 0, 1, 0], "without its SUBSCRIBE"),
    ] {
        let heard = hear(&mut client(0), [bytes].into_iter(), &mut Out::default());
        assert!(heard.last().is_some_and(|word| word.contains(words)), "{words}: {heard:?}");
    }
    let with_id = b"\x32\x09\0\x04room\0\x01x";
    let pieces = [&connack[..], &[0x90, 3, 0, 1, 0], with_id];
    let heard = hear(&mut client(0), pieces.into_iter(), &mut Out::default());
    assert!(heard[2].contains("QoS 1 on a subscription of QoS 0"), "{heard:?}");
}

#[test]
fn publications_are_outstanding_until_they_are_acknowledged() {
    let mut client = client(1);
    let mut out = Out::default();
    hear(&mut client, [&[0x20, 2, 0, 0][..]].into_iter(), &mut out);
    for _ in 0..3 {
        assert!(client.publish("room", body(b"x"), &mut out));
    }
    assert_eq!(client.outstanding(), 3);
    client.handle(&[0x40, 2, 0, 2], &mut out, &mut |word| panic!("{word:?}"));
    assert_eq!(client.outstanding(), 2);
    client.greet(&mut out);
    assert_eq!(client.outstanding(), 0, "a clean session remembers nothing");
}

#[test]
fn identifiers_go_around_and_pass_over_those_in_use() {
    let mut client = client(1);
    let mut out = Out::default();
    client.last_id = u16::MAX - 1;
    client.outstanding.push_back(1);
    assert!(client.publish("room", body(b""), &mut out) && client.publish("room", body(b""), &mut out));
    assert_eq!(client.outstanding, [1, u16::MAX, 2]);
    client.outstanding.resize(OUTSTANDING_MAX, 5);
    assert!(!client.publish("room", body(b""), &mut out), "no more than that");
}

#[test]
fn a_retained_publication_is_not_of_this_run() {
    let pieces = [&[0x20, 2, 0, 0][..], &[0x90, 3, 0, 1, 0], b"\x31\x07\0\x04roomx", b"\x30\x07\0\x04roomy"];
    let heard = hear(&mut client(0), pieces.into_iter(), &mut Out::default());
    assert_eq!(heard, ["Ready", "Joined", "Message([121])"]);
}
