//! What a peer can do wrong in the framing layer, and the close code each earns.

use super::RfcClose;
use core::fmt;

/// The peer broke RFC 6455: send a close frame with [`Violation::close`] and end the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A reserved bit is set though no extension was agreed (§5.2).
    ReservedBits,
    /// An opcode that means nothing: 3 to 7, 11 to 15 (§5.2).
    ReservedOpcode,
    /// A control frame without the final bit (§5.5).
    ControlFragmented,
    /// A control frame of more than 125 bytes (§5.5).
    ControlTooLong,
    /// A client's frame that is not masked (§5.1).
    Unmasked,
    /// A server's frame that is masked (§5.1).
    Masked,
    /// A payload length that has a shorter encoding (§5.2).
    LengthNotMinimal,
    /// A 64-bit payload length with the top bit set (§5.2).
    LengthTopBit,
    /// A continuation frame with nothing to continue (§5.4).
    NothingToContinue,
    /// A new message before the fragmented one was complete (§5.4).
    Interleaved,
    /// A message larger than this end takes.
    MessageTooBig,
    /// Text, or the reason of a close frame, that is not UTF-8 (§8.1).
    InvalidUtf8,
    /// A close frame with a payload of one byte (§5.5.1).
    CloseTruncated,
    /// A close code that must not be sent (§7.4).
    CloseCode,
}

impl Violation {
    /// The code for the close frame that answers it.
    #[must_use]
    pub const fn close(self) -> RfcClose {
        match self {
            Self::MessageTooBig => RfcClose::MessageTooBig,
            Self::InvalidUtf8 => RfcClose::InvalidPayload,
            _ => RfcClose::ProtocolError,
        }
    }

    /// One sentence for the close frame's reason and the log.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::ReservedBits => "reserved bits are set",
            Self::ReservedOpcode => "reserved opcode",
            Self::ControlFragmented => "fragmented control frame",
            Self::ControlTooLong => "control frame of more than 125 bytes",
            Self::Unmasked => "client frame is not masked",
            Self::Masked => "server frame is masked",
            Self::LengthNotMinimal => "payload length is not minimally encoded",
            Self::LengthTopBit => "payload length has the top bit set",
            Self::NothingToContinue => "continuation frame without a message",
            Self::Interleaved => "new message before the last one was complete",
            Self::MessageTooBig => "message too big",
            Self::InvalidUtf8 => "text is not UTF-8",
            Self::CloseTruncated => "close frame with one byte",
            Self::CloseCode => "close code must not be sent",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl core::error::Error for Violation {}
