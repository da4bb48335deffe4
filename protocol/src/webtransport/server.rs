//! The server's half: bidirectional streams of the client, one of which asks for the session.

use super::error::{Code, Fault, Wrong};
use super::frame::SIGNAL_BIDI;
use super::head::{Head, HeadReader};
use super::owned::Owned;
use super::request::{Asked, Request, parse_request};
use super::session::{AFTER_CLOSE, SessionReader, Told};
use super::status::{write_accept, write_refuse};
use super::varint::PartialVarint;
use super::{ConnectId, Connection, End, Ended, Role, Session, Status, Step};

/// One bidirectional stream that the client opened: 32 bytes, and a head while it arrives.
#[derive(Debug)]
pub struct BidiStream {
    id: ConnectId,
    state: State,
}

#[derive(Debug)]
enum State {
    Signal(PartialVarint),
    Owned(Owned),
    Head(Box<HeadReader>),
    /// Asked for a session before the client's SETTINGS were here.
    Asked(Box<Request>),
    /// Given to the caller, who answers.
    Unanswered,
    Session(Box<SessionReader>),
    /// The session's, which the client closed.
    Closed,
    Ignored,
}

/// What bytes of such a stream mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BidiStep {
    /// All were taken: read on.
    More,
    /// The session does not stand yet, or the client's SETTINGS are not here, or a request was not answered. Keep the
    /// rest, read no further, and ask again once that changed.
    Wait,
    /// What is left, and all that follows, is the session's; nothing more is said about this stream.
    Data,
    /// Answer with [`BidiStream::accept`] or [`BidiStream::refuse`], then read on.
    Request(Box<Request>),
    /// This is not for us: answer with [`BidiStream::refuse`] and this status.
    Refuse(Status),
    /// Reset and stop the stream with the fault's code, and forget it.
    Reset(Fault),
    /// The client wants the session ended soon. There may be more in the input.
    Drain,
    /// The client closed the session: finish the stream; stop and reset the session's others with
    /// [`Code::SessionGone`].
    Closed(Ended),
    /// The session is over because its stream broke the rules: reset and stop it with the fault's code, and the
    /// session's others with [`Code::SessionGone`].
    Broken(Fault),
}

impl BidiStream {
    /// A stream of which nothing was read yet.
    ///
    /// # Panics
    /// When it is not a bidirectional stream of the client's.
    #[must_use]
    pub const fn new(stream: u64) -> Self {
        let id = ConnectId::new(stream).expect("a bidirectional stream of the client's");
        Self { id, state: State::Signal(PartialVarint::EMPTY) }
    }

    /// Takes bytes off the front of `input` and says what they mean; call it again unless the answer forbids it.
    ///
    /// # Errors
    /// The connection must be closed with the fault's code.
    pub fn read(&mut self, connection: &mut Connection, input: &mut &[u8]) -> Result<BidiStep, Fault> {
        debug_assert_eq!(connection.role, Role::Server);
        loop {
            match &mut self.state {
                State::Signal(partial) => {
                    let Some(kind) = partial.take(input) else { return Ok(BidiStep::More) };
                    self.state = match kind {
                        SIGNAL_BIDI => State::Owned(Owned::new()),
                        _ => State::Head(Box::new(HeadReader::after_kind(kind))),
                    };
                }
                State::Owned(owned) => return owned.read(connection, input).map(BidiStep::from),
                State::Head(head) => {
                    let Some(head) = head.read(input)? else { return Ok(BidiStep::More) };
                    if let Some(step) = self.ask(head)? {
                        return Ok(step);
                    }
                }
                State::Asked(_) => return Ok(self.give(connection)),
                State::Unanswered => return Ok(BidiStep::Wait),
                State::Session(session) => {
                    let told = session.read(input)?;
                    return Ok(self.tell(connection, told));
                }
                State::Closed if input.is_empty() => return Ok(BidiStep::More),
                State::Closed => {
                    self.state = State::Ignored;
                    return Ok(BidiStep::Reset(AFTER_CLOSE));
                }
                State::Ignored => {
                    *input = &[];
                    return Ok(BidiStep::More);
                }
            }
        }
    }

