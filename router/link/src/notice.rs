//! What nodes tell each other about neither a link nor a room.

use ringway_core::Target;

use crate::limit::{CLOSE_CODES, REASON_BYTES_MAX};
use crate::sink::Sink;
use crate::source::Source;
use crate::{DecodeError, Fault, Kind};

/// A word between nodes: of no slot, on stream 0, and for credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// The operator ends sessions, wherever they are: end those that this node has.
    Disconnect {
        /// Whose.
        whom: Target<'a>,
        /// The close code, one of [`CLOSE_CODES`].
        code: u16,
        /// For people, at most [`REASON_BYTES_MAX`].
        reason: &'a str,
    },
}

impl<'a> Notice<'a> {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Disconnect { .. } => Kind::Disconnect,
        }
    }

    pub(crate) fn put(&self, sink: &mut Sink<'_>) {
        match self {
            Self::Disconnect { whom, code, reason } => {
                if !CLOSE_CODES.contains(code) {
                    sink.refuse(Fault::BadValue, "code");
                }
                match whom {
                    Target::Session(session) => {
                        sink.field(0u8);
                        sink.field(*session);
                    }
                    Target::User(user) => {
                        sink.field(1u8);
                        sink.user(user);
                    }
                }
                sink.field(*code);
                sink.text("reason", REASON_BYTES_MAX, reason);
            }
        }
    }

    pub(crate) fn take_disconnect(source: &mut Source<'a>) -> Result<Self, DecodeError> {
        let whom = match source.field("whom")? {
            0u8 => Target::Session(source.field("session")?),
            1 => Target::User(source.user()?),
            _ => return Err(source.error(Fault::BadValue)),
        };
        let code = source.field("code")?;
        if !CLOSE_CODES.contains(&code) {
            return Err(source.error(Fault::BadValue));
        }
        Ok(Self::Disconnect { whom, code, reason: source.text("reason", REASON_BYTES_MAX)? })
    }
}
