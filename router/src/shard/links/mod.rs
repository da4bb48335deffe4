//! The links of one shard: connections to other nodes that carry whole frames of `docs/link-protocol.md`. Shard view.
//!
//! [`Links`] is a machine: it has no socket and no clock, and knows nothing of rooms. Below it are QUIC's endpoint and
//! connections, likewise without a socket; [`LinkSockets`] is the rim that brings and takes datagrams. Driven by the
//! shard's turn:
//!
//! ```text
//! handle_datagram(now, ..)      as sockets are readable (LinkSockets::receive)
//! work(now)                     newcomers, timers, dials; what connections tell; bytes become frames
//! poll_event() poll_frame(..)   until they have nothing, or nobody takes more
//! room(..) push(..)             as far as there is room
//! flush(now) poll_transmit(..)  frames into streams, streams into packets (LinkSockets::flush)
//! poll_timeout() has_work()     when the next turn must be
//! ```
//!
//! Invariants:
//! - A link counts as up when each end accepted the other's hello; of one node at most one is up, the newest.
//! - What comes is read at once, up to the credit that was told: who does not poll holds `span` of each stream, and one
//!   frame more. What goes took its credit when it was pushed: behind the window is the caller's ring, not memory here.
//! - When a link goes down, what was neither sent nor polled is gone; its frames never mix with those of the next one.
//! - Nothing that a peer says panics. Whatever ends a link is told by an event, with a number if it has one.

mod backoff;
mod end;
mod event;
mod figures;
mod flush;
mod frames;
mod greet;
mod hear;
mod link;
mod newcomer;
mod node;
mod read;
mod settings;
mod setup;
mod sockets;
mod stream;
mod word;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use quinn_proto::crypto::rustls::NoInitialCipherSuite;
use quinn_proto::{ClientConfig, ConnectionHandle, Endpoint, Transmit};
use ringway_link::GoodbyeReason;
use ringway_protocol::NodeId;

pub(crate) use event::{LinkDown, LinkEvent};
pub(crate) use figures::{LinkFigures, LinkView};
pub(crate) use frames::PushError;
pub(crate) use node::LinkTarget;
pub(crate) use setup::{LinkBounds, LinkIdentity, LinkSetup, LinkTimes};
pub(crate) use sockets::LinkSockets;

use crate::pki::Credentials;
use crate::quic;
use crate::quic::newcomers::Newcomers;
use link::{Link, StreamNumber};
use node::Node;

/// The links of a shard.
pub(crate) struct Links {
    identity: LinkIdentity,
    credentials: Arc<Credentials>,
    client: ClientConfig,
    endpoint: Endpoint,
    /// Of the sockets, in their order.
    addresses: Vec<SocketAddr>,
    times: LinkTimes,
    bounds: LinkBounds,
    retry_secret: [u8; 32],
    /// By connection handle.
    links: Vec<Option<Box<Link>>>,
    nodes: BTreeMap<NodeId, Node>,
    newcomers: Newcomers,
    /// Links that others dial and that are not up yet.
    greeting: usize,
    /// Links that something happened to, each once.
    touched: VecDeque<usize>,
    /// Links whose packets this turn has not taken yet.
    sending: VecDeque<usize>,
    /// What the endpoint itself answers, with the socket that it leaves by.
    responses: VecDeque<(usize, Transmit, Vec<u8>)>,
    /// Streams that have frames to poll, each once.
    ready: VecDeque<(usize, StreamNumber)>,
    events: VecDeque<LinkEvent>,
    /// When the next timer is due.
    due: Option<Instant>,
    random: u64,
    figures: LinkFigures,
}

impl Links {
    /// Links with nobody yet: [`Links::handle_targets`] says with whom.
    ///
    /// # Errors
    /// The credentials have no suite for QUIC's first packets.
    pub(crate) fn new(setup: LinkSetup) -> Result<Self, NoInitialCipherSuite> {
        let LinkSetup { credentials, times, retry_secret, seed, .. } = setup;
        let server = settings::server(&credentials, &retry_secret, &times)?;
        let config = quic::settings::endpoint(setup.shard, &setup.reset_secret, seed);
        let [a, b, c, d, e, f, g, h, ..] = seed;
        Ok(Self {
            client: settings::client(&credentials, &times)?,
            identity: setup.identity,
            credentials,
            endpoint: Endpoint::new(config, Some(server), true, None),
            addresses: setup.addresses,
            times,
            bounds: setup.bounds,
            retry_secret,
            links: Vec::new(),
            nodes: BTreeMap::new(),
            newcomers: Newcomers::new(newcomer::BOUNDS),
            greeting: 0,
            touched: VecDeque::new(),
            sending: VecDeque::new(),
            responses: VecDeque::new(),
            ready: VecDeque::new(),
            events: VecDeque::new(),
            due: None,
            random: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            figures: LinkFigures::default(),
        })
    }

