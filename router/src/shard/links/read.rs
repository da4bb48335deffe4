//! From a link's streams to frames.

use std::time::Instant;

use bytes::Bytes;
use quinn_proto::ReadError;
use ringway_link::{DecodeError, HelloError, Reader, limit};

use super::Links;
use super::event::LinkDown;
use super::link::{Link, Stage, StreamNumber, Streams, id_of};

/// Bytes of one stream read in a turn: the others get theirs before the rest.
const BYTES_PER_TURN: usize = 256 * 1024;

/// Why a link can't be read on.
pub(super) enum Wrong {
    /// The peer said what is not to be said.
    Fault(DecodeError),
    /// Its hello is not taken.
    Hello(HelloError),
    /// It has said the last word, or said nothing in a way that is one.
    Last(LinkDown),
}

impl Links {
    /// Reads what came on all streams, each up to its share.
    pub(super) fn read(&mut self, index: usize, link: &mut Link, now: Instant) {
        let mut more = Streams::default();
        while let Some(number) = link.next_unread() {
            link.unread.remove(number);
            match self.read_stream(index, link, number, now) {
                Ok(true) => more.add(number),
                Ok(false) => {}
                Err(Wrong::Fault(error)) => self.blame(index, link, error, now),
                Err(Wrong::Hello(error)) => self.refuse(index, link, error, now),
                Err(Wrong::Last(why)) => self.lose(index, link, why, now),
            }
        }
        link.unread.merge(more);
    }

    /// True if there is more.
    fn read_stream(
        &mut self,
        index: usize,
        link: &mut Link,
        number: StreamNumber,
        now: Instant,
    ) -> Result<bool, Wrong> {
        let mut left = BYTES_PER_TURN;
        while left > 0 {
            let Some(bytes) = next_chunk(link, number, left)? else { return Ok(false) };
            left = left.saturating_sub(bytes.len());
            self.take_bytes(index, link, number, &bytes, now)?;
        }
        Ok(true)
    }

    fn take_bytes(
        &mut self,
        index: usize,
        link: &mut Link,
        number: StreamNumber,
        bytes: &Bytes,
        now: Instant,
    ) -> Result<(), Wrong> {
        let mut reader = std::mem::replace(&mut link.stream(number).reader, Reader::new(0));
        let mut input = &bytes[..];
        loop {
            let is_up = link.stage == Stage::Up;
            reader.set_frame_bytes_max(if is_up { limit::FRAME_BYTES_MAX } else { limit::HELLO_BYTES_MAX });
            let Some(frame) = reader.next(&mut input).map_err(Wrong::Fault)? else { break };
            self.take_frame(index, link, number, (frame, bytes), now)?;
        }
        link.stream(number).reader = reader;
        Ok(())
    }
}

/// The next bytes of a stream; `None` if nothing is there.
fn next_chunk(link: &mut Link, number: StreamNumber, bytes_max: usize) -> Result<Option<Bytes>, Wrong> {
    // Streams live as long as their link: who ends one has left.
    let ended = || Wrong::Last(LinkDown::Broken(format!("stream {number} ended")));
    let mut stream = link.connection.recv_stream(id_of(number));
    let mut chunks = stream.read(true).map_err(|_| ended())?;
    let chunk = chunks.next(bytes_max);
    // QUIC's credit for the peer goes out with the turn's packets.
    let _ = chunks.finalize();
    match chunk {
        Ok(Some(chunk)) => Ok(Some(chunk.bytes)),
        Err(ReadError::Blocked) => Ok(None),
        Ok(None) | Err(ReadError::Reset(_)) => Err(ended()),
    }
}
