//! A server's side of a conversation: hello first and once, one format, heartbeats, and what a fault costs. Session
//! view, pure.
//!
//! The machine sees every message and decoded command before anybody else and answers with a [`Step`]: what its driver
//! must do. It keeps no outbox and no rooms (those are the router's core), and it verifies nothing itself: for a `hello`
//! the driver does that and reports [`Server::handle_opened`] or [`Server::handle_refused`].
//!
//! Invariants: no command but `hello` passes before the session is open and none after it ended; at most
//! [`HELLO_ATTEMPTS_MAX`] tokens are verified for one connection; once ended, nothing is asked of the driver any more.

mod command;
mod time;

use crate::codec::DecodeError;
use crate::command::{Command, Hello, Refresh};
use crate::time::Monotonic;
use crate::{CloseCode, ErrorCode, Format, RequestId};

pub use time::Times;

/// Refused requests before a session exists, after which the connection is closed.
pub const HELLO_ATTEMPTS_MAX: u8 = 4;

/// A server's memory of one connection: 24 bytes.
#[derive(Clone, Debug)]
pub struct Server {
    /// When the connection was made; from the opening on, when something was heard last.
    since: Monotonic,
    format: Option<Format>,
    phase: Phase,
    /// Refusals before the session was open.
    refusals: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    AwaitingHello,
    Open,
    Ended,
}

/// A refusal to be told in an `error` frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The request's id, where one failed.
    pub id: Option<RequestId>,
    /// What.
    pub code: ErrorCode,
    /// The field at fault, as the wire names it; empty: none.
    pub field: &'static str,
    /// For people.
    pub message: &'static str,
}

impl Fault {
    fn of(id: Option<RequestId>, code: ErrorCode) -> Self {
        Self { id, code, field: "", message: code.text() }
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.field.is_empty() {
            formatter.write_str(self.message)
        } else {
            write!(formatter, "{}: {}", self.field, self.message)
        }
    }
}

/// What the driver must do now.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<'a> {
    /// Verify token and resume secret, then report [`Server::handle_opened`] or [`Server::handle_refused`].
    Hello(Hello<'a>),
    /// Verify the token of an open session.
    Refresh(Refresh<'a>),
    /// Give it to the core.
    Command(Command<'a>),
    /// Answer with an `error` and go on.
    Fault(Fault),
    /// Answer with an `error` if there is a fault, then close with this code.
    End(CloseCode, Option<Fault>),
    /// Nothing: the conversation is over.
    Ignore,
}

impl Server {
    /// A connection whose transport just became able to carry frames. `format` is the agreed one, if the transport
    /// agreed on one; otherwise the first message decides.
    #[must_use]
    pub const fn new(now: Monotonic, format: Option<Format>) -> Self {
        Self { since: now, format, phase: Phase::AwaitingHello, refusals: 0 }
    }

    /// The conversation's format, once it is known.
    #[must_use]
    pub const fn format(&self) -> Option<Format> {
        self.format
    }

    /// Whether the session is open: `hello` was accepted and nothing ended it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether the conversation is over.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// A message of this format begins. `None`: go on and decode it.
    pub fn handle_message(&mut self, format: Format) -> Option<Step<'static>> {
        if self.phase == Phase::Ended {
            return Some(Step::Ignore);
        }
        if *self.format.get_or_insert(format) == format {
            return None;
        }
        self.phase = Phase::Ended;
        Some(Step::End(CloseCode::ProtocolError, Some(Fault::of(None, ErrorCode::WrongFormat))))
    }

    /// A message could not be decoded.
    pub fn handle_undecodable(&mut self, error: &DecodeError) -> Step<'static> {
        let fault = Fault { id: error.id, code: error.code, field: error.field, message: error.message };
        if !error.ends_connection() {
            return self.fault(fault);
        }
        if core::mem::replace(&mut self.phase, Phase::Ended) == Phase::Ended {
            return Step::Ignore;
        }
        let code = match error.code {
            ErrorCode::FrameTooLarge => CloseCode::FrameTooLarge,
            _ => CloseCode::ProtocolError,
        };
        Step::End(code, Some(fault))
    }

    /// The driver opened the session that the last [`Step::Hello`] asked for.
    pub fn handle_opened(&mut self, now: Monotonic) {
        if self.phase == Phase::AwaitingHello {
            self.phase = Phase::Open;
            self.since = now;
        }
    }

    /// The driver refused the last [`Step::Hello`]. After a bad resume secret the client may say `hello` again
    /// without it; whom nobody vouches for is closed.
    pub fn handle_refused(&mut self, id: Option<RequestId>, code: ErrorCode) -> Step<'static> {
        let fault = Fault::of(id, code);
        let close = match code {
            ErrorCode::TokenExpired => CloseCode::TokenExpired,
            ErrorCode::TokenRequired | ErrorCode::TokenInvalid | ErrorCode::TokenUser => {
                CloseCode::Unauthorized
            }
            ErrorCode::Draining => CloseCode::Draining,
            ErrorCode::ShardFull => CloseCode::Overloaded,
            ErrorCode::Internal => CloseCode::Internal,
            _ => return self.fault(fault),
        };
        if core::mem::replace(&mut self.phase, Phase::Ended) == Phase::Ended {
            return Step::Ignore;
        }
        Step::End(close, Some(fault))
    }

    /// The driver closes the connection for reasons of its own.
    pub const fn handle_end(&mut self) {
        self.phase = Phase::Ended;
    }

    /// An `error` that the connection survives, unless there were too many before it was of use.
    fn fault(&mut self, fault: Fault) -> Step<'static> {
        match self.phase {
            Phase::Ended => Step::Ignore,
            Phase::Open => Step::Fault(fault),
            Phase::AwaitingHello => {
                self.refusals += 1;
                if self.refusals < HELLO_ATTEMPTS_MAX {
                    return Step::Fault(fault);
                }
                self.phase = Phase::Ended;
                Step::End(CloseCode::ProtocolError, Some(fault))
            }
        }
    }
}

const _: () = assert!(size_of::<Server>() <= 24);

#[cfg(test)]
mod tests;
