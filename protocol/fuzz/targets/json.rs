//! Any bytes as a JSON frame: refused with a number, or read, and then written and read again as the same. Nothing is
//! taken that is not JSON, and nothing is called not JSON that is.

use ringway_protocol::ErrorCode;
use ringway_protocol::codec::{DecodeError, JsonDecoder, json};
use serde_json::value::RawValue;

pub(crate) fn run(data: &[u8]) {
    let mut decoder = JsonDecoder::new();
    match decoder.command(data) {
        Ok(command) => {
            assert!(is_json(data) || has_deep_value(data));
            let mut text = Vec::new();
            json::encode_command(&command, &mut text);
            assert!(is_json(&text), "{}", String::from_utf8_lossy(&text));
            assert_eq!(JsonDecoder::new().command(&text), Ok(command));
        }
        Err(error) => refused(data, error),
    }
    match decoder.event(data) {
        Ok(event) => {
            assert!(is_json(data) || has_deep_value(data));
            let mut text = Vec::new();
            json::encode_event(&event, &mut text);
            assert!(is_json(&text), "{}", String::from_utf8_lossy(&text));
            assert_eq!(JsonDecoder::new().event(&text), Ok(event));
        }
        Err(error) => refused(data, error),
    }
}

fn refused(data: &[u8], error: DecodeError) {
    let names_a_field_twice = error.message == "names a field twice";
    if error.code == ErrorCode::BadFrame && !names_a_field_twice {
        let object = data.trim_ascii_start().starts_with(b"{");
        assert!(!object || !is_json(data) || error.message.contains("4096"), "{error}");
    }
}

fn is_json(data: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(data).is_ok()
}

/// Fields nobody reads are not checked below 32 brackets.
fn has_deep_value(data: &[u8]) -> bool {
    data.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() > 32
}
