//! Numbers that end things: of HTTP/3 (RFC 9114 §8.1), QPACK (RFC 9204 §6), datagrams (RFC 9297 §5.2), WebTransport
//! (draft-ietf-webtrans-http3 §9.5), and those of applications in the range that WebTransport reserves for them.

use core::fmt;

/// Ends a connection (CONNECTION_CLOSE) or a stream (RESET_STREAM, STOP_SENDING).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Code {
    /// A datagram that belongs to no possible stream.
    DatagramError = 0x33,
    /// Nothing is wrong.
    NoError = 0x100,
    /// The peer did what the rules do not allow and no other number says.
    GeneralProtocolError = 0x101,
    /// A stream that may not be opened.
    StreamCreationError = 0x103,
    /// A stream ended that must stay as long as the connection.
    ClosedCriticalStream = 0x104,
    /// A frame in a place where it may not be.
    FrameUnexpected = 0x105,
    /// A frame that is cut or wrong in itself.
    FrameError = 0x106,
    /// More than anybody needs.
    ExcessiveLoad = 0x107,
    /// A stream or push id that can't be.
    IdError = 0x108,
    /// Settings that can't be.
    SettingsError = 0x109,
    /// A control stream that does not begin with settings.
    MissingSettings = 0x10a,
    /// Nothing was done about the request: it may be made again elsewhere.
    RequestRejected = 0x10b,
    /// The request is not wanted any more.
    RequestCancelled = 0x10c,
    /// The stream ended before the request did.
    RequestIncomplete = 0x10d,
    /// A message that breaks HTTP's rules.
    MessageError = 0x10e,
    /// Fields that can't be decompressed.
    DecompressionFailed = 0x200,
    /// WebTransport: a stream for which there is no session.
    BufferedStreamRejected = 0x3994_bd84,
    /// WebTransport: a stream whose session is over.
    SessionGone = 0x170d_7b68,
    /// WebTransport: the server chose a protocol that the client did not offer.
    ProtocolNotOffered = 0x0817_b3dd,
    /// WebTransport: the peer's settings are not those that it takes.
    RequirementsNotMet = 0x212c_0d48,
}

impl Code {
    /// The number on the wire, less than 2^62.
    #[must_use]
    pub const fn number(self) -> u64 {
        self as u64
    }
}

/// What a peer did wrong: ends the connection where it is an `Err`, and one stream where it is part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The number that tells the peer.
    pub code: Code,
    /// One phrase for the reason and the log.
    pub text: &'static str,
}

impl Fault {
    pub(super) const fn new(code: Code, text: &'static str) -> Self {
        Self { code, text }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({:#x})", self.text, self.code.number())
    }
}

impl core::error::Error for Fault {}

/// What a peer did wrong, and what ends for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Connection(Fault),
    Stream(Fault),
}

/// What code 0 of an application is in HTTP/3's numbers (draft-ietf-webtrans-http3 §4.4).
const APPLICATION_FIRST: u64 = 0x52e4_a40f_a8db;
/// What code `u32::MAX` is.
const APPLICATION_LAST: u64 = 0x52e5_ac98_3162;

/// An application's code as HTTP/3 has it, for RESET_STREAM and STOP_SENDING (draft-ietf-webtrans-http3 §4.4).
#[must_use]
pub const fn application_to_http3(code: u32) -> u64 {
    // Every 31st number is reserved (RFC 9114 §8.1) and skipped.
    APPLICATION_FIRST + code as u64 + code as u64 / 0x1e
}

/// The application's code in a RESET_STREAM or STOP_SENDING; `None` when it is not one of an application.
#[must_use]
pub const fn application_from_http3(code: u64) -> Option<u32> {
    if code < APPLICATION_FIRST || code > APPLICATION_LAST || (code - 0x21).is_multiple_of(0x1f) {
        return None;
    }
    let shifted = code - APPLICATION_FIRST;
    Some((shifted - shifted / 0x1f) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn application_codes_go_there_and_back_around_the_reserved_numbers() {
        assert_eq!(application_to_http3(0), APPLICATION_FIRST);
        assert_eq!(application_to_http3(u32::MAX), APPLICATION_LAST);
        for code in (0..200).chain([3_000, 4_499, u32::MAX - 1, u32::MAX]) {
            assert_eq!(application_from_http3(application_to_http3(code)), Some(code));
        }
        let reserved = (APPLICATION_FIRST..).find(|code| (code - 0x21) % 0x1f == 0).unwrap();
        assert_eq!(application_to_http3(29) + 1, reserved);
        for code in [0, 0x100, APPLICATION_FIRST - 1, APPLICATION_LAST + 1, reserved, u64::MAX] {
            assert_eq!(application_from_http3(code), None, "{code:#x}");
        }
    }
}
