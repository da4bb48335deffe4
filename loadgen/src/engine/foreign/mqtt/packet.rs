//! MQTT 3.1.1 control packets, as far as a client without QoS 2 says and hears them. Pure.
//!
//! What a broker sends is read from slices: every bound is checked, and what the standard calls malformed is a fault in
//! words. Section numbers are those of the OASIS standard.

/// Bytes after the fixed header of the largest packet that is taken.
pub(super) const PACKET_BYTES_MAX: usize = 1024 * 1024;
/// Bytes that a remaining length may have (§2.2.3).
const LENGTH_BYTES_MAX: usize = 4;
/// The return code of a subscription that was refused (§3.9.3).
pub(super) const SUBSCRIPTION_REFUSED: u8 = 0x80;

/// What a broker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    ConnAck {
        session_present: bool,
        /// 0: accepted, else see [`refusal`].
        code: u8,
    },
    Publish {
        topic: &'a str,
        /// With QoS 1.
        id: Option<u16>,
        retained: bool,
        body: &'a [u8],
    },
    PubAck {
        id: u16,
    },
    SubAck {
        id: u16,
        /// The QoS, or [`SUBSCRIPTION_REFUSED`].
        granted: u8,
    },
    PingResp,
}

/// What a CONNACK's return code means (§3.2.2.3).
pub(super) const fn refusal(code: u8) -> &'static str {
    match code {
        0 => "accepted",
        1 => "the broker does not speak MQTT 3.1.1",
        2 => "the broker does not take the client identifier",
        3 => "the MQTT service is unavailable",
        4 => "bad user name or password",
        5 => "not authorized",
        _ => "a code without a meaning",
    }
}

/// Takes one whole packet off the front; none when its end has not come, and then nothing is taken.
///
/// # Errors
/// When no broker that keeps to the standard could have sent it; in words.
pub(super) fn decode<'a>(input: &mut &'a [u8]) -> Result<Option<Packet<'a>>, &'static str> {
    let Some((first, rest)) = input.split_first() else { return Ok(None) };
    let Some((length, rest)) = remaining_length(rest)? else { return Ok(None) };
    let Some((content, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    let packet = decode_content(*first, content)?;
    *input = rest;
    Ok(Some(packet))
}

/// The length and what follows it (§2.2.3).
fn remaining_length(input: &[u8]) -> Result<Option<(usize, &[u8])>, &'static str> {
    let mut length = 0;
    for at in 0..LENGTH_BYTES_MAX {
        let Some(byte) = input.get(at) else { return Ok(None) };
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            if length > PACKET_BYTES_MAX {
                return Err("a packet of more than 1 MiB");
            }
            return Ok(Some((length, &input[at + 1..])));
        }
    }
    Err("a remaining length of more than four bytes")
}

fn decode_content(first: u8, content: &[u8]) -> Result<Packet<'_>, &'static str> {
    let (kind, flags) = (first >> 4, first & 0x0f);
    if kind != 3 && flags != 0 {
        return Err("reserved flags are set");
    }
    match (kind, content) {
        (2, [flags @ (0 | 1), code @ 0..=5]) => {
            Ok(Packet::ConnAck { session_present: *flags == 1, code: *code })
        }
        (2, _) => Err("a malformed CONNACK"),
        (3, _) => decode_publish(flags, content),
        (4, [high, low]) => Ok(Packet::PubAck { id: packet_id(*high, *low)? }),
        (4, _) => Err("a malformed PUBACK"),
        (9, [high, low, granted @ (0..=2 | SUBSCRIPTION_REFUSED)]) => {
            Ok(Packet::SubAck { id: packet_id(*high, *low)?, granted: *granted })
        }
        (9, _) => Err("a malformed SUBACK"),
        (13, []) => Ok(Packet::PingResp),
        (13, _) => Err("a malformed PINGRESP"),
        (1 | 8 | 10 | 12 | 14, _) => Err("a packet that only clients send"),
        (5..=7, _) => Err("a packet of QoS 2, which was not asked for"),
        (11, _) => Err("UNSUBACK without its UNSUBSCRIBE"),
        _ => Err("a packet of a reserved type"),
    }
}

