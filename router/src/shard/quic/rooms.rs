//! Rooms with a stream of their own: it begins with `joined`, and a loss elsewhere does not hold it up.

use bytes::Bytes;
use quinn_proto::{Dir, StreamId};
use ringway_core::Via;
use ringway_protocol::RoomHandle;

use super::peer::Peer;

impl Peer {
    /// The stream for these frames. A room that finds none to be had stays on the control stream: its order must not be
    /// torn.
    pub(super) fn stream_of(&mut self, via: Via, control: StreamId) -> StreamId {
        let (Via::Room(room) | Via::RoomEnd(room)) = via else { return control };
        if let Some(stream) = self.rooms.get(&room) {
            return stream.unwrap_or(control);
        }
        let stream = self.open_stream().filter(|stream| self.write_stream_head(*stream));
        self.rooms.insert(room, stream);
        stream.unwrap_or(control)
    }

    /// Whether a room's order goes on this stream.
    pub(super) fn is_of_room(&self, stream: StreamId) -> bool {
        self.rooms.values().any(|of_room| *of_room == Some(stream))
    }

    /// `left` was written: nothing follows it.
    pub(super) fn end_room_stream(&mut self, room: RoomHandle) {
        if let Some(Some(stream)) = self.rooms.remove(&room) {
            let _ = self.connection.send_stream(stream).finish();
        }
    }

    /// A stream of ours, if the client lets us open one now.
    pub(super) fn open_stream(&mut self) -> Option<StreamId> {
        self.spare_stream.take().or_else(|| self.connection.streams().open(Dir::Uni))
    }

    /// Begins a stream of ours; false if the peer lets us say nothing at all now: then it is reset.
    pub(super) fn write_stream_head(&mut self, stream: StreamId) -> bool {
        let head = Bytes::copy_from_slice(self.stream_head());
        if head.is_empty() || self.connection.send_stream(stream).write(&head) == Ok(head.len()) {
            return true;
        }
        let code = self.stream_code(super::values::SUPERSEDED);
        let _ = self.connection.send_stream(stream).reset(code);
        false
    }
}
