//! What the rim tells the driver and asks of it: a handle that any thread may hold.

use std::fmt;

use ringway_cluster::replication::Registration;
use ringway_cluster::{NodeId, Slot, Term};
use tokio::sync::{mpsc, oneshot, watch};

use super::look::{Look, MapEntry, NodeLook};
use crate::cluster::Lease;

/// Inputs that wait: a few for each slot.
pub(super) const INPUTS_MAX: usize = 4 * ringway_cluster::slot::SLOTS;

/// One thing that the rim says.
#[derive(Debug)]
pub(super) enum Input {
    Frozen(Slot, Term),
    Transferred(Slot, Term, bool),
    InSync(Slot, Term, (NodeId, Registration)),
    Alone(Slot, Term),
    Drain,
    Leave,
    Look(oneshot::Sender<Look>),
    Map(oneshot::Sender<Vec<MapEntry>>),
    Nodes(oneshot::Sender<Vec<NodeLook>>),
}

/// The driver has no room, or has ended. With room for a few inputs of every slot only a driver that is stuck has none: say it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the cluster's driver takes nothing now")
    }
}

impl std::error::Error for Busy {}

/// The way to the driver. Cheap to clone; nothing here blocks.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) readiness: watch::Receiver<Readiness>,
    pub(super) lease: Lease,
}

/// Whether the node may serve, for `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is up and holds its lease.
    Ready,
    /// It is not, and why: a line.
    NotReady(String),
}

impl Handle {
    /// The slot takes nothing more, and everything in it is committed: answers `Effect::Freeze`.
    ///
    /// # Errors
    /// [`Busy`]: say it again.
    pub fn frozen(&self, slot: Slot, term: Term) -> Result<(), Busy> {
        self.say(Input::Frozen(slot, term))
    }

    /// The other node has all of the slot, or it has not: answers `Effect::Transfer`. `term` is the one under which the slot is
    /// owned here, one below the one that the effect named.
    ///
    /// # Errors
    /// [`Busy`]: say it again.
    pub fn transferred(&self, slot: Slot, term: Term, done: bool) -> Result<(), Busy> {
        self.say(Input::Transferred(slot, term, done))
    }

    /// The standby of a slot owned here under `term` has every committed publication.
    ///
    /// # Errors
    /// [`Busy`]: say it again.
    pub fn request_in_sync(
        &self,
        slot: Slot,
        term: Term,
        standby: (NodeId, Registration),
    ) -> Result<(), Busy> {
        self.say(Input::InSync(slot, term, standby))
    }

    /// The standby of a slot owned here under `term` does not keep up, or is gone.
    ///
    /// # Errors
    /// [`Busy`]: say it again.
    pub fn request_alone(&self, slot: Slot, term: Term) -> Result<(), Busy> {
        self.say(Input::Alone(slot, term))
    }

    /// Begins to hand over all slots.
    ///
    /// # Errors
    /// [`Busy`]: say it again.
    pub fn drain(&self) -> Result<(), Busy> {
        self.say(Input::Drain)
    }

    /// Leaves now; what is still owned is taken over.
    ///
    /// # Errors
    /// [`Busy`]: say it again.
    pub fn leave(&self) -> Result<(), Busy> {
        self.say(Input::Leave)
    }

    /// The right to ack, for shards.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.lease.clone()
    }

    /// Whether the node may serve, as of the last effect that was handed on.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.readiness.borrow().clone()
    }

    /// How the node stands, with its figures.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn look(&self) -> Result<Look, Busy> {
        self.ask(Input::Look).await
    }

    /// The whole map, by slot.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn map(&self) -> Result<Vec<MapEntry>, Busy> {
        self.ask(Input::Map).await
    }

    /// All nodes, by id.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn nodes(&self) -> Result<Vec<NodeLook>, Busy> {
        self.ask(Input::Nodes).await
    }

    fn say(&self, input: Input) -> Result<(), Busy> {
        self.inputs.try_send(input).map_err(|_| Busy)
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Input) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        self.say(question(answer))?;
        answered.await.map_err(|_| Busy)
    }
}