    /// The client's half of the stream ended, after all of it was read. A request that waits for an answer, and whose
    /// stream was reset, must not be answered any more.
    ///
    /// # Errors
    /// The connection must be closed with the fault's code.
    pub fn end(&mut self, connection: &mut Connection, end: End) -> Result<BidiStep, Fault> {
        debug_assert_eq!(connection.role, Role::Server);
        let incomplete = match &self.state {
            State::Session(session) => {
                let told = session.end(end)?;
                return Ok(self.tell(connection, told));
            }
            State::Head(head) if end == End::Finished && !head.is_between() => {
                return Err(Fault::new(Code::FrameError, "a frame is cut"));
            }
            State::Head(_) | State::Signal(_) | State::Owned(Owned::Id(_)) => end == End::Finished,
            State::Unanswered if end == End::Reset => {
                // Nobody is left to be answered.
                connection.session = Session::None;
                self.state = State::Ignored;
                false
            }
            _ => false,
        };
        if !incomplete {
            return Ok(BidiStep::More);
        }
        self.state = State::Ignored;
        Ok(BidiStep::Reset(Fault::new(Code::RequestIncomplete, "the stream ended before the request did")))
    }

    /// Appends the answer that lets the session stand, with a protocol that the client offered. Then the streams that
    /// had to wait can be read on.
    ///
    /// # Panics
    /// When the stream has no request that waits for an answer.
    pub fn accept(
        &mut self,
        connection: &mut Connection,
        protocol: Option<&str>,
        out: &mut Vec<u8>,
    ) -> ConnectId {
        assert!(matches!(self.state, State::Unanswered), "a request waits for an answer");
        debug_assert_eq!(connection.session, Session::Asked);
        connection.session = Session::Open(self.id);
        self.state = State::Session(Box::new(SessionReader::new()));
        write_accept(protocol, out);
        self.id
    }

    /// Appends an answer that is a refusal. Finish the stream behind it, and stop it with [`Code::NoError`]
    /// (RFC 9114 §4.1). The client may ask again.
    pub fn refuse(&mut self, connection: &mut Connection, status: Status, out: &mut Vec<u8>) {
        if matches!(self.state, State::Unanswered) {
            connection.session = Session::None;
        }
        self.state = State::Ignored;
        write_refuse(status, out);
    }

    fn ask(&mut self, head: Head) -> Result<Option<BidiStep>, Fault> {
        let asked = match head {
            Head::TooLarge => Ok(Asked::Other(Status::FIELDS_TOO_LARGE)),
            Head::Section(section) => parse_request(&section),
        };
        self.state = State::Ignored;
        match asked {
            Ok(Asked::Session(request)) => {
                self.state = State::Asked(Box::new(request));
                Ok(None)
            }
            Ok(Asked::Other(status)) => Ok(Some(BidiStep::Refuse(status))),
            Err(Wrong::Stream(fault)) => Ok(Some(BidiStep::Reset(fault))),
            Err(Wrong::Connection(fault)) => Err(fault),
        }
    }

    /// Gives out a request once the client's SETTINGS are here (draft-ietf-webtrans-http3 §3.1).
    fn give(&mut self, connection: &mut Connection) -> BidiStep {
        let Some(settings) = connection.settings else { return BidiStep::Wait };
        let asked = core::mem::replace(&mut self.state, State::Ignored);
        if connection.session != Session::None {
            // §5.1: without flow control among sessions there is one.
            return BidiStep::Reset(Fault::new(Code::RequestRejected, "a second session on one connection"));
        }
        match asked {
            State::Asked(request) if settings.suffice(Role::Client) => {
                self.state = State::Unanswered;
                connection.session = Session::Asked;
                BidiStep::Request(request)
            }
            _ => BidiStep::Reset(Fault::new(
                Code::MessageError,
                "the client's settings do not allow a session",
            )),
        }
    }

    fn tell(&mut self, connection: &mut Connection, told: Told) -> BidiStep {
        let (state, step) = match told {
            Told::Nothing => return BidiStep::More,
            Told::Drain => return BidiStep::Drain,
            Told::Closed(ended) => (State::Closed, BidiStep::Closed(ended)),
            Told::Broken(fault) => (State::Ignored, BidiStep::Broken(fault)),
        };
        self.state = state;
        connection.end_session();
        step
    }
}

impl From<Step> for BidiStep {
    fn from(step: Step) -> Self {
        match step {
            Step::More | Step::Settings | Step::GoAway => Self::More,
            Step::Wait => Self::Wait,
            Step::Data => Self::Data,
            Step::Stop(fault) => Self::Reset(fault),
        }
    }
}
