//! Any bytes as a binary frame: refused with a number, or read, and then written and read again as the same.
//!
//! The bytes are tried as they are and behind a prefix that fits them.

use ringway_protocol::codec::{BinaryEncoder, binary};

pub(crate) fn run(data: &[u8]) {
    frame(data);
    let length = u32::try_from(data.len()).expect("fuzz inputs are small");
    frame(&[&length.to_le_bytes(), data].concat());
}

fn frame(bytes: &[u8]) {
    let mut encoder = BinaryEncoder::new();
    if let Ok(command) = binary::decode_command(bytes) {
        assert_eq!(binary::decode_command(encoder.command(&command)), Ok(command));
    }
    if let Ok(event) = binary::decode_event(bytes) {
        assert_eq!(binary::decode_event(encoder.event(&event)), Ok(event));
    }
}
