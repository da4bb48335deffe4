//! From outboxes to sockets: one gathered write per dirty session, bounded per turn, going on where it stopped.
//!
//! What waits for a session is copied into one contiguous buffer (below about 2 KB a copy beats a vector of pieces, and
//! above it the kernel's own copy dwarfs ours) and given to the kernel without waiting. How it gets there is the seam
//! of this module: [`send`], a system call per session, or [`ring`], one submission for a batch. Both write the same
//! bytes and report the same way; `docs/adr` has the measurement that picked the default.
//!
//! A socket that takes less than it was offered is full: the core learns that its session lags, and a task waits for
//! room. Nothing else ever waits for a socket.

mod finish;
mod gather;
mod ring;
mod secure;
mod send;
mod settle;

use std::io;
use std::rc::Rc;

pub(super) use gather::lag;
use ringway_core::SessionKey;
use slab::Slab;

use super::connection::Connection;
use super::context::Rim;
use super::quic::QUIC;
use crate::node::{FlushChoice, RuntimeKind};
use crate::rt::Io;
use crate::transport::socket::Broken;
use ring::SendRing;

/// Writes in one turn; the others get theirs before the list is walked on.
const WRITES_PER_TURN: usize = 512;
/// Bytes in one turn.
const BYTES_PER_TURN: usize = 8 * 1024 * 1024;
/// Bytes offered to one socket at a time: more than a socket takes, so that a lagging one is recognized.
const OFFER_BYTES: usize = 64 * 1024;
/// Writes in one submission.
const BATCH_WRITES: usize = 512;
/// Bytes in one submission.
const BATCH_BYTES: usize = 1024 * 1024;

/// How gathered bytes get to the kernel.
enum Way {
    Send,
    Ring(Box<SendRing>),
}

/// The flush of a shard, with the buffers that it uses again.
pub(crate) struct Flush {
    way: Way,
    arena: Vec<u8>,
    /// What TLS is about to encrypt into the arena.
    text: Vec<u8>,
    jobs: Vec<Job>,
    /// Sockets that were found full in this turn: a task must wait for each.
    pub(crate) full: Vec<Full>,
}

/// One write.
struct Job {
    index: u32,
    source: Source,
    bytes: usize,
    /// Whose frames are among the bytes.
    session: Option<SessionKey>,
    /// There may be more behind them.
    more: bool,
    sent: Result<usize, Broken>,
}

/// Where a job's bytes are, and so what must be told how many of them were taken.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// In the arena: first so many of the connection's own output, then frames of the core's.
    Plain { start: usize, own: usize },
    /// They are the connection's own output.
    Output,
    /// In the arena, encrypted: output and core know already.
    Encrypted { start: usize },
    /// What an earlier encrypted write left.
    Leftover,
}

/// A socket to wait for.
pub(crate) struct Full {
    pub(crate) index: u32,
    pub(crate) serial: u32,
    pub(crate) io: Rc<Io>,
}

impl Flush {
    /// The flush of a shard; on the shard's own thread.
    ///
    /// # Errors
    /// When a ring was asked for and can't be made.
    pub(crate) fn new(choice: FlushChoice, runtime: RuntimeKind) -> io::Result<Self> {
        let way = match (choice, runtime) {
            (FlushChoice::Send, _) | (FlushChoice::Auto, RuntimeKind::Epoll) => Way::Send,
            (FlushChoice::Ring, _) | (FlushChoice::Auto, RuntimeKind::IoUring) => {
                Way::Ring(Box::new(SendRing::new()?))
            }
        };
        Ok(Self { way, arena: Vec::new(), text: Vec::new(), jobs: Vec::new(), full: Vec::new() })
    }

    /// Writes what waits, within a turn's bounds; what is left stays on the list.
    pub(crate) fn run(&mut self, connections: &mut Slab<Connection>, rim: &mut Rim) {
        while let Some(session) = rim.core.poll_dirty() {
            let Some(index) = rim.core.connection_of(session) else { continue };
            if index & QUIC != 0 {
                rim.quic_dirty.push(index);
                continue;
            }
            if let Some(connection) = connections.get_mut(index as usize) {
                if connection.full && connection.tls.is_some() {
                    lag(session, rim);
                }
                rim.queue(index, connection);
            }
        }
        let (mut writes, mut bytes) = (0, 0);
        while writes < WRITES_PER_TURN && bytes < BYTES_PER_TURN && !rim.ready.is_empty() {
            self.gather_batch(connections, rim, WRITES_PER_TURN - writes);
            match &mut self.way {
                Way::Send => send::write(&mut self.jobs, &self.arena, connections),
                Way::Ring(ring) => ring.write(&mut self.jobs, &self.arena, connections),
            }
            writes += self.jobs.len();
            bytes += self.jobs.iter().map(|job| job.bytes).sum::<usize>();
            self.settle_batch(connections, rim);
        }
    }

    /// How many writes go together.
    const fn batch_writes(&self) -> usize {
        match self.way {
            // Each is written while its bytes are still in the cache.
            Way::Send => 1,
            Way::Ring(_) => BATCH_WRITES,
        }
    }
}

impl Job {
    /// The bytes to write.
    fn bytes<'a>(&self, arena: &'a [u8], connections: &'a Slab<Connection>) -> &'a [u8] {
        let connection = &connections[self.index as usize];
        match self.source {
            Source::Plain { start, .. } | Source::Encrypted { start } => &arena[start..start + self.bytes],
            Source::Output => &connection.output[connection.said..connection.said + self.bytes],
            Source::Leftover => connection.tls.as_ref().map_or(&[], |tls| &tls.outgoing()[..self.bytes]),
        }
    }
}
