//! What some of the sessions look at, frame by frame: that the server keeps its promises while it is measured, and how old what it brings is.

use std::time::Instant;

use ringway_protocol::codec::binary::decode_event;
use ringway_protocol::event::Place;
use ringway_protocol::{Event, RoomHandle};

/// Bytes at the beginning of each body: when it should have been published, in nanoseconds of the run's clock.
pub(super) const STAMP_BYTES: usize = 8;

/// One session's view of its room.
pub(super) struct Check {
    handle: RoomHandle,
    /// The next offset of the reliable lane.
    next: u64,
    /// The newest version of each key.
    versions: Vec<(String, u64)>,
}

impl Check {
    /// From what `joined` said.
    pub(super) const fn new(handle: RoomHandle, offset: u64) -> Self {
        Self { handle, next: offset + 1, versions: Vec::new() }
    }

    /// Looks at a frame; the age of the publication in it, in microseconds.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn frame(&mut self, frame: &[u8], clock: Instant) -> Result<u64, String> {
        let message = match decode_event(frame).map_err(|error| format!("{error:?}"))? {
            Event::Message(message) => message,
            other => return Err(format!("{other:?} instead of a message")),
        };
        if message.handle != self.handle {
            return Err(format!("a message of {:?} in {:?}", message.handle, self.handle));
        }
        match message.place {
            Place::Offset(offset) if offset.0 == self.next => self.next += 1,
            Place::Offset(offset) => return Err(format!("offset {} instead of {}", offset.0, self.next)),
            Place::Version(version) => self.version(message.key.unwrap_or_default(), version.0)?,
        }
        let Some(stamp) = message.body.bytes.first_chunk::<STAMP_BYTES>() else {
            return Err(format!("a body of {} bytes", message.body.bytes.len()));
        };
        Ok((clock.elapsed().as_nanos() as u64).saturating_sub(u64::from_le_bytes(*stamp)) / 1_000)
    }

    fn version(&mut self, key: &str, version: u64) -> Result<(), String> {
        match self.versions.iter_mut().find(|(known, _)| known == key) {
            None => self.versions.push((key.to_owned(), version)),
            Some((_, newest)) if *newest < version => *newest = version,
            Some((_, newest)) => return Err(format!("version {version} of {key:?} after {newest}")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ringway_protocol::codec::BinaryEncoder;
    use ringway_protocol::event::{Message, Sender};
    use ringway_protocol::{Body, BodyKind, Lane, SessionId, UnixMicros};

    use super::*;

    fn message(lane: Lane, number: u64, key: Option<&str>) -> Vec<u8> {
        let body = Body { kind: BodyKind::Bytes, bytes: &[0; 40] };
        let from = Sender { user: None, session: SessionId(1) };
        let place = Place::of(lane, number);
        let handle = RoomHandle(7);
        let time = UnixMicros(0);
        let event = Event::Message(Message { room: None, handle, lane, place, time, from, key, body });
        BinaryEncoder::new().event(&event).to_vec()
    }

    #[test]
    fn a_hole_in_the_order_is_found() {
        let mut check = Check::new(RoomHandle(7), 3);
        let clock = Instant::now();
        assert!(check.frame(&message(Lane::Reliable, 4, None), clock).is_ok());
        assert!(check.frame(&message(Lane::Reliable, 6, None), clock).is_err());
    }

    #[test]
    fn an_older_version_of_a_key_is_found_and_that_of_another_is_not() {
        let mut check = Check::new(RoomHandle(7), 0);
        let clock = Instant::now();
        for (version, key, right) in [(5, "a", true), (4, "b", true), (5, "a", false), (6, "a", true)] {
            let checked = check.frame(&message(Lane::Unreliable, version, Some(key)), clock);
            assert_eq!(checked.is_ok(), right, "{version} of {key}");
        }
    }

    #[test]
    fn a_message_of_another_room_is_found() {
        let frame = message(Lane::Reliable, 1, None);
        assert!(Check::new(RoomHandle(8), 0).frame(&frame, Instant::now()).is_err());
    }
}
