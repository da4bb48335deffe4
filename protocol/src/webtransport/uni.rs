//! The peer's unidirectional streams (RFC 9114 §6.2, draft-ietf-webtrans-http3 §4.2).

use super::control::{Control, ControlReader};
use super::error::{Code, Fault};
use super::frame::{
    STREAM_CONTROL, STREAM_PUSH, STREAM_QPACK_DECODER, STREAM_QPACK_ENCODER, STREAM_WEBTRANSPORT,
};
use super::owned::Owned;
use super::varint::PartialVarint;
use super::{Connection, Role, Step};

/// One unidirectional stream that the peer opened: 64 bytes, and the peer's SETTINGS while they arrive.
#[derive(Debug)]
pub struct UniStream {
    state: State,
}

#[derive(Debug)]
enum State {
    Kind(PartialVarint),
    Control(ControlReader),
    /// QPACK's: without a dynamic table nothing in them matters.
    Qpack,
    Owned(Owned),
    Stopped,
}

impl Default for UniStream {
    fn default() -> Self {
        Self::new()
    }
}

impl UniStream {
    /// A stream of which nothing was read yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Kind(PartialVarint::EMPTY) }
    }

    /// Takes bytes off the front of `input` and says what they mean; call it again unless the answer forbids it.
    ///
    /// # Errors
    /// The connection must be closed with the fault's code.
    pub fn read(&mut self, connection: &mut Connection, input: &mut &[u8]) -> Result<Step, Fault> {
        loop {
            match &mut self.state {
                State::Kind(partial) => {
                    let Some(kind) = partial.take(input) else { return Ok(Step::More) };
                    match self.begin(connection, kind)? {
                        Some(step) => return Ok(step),
                        None => continue,
                    }
                }
                State::Control(control) => {
                    return match control.read(connection.role.peer(), input)? {
                        None => Ok(Step::More),
                        Some(Control::GoAway) => Ok(Step::GoAway),
                        Some(Control::Settings(settings)) => {
                            connection.settings = Some(settings);
                            Ok(Step::Settings)
                        }
                    };
                }
                State::Owned(owned) => return owned.read(connection, input),
                State::Qpack | State::Stopped => {
                    *input = &[];
                    return Ok(Step::More);
                }
            }
        }
    }

    /// The stream ended, by FIN or by reset.
    ///
    /// # Errors
    /// It must stay as long as the connection, which must now be closed with the fault's code (RFC 9114 §6.2.1).
    pub fn end(&self) -> Result<(), Fault> {
        match self.state {
            State::Control(_) | State::Qpack => {
                Err(Fault::new(Code::ClosedCriticalStream, "a stream ended that must stay"))
            }
            State::Kind(_) | State::Owned(_) | State::Stopped => Ok(()),
        }
    }

    fn begin(&mut self, connection: &mut Connection, kind: u64) -> Result<Option<Step>, Fault> {
        self.state = match kind {
            STREAM_CONTROL | STREAM_QPACK_ENCODER | STREAM_QPACK_DECODER => {
                let bit = 1 << kind;
                if connection.seen & bit != 0 {
                    return Err(Fault::new(
                        Code::StreamCreationError,
                        "a stream of which there is one is opened twice",
                    ));
                }
                connection.seen |= bit;
                if kind == STREAM_CONTROL { State::Control(ControlReader::new()) } else { State::Qpack }
            }
            STREAM_WEBTRANSPORT => State::Owned(Owned::new()),
            STREAM_PUSH if connection.role == Role::Server => {
                return Err(Fault::new(Code::StreamCreationError, "a client pushes"));
            }
            STREAM_PUSH => return Err(Fault::new(Code::IdError, "a push that was not allowed")),
            _ => {
                self.state = State::Stopped;
                let fault = Fault::new(Code::StreamCreationError, "a stream of unknown type");
                return Ok(Some(Step::Stop(fault)));
            }
        };
        Ok(None)
    }
}
