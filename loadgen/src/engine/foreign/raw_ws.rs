//! Bare messages to a WebSocket server that sends each one to all, or all other, connections on the same path.
//!
//! A room is a path, a message is a body. Nothing is answered: a client counts as subscribed when its upgrade is done,
//! and the load begins only some time after that (`--head-start`). Several bodies in one message are not understood.

use std::time::Duration;

use ringway_protocol::websocket::Opcode;
use ringway_protocol::{Body, BodyKind};

use super::super::Out;
use super::dialect::{Dialect, Heard, Tell};

/// There is nothing to remember.
pub(super) struct RawWs;

impl Dialect for RawWs {
    fn is_websocket(&self) -> bool {
        true
    }

    fn greet(&mut self, _out: &mut Out) {}

    fn handle_open(&mut self, tell: Tell<'_>) {
        tell(Heard::Ready);
    }

    fn handle(&mut self, bytes: &[u8], _out: &mut Out, tell: Tell<'_>) {
        tell(Heard::Message(bytes));
    }

    fn subscribe(&mut self, _room: &str, _out: &mut Out, tell: Tell<'_>) {
        tell(Heard::Joined);
    }

    fn publish(&mut self, _room: &str, body: Body<'_>, out: &mut Out) -> bool {
        let opcode = match body.kind {
            BodyKind::Text | BodyKind::Json => Opcode::Text,
            BodyKind::Bytes | BodyKind::None => Opcode::Binary,
        };
        out.message(opcode, body.bytes);
        true
    }

    fn ping_every(&self) -> Option<Duration> {
        None
    }

    fn ping(&mut self, _out: &mut Out) {}

    fn leave(&mut self, _out: &mut Out) {}

    fn outstanding(&self) -> u32 {
        0
    }
}