/// §3.3.
fn decode_publish(flags: u8, content: &[u8]) -> Result<Packet<'_>, &'static str> {
    let short = "a PUBLISH that ends too early";
    let (again, qos, retained) = (flags & 8 != 0, flags >> 1 & 3, flags & 1 != 0);
    if qos > 1 {
        return Err("a PUBLISH with a QoS above 1, which was not asked for");
    }
    if again && qos == 0 {
        return Err("a PUBLISH of QoS 0 with DUP");
    }
    let ([high, low], rest) = content.split_first_chunk().ok_or(short)?;
    let topic = usize::from(u16::from_be_bytes([*high, *low]));
    let (topic, mut body) = rest.split_at_checked(topic).ok_or(short)?;
    let topic = std::str::from_utf8(topic).map_err(|_| "a topic that is no UTF-8")?;
    if topic.is_empty() || topic.contains(['+', '#', '\0']) {
        return Err("a PUBLISH to a topic that is none");
    }
    let mut id = None;
    if qos == 1 {
        let ([high, low], rest) = body.split_first_chunk().ok_or(short)?;
        id = Some(packet_id(*high, *low)?);
        body = rest;
    }
    Ok(Packet::Publish { topic, id, retained, body })
}

fn packet_id(high: u8, low: u8) -> Result<u16, &'static str> {
    match u16::from_be_bytes([high, low]) {
        0 => Err("packet identifier 0"),
        id => Ok(id),
    }
}

/// CONNECT for a clean session (§3.1).
pub(super) struct Connect<'a> {
    pub(super) client_id: &'a str,
    /// User and password.
    pub(super) login: Option<(&'a str, &'a str)>,
    pub(super) keep_alive_s: u16,
}

impl Connect<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let flags = if self.login.is_some() { 0b1100_0010 } else { 0b0000_0010 };
        let mut content = Vec::new();
        write_string("MQTT", &mut content);
        content.extend([4, flags]);
        content.extend(self.keep_alive_s.to_be_bytes());
        write_string(self.client_id, &mut content);
        if let Some((user, password)) = self.login {
            write_string(user, &mut content);
            write_string(password, &mut content);
        }
        write_head(0x10, content.len(), out);
        out.extend(content);
    }
}

/// SUBSCRIBE to one topic (§3.8).
pub(super) fn write_subscribe(id: u16, topic: &str, qos: u8, out: &mut Vec<u8>) {
    write_head(0x82, 2 + string_bytes(topic) + 1, out);
    out.extend(id.to_be_bytes());
    write_string(topic, out);
    out.push(qos);
}

/// PUBLISH, with an identifier of QoS 1 (§3.3).
pub(super) fn write_publish(topic: &str, id: Option<u16>, body: &[u8], out: &mut Vec<u8>) {
    let id_bytes = if id.is_some() { 2 } else { 0 };
    write_head(if id.is_some() { 0x32 } else { 0x30 }, string_bytes(topic) + id_bytes + body.len(), out);
    write_string(topic, out);
    if let Some(id) = id {
        out.extend(id.to_be_bytes());
    }
    out.extend_from_slice(body);
}

/// PUBACK (§3.4).
pub(super) fn write_puback(id: u16, out: &mut Vec<u8>) {
    out.extend([0x40, 2]);
    out.extend(id.to_be_bytes());
}

/// PINGREQ (§3.12).
pub(super) fn write_pingreq(out: &mut Vec<u8>) {
    out.extend([0xc0, 0]);
}

/// DISCONNECT (§3.14).
pub(super) fn write_disconnect(out: &mut Vec<u8>) {
    out.extend([0xe0, 0]);
}

