//! The two formats of the one vocabulary: bytes to [`Command`](crate::Command) and [`Event`](crate::Event), and back.
//!
//! A server decodes commands and encodes events, a client the reverse; a shard holds one of each struct and reuses it.
//! Everything decoded borrows from the bytes (and, in JSON, from the decoder's scratch) and is within the protocol's
//! limits: names, keys, ids and bodies are checked here, so that what follows can rely on them.
//!
//! ```text
//! BinaryEncoder::new()            .command(&Command) -> &[u8]   .event(&Event) -> &[u8]      size prefix included
//! binary::decode_command(&[u8])   -> Result<Command, DecodeError>                            one whole frame
//! binary::decode_event(&[u8])     -> Result<Event, DecodeError>
//! binary::glance(&[u8])           -> Option<Message>                                         unverified, bounded
//! json::encode_command(&Command, &mut Vec<u8>)    json::encode_event(&Event, &mut Vec<u8>)   appended
//! JsonDecoder::new()              .command(&[u8]) -> Result<Command, DecodeError>            borrows the decoder too
//!                                 .event(&[u8])   -> Result<Event, DecodeError>
//! binary_to_json(frame: &[u8], room: &str, &mut Vec<u8>) -> Result<(), DecodeError>          an event's other form
//! frames(message: &[u8], bytes_max) -> iterator of Result<&[u8], DecodeError>                a whole message
//! FrameReader::new(bytes_max)     .next(&mut input) -> Result<Option<&[u8]>, DecodeError>    a stream
//! ```
//!
//! Peer bytes never panic; each refusal has a number and says which field.

pub mod binary;
pub mod body;
mod check;
mod error;
pub mod json;
pub mod reader;
mod transcode;

pub use binary::BinaryEncoder;
pub use error::DecodeError;
pub use json::JsonDecoder;
pub use reader::{FrameReader, frames};
pub use transcode::binary_to_json;
