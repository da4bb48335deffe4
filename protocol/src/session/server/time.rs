//! Deadlines: a `hello` in time, then something every two heartbeats.

use super::{Phase, Server};
use crate::CloseCode;
use crate::time::Monotonic;

/// The operator's times; a reload may change them under open sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// From the connection to an accepted `hello`.
    pub handshake_ms: u64,
    /// As told in `welcome`; twice this without a byte ends the session.
    pub heartbeat_ms: u64,
}

impl Server {
    /// Something arrived: frames, or a transport's own sign of life.
    pub const fn handle_heard(&mut self, now: Monotonic) {
        if matches!(self.phase, Phase::Open) {
            self.since = now;
        }
    }

    /// When [`Server::handle_timeout`] wants to be called; `None`: never.
    #[must_use]
    pub const fn poll_timeout(&self, times: &Times) -> Option<Monotonic> {
        match self.phase {
            Phase::AwaitingHello => Some(self.since.plus_ms(times.handshake_ms)),
            Phase::Open => Some(self.since.plus_ms(times.heartbeat_ms.saturating_mul(2))),
            Phase::Ended => None,
        }
    }

    /// The code to close with, if the deadline is over. Before it nothing happens.
    pub fn handle_timeout(&mut self, now: Monotonic, times: &Times) -> Option<CloseCode> {
        let due = self.poll_timeout(times)?;
        if now < due {
            return None;
        }
        let code = match self.phase {
            Phase::AwaitingHello => CloseCode::HandshakeTimeout,
            Phase::Open | Phase::Ended => CloseCode::HeartbeatTimeout,
        };
        self.phase = Phase::Ended;
        Some(code)
    }
}
