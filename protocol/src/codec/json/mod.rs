//! The JSON format: one object per text message, the same vocabulary as the binary format.
//!
//! Names are in snake_case; session, handle, epoch, version and cursor are 16 hex digits (JSON numbers keep 53 bits);
//! a body is `data` (any JSON value, spliced as it stands), `text`, or `bytes` in base64. Unknown fields are ignored, a
//! known field given twice is refused, `null` is the same as absent except in `data`.

mod arena;
mod decode;
mod decode_command;
mod decode_event;
mod encode_command;
mod encode_event;
pub(super) mod scan;
mod value;
mod write;

pub use decode::JsonDecoder;
pub use encode_command::encode_command;
pub use encode_event::encode_event;
