//! The reference model: what owners decided, what clients meant, and what each session must see of it.
//!
//! [`Ledger`] learns from the frames that encoders make: a publication enters it the moment its owner gave it a place.
//! [`View`] is one session's sight of one room, checked frame by frame against the ledger.

mod keys;
mod presence;
pub mod publish;
mod room;
mod view;
mod way;

use std::collections::BTreeMap;

use ringway_core::audit::Span;
use ringway_core::settings::{KeyScope, Settings};
use ringway_protocol::event::Place;
use ringway_protocol::{BodyKind, Epoch, Position, RoomHandle, RoomName, SessionId};

use crate::encoder::{Heard, Record, Said};

pub use keys::Keys;
pub use presence::Presence;
pub use publish::Intent;
pub use room::{Current, KeyId, Order, RoomModel, Version};
pub use view::{JoinAsked, LEFT_OVER, OVERTAKEN, Stage, Verdict, View};
pub use way::Way;

/// How long an id is remembered at least, in microseconds; a bit less than promised, because both ends round.
const ID_KEPT_US: u64 = 119_000_000;
/// Ids that are remembered at least.
const IDS_KEPT: u64 = 1_024;

/// Everything that was decided.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By the plan's number.
    pub rooms: Vec<RoomModel>,
    /// Which room a handle is.
    pub handles: BTreeMap<RoomHandle, usize>,
    /// Room names.
    pub names: Vec<String>,
    /// Whose keys are, by room.
    pub scopes: Vec<KeyScope>,
    /// Shards may hold so little that one room's past is cut for another's.
    pub pressed: bool,
    /// Everything that anybody wanted to publish.
    pub intents: Vec<Intent>,
    /// How a room stood when an answer about it was made, by the answer's frame.
    pub spans: BTreeMap<u64, Option<Span>>,
}

impl Ledger {
    /// A ledger of rooms in which nothing was said.
    #[must_use]
    pub fn new(names: &[String], handles: &[RoomHandle], settings: &Settings) -> Self {
        let scope = |name: &String| {
            let namespace = RoomName::new(name).map_or("", RoomName::namespace);
            settings.namespaces.get(namespace).map_or(KeyScope::User, |policy| policy.key_scope)
        };
        Self {
            rooms: names.iter().map(|_| RoomModel::default()).collect(),
            handles: handles.iter().enumerate().map(|(room, handle)| (*handle, room)).collect(),
            names: names.to_vec(),
            pressed: settings.limits.shard_bytes_max < 1 << 30,
            scopes: names.iter().map(scope).collect(),
            intents: Vec::new(),
            spans: BTreeMap::new(),
        }
    }

    /// The room of a name.
    #[must_use]
    pub fn room_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// Whose key it is in this room.
    #[must_use]
    pub fn key_id(&self, room: usize, user: &str, key: &str) -> KeyId {
        let user = if self.scopes[room] == KeyScope::User { user } else { "" };
        (user.to_owned(), key.to_owned())
    }

