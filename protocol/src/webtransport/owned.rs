//! What stands before the raw bytes of a WebTransport stream: whose it is.

use super::error::{Code, Fault};
use super::varint::PartialVarint;
use super::{ConnectId, Connection, Session, Step};

/// A stream of a session, whose id is read first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owned {
    Id(PartialVarint),
    By(ConnectId),
}

impl Owned {
    pub(super) const fn new() -> Self {
        Self::Id(PartialVarint::EMPTY)
    }

    pub(super) fn read(&mut self, connection: &Connection, input: &mut &[u8]) -> Result<Step, Fault> {
        let id = match self {
            Self::By(id) => *id,
            Self::Id(partial) => {
                let Some(id) = partial.take(input) else { return Ok(Step::More) };
                let wrong = Fault::new(Code::IdError, "a session that can't be");
                let id = ConnectId::new(id).ok_or(wrong)?;
                *self = Self::By(id);
                id
            }
        };
        Ok(match connection.session {
            Session::None | Session::Asked => Step::Wait,
            Session::Open(open) if open == id => Step::Data,
            Session::Over(over) if over == id => {
                Step::Stop(Fault::new(Code::SessionGone, "the stream's session is over"))
            }
            Session::Open(_) | Session::Over(_) => {
                Step::Stop(Fault::new(Code::BufferedStreamRejected, "the stream's session does not exist"))
            }
        })
    }
}
