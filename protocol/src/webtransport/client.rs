//! The client's half: the CONNECT stream that it opens, and the server's bidirectional streams.

use super::error::{Code, Fault, Wrong};
use super::fields::{Unusable, write_head};
use super::frame::SIGNAL_BIDI;
use super::head::{Head, HeadReader};
use super::owned::Owned;
use super::session::{AFTER_CLOSE, SessionReader, Told};
use super::status::parse_response;
use super::structured::write_string;
use super::varint::PartialVarint;
use super::{ConnectId, Connection, End, Ended, Role, Session, Status, Step};

/// What a client asks for. The caller vouches that all texts are visible ASCII, the protocols printable.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Name and perhaps port of the server.
    pub authority: &'a str,
    /// Path and query; begins with `/`.
    pub target: &'a str,
    /// Only for who acts for a page.
    pub origin: Option<&'a str>,
    /// Protocols in order of preference.
    pub protocols: &'a [&'a str],
}

/// The stream that asks for the session and then stands for it.
#[derive(Debug)]
pub struct ConnectStream {
    id: ConnectId,
    offered: Vec<Box<str>>,
    state: State,
}

#[derive(Debug)]
enum State {
    Head(HeadReader),
    Session(SessionReader),
    /// The server closed the session.
    Closed,
    Ignored,
}

/// What bytes of the CONNECT stream mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectStep {
    /// All were taken: read on.
    More,
    /// The session stands: streams that had to wait can be read on. There may be more in the input.
    Accepted {
        /// The protocol that the server chose among those offered.
        protocol: Option<Box<str>>,
    },
    /// There is no session: forget the stream.
    Refused(Status),
    /// The server wants the session ended soon. There may be more in the input.
    Drain,
    /// The server closed the session: finish the stream; stop and reset the session's others with
    /// [`Code::SessionGone`].
    Closed(Ended),
    /// There is no session, or none any more, because the stream broke the rules: reset and stop it with the fault's
    /// code, and the session's others with [`Code::SessionGone`].
    Broken(Fault),
}