    /// Learns from a frame that an owner made, while its room stood so.
    ///
    /// # Errors
    /// When the owner broke a promise.
    pub fn learn(
        &mut self,
        record: &Record,
        now: u64,
        span: impl Fn(usize) -> Option<Span>,
    ) -> Result<(), String> {
        match &record.event {
            Heard::Message(said) => {
                let Some(&room) = self.handles.get(&said.handle) else {
                    return Err(format!("a message of the unknown room {}", said.handle));
                };
                // A room may remove its last keys and end in one breath.
                let known = self.rooms[room].current().map(|order| order.epoch);
                let Some(epoch) = span(room).map(|stands| stands.epoch).or(known) else {
                    return Err(format!("room {room} speaks and is not there"));
                };
                self.rooms[room].see_epoch(epoch)?;
                self.learn_message(room, said, record.serial, now, epoch)
            }
            Heard::Reset { room, position, .. } => {
                let Some(room) = self.room_of(room) else { return Err(format!("reset of {room}")) };
                self.rooms[room].see_epoch(position.epoch)
            }
            Heard::Joined(joined) => {
                let Some(room) = self.room_of(&joined.room) else {
                    return Err(format!("joined {}", joined.room));
                };
                let stands = span(room);
                self.rooms[room].see_epoch(joined.position.epoch)?;
                self.spans.insert(record.serial, stands);
                Ok(())
            }
            Heard::History(page) => {
                let Some(room) = self.room_of(&page.room) else {
                    return Err(format!("page of {}", page.room));
                };
                self.spans.insert(record.serial, span(room));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn learn_message(
        &mut self,
        room: usize,
        said: &Said,
        serial: u64,
        now: u64,
        epoch: Epoch,
    ) -> Result<(), String> {
        let removed = said.kind == BodyKind::None;
        let intent = publish::intent_of(&said.body).filter(|_| !removed);
        if let Some(number) = intent {
            self.check_intent(room, number, said)?;
        } else if !removed {
            return Err(format!("nobody meant to say {said:?}"));
        }
        match said.place {
            Place::Offset(offset) => {
                self.rooms[room].said(offset.0, serial)?;
                let Some(number) = intent else { return Err("a reliable publication without body".into()) };
                self.check_id(room, number, offset.0, said.session, now)?;
                self.intents[number].places.push((epoch, offset.0));
            }
            Place::Version(version) => {
                let user = match intent {
                    Some(number) => self.intents[number].user.clone(),
                    None => said.user.clone().unwrap_or_default(),
                };
                let key = self.key_id(room, &user, said.key.as_deref().unwrap_or(""));
                self.rooms[room].versioned(said, serial, key)?;
                if let Some(number) = intent {
                    let places = &mut self.intents[number].places;
                    places.push((epoch, version.0));
                    if places.len() > 1 {
                        return Err(format!("intent {number} was published twice: {places:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn check_intent(&self, room: usize, number: usize, said: &Said) -> Result<(), String> {
        let Some(intent) = self.intents.get(number) else {
            return Err(format!("no intent {number} in {said:?}"));
        };
        let same = intent.room == room
            && intent.lane == said.lane
            && intent.key == said.key.as_deref().unwrap_or("")
            && intent.body_bytes == said.body.len()
            && said.user.as_ref().is_none_or(|user| *user == intent.user)
            && intent.sessions.contains(&said.session);
        if same { Ok(()) } else { Err(format!("{said:?} is not what was meant: {intent:?}")) }
    }

    /// No second publication of one `msg_id` within what is promised.
    fn check_id(
        &mut self,
        room: usize,
        number: usize,
        offset: u64,
        session: SessionId,
        now: u64,
    ) -> Result<(), String> {
        let intent = &self.intents[number];
        let earlier = intent.places.clone();
        let Some(msg_id) = intent.msg_id.clone() else {
            if earlier.is_empty() {
                return Ok(());
            }
            return Err(format!("intent {number} was published twice: {earlier:?} and at {offset}"));
        };
        // The first send carries no position. It may come after its own retry and after the order it was meant for.
        if intent.sessions.first() != Some(&session) && !earlier.is_empty() {
            return Err(format!(
                "the retry of intent {number} was published again: {earlier:?} and at {offset}"
            ));
        }
        let name = (intent.user.clone(), msg_id);
        let Some(order) = self.rooms[room].orders.last_mut() else { return Ok(()) };
        if let Some((at, taken)) = order.ids.get(&name) {
            let newer = order.ids.values().filter(|(other, _)| other > at).count() as u64;
            if now - taken < ID_KEPT_US && newer < IDS_KEPT {
                return Err(format!("{name:?} was published at {at} and again at {offset}"));
            }
        }
        order.ids.insert(name, (offset, now));
        order.first_id_at.get_or_insert(now);
        order.ids_count += 1;
        Ok(())
    }

    /// Whether the owner may have forgotten what became of a retry.
    #[must_use]
    pub fn may_have_forgotten(&self, room: usize, retry: Option<Position>, now: u64) -> bool {
        let (Some(retry), Some(order)) = (retry, self.rooms[room].current()) else { return retry.is_some() };
        let young = order.first_id_at.is_none_or(|first| now - first < ID_KEPT_US);
        retry.epoch != order.epoch || !young || order.ids_count > IDS_KEPT
    }

    /// The frame that stands at an offset.
    #[must_use]
    pub fn at(&self, room: usize, epoch: Epoch, offset: u64) -> Option<u64> {
        let order = self.rooms[room].order(epoch)?;
        order.said.get(usize::try_from(offset.checked_sub(1)?).ok()?).copied()
    }

    /// The order to which a value belongs, and what its version stands for.
    #[must_use]
    pub fn version_of(&self, room: usize, version: u64, serial: u64) -> Option<(Epoch, &Version)> {
        self.rooms[room].orders.iter().rev().find_map(|order| {
            let known = order.versions.get(&version).filter(|known| known.serial == serial)?;
            Some((order.epoch, known))
        })
    }

    /// What a version stands for.
    #[must_use]
    pub fn version(&self, room: usize, epoch: Epoch, version: u64) -> Option<&Version> {
        self.rooms[room].order(epoch)?.versions.get(&version)
    }
}
