//! WebTransport over HTTP/3 (draft-ietf-webtrans-http3; RFC 9114, 9204, 9220, 9297) without I/O: just what one session on
//! a connection of its own needs, for both ends.
//!
//! Nothing here owns a connection of QUIC. Whoever does keeps one [`Connection`] beside it and one small reader for each
//! stream that the peer opens: [`UniStream`], [`server::BidiStream`], [`client::BidiStream`]. A reader is given bytes as
//! they come and says what they mean; where a stream's raw bytes begin it steps aside. What is to be written is appended
//! to a buffer of the caller's. An `Err` ends the connection with its code; everything else is part of the answer.
//!
//! Invariants: peer bytes never panic; any split of the same bytes gives the same answers; a reader holds no more than a
//! head of [`crate::limit::HTTP_HEADER_BYTES_MAX`], and only until it is whole; there is no dynamic table and no push;
//! one session for each connection, and none after it.

mod capsule;
pub mod client;
mod control;
mod error;
mod fields;
mod frame;
mod head;
mod owned;
mod qpack;
mod record;
mod request;
pub mod server;
mod session;
mod settings;
mod status;
mod structured;
mod uni;
mod varint;

pub use capsule::{CLOSE_REASON_BYTES_MAX, write_close, write_drain};
pub use error::{Code, Fault, application_from_http3, application_to_http3};
pub use request::Request;
pub use settings::write_control_stream;
pub use status::Status;
pub use uni::UniStream;

use frame::{SIGNAL_BIDI, STREAM_WEBTRANSPORT};
use settings::Settings;
use varint::{VARINT_MAX, take_varint, write_varint};

/// What QUIC calls this protocol in TLS (ALPN, RFC 9114 §3.1).
pub const ALPN: &[u8] = b"h3";

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers.
    Server,
    /// Asks.
    Client,
}

impl Role {
    const fn peer(self) -> Self {
        match self {
            Self::Server => Self::Client,
            Self::Client => Self::Server,
        }
    }
}

/// What one end knows of its connection, whatever the stream.
#[derive(Debug)]
pub struct Connection {
    role: Role,
    /// By type: streams of which there may be one.
    seen: u8,
    /// The peer's.
    settings: Option<Settings>,
    session: Session,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Session {
    None,
    /// A request for it is with the caller, who answers.
    Asked,
    Open(ConnectId),
    Over(ConnectId),
}

/// What bytes of a stream mean that the peer opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// All were taken: read on.
    More,
    /// The stream's session does not stand yet. Keep the rest, read no further, and ask again once it does.
    Wait,
    /// What is left, and all that follows, is the session's; nothing more is said about this stream.
    Data,
    /// Stop the stream (STOP_SENDING; and RESET_STREAM, if it has another half) with the fault's code, and forget it.
    Stop(Fault),
    /// The peer's SETTINGS are here: a request that had to wait may be read on. There may be more in the input.
    Settings,
    /// The peer wants no more sessions: this one should be ended soon. There may be more in the input.
    GoAway,
}

/// How the peer's half of a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Whole, by FIN.
    Finished,
    /// Cut, by RESET_STREAM.
    Reset,
}

/// How the peer closed the session. Without a word, by ending its stream, is code 0 without a reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The application's code.
    pub code: u32,
    /// The application's reason, at most [`CLOSE_REASON_BYTES_MAX`] bytes.
    pub reason: Box<str>,
}

/// What a datagram of QUIC holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datagram<'b> {
    /// The session's.
    Data(&'b [u8]),
    /// Drop it: the session that it is for does not stand yet.
    Early,
    /// Drop it: it is for another session than the one that stands, or for one that is over.
    Stray,
}

impl Connection {
    /// At the beginning of a connection.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        Self { role, seen: 0, settings: None, session: Session::None }
    }

    /// The session, while it stands.
    #[must_use]
    pub const fn connect_id(&self) -> Option<ConnectId> {
        match self.session {
            Session::Open(id) => Some(id),
            Session::None | Session::Asked | Session::Over(_) => None,
        }
    }

    /// This end has closed the session ([`write_close`]): what comes for it now is refused.
    pub const fn end_session(&mut self) {
        if let Session::Open(id) = self.session {
            self.session = Session::Over(id);
        }
    }

    /// Takes the prefix off a datagram (RFC 9297 §2.1).
    ///
    /// # Errors
    /// It names a stream that can't be: the connection must be closed with the fault's code.
    pub fn handle_datagram<'b>(&self, datagram: &'b [u8]) -> Result<Datagram<'b>, Fault> {
        let wrong = Fault::new(Code::DatagramError, "a datagram names a stream that can't be");
        let mut rest = datagram;
        let quarter = take_varint(&mut rest).ok_or(wrong)?;
        let id = quarter.checked_mul(4).and_then(ConnectId::new).ok_or(wrong)?;
        Ok(match self.session {
            Session::None | Session::Asked => Datagram::Early,
            Session::Open(open) if open == id => Datagram::Data(rest),
            Session::Open(_) | Session::Over(_) => Datagram::Stray,
        })
    }
}

/// The stream of a CONNECT request: what WebTransport calls the session's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectId(u64);

impl ConnectId {
    /// From QUIC's stream id; `None` when it is not a bidirectional stream of the client's (RFC 9000 §2.1).
    #[must_use]
    pub const fn new(stream: u64) -> Option<Self> {
        if stream <= VARINT_MAX && stream.is_multiple_of(4) { Some(Self(stream)) } else { None }
    }

    /// QUIC's stream id.
    #[must_use]
    pub const fn stream(self) -> u64 {
        self.0
    }

    /// Appends what stands first on a unidirectional stream of the session.
    pub fn write_uni_header(self, out: &mut Vec<u8>) {
        write_varint(STREAM_WEBTRANSPORT, out);
        write_varint(self.0, out);
    }

    /// Appends what stands first on a bidirectional stream of the session, on the half of who opened it.
    pub fn write_bidi_header(self, out: &mut Vec<u8>) {
        write_varint(SIGNAL_BIDI, out);
        write_varint(self.0, out);
    }

    /// Appends what stands first in a datagram of the session: one byte for the first 64 streams of a connection.
    pub fn write_datagram_prefix(self, out: &mut Vec<u8>) {
        write_varint(self.0 / 4, out);
    }
}
