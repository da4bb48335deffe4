//! Group 7: the closing handshake and close codes.

use super::harness::{BINARY, CLOSE, Case, PING, TEXT, close_payload};
use ringway_protocol::websocket::RfcClose::{InvalidPayload, ProtocolError};

const HELLO: &[u8] = b"Hello World!";
const NOT_UTF8: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";

#[test]
fn group_7_1_nothing_is_heard_after_a_close_frame() {
    let normal = close_payload(1000, b"");
    Case::new("7.1.1").frame(TEXT, true, HELLO).text(HELLO).closes_cleanly();
    Case::new("7.1.2").frame(CLOSE, true, &normal).frame(CLOSE, true, b"").answered(Some(1000));
    Case::new("7.1.3").frame(CLOSE, true, &normal).frame(PING, true, b"").answered(Some(1000));
    Case::new("7.1.4").frame(CLOSE, true, &normal).frame(TEXT, true, HELLO).answered(Some(1000));
    Case::new("7.1.5")
        .frame(TEXT, false, b"fragment1")
        .frame(CLOSE, true, &normal)
        .frame(0, true, b"fragment2")
        .answered(Some(1000));
    let long: Vec<u8> = b"BAsd7&jh23".iter().copied().cycle().take(256 * 1024).collect();
    Case::new("7.1.6")
        .frame(TEXT, true, &long)
        .frame(TEXT, true, HELLO)
        .frame(CLOSE, true, &normal)
        .frame(PING, true, b"")
        .text(&long)
        .text(HELLO)
        .answered(Some(1000));
}

#[test]
fn group_7_3_a_close_frame_has_no_payload_or_a_code_and_a_reason_that_fits() {
    Case::new("7.3.1").frame(CLOSE, true, b"").answered(None);
    Case::new("7.3.2").frame(CLOSE, true, b"a").fails(ProtocolError);
    Case::new("7.3.3").frame(CLOSE, true, close_payload(1000, b"")).answered(Some(1000));
    Case::new("7.3.4").frame(CLOSE, true, close_payload(1000, HELLO)).answered(Some(1000));
    Case::new("7.3.5").frame(CLOSE, true, close_payload(1000, &[b'*'; 123])).answered(Some(1000));
    Case::new("7.3.6").frame(CLOSE, true, close_payload(1000, &[b'*'; 124])).fails(ProtocolError);
}

#[test]
fn group_7_5_a_reason_is_utf_8() {
    Case::new("7.5.1").frame(CLOSE, true, close_payload(1000, NOT_UTF8)).fails(InvalidPayload);
}

#[test]
fn group_7_7_valid_close_codes_are_answered_with_themselves() {
    let codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    for (index, code) in codes.into_iter().enumerate() {
        Case::new(format!("7.7.{}", index + 1))
            .frame(CLOSE, true, close_payload(code, b""))
            .answered(Some(code));
    }
}

#[test]
fn group_7_9_invalid_close_codes_fail_the_connection() {
    for (index, code) in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].into_iter().enumerate() {
        Case::new(format!("7.9.{}", index + 1))
            .frame(CLOSE, true, close_payload(code, b""))
            .fails(ProtocolError);
    }
}

/// The suite leaves the outcome open; here codes beyond the ranges are invalid like those between them.
#[test]
fn group_7_13_close_codes_beyond_the_ranges_fail_the_connection() {
    for (index, code) in [5000, 65_535].into_iter().enumerate() {
        Case::new(format!("7.13.{}", index + 1))
            .frame(CLOSE, true, close_payload(code, b""))
            .fails(ProtocolError);
    }
}

/// Beside the suite: a close frame ends a binary message in progress too, and after 1001 nothing is echoed.
#[test]
fn a_close_frame_ends_a_message_in_progress() {
    Case::new("close in a message")
        .frame(BINARY, false, b"fragment1")
        .frame(CLOSE, true, close_payload(1001, b"bye"))
        .frame(0, true, b"fragment2")
        .answered(Some(1001));
}
