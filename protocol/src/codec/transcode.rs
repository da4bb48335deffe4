//! From a stored binary event to its JSON form, for the sessions that want it.

use super::{DecodeError, binary, json};
use crate::Event;

/// Appends the JSON form of a binary event. `room` is the name that a `message`, which carries only the handle, gets.
///
/// # Errors
/// As [`binary::decode_event`]; a frame that this release encoded gives none.
pub fn binary_to_json(frame: &[u8], room: &str, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let mut event = binary::decode_event(frame)?;
    if let Event::Message(message) = &mut event {
        message.room = Some(room);
    }
    json::encode_event(&event, out);
    Ok(())
}
