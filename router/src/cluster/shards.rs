//! The consumer that has rooms: what the member decides becomes orders to all shards, what shards say goes to the driver.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringway_cluster::member::{Effect, Member};
use ringway_cluster::placement::State;
use ringway_cluster::replication::Registration;
use ringway_cluster::{NodeId, Slot};
use ringway_core::{Part, SlotWord};
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{error, warn};

use super::driver::Busy;
use super::{Consumer, Handle};
use crate::control::Control;
use crate::shard::{KnownNode, Said};

/// Between two tries to tell a driver that takes nothing.
const AGAIN: Duration = Duration::from_millis(10);

/// Shards of this process.
pub struct Shards {
    control: Control,
    handle: Handle,
    here: NodeId,
    part: Arc<Mutex<Part>>,
    effects: Vec<Effect>,
    nodes: Vec<KnownNode>,
}

impl Shards {
    /// For this node's shards, whose words come from `said`. Call it on the control thread's runtime.
    #[must_use]
    pub(crate) fn new(control: Control, handle: Handle, here: NodeId, said: UnboundedReceiver<Said>) -> Self {
        let part = Arc::new(Mutex::new(Part::new(here)));
        tokio::spawn(listen(said, handle.clone(), Arc::clone(&part)));
        Self { control, handle, here, part, effects: Vec::new(), nodes: Vec::new() }
    }

    fn part(&self) -> MutexGuard<'_, Part> {
        self.part.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The nodes that there may be links with, with whom to dial: of two, the lower id dials.
    fn known(&self, member: &Member) -> Vec<KnownNode> {
        let mut part = self.part();
        let mut known = Vec::new();
        for (node, record) in member.nodes() {
            if node == self.here || record.state == State::Dead {
                continue;
            }
            let Some(peer) = part.peer(node) else { continue };
            let dials = self.here < node;
            let addresses = if dials { addresses(&record.addresses) } else { Vec::new() };
            known.push(KnownNode { peer, node, addresses });
        }
        known
    }

    /// A node whose shards don't listen must not own anything.
    fn give_up(&self) {
        error!("a shard takes no orders: this node leaves the cluster");
        if let Err(busy) = self.handle.leave() {
            warn!(%busy, "the cluster was not told");
        }
    }
}

impl Consumer for Shards {
    fn effect(&mut self, effect: Effect, _: &Member) {
        self.effects.push(effect);
    }

    fn end(&mut self, member: &Member) {
        let known = self.known(member);
        if known != self.nodes {
            self.nodes.clone_from(&known);
            if self.control.node().cluster_nodes(known).is_err() {
                self.give_up();
            }
        }
        if self.effects.is_empty() {
            return;
        }
        let effects = core::mem::take(&mut self.effects);
        let update = self.part().update(member, effects);
        if (!update.routes.is_empty() || !update.tasks.is_empty())
            && self.control.node().cluster(update).is_err()
        {
            self.give_up();
        }
    }
}

fn addresses(text: &str) -> Vec<SocketAddr> {
    text.split(',').filter_map(|address| address.trim().parse().ok()).collect()
}

/// Tells the driver what shards say of their slots, for as long as there are shards.
async fn listen(mut said: UnboundedReceiver<Said>, handle: Handle, part: Arc<Mutex<Part>>) {
    while let Some(said) = said.recv().await {
        let node = |peer| part.lock().unwrap_or_else(PoisonError::into_inner).node(peer);
        while tell(&handle, &said, node).is_err() {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

fn tell(
    handle: &Handle,
    said: &Said,
    node: impl Fn(ringway_core::PeerId) -> Option<NodeId>,
) -> Result<(), Busy> {
    let (Some(slot), term) = (Slot::new(said.slot), said.term) else { return Ok(()) };
    match said.word {
        SlotWord::Frozen => handle.frozen(slot, term),
        SlotWord::Transferred { done } => handle.transferred(slot, term, done),
        SlotWord::InSync { standby, registration } => match node(standby) {
            Some(node) => handle.request_in_sync(slot, term, (node, Registration(registration))),
            None => Ok(()),
        },
        SlotWord::StandbyLost => handle.request_alone(slot, term),
    }
}