    /// Handshakes from now on use these; links that are there stay. They are of the same node.
    ///
    /// # Errors
    /// As [`Links::new`]; then nothing has changed.
    pub(crate) fn handle_credentials(
        &mut self,
        credentials: Arc<Credentials>,
    ) -> Result<(), NoInitialCipherSuite> {
        let server = settings::server(&credentials, &self.retry_secret, &self.times)?;
        self.client = settings::client(&credentials, &self.times)?;
        self.credentials = credentials;
        if !self.newcomers.is_closed() {
            self.endpoint.set_server_config(Some(server));
        }
        Ok(())
    }

    /// Says goodbye to everybody; nobody is dialled or let in any more. [`Links::is_idle`] when the last is gone.
    pub(crate) fn stop(&mut self, now: Instant) {
        self.newcomers.close(&mut self.endpoint);
        for index in 0..self.links.len() {
            self.goodbye(index, GoodbyeReason::Stopping, now);
        }
        self.renew_due();
    }

    /// Closes all links now, without waiting for anything: one flush follows.
    pub(crate) fn cut_all(&mut self, now: Instant) {
        self.stop(now);
        for index in 0..self.links.len() {
            if let Some(link) =
                self.links[index].as_deref_mut().filter(|link| link.stage != link::Stage::Over)
            {
                link.shut(now);
                self.touch(index);
            }
        }
    }

    /// Whether there is no link, up or on its way there or out.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.links.iter().flatten().all(|link| link.stage == link::Stage::Over)
    }

    /// The next that happened.
    pub(crate) fn poll_event(&mut self) -> Option<LinkEvent> {
        self.events.pop_front()
    }

    /// When a turn is due that nothing else begins.
    pub(crate) const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Whether the next turn has something to do at once.
    pub(crate) fn has_work(&self) -> bool {
        !self.touched.is_empty() || !self.responses.is_empty() || self.may_let_in()
    }

    /// What was counted so far.
    pub(crate) const fn figures(&self) -> &LinkFigures {
        &self.figures
    }

    /// The links that are up.
    pub(crate) fn views(&self) -> impl Iterator<Item = LinkView> {
        self.nodes.iter().filter_map(|(node, known)| {
            let link = self.links.get(known.link?)?.as_deref()?;
            let path = link.connection.stats().path;
            Some(LinkView {
                node: *node,
                incarnation: link.met?.incarnation,
                rtt: path.rtt,
                packets_sent: path.sent_packets,
                packets_lost: path.lost_packets,
                unsent_bytes: link.unsent,
                frames_held: link.streams.iter().map(|stream| stream.frames.len()).sum(),
            })
        })
    }

    /// The pump's part before frames are polled.
    pub(crate) fn work(&mut self, now: Instant) {
        self.let_in(now);
        if self.due.is_some_and(|due| due <= now) {
            self.fire(now);
            self.dial_due(now);
            self.renew_due();
        }
        for _ in 0..self.touched.len() {
            let Some(index) = self.touched.pop_front() else { break };
            if let Some(mut link) = self.links[index].take() {
                self.hear(index, &mut link, now);
                self.links[index] = Some(link);
            }
            // It stays touched: the flush takes it off.
            self.touched.push_back(index);
        }
    }

    fn fire(&mut self, now: Instant) {
        for index in 0..self.links.len() {
            let Some(link) = self.links[index].as_deref_mut() else { continue };
            if link.timer.is_none_or(|due| due > now) {
                continue;
            }
            if link.connection.poll_timeout().is_some_and(|due| due <= now) {
                link.connection.handle_timeout(now);
            }
            if link.until.is_some_and(|until| until <= now) {
                self.time_out(index, now);
            }
            self.touch(index);
        }
    }

    /// Finds out anew when a turn is due.
    fn renew_due(&mut self) {
        let timers = self.links.iter().flatten().filter_map(|link| link.timer);
        self.due = timers.chain(self.next_dial()).min();
    }

    fn seat(&mut self, handle: ConnectionHandle, link: Link) {
        if self.links.len() <= handle.0 {
            self.links.resize_with(handle.0 + 1, || None);
        }
        self.greeting += usize::from(link.dialled.is_none());
        self.links[handle.0] = Some(Box::new(link));
        self.touch(handle.0);
    }

    /// Something happened to this one: the turn looks at it.
    fn touch(&mut self, index: usize) {
        if let Some(link) = self.links[index].as_deref_mut()
            && !std::mem::replace(&mut link.touched, true)
        {
            self.touched.push_back(index);
        }
    }
}
