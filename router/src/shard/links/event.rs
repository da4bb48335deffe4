//! What links tell their shard: that they stand, that they fell, that they did not come up, and why.

use std::fmt;
use std::net::SocketAddr;

use quinn_proto::ConnectionError;
use ringway_link::{DecodeError, GoodbyeReason};
use ringway_protocol::NodeId;

/// What happened to a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkEvent {
    /// Both hellos are accepted: frames may be pushed and will come.
    Up { node: NodeId, incarnation: u64, version: u16, shards: u16 },
    /// A link that was up is gone, with what was not sent and what was not polled.
    Down { node: NodeId, why: LinkDown },
    /// A link did not come up; for the log. `node` is whom this node dialled, or who the certificate says dialled.
    Failed { node: Option<NodeId>, address: SocketAddr, why: LinkDown },
}

/// Why a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkDown {
    /// The peer said goodbye. `number` is that of the fault that it found, or 0.
    Goodbye { reason: GoodbyeReason, number: u16, text: String },
    /// This end said goodbye, for that reason.
    Ended(GoodbyeReason),
    /// The peer sent what is not a frame, or what it may not say, and was told so.
    Fault(DecodeError),
    /// A hello was not taken: the peer's by this node, or by the peer. `number` is that of a
    /// [`HelloError`](ringway_link::HelloError), or of a newer version.
    Refused { by_peer: bool, number: u16, text: String },
    /// Nothing was heard for the idle time, or the hellos took too long.
    Silent,
    /// The peer knows nothing of the connection: it was started anew.
    Reset,
    /// QUIC or TLS ended it; in their words.
    Broken(String),
}

impl LinkDown {
    /// The number of the fault or refusal; 0 if there is none.
    pub(crate) const fn number(&self) -> u16 {
        match self {
            Self::Goodbye { number, .. } | Self::Refused { number, .. } => *number,
            Self::Fault(error) => error.fault.number(),
            Self::Ended(_) | Self::Silent | Self::Reset | Self::Broken(_) => 0,
        }
    }

    /// Why QUIC says that the connection is over. A close says what the last word said, for that may not have arrived.
    pub(super) fn of_connection(reason: &ConnectionError) -> Self {
        let close = match reason {
            ConnectionError::TimedOut => return Self::Silent,
            ConnectionError::Reset => return Self::Reset,
            ConnectionError::ApplicationClosed(close) => close,
            other => return Self::Broken(other.to_string()),
        };
        let text = String::from_utf8_lossy(&close.reason).into_owned();
        let Ok(code) = u16::try_from(close.error_code.into_inner()) else {
            return Self::Broken(reason.to_string());
        };
        match (reason_of(code), code) {
            (Some(reason), _) => Self::Goodbye { reason, number: 0, text },
            (None, 100..200) => Self::Goodbye { reason: GoodbyeReason::Fault, number: code, text },
            (None, 200..300) => Self::Refused { by_peer: true, number: code, text },
            _ => Self::Broken(reason.to_string()),
        }
    }
}

impl fmt::Display for LinkDown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goodbye { reason, number: 0, text } => {
                write!(formatter, "the peer said goodbye ({reason:?}): {text}")
            }
            Self::Goodbye { number, text, .. } => write!(formatter, "the peer found fault {number}: {text}"),
            Self::Ended(reason) => write!(formatter, "this node ended the link: {reason:?}"),
            Self::Fault(error) => write!(formatter, "the peer sent a bad frame: {error}"),
            Self::Refused { by_peer: true, number, text } => {
                write!(formatter, "the peer refused: {number}: {text}")
            }
            Self::Refused { number, text, .. } => write!(formatter, "refused: {number}: {text}"),
            Self::Silent => formatter.write_str("nothing was heard of the peer"),
            Self::Reset => formatter.write_str("the peer was started anew"),
            Self::Broken(text) => formatter.write_str(text),
        }
    }
}

/// Reasons by the code with which the connection is closed: their number on the wire.
const REASONS: [GoodbyeReason; 4] =
    [GoodbyeReason::Stopping, GoodbyeReason::Fault, GoodbyeReason::Replaced, GoodbyeReason::Removed];

fn reason_of(code: u16) -> Option<GoodbyeReason> {
    REASONS.get(usize::from(code).checked_sub(1)?).copied()
}

/// The code with which a connection is closed that ends with this goodbye: the fault's number, or the reason's.
pub(super) fn code_of(reason: GoodbyeReason, number: u16) -> u16 {
    let place = REASONS.iter().position(|known| *known == reason);
    if number > 0 { number } else { place.map_or(0, |place| place as u16 + 1) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use quinn_proto::{ApplicationClose, VarInt};

    use super::*;

    #[test]
    fn a_close_says_what_the_goodbye_said() {
        for (reason, number) in REASONS.into_iter().zip([0, 112, 0, 0]) {
            let close = ApplicationClose {
                error_code: VarInt::from(code_of(reason, number)),
                reason: Bytes::from_static(b"why"),
            };
            let down = LinkDown::of_connection(&ConnectionError::ApplicationClosed(close));
            assert_eq!(down, LinkDown::Goodbye { reason, number, text: "why".into() });
        }
    }
}
