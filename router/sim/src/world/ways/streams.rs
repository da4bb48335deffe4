//! Which stream is which room's, as the rim keeps it: opened with the first frame, ended behind the last.

use std::collections::BTreeMap;

use ringway_protocol::RoomHandle;

use crate::model::Way;
use crate::tally::Tally;

/// Streams by room.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// `None`: there was none to be had, so that the room's order is on the control stream.
    by_room: BTreeMap<RoomHandle, Option<u32>>,
    opened: u32,
    /// Rooms that found none.
    pub(super) refused: u32,
}

impl Streams {
    /// The way of a room's frame; a new stream with its first one, unless that is `refused`.
    pub(super) fn way_of(&mut self, room: RoomHandle, refused: bool, tally: &mut Tally) -> Way {
        let Self { by_room, opened, .. } = self;
        let stream = by_room.entry(room).or_insert_with(|| {
            if refused {
                tally.count("room stream not to be had");
                self.refused += 1;
                return None;
            }
            tally.count("room stream begun");
            *opened += 1;
            Some(*opened)
        });
        stream.map_or(Way::Control, Way::Stream)
    }

    /// Nothing follows in the room's order.
    pub(super) fn end(&mut self, room: RoomHandle, tally: &mut Tally) {
        if let Some(Some(_)) = self.by_room.remove(&room) {
            tally.count("room stream ended");
        }
    }

    pub(super) fn open(&self) -> impl Iterator<Item = (RoomHandle, Way)> {
        self.by_room.iter().filter_map(|(room, stream)| Some((*room, Way::Stream((*stream)?))))
    }
}
