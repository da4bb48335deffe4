//! What may be said when.

use super::{Fault, Phase, Server, Step};
use crate::command::Command;
use crate::limit::PROTOCOL_VERSION;
use crate::{CloseCode, ErrorCode};

impl Server {
    /// A decoded command.
    pub fn handle_command<'a>(&mut self, command: Command<'a>) -> Step<'a> {
        match (self.phase, command) {
            (Phase::Ended, _) => Step::Ignore,
            (Phase::AwaitingHello, Command::Hello(hello)) if hello.protocol == PROTOCOL_VERSION => {
                Step::Hello(hello)
            }
            (Phase::AwaitingHello, Command::Hello(hello)) => {
                self.phase = Phase::Ended;
                let fault = Fault::of(hello.id, ErrorCode::UnsupportedProtocol);
                Step::End(CloseCode::UnsupportedProtocol, Some(fault))
            }
            (Phase::AwaitingHello, command) | (Phase::Open, command @ Command::Hello(_)) => {
                self.fault(Fault::of(command.id(), ErrorCode::WrongState))
            }
            (Phase::Open, Command::Refresh(refresh)) => Step::Refresh(refresh),
            (Phase::Open, command) => Step::Command(command),
        }
    }
}
