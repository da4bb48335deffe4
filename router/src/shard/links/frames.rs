//! Frames about rooms: taken in as they come, polled by the caller, pushed by it.

use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use ringway_core::Told;
use ringway_link::{Address, EncodeError, Fault, Forms, Frame, Head};
use ringway_protocol::NodeId;

use super::Links;
use super::link::{Link, Stage, StreamNumber};
use super::read::Wrong;
use super::stream::Stream;
use super::word::{OUT_OF_TURN, is_word};

/// Frames from here on share the memory of their packet, of 1,452 bytes or fewer.
const SHARED_BYTES_MIN: usize = 1_024;

/// Why a frame was not pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushError {
    /// There is no link to that node: what is said of its rooms is lost, and learned of otherwise.
    Down,
    /// There is no room now: it is to be pushed later, and nothing of its stream before it.
    Full,
    /// It can't be sent to anybody, now or later.
    Unfit(EncodeError),
    /// Words are the link's own.
    Word,
}

impl fmt::Display for PushError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down => formatter.write_str("there is no link to the node"),
            Self::Full => formatter.write_str("the link takes nothing more now"),
            Self::Unfit(error) => error.fmt(formatter),
            Self::Word => formatter.write_str("a word about the link itself"),
        }
    }
}

impl Links {
    /// The next frame, whole and with a head that is one; what is behind the head was not looked at
    /// ([`Links::handle_fault`]). Frames of one stream come in order, streams take turns. `takes` is asked about the first
    /// frame of each stream: what it does not take stays, and so does the stream behind it.
    pub(crate) fn poll_frame(
        &mut self,
        mut takes: impl FnMut(NodeId, &Head) -> bool,
    ) -> Option<(NodeId, Bytes)> {
        for _ in 0..self.ready.len() {
            let (index, number) = self.ready.pop_front()?;
            let Some(link) = self.links[index].as_deref_mut() else { continue };
            let Some(node) = link.node() else { continue };
            let stream = link.stream(number);
            let Some((head, _)) = stream.frames.front() else { continue };
            if !takes(node, head) {
                self.ready.push_back((index, number));
                continue;
            }
            let (_, frame) = stream.frames.pop_front()?;
            stream.taken.handle_taken(frame.len());
            if !stream.frames.is_empty() {
                self.ready.push_back((index, number));
            }
            link.dirty.add(number);
            self.touch(index);
            return Some((node, frame));
        }
        None
    }

    /// Bytes that may be pushed to a node on one of its streams ([`Address::stream`](ringway_link::Address::stream))
    /// before the link is behind. A frame goes while this is not 0, even a larger one.
    pub(crate) fn room(&mut self, node: NodeId, stream: StreamNumber) -> usize {
        let unsent_max = self.bounds.unsent_bytes;
        let Some((_, link)) = self.link_of(node) else { return 0 };
        let Some(stream) = link.streams.get(usize::from(stream)) else { return 0 };
        let credit = usize::try_from(stream.sent.room()).unwrap_or(usize::MAX);
        credit.min(unsent_max.saturating_sub(link.unsent))
    }

    /// Says a frame to a node, on the stream of its slot; it leaves with the flush.
    ///
    /// # Errors
    /// Why nothing was pushed.
    pub(crate) fn push(&mut self, node: NodeId, frame: &Frame<'_>) -> Result<(), PushError> {
        let number = frame.address().ok_or(PushError::Word)?.stream();
        self.put(node, number, |stream| stream.put_frame(frame))
    }

    /// The same for what an owner says.
    ///
    /// # Errors
    /// Why nothing was pushed.
    pub(crate) fn push_delivery(&mut self, node: NodeId, told: &Told<impl Forms>) -> Result<(), PushError> {
        let address = Address { slot: told.slot, ..Address::default() };
        self.put(node, address.stream(), |stream| stream.put_delivery(told))
    }

    fn put(
        &mut self,
        node: NodeId,
        number: StreamNumber,
        put: impl FnOnce(&mut Stream) -> Result<usize, EncodeError>,
    ) -> Result<(), PushError> {
        let unsent_max = self.bounds.unsent_bytes;
        let (index, link) = self.link_of(node).ok_or(PushError::Down)?;
        let is_behind = link.unsent >= unsent_max;
        let stream = link.stream(number);
        if is_behind || !stream.sent.may_send() {
            return Err(PushError::Full);
        }
        let bytes = put(stream).map_err(PushError::Unfit)?;
        let is_out = !stream.sent.may_send();
        link.unsent += bytes;
        link.dirty.add(number);
        self.figures.frames_out += 1;
        self.figures.bytes_out += bytes as u64;
        self.figures.credit_stalls += u64::from(is_out);
        self.touch(index);
        Ok(())
    }

    /// A whole frame came, which lies within `bytes` if it was not cut.
    pub(super) fn take_frame(
        &mut self,
        index: usize,
        link: &mut Link,
        number: StreamNumber,
        (frame, bytes): (&[u8], &Bytes),
        now: Instant,
    ) -> Result<(), Wrong> {
        let head = Head::of(frame).map_err(Wrong::Fault)?;
        let kind = head.kind().map_err(Wrong::Fault)?;
        if is_word(kind) {
            return self.handle_word(index, link, number, frame, now);
        }
        if link.stage != Stage::Up || head.address().stream() != number {
            return Err(Wrong::Fault(OUT_OF_TURN));
        }
        self.figures.frames_in += 1;
        self.figures.bytes_in += frame.len() as u64;
        let stream = link.stream(number);
        if stream.taken.handle_came(frame.len()).is_err() {
            let fault = Fault::BeyondCredit;
            return Err(Wrong::Fault(ringway_link::DecodeError { fault, field: "length", offset: 0 }));
        }
        if kind.is_none() {
            self.figures.frames_skipped += 1;
            stream.taken.handle_taken(frame.len());
            link.dirty.add(number);
            return Ok(());
        }
        if stream.frames.is_empty() {
            self.ready.push_back((index, number));
        }
        stream.frames.push_back((head, held(frame, bytes)));
        Ok(())
    }
}

/// A frame as it is held. One that fills its packet is a part of it; a smaller one would keep a whole packet, for which no
/// credit counts, and so is copied, as is one that came in pieces.
fn held(frame: &[u8], bytes: &Bytes) -> Bytes {
    let (outer, inner) = (bytes.as_ptr_range(), frame.as_ptr_range());
    let is_within = outer.start <= inner.start && inner.end <= outer.end;
    if is_within && frame.len() >= SHARED_BYTES_MIN {
        bytes.slice_ref(frame)
    } else {
        Bytes::copy_from_slice(frame)
    }
}
