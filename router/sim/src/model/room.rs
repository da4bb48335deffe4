//! One room as its owner's words build it up: its orders one after the other, what stands at each offset and version,
//! the current keys, the ids that must be remembered.
//!
//! Learned only from the frames that the owner made, never from what sessions got. Invariants checked while learning:
//! offsets are contiguous from 1 in each order, versions rise within the room's life.

use std::collections::BTreeMap;

use ringway_core::audit::Span;
use ringway_protocol::event::Place;
use ringway_protocol::{BodyKind, Epoch, Lane, SessionId};

use crate::encoder::Said;

/// Whose key, and which.
pub type KeyId = (String, String);

/// What a version stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The frame.
    pub serial: u64,
    /// The lane.
    pub lane: Lane,
    /// The key's identity.
    pub key: KeyId,
    /// The key is gone.
    pub removed: bool,
    /// Who set it.
    pub session: SessionId,
}

/// The current value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// Its version.
    pub version: u64,
    /// Its frame.
    pub serial: u64,
    /// Who set it.
    pub session: SessionId,
}

/// One incarnation of the room's order.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which.
    pub epoch: Epoch,
    /// Frames by offset − 1.
    pub said: Vec<u64>,
    /// Versions given in it.
    pub versions: BTreeMap<u64, Version>,
    /// `msg_id`s taken: user, id → offset and when.
    pub ids: BTreeMap<(String, Vec<u8>), (u64, u64)>,
    /// When the first id was taken, in microseconds.
    pub first_id_at: Option<u64>,
    /// Ids taken in all.
    pub ids_count: u64,
}

/// One room.
#[derive(Clone, Debug, Default)]
pub struct RoomModel {
    /// Orders, the newest last.
    pub orders: Vec<Order>,
    /// Current values of the latest lane.
    pub keys: BTreeMap<KeyId, Current>,
    /// The newest version given in any order.
    pub newest_version: u64,
    /// Removals told to one joiner: they take no version of their own.
    pub told_removals: BTreeMap<u64, (KeyId, u64)>,
}

impl RoomModel {
    /// The newest order.
    #[must_use]
    pub fn current(&self) -> Option<&Order> {
        self.orders.last()
    }

    /// An order by its name.
    #[must_use]
    pub fn order(&self, epoch: Epoch) -> Option<&Order> {
        self.orders.iter().rev().find(|order| order.epoch == epoch)
    }

    /// Makes the order known before anything is said in it.
    ///
    /// # Errors
    /// When an epoch comes back.
    pub fn see_epoch(&mut self, epoch: Epoch) -> Result<(), String> {
        if self.orders.last().is_some_and(|order| order.epoch == epoch) {
            return Ok(());
        }
        if self.order(epoch).is_some() {
            return Err(format!("epoch {epoch} came back"));
        }
        self.orders.push(Order {
            epoch,
            said: Vec::new(),
            versions: BTreeMap::new(),
            ids: BTreeMap::new(),
            first_id_at: None,
            ids_count: 0,
        });
        self.keys.clear();
        Ok(())
    }

    /// A publication of the reliable lane.
    ///
    /// # Errors
    /// When it does not take the next offset.
    pub fn said(&mut self, offset: u64, serial: u64) -> Result<(), String> {
        let Some(order) = self.orders.last_mut() else { return Err("a room without order speaks".into()) };
        if offset != order.said.len() as u64 + 1 {
            return Err(format!("offset {offset} is given after {}", order.said.len()));
        }
        order.said.push(serial);
        Ok(())
    }

    /// A publication of another lane, or a removal told to a joiner.
    ///
    /// # Errors
    /// When its version does not rise, or a removal is told of a key that lives.
    pub fn versioned(&mut self, said: &Said, serial: u64, key: KeyId) -> Result<(), String> {
        let Place::Version(version) = said.place else {
            return Err(format!("{:?} takes no version", said.lane));
        };
        let removed = said.kind == BodyKind::None;
        let Some(order) = self.orders.last_mut() else { return Err("a room without order speaks".into()) };
        let newest = order.versions.last_key_value().map_or(0, |(version, _)| *version);
        if version.0 <= newest
            || (newest == 0 && removed && said.session == SessionId(0) && !self.keys.contains_key(&key))
        {
            if removed && !self.keys.contains_key(&key) {
                self.told_removals.insert(serial, (key, version.0));
                return Ok(());
            }
            return Err(format!("version {version} of {key:?} is given after {newest:016x}"));
        }
        if version.0 <= self.newest_version {
            return Err(format!(
                "version {version} of a new order is given after {:016x}",
                self.newest_version
            ));
        }
        self.newest_version = version.0;
        let entry = Version { serial, lane: said.lane, key: key.clone(), removed, session: said.session };
        order.versions.insert(version.0, entry);
        if said.lane == Lane::Latest {
            if removed {
                self.keys.remove(&key);
            } else {
                self.keys.insert(key, Current { version: version.0, serial, session: said.session });
            }
        }
        Ok(())
    }

    /// Where the model and the owner disagree.
    ///
    /// # Errors
    /// In words.
    pub fn compare(&self, span: Option<&Span>) -> Result<(), String> {
        let (Some(span), Some(order)) = (span, self.current()) else { return Ok(()) };
        if span.epoch == order.epoch && span.last.0 != order.said.len() as u64 {
            return Err(format!("the owner stands at {}, {} were told", span.last, order.said.len()));
        }
        Ok(())
    }
}
