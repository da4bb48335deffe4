//! WebSocket (RFC 6455) without I/O: the upgrade ([`handshake`]), the frame decoder and the frame encoders.
//!
//! A session owns one [`Decoder`] of at most 48 bytes. The shard reads a socket into its scratch buffer and offers the
//! bytes to the decoder, which unmasks them in place and gives out messages that borrow from the scratch; only a
//! message that is not whole in it is gathered in memory of its own. Output needs no state: the encoders write a
//! frame, or only its header in front of a payload that stands already.
//!
//! Invariants: peer bytes never panic; any split of the same bytes gives the same items; work and memory are linear in
//! the bytes received and bounded by the message bound; after a close frame or a violation nothing is read any more.
//! No extension is offered, so a reserved bit is always a fault.

mod assembly;
mod close;
mod decoder;
mod encode;
pub mod handshake;
mod header;
mod mask;
mod violation;

pub use close::{CLOSE_REASON_BYTES_MAX, RfcClose, close_code_is_sendable};
pub use decoder::{Decoded, Decoder, Item};
pub use encode::{
    CLIENT_HEADER_BYTES_MAX, FrameHeader, SERVER_HEADER_BYTES_MAX, prepend_header, write_close,
    write_close_masked, write_close_reply, write_fragment_masked, write_frame, write_frame_masked,
};
pub use header::CONTROL_PAYLOAD_BYTES_MAX;
pub use mask::apply_mask;
pub use violation::Violation;

/// Which end of the connection reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads frames of a client, which must be masked.
    Server,
    /// Reads frames of a server, which must not be masked.
    Client,
}

/// What a frame is (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message that an earlier frame began.
    Continuation = 0,
    /// UTF-8 text.
    Text = 1,
    /// Any bytes.
    Binary = 2,
    /// The connection is about to end.
    Close = 8,
    /// Asks for a pong with the same payload.
    Ping = 9,
    /// Answers a ping, or just says "alive".
    Pong = 10,
}

impl Opcode {
    const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Continuation),
            1 => Some(Self::Text),
            2 => Some(Self::Binary),
            8 => Some(Self::Close),
            9 => Some(Self::Ping),
            10 => Some(Self::Pong),
            _ => None,
        }
    }

    /// Close, ping and pong: at most 125 bytes, never fragmented, allowed between fragments.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 >= 8
    }
}