impl ConnectStream {
    /// Appends the request for a session on a stream that the client opened for it, once the server's SETTINGS are
    /// here ([`Step::Settings`]).
    ///
    /// # Errors
    /// [`Code::RequirementsNotMet`]: the server has no sessions to give, or has not said so yet.
    ///
    /// # Panics
    /// When `stream` is not a bidirectional stream of the client's.
    pub fn ask(
        connection: &Connection,
        stream: u64,
        ask: &Ask<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Self, Fault> {
        debug_assert_eq!(connection.role, Role::Client);
        let id = ConnectId::new(stream).expect("a bidirectional stream of the client's");
        if !connection.settings.is_some_and(|settings| settings.suffice(Role::Server)) {
            return Err(Fault::new(Code::RequirementsNotMet, "the server's settings do not allow a session"));
        }
        let mut protocols = String::new();
        for protocol in ask.protocols {
            if !protocols.is_empty() {
                protocols.push_str(", ");
            }
            write_string(protocol, &mut protocols);
        }
        let mut fields = vec![
            (":method", "CONNECT"),
            (":protocol", "webtransport"),
            (":scheme", "https"),
            (":authority", ask.authority),
            (":path", ask.target),
            ("sec-webtransport-http3-draft02", "1"),
        ];
        fields.extend(ask.origin.map(|origin| ("origin", origin)));
        if !protocols.is_empty() {
            fields.push(("wt-available-protocols", &protocols));
        }
        write_head(&fields, out);
        let offered = ask.protocols.iter().map(|&name| name.into()).collect();
        Ok(Self { id, offered, state: State::Head(HeadReader::new()) })
    }

    /// The session's id, for the headers of its streams; some may be sent before the answer is here.
    #[must_use]
    pub const fn id(&self) -> ConnectId {
        self.id
    }

    /// Takes bytes off the front of `input` and says what they mean; call it again unless the answer forbids it.
    ///
    /// # Errors
    /// The connection must be closed with the fault's code.
    pub fn read(&mut self, connection: &mut Connection, input: &mut &[u8]) -> Result<ConnectStep, Fault> {
        loop {
            match &mut self.state {
                State::Head(head) => {
                    let Some(head) = head.read(input)? else { return Ok(ConnectStep::More) };
                    if let Some(step) = self.hear(connection, &head)? {
                        return Ok(step);
                    }
                }
                State::Session(session) => {
                    let told = session.read(input)?;
                    return Ok(self.tell(connection, told));
                }
                State::Closed if input.is_empty() => return Ok(ConnectStep::More),
                State::Closed => {
                    self.state = State::Ignored;
                    return Ok(ConnectStep::Broken(AFTER_CLOSE));
                }
                State::Ignored => {
                    *input = &[];
                    return Ok(ConnectStep::More);
                }
            }
        }
    }

    /// The server's half of the stream ended, after all of it was read.
    ///
    /// # Errors
    /// The connection must be closed with the fault's code.
    pub fn end(&mut self, connection: &mut Connection, end: End) -> Result<ConnectStep, Fault> {
        match &self.state {
            State::Head(head) if end == End::Finished && !head.is_between() => {
                Err(Fault::new(Code::FrameError, "a frame is cut"))
            }
            State::Head(_) => {
                self.state = State::Ignored;
                Ok(ConnectStep::Broken(Fault::new(
                    Code::RequestIncomplete,
                    "the stream ended without an answer",
                )))
            }
            State::Session(session) => {
                let told = session.end(end)?;
                Ok(self.tell(connection, told))
            }
            State::Closed | State::Ignored => Ok(ConnectStep::More),
        }
    }

    fn hear(&mut self, connection: &mut Connection, head: &Head) -> Result<Option<ConnectStep>, Fault> {
        let response = match head {
            Head::TooLarge => Err(Unusable::TooLarge),
            Head::Section(section) => parse_response(section),
        };
        let broken = |code, text| Ok(Some(ConnectStep::Broken(Fault::new(code, text))));
        match response {
            // What follows is another head.
            Ok((status, _)) if status.is_interim() => {
                self.state = State::Head(HeadReader::new());
                Ok(None)
            }
            Ok((status, protocol)) if status.is_success() => {
                // Who offers nothing has nothing chosen.
                let protocol = protocol.filter(|_| !self.offered.is_empty());
                if protocol.as_ref().is_none_or(|chosen| self.offered.contains(chosen)) {
                    connection.session = Session::Open(self.id);
                    self.state = State::Session(SessionReader::new());
                    return Ok(Some(ConnectStep::Accepted { protocol }));
                }
                self.state = State::Ignored;
                broken(Code::ProtocolNotOffered, "the server chose a protocol that was not offered")
            }
            Ok((status, _)) => {
                self.state = State::Ignored;
                Ok(Some(ConnectStep::Refused(status)))
            }
            Err(Unusable::TooLarge) => {
                self.state = State::Ignored;
                broken(Code::ExcessiveLoad, "the head of the answer is too large")
            }
            Err(Unusable::Wrong(Wrong::Stream(fault))) => {
                self.state = State::Ignored;
                Ok(Some(ConnectStep::Broken(fault)))
            }
            Err(Unusable::Wrong(Wrong::Connection(fault))) => Err(fault),
        }
    }

    fn tell(&mut self, connection: &mut Connection, told: Told) -> ConnectStep {
        let (state, step) = match told {
            Told::Nothing => return ConnectStep::More,
            Told::Drain => return ConnectStep::Drain,
            Told::Closed(ended) => (State::Closed, ConnectStep::Closed(ended)),
            Told::Broken(fault) => (State::Ignored, ConnectStep::Broken(fault)),
        };
        self.state = state;
        connection.end_session();
        step
    }
}

/// One bidirectional stream that the server opened.
#[derive(Debug)]
pub struct BidiStream {
    state: Opened,
}

#[derive(Debug)]
enum Opened {
    Signal(PartialVarint),
    Owned(Owned),
}

impl Default for BidiStream {
    fn default() -> Self {
        Self::new()
    }
}

impl BidiStream {
    /// A stream of which nothing was read yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: Opened::Signal(PartialVarint::EMPTY) }
    }

    /// Takes bytes off the front of `input` and says what they mean; call it again unless the answer forbids it.
    ///
    /// # Errors
    /// The connection must be closed with the fault's code: servers open such streams for sessions alone (RFC 9114
    /// §6.1).
    pub fn read(&mut self, connection: &Connection, input: &mut &[u8]) -> Result<Step, Fault> {
        loop {
            match &mut self.state {
                Opened::Signal(partial) => {
                    let Some(kind) = partial.take(input) else { return Ok(Step::More) };
                    if kind != SIGNAL_BIDI {
                        let fault = Fault::new(
                            Code::StreamCreationError,
                            "a server's stream that is not a session's",
                        );
                        return Err(fault);
                    }
                    self.state = Opened::Owned(Owned::new());
                }
                Opened::Owned(owned) => return owned.read(connection, input),
            }
        }
    }
}
