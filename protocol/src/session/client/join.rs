//! Joining, leaving, and joining again after a reconnect.

use super::{Client, Outgoing, Room, RoomIndex, Stage, State, Verifier};
use crate::command::{Join, Since};
use crate::{RequestId, RoomHandle, RoomName};

/// How a room is joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JoinOptions {
    /// Where the first join starts; later ones continue from the position held.
    pub since: Option<Since>,
    /// Whether `presence_changed` is wanted.
    pub presence: bool,
    /// Whether the room's order is wanted on a stream of its own: then a loss elsewhere does not hold it up. WebSocket has
    /// no streams and ignores it.
    pub stream: bool,
}

impl Client {
    /// Becomes a member of the room as soon as there is a session, and again after each reconnect.
    pub fn join(&mut self, room: RoomName<'_>, options: JoinOptions) -> RoomIndex {
        let index = self.find_or_add(room);
        let ready = self.state == State::Ready;
        if let Some(room) = self.rooms.get_mut(index.0 as usize) {
            room.options = options;
            match room.stage {
                Stage::Out => {
                    room.stage = Stage::Waiting;
                    if ready {
                        self.outgoing.push_back(Outgoing::Join(index));
                    }
                }
                Stage::Leaving => room.again = true,
                Stage::Waiting | Stage::Joining | Stage::In => {}
            }
        }
        index
    }

    /// Stops being a member and forgets the position.
    pub fn leave(&mut self, index: RoomIndex) {
        let Some(room) = self.rooms.get_mut(index.0 as usize) else { return };
        match room.stage {
            Stage::In | Stage::Joining if self.state == State::Ready => {
                room.stage = Stage::Leaving;
                self.outgoing.push_back(Outgoing::Leave(index));
            }
            Stage::Leaving => room.again = false,
            Stage::Out => {}
            _ => {
                room.stage = Stage::Out;
                room.verifier = Verifier::default();
            }
        }
    }

    /// The room's index, if the client ever named it.
    #[must_use]
    pub fn room_index(&self, name: &str) -> Option<RoomIndex> {
        if let [only] = self.rooms.as_slice() {
            return (*only.name == *name).then_some(RoomIndex(0));
        }
        let place = self.place_of(name).ok()?;
        self.names.get(place).copied()
    }

    pub(super) fn room_of_handle(&self, handle: RoomHandle) -> Option<RoomIndex> {
        match self.handles.as_slice() {
            [(only, index)] => (*only == handle).then_some(*index),
            handles => {
                let place = handles.binary_search_by_key(&handle, |(handle, _)| *handle).ok()?;
                handles.get(place).map(|(_, index)| *index)
            }
        }
    }

    pub(super) fn enter(&mut self, index: RoomIndex, handle: RoomHandle) {
        match self.handles.binary_search_by_key(&handle, |(handle, _)| *handle) {
            Ok(place) => self.handles[place].1 = index,
            Err(place) => self.handles.insert(place, (handle, index)),
        }
    }

    /// The membership is over, at whoever's wish.
    pub(super) fn exit(&mut self, index: RoomIndex) {
        self.handles.retain(|(_, other)| *other != index);
        let Some(room) = self.rooms.get_mut(index.0 as usize) else { return };
        room.verifier.handle_left();
        room.stage = Stage::Out;
        if core::mem::take(&mut room.again) {
            room.stage = Stage::Waiting;
            self.outgoing.push_back(Outgoing::Join(index));
        }
    }

    /// Queues the joins of all rooms that want one.
    pub(super) fn queue_joins(&mut self) {
        let waiting: Vec<_> = (0..)
            .map(RoomIndex)
            .zip(&self.rooms)
            .filter_map(|(index, room)| (room.stage == Stage::Waiting).then_some(index))
            .collect();
        let many = (self.limits.join_many as usize).min(crate::limit::JOIN_MANY_MAX);
        if many < 2 {
            self.outgoing.extend(waiting.into_iter().map(Outgoing::Join));
            return;
        }
        for chunk in waiting.chunks(many) {
            self.outgoing.push_back(match chunk {
                [only] => Outgoing::Join(*only),
                several => Outgoing::JoinMany(several.to_vec()),
            });
        }
    }

    /// The command for a room whose stage is set to [`Stage::Joining`] already.
    pub(super) fn join_of(&self, index: RoomIndex, id: RequestId) -> Option<Join<'_>> {
        let room = self.room(index)?;
        let resumes = matches!(room.asked, Some(Since::Position(_)));
        Some(Join {
            id: Some(id),
            room: RoomName::new(&room.name)?,
            since: room.asked,
            versions: if resumes && self.options.versions {
                room.verifier.versions().collect()
            } else {
                Vec::new()
            },
            presence: room.options.presence,
            stream: room.options.stream,
        })
    }

    /// A queued join whose room still wants it.
    pub(super) fn begin_join(&mut self, index: RoomIndex) -> bool {
        let Some(room) = self.rooms.get_mut(index.0 as usize) else { return false };
        if room.stage != Stage::Waiting {
            return false;
        }
        room.joining = true;
        room.asked = room.since();
        room.stage = Stage::Joining;
        self.joins_outstanding += 1;
        true
    }

    fn find_or_add(&mut self, name: RoomName<'_>) -> RoomIndex {
        match self.place_of(name.as_str()) {
            Ok(place) => self.names[place],
            Err(place) => {
                let index = RoomIndex(self.rooms.len() as u32);
                self.rooms.push(Room {
                    name: name.as_str().into(),
                    handle: RoomHandle::default(),
                    stage: Stage::Out,
                    joining: false,
                    again: false,
                    options: JoinOptions::default(),
                    asked: None,
                    verifier: Verifier::default(),
                });
                self.names.insert(place, index);
                index
            }
        }
    }

    fn place_of(&self, name: &str) -> Result<usize, usize> {
        self.names.binary_search_by(|index| self.rooms[index.0 as usize].name.as_ref().cmp(name))
    }
}
