//! Any bytes as one frame: refused with a place in them, or read, and then written as the very same bytes.
//!
//! The bytes are tried as they are and with a length that fits them.

use ringway_link::{Writer, decode};

pub(crate) fn run(data: &[u8]) {
    judge(data);
    let mut fitting = data.to_vec();
    if let Some(prefix) = fitting.first_chunk_mut::<4>() {
        *prefix = u32::try_from(data.len() - 4).expect("fuzz inputs are small").to_le_bytes();
        judge(&fitting);
    }
}

fn judge(bytes: &[u8]) {
    match decode(bytes) {
        Ok(frame) => {
            let mut writer = Writer::new(bytes.len());
            writer.push(&frame).unwrap_or_else(|error| panic!("read but not written: {error}: {frame:?}"));
            assert_eq!(writer.as_bytes(), bytes, "another way to write {frame:?}");
        }
        Err(error) => assert!(error.offset <= bytes.len(), "{error} of {} bytes", bytes.len()),
    }
}
