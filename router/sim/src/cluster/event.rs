//! What happens next: a heap of moments.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use ringway_cluster::coordinator::{Event as Word, Request, Token};
use ringway_core::Now;

use crate::client::Ask;
use crate::encoder::Record;

/// One thing that happens.
#[derive(Debug)]
pub(super) enum Event {
    /// A node begins to run.
    Start(usize),
    /// A shard takes a turn.
    Turn { node: usize, life: u64, shard: usize },
    /// A shard goes on with a turn in which its node stood still, by the clock that it had read.
    GoOn { node: usize, life: u64, shard: usize, read: Option<Now> },
    /// The member looks at what came, and at the clock.
    Control { node: usize, life: u64 },
    /// A request reaches the coordinator.
    Ask { node: usize, life: u64, token: Token, request: Request },
    /// Its answer reaches the node.
    Answer { node: usize, life: u64, token: Token, word: Word },
    /// Frames of one stream arrive.
    Frames { from: usize, to: usize, stream: usize, generation: u64 },
    /// What a node writes to its disk is there.
    Written { node: usize, life: u64 },
    /// A node learns that a link is up or down.
    Link { node: usize, life: u64, peer: usize, generation: u64, up: bool },
    /// Links are looked after.
    Links,
    /// Frames reach a client.
    Hears { conn: usize, records: Vec<Arc<Record>> },
    /// A client learns that its connection is gone.
    Ends { conn: usize },
    /// A command, or the connection's beginning (`None`), reaches its shard.
    Says { conn: usize, ask: Option<Ask> },
    /// The shard learns that a connection is gone.
    Gone { conn: usize, goodbye: bool },
    /// A client does something.
    Act(usize),
    /// Something goes wrong.
    Fault,
    /// Some nodes may be cut off together.
    Partition,
    /// Something that went wrong ends.
    Mend(Mend),
}

/// What ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mend {
    /// One way between two nodes.
    Way(usize, usize),
    /// A node reaches the coordinator again.
    Reaches(usize),
    /// A node hears the coordinator again.
    Hears(usize),
    /// The coordinator answers again.
    Outage,
}

struct Entry {
    at: u64,
    order: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// Everything that is to happen, by time, then in the order in which it was said.
#[derive(Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<Entry>>,
    order: u64,
}

impl Agenda {
    /// Something happens at this time.
    pub(super) fn push(&mut self, at: u64, event: Event) {
        self.order += 1;
        self.heap.push(Reverse(Entry { at, order: self.order, event }));
    }

    /// The next thing, if it is not later than `until`.
    pub(super) fn pop(&mut self, until: u64) -> Option<(u64, Event)> {
        if self.heap.peek().is_none_or(|next| next.0.at > until) {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.event))
    }
}
