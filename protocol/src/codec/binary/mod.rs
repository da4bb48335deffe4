//! The binary format: one size-prefixed flatbuffer `Frame` (`schema/ringway.fbs`) per command or event.
//!
//! Frames are verified before access (depth, tables, apparent size), read at any address alignment, and built by one
//! reused builder per shard. Decoding a `publish` or a `message` allocates nothing.

mod decode;
mod decode_command;
mod decode_event;
mod encode;
mod encode_command;
mod encode_event;
mod glance;

pub use decode_command::decode_command;
pub use decode_event::decode_event;
pub use encode::BinaryEncoder;
pub use glance::glance;

/// Bit 0 of the head's flags; what it means depends on the kind.
const FLAG: u8 = 1;