fn write_head(first: u8, mut length: usize, out: &mut Vec<u8>) {
    out.push(first);
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// A string with its length; what no length can tell is cut off, but run arguments are checked before.
fn write_string(text: &str, out: &mut Vec<u8>) {
    let bytes = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
    out.extend((bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn string_bytes(text: &str) -> usize {
    2 + text.len().min(usize::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> Result<Option<Packet<'_>>, &'static str> {
        decode(&mut { bytes })
    }

    #[test]
    fn the_standards_packets_are_understood() {
        assert_eq!(whole(&[0x20, 2, 0, 5]), Ok(Some(Packet::ConnAck { session_present: false, code: 5 })));
        assert_eq!(whole(&[0x40, 2, 1, 2]), Ok(Some(Packet::PubAck { id: 0x102 })));
        assert_eq!(whole(&[0x90, 3, 0, 9, 0x80]), Ok(Some(Packet::SubAck { id: 9, granted: 0x80 })));
        assert_eq!(whole(&[0xd0, 0]), Ok(Some(Packet::PingResp)));
        let body = &b"xy"[..];
        let publish = Packet::Publish { topic: "a/b", id: None, retained: true, body };
        assert_eq!(whole(b"\x31\x07\0\x03a/bxy"), Ok(Some(publish)));
        let publish = Packet::Publish { topic: "a/b", id: Some(7), retained: false, body };
        assert_eq!(whole(b"\x3a\x09\0\x03a/b\0\x07xy"), Ok(Some(publish)));
    }

    #[test]
    fn malformed_packets_are_faults_in_words() {
        for (bytes, words) in [
            (&[0x20, 2, 2, 0][..], "CONNACK"),
            (&[0x20, 2, 0, 6], "CONNACK"),
            (&[0x21, 2, 0, 0], "flags"),
            (&[0x40, 2, 0, 0], "identifier 0"),
            (&[0x90, 3, 0, 9, 3], "SUBACK"),
            (&[0x90, 4, 0, 9, 0, 0], "SUBACK"),
            (&[0x10, 0], "clients"),
            (&[0x50, 2, 0, 1], "QoS 2"),
            (&[0xb0, 2, 0, 1], "UNSUBACK"),
            (&[0x00, 0], "reserved"),
            (&[0x34, 5, 0, 1, b'a', 0, 1], "QoS"),
            (&[0x38, 3, 0, 1, b'a'], "DUP"),
            (&[0x30, 3, 0, 2, b'a'], "early"),
            (&[0x32, 4, 0, 1, b'a', 0], "early"),
            (&[0x30, 3, 0, 1, 0xff], "UTF-8"),
            (&[0x30, 3, 0, 1, b'#'], "topic"),
            (&[0x30, 2, 0, 0], "topic"),
            (&[0x30, 0xff, 0xff, 0xff, 0xff, 1], "four bytes"),
            (&[0x30, 0xff, 0xff, 0xff, 0x7f], "1 MiB"),
        ] {
            let fault = whole(bytes).expect_err("malformed");
            assert!(fault.contains(words), "{bytes:x?}: {fault}");
        }
    }

    #[test]
    fn what_is_written_is_read_at_every_length() {
        for bytes in [0, 1, 120, 121, 122, 127, 128, 16_383, 16_384, PACKET_BYTES_MAX - 5] {
            let body = vec![7; bytes];
            for id in [None, Some(513)] {
                let mut out = Vec::new();
                write_publish("a", id, &body, &mut out);
                let publish = Packet::Publish { topic: "a", id, retained: false, body: &body };
                assert_eq!(whole(&out), Ok(Some(publish)));
                for cut in [0, 1, 2, out.len() / 2, out.len() - 1] {
                    assert_eq!(whole(&out[..cut]), Ok(None), "{bytes} cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn a_connect_is_as_the_standard_shows_it() {
        let mut out = Vec::new();
        Connect { client_id: "c", login: Some(("u", "pw")), keep_alive_s: 10 }.write(&mut out);
        assert_eq!(out, b"\x10\x14\0\x04MQTT\x04\xc2\0\x0a\0\x01c\0\x01u\0\x02pw");
        out.clear();
        write_subscribe(3, "t", 1, &mut out);
        assert_eq!(out, b"\x82\x06\0\x03\0\x01t\x01");
    }

    /// SplitMix64: a seed is a test.
    fn random(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[test]
    fn random_bytes_are_packets_faults_or_unfinished_and_never_a_panic() {
        let mut seed = 1;
        for _ in 0..200_000 {
            let length = (random(&mut seed) % 24) as usize;
            let mut bytes: Vec<u8> = (0..length).map(|_| random(&mut seed) as u8).collect();
            if let Some(byte) = bytes.get_mut(1).filter(|_| random(&mut seed) & 3 > 0) {
                *byte = (length - 2) as u8;
            }
            let mut input = &bytes[..];
            loop {
                let before = input.len();
                match decode(&mut input) {
                    Ok(Some(_)) => assert!(input.len() < before, "a packet has bytes"),
                    Ok(None) | Err(_) => break assert_eq!(input.len(), before),
                }
            }
        }
    }
}
