//! Who knocks at an endpoint: new connections that wait for their turn, for a handshake costs as much as a hundred
//! deliveries. Beyond a bound an address must first show that it can be reached (RFC 9000 §8.1.2).

use std::collections::VecDeque;
use std::sync::Arc;

use quinn_proto::{Endpoint, Incoming, ServerConfig, Transmit};

/// How many may be there at once.
#[derive(Clone, Copy)]
pub(crate) struct NewcomerBounds {
    /// Handshakes under way or waiting, from which on an address must show that it can be reached.
    pub(crate) unvalidated: usize,
    /// Handshakes that wait for their turn.
    pub(crate) waiting: usize,
}

/// What became of a knock.
pub(crate) enum Knock {
    Waits,
    /// It must show where it is: this is to be sent to it.
    Retry(Transmit),
    Ignored,
}

/// New connections, each with the socket that it came to.
pub(crate) struct Newcomers {
    bounds: NewcomerBounds,
    waiting: VecDeque<(Incoming, usize)>,
    /// Nobody new is let in.
    closed: bool,
}

impl Newcomers {
    pub(crate) const fn new(bounds: NewcomerBounds) -> Self {
        Self { bounds, waiting: VecDeque::new(), closed: false }
    }

    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn next(&mut self) -> Option<(Incoming, usize)> {
        self.waiting.pop_front()
    }

    /// Somebody new: waits for its turn, or must first show that it can be reached. That is asked for at once and nothing
    /// is kept of it, so that a flood from addresses that don't answer leaves room in the queue for those that do.
    pub(crate) fn knock(
        &mut self,
        endpoint: &mut Endpoint,
        incoming: Incoming,
        socket: usize,
        handshaking: usize,
        packets: &mut Vec<u8>,
    ) -> Knock {
        let unproven = handshaking + self.waiting.len() >= self.bounds.unvalidated
            && !incoming.remote_address_validated();
        if unproven && !self.closed {
            match endpoint.retry(incoming, packets) {
                Ok(transmit) => return Knock::Retry(transmit),
                Err(error) => endpoint.ignore(error.into_incoming()),
            }
        } else if self.waiting.len() < self.bounds.waiting && !self.closed {
            self.waiting.push_back((incoming, socket));
            return Knock::Waits;
        } else {
            endpoint.ignore(incoming);
        }
        Knock::Ignored
    }

    /// Lets nobody new in.
    pub(crate) fn close(&mut self, endpoint: &mut Endpoint) {
        self.closed = true;
        for (incoming, _) in self.waiting.drain(..) {
            endpoint.ignore(incoming);
        }
        endpoint.set_server_config(None::<Arc<ServerConfig>>);
    }
}
