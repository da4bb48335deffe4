//! Close codes and the payload of close frames (RFC 6455 §§5.5.1, 7.4).
//!
//! Applications' codes are [`crate::CloseCode`] (3000–4499); [`RfcClose`] are those of the framing layer.

use super::Violation;
use super::header::CONTROL_PAYLOAD_BYTES_MAX;
use crate::CloseCode;

/// Longest reason of a close frame: a control payload less the code.
pub const CLOSE_REASON_BYTES_MAX: usize = CONTROL_PAYLOAD_BYTES_MAX - 2;

/// Close codes of the RFC and of IANA's registry that this end sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum RfcClose {
    /// Done.
    Normal = 1000,
    /// A server that stops, a page that is left.
    GoingAway = 1001,
    /// The peer broke the framing rules.
    ProtocolError = 1002,
    /// A kind of data this endpoint does not take.
    Unsupported = 1003,
    /// Data that is not what it says, such as text that is not UTF-8.
    InvalidPayload = 1007,
    /// A rule of the application.
    PolicyViolation = 1008,
    /// More than this end takes.
    MessageTooBig = 1009,
    /// The server failed.
    InternalError = 1011,
}

impl RfcClose {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

impl From<RfcClose> for u16 {
    fn from(code: RfcClose) -> Self {
        code.number()
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.number()
    }
}

/// Whether a peer may put this code into a close frame: 1000–1003 and 1007–1014 of the registry (1004 is undefined;
/// 1005, 1006 and 1015 only exist inside an endpoint), 3000–4999 for libraries and applications.
#[must_use]
pub const fn close_code_is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Code and reason of a close frame's payload; an empty payload has neither.
pub(super) fn parse_close(payload: &[u8]) -> Result<(Option<u16>, &str), Violation> {
    match payload {
        [] => Ok((None, "")),
        [_] => Err(Violation::CloseTruncated),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !close_code_is_sendable(code) {
                return Err(Violation::CloseCode);
            }
            let reason = core::str::from_utf8(reason).map_err(|_| Violation::InvalidUtf8)?;
            Ok((Some(code), reason))
        }
    }
}

/// The longest prefix of the reason that fits and ends between characters.
pub(super) fn clip_reason(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_ours_may_be_sent() {
        for code in CloseCode::ALL {
            assert!(close_code_is_sendable(code.number()), "{code:?}");
        }
        for code in [RfcClose::Normal, RfcClose::InternalError, RfcClose::MessageTooBig] {
            assert!(close_code_is_sendable(code.number()), "{code:?}");
        }
    }

    #[test]
    fn codes_that_only_exist_inside_an_endpoint_are_refused() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
            assert_eq!(parse_close(&code.to_be_bytes()), Err(Violation::CloseCode), "{code}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(clip_reason(&"é".repeat(100)).len(), 122);
        assert_eq!(clip_reason("short"), "short");
    }
}
