//! Frames on their way out: whole ones into a buffer, or a header right in front of a payload that stands already.
//!
//! A server's frames carry no mask and are therefore the same for every receiver; a client passes a fresh mask key
//! with each frame (RFC 6455 §5.3: unpredictable, from the caller's random source).

use super::Opcode;
use super::close::clip_reason;
use super::mask::apply_mask;

/// Largest header of a server's frame.
pub const SERVER_HEADER_BYTES_MAX: usize = 10;
/// Largest header of a client's frame.
pub const CLIENT_HEADER_BYTES_MAX: usize = 14;

/// The header of a server's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    bytes: [u8; SERVER_HEADER_BYTES_MAX],
    used: u8,
}

impl FrameHeader {
    /// The header of a frame with a payload of so many bytes; `fin` unless more fragments of the message follow.
    #[must_use]
    pub fn new(opcode: Opcode, payload_bytes: usize, fin: bool) -> Self {
        let mut bytes = [0; SERVER_HEADER_BYTES_MAX];
        bytes[0] = opcode as u8 | if fin { 0x80 } else { 0 };
        let used = match payload_bytes {
            0..=125 => {
                bytes[1] = payload_bytes as u8;
                2
            }
            126..=0xffff => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&(payload_bytes as u16).to_be_bytes());
                4
            }
            _ => {
                bytes[1] = 127;
                bytes[2..10].copy_from_slice(&(payload_bytes as u64).to_be_bytes());
                10
            }
        };
        Self { bytes, used }
    }

    /// The bytes for the wire: 2, 4 or 10.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.used)]
    }
}

/// Appends a server's frame that is a whole message or a control frame.
pub fn write_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    out.reserve(SERVER_HEADER_BYTES_MAX + payload.len());
    out.extend_from_slice(FrameHeader::new(opcode, payload.len(), true).as_bytes());
    out.extend_from_slice(payload);
}

/// Appends a client's frame that is a whole message or a control frame.
pub fn write_frame_masked(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: [u8; 4]) {
    write_fragment_masked(out, opcode, payload, true, key);
}

/// Appends a client's frame; `fin` unless more fragments of the message follow.
pub fn write_fragment_masked(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], fin: bool, key: [u8; 4]) {
    let mut header = FrameHeader::new(opcode, payload.len(), fin);
    header.bytes[1] |= 0x80;
    out.reserve(CLIENT_HEADER_BYTES_MAX + payload.len());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(&mut out[start..], key);
}

/// Writes a server's header right in front of the payload `buffer[payload_start..]` and returns where the frame
/// begins. The payload reaches to the buffer's end.
///
/// # Panics
/// When fewer bytes than the header needs stand before the payload; [`SERVER_HEADER_BYTES_MAX`] always suffice.
#[must_use]
pub fn prepend_header(buffer: &mut [u8], payload_start: usize, opcode: Opcode) -> usize {
    let header = FrameHeader::new(opcode, buffer.len() - payload_start, true);
    let start = payload_start - header.as_bytes().len();
    buffer[start..payload_start].copy_from_slice(header.as_bytes());
    start
}

/// Appends a server's close frame. A reason longer than 123 bytes is cut between characters.
pub fn write_close(out: &mut Vec<u8>, code: impl Into<u16>, reason: &str) {
    let (payload, bytes) = close_payload(code.into(), reason);
    write_frame(out, Opcode::Close, &payload[..bytes]);
}

/// Appends a server's answer to a client's close frame: the same code, or none if it gave none.
pub fn write_close_reply(out: &mut Vec<u8>, code: Option<u16>) {
    match code {
        Some(code) => write_close(out, code, ""),
        None => write_frame(out, Opcode::Close, &[]),
    }
}

/// Appends a client's close frame. A reason longer than 123 bytes is cut between characters.
pub fn write_close_masked(out: &mut Vec<u8>, code: impl Into<u16>, reason: &str, key: [u8; 4]) {
    let (payload, bytes) = close_payload(code.into(), reason);
    write_frame_masked(out, Opcode::Close, &payload[..bytes], key);
}

fn close_payload(code: u16, reason: &str) -> ([u8; 125], usize) {
    let reason = clip_reason(reason);
    let mut payload = [0; 125];
    payload[..2].copy_from_slice(&code.to_be_bytes());
    payload[2..2 + reason.len()].copy_from_slice(reason.as_bytes());
    (payload, 2 + reason.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::RfcClose;

    #[test]
    fn lengths_are_encoded_minimally() {
        for (length, bytes) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let header = FrameHeader::new(Opcode::Binary, length, true);
            assert_eq!(header.as_bytes().len(), bytes, "{length}");
        }
        assert_eq!(FrameHeader::new(Opcode::Text, 256, false).as_bytes(), [0x01, 126, 1, 0]);
    }

    #[test]
    fn a_header_in_front_of_a_payload_equals_a_frame_written_whole() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![7; length];
            let mut whole = Vec::new();
            write_frame(&mut whole, Opcode::Binary, &payload);
            let mut buffer = vec![0; SERVER_HEADER_BYTES_MAX];
            buffer.extend_from_slice(&payload);
            let start = prepend_header(&mut buffer, SERVER_HEADER_BYTES_MAX, Opcode::Binary);
            assert_eq!(&buffer[start..], whole, "{length}");
        }
    }

    #[test]
    fn a_close_frame_never_exceeds_a_control_frame() {
        let mut out = Vec::new();
        write_close(&mut out, RfcClose::Normal, &"x".repeat(500));
        assert_eq!(out.len(), 2 + 125);
        assert_eq!(out[..4], [0x88, 125, 0x03, 0xe8]);
    }

    #[test]
    fn the_example_of_rfc_6455_section_5_7_is_reproduced() {
        let mut out = Vec::new();
        write_frame_masked(&mut out, Opcode::Text, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }
}
