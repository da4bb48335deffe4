//! What a driver tells and asks: the one seam between the machinery and what the client is for.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ringway_protocol::Event;
use ringway_protocol::codec::DecodeError;
use ringway_protocol::session::client::{Reaction, Reconnect, Violation, Way as Line};

use crate::{Ending, Outlet};

/// How a frame came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// In order: the control stream, or all that a WebSocket brings.
    Control,
    /// On a stream of its own.
    Stream,
    /// As a datagram.
    Datagram,
}

impl From<Line> for Way {
    fn from(line: Line) -> Self {
        match line {
            Line::Control => Self::Control,
            Line::Stream(_) => Self::Stream,
            Line::Apart => Self::Datagram,
        }
    }
}

/// One event and what the session machine makes of it.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// What the server said, borrowed from the bytes that came.
    pub event: &'a Event<'a>,
    /// What it means.
    pub reaction: Reaction,
    /// How it came. What was held until its room was joined counts as come on a stream.
    pub way: Way,
    /// When its bytes were taken from the transport.
    pub at: Instant,
}

/// What one client is for. All calls come from the driver's task, one at a time; none may block. Through the [`Outlet`]
/// a handler can answer at once.
pub trait Handler {
    /// Whether a connection may be begun now that one is wanted. If not, the driver asks again when the context's waker is
    /// woken: this is how thousands of clients come back one after the other.
    fn poll_connect(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let _ = context;
        Poll::Ready(())
    }

    /// The transport is up; `hello` is on its way. `took`: from the first packet.
    fn handle_connected(&mut self, outlet: &mut Outlet, took: Duration) {
        let _ = (outlet, took);
    }

    /// One event. Values that a newer one of their key has overtaken, and messages of rooms that the client is not in,
    /// are not told.
    fn handle_event(&mut self, outlet: &mut Outlet, arrival: Arrival<'_>);

    /// The server broke a promise.
    fn handle_violation(&mut self, outlet: &mut Outlet, violation: &Violation) {
        let _ = (outlet, violation);
    }

    /// Bytes that are no event.
    fn handle_garbled(&mut self, outlet: &mut Outlet, way: Way, fault: &DecodeError) {
        let _ = (outlet, way, fault);
    }

    /// The connection ended, or did not come to be. The client comes back unless `reconnect` says never or the handler
    /// [closes](Outlet::close) it now.
    fn handle_ended(&mut self, outlet: &mut Outlet, ending: &Ending, reconnect: Reconnect) {
        let _ = (outlet, ending, reconnect);
    }

    /// When [`Handler::handle_tick`] is due; asked after everything else that happens. Kept to about a millisecond.
    fn tick_at(&self) -> Option<Instant> {
        None
    }

    /// The time has come. The next one must be set before it returns, or none.
    fn handle_tick(&mut self, outlet: &mut Outlet) {
        let _ = outlet;
    }

    /// Called whenever the driver runs, also without a connection: look at sources of your own here (channels, flags),
    /// and leave `context`'s waker with those that have nothing. It runs again when a publish was refused for
    /// [want of room](crate::NotSent::Full) and there is room.
    fn poll(&mut self, outlet: &mut Outlet, context: &mut Context<'_>) {
        let _ = (outlet, context);
    }

    /// Whether the handler can take more of what comes this way. If not, the connection is read no further there, so
    /// that the server sees a slow reader, until the context's waker is woken. Datagrams are always read.
    fn poll_ready(&mut self, way: Way, context: &mut Context<'_>) -> Poll<()> {
        let _ = (way, context);
        Poll::Ready(())
    }
}
