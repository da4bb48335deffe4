//! A connection's way down: the socket's buffer and the client's appetite, byte by byte.
//!
//! Session view. A frame stands for its bytes, so the pipe checks what a byte stream would show: a frame begun is
//! finished before any other, from exactly where it was left, and frames come out in the order in which they went in.

use std::collections::VecDeque;
use std::sync::Arc;

use ringway_protocol::Format;

use ringway_core::Via;

use super::Ways;
use crate::encoder::{Frame, Record};
use crate::model::Way;

/// A frame that is only partly in the pipe.
#[derive(Debug)]
struct Partial {
    record: Arc<Record>,
    written: u64,
    bytes: u64,
    way: Way,
}

/// One connection's way down.
#[derive(Debug)]
pub struct Pipe {
    format: Format,
    /// Bytes that fit before the client reads.
    pub capacity: u64,
    /// Bytes a millisecond that the client reads.
    pub rate: u64,
    /// The client reads nothing before this moment, in microseconds.
    pub stalled_until: u64,
    /// The transport took less than it was offered; the next free byte makes it writable.
    pub full: bool,
    buffered: u64,
    entered: u64,
    left: u64,
    credit: u64,
    read_at: u64,
    partial: Option<Partial>,
    /// Whole frames with the place where each ends in the pipe, and which way it goes on.
    frames: VecDeque<(Arc<Record>, u64, Way)>,
    offer: Vec<(Frame, u64, Via)>,
}

impl Pipe {
    /// An empty pipe.
    #[must_use]
    pub const fn new(format: Format, capacity: u64, rate: u64, now: u64) -> Self {
        Self {
            format,
            capacity,
            rate,
            stalled_until: 0,
            full: false,
            buffered: 0,
            entered: 0,
            left: 0,
            credit: 0,
            read_at: now,
            partial: None,
            frames: VecDeque::new(),
            offer: Vec::new(),
        }
    }

    /// Bytes that fit now.
    #[must_use]
    pub const fn room(&self) -> u64 {
        self.capacity.saturating_sub(self.buffered)
    }

    /// Whether the client has everything that went in.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        self.buffered == 0
    }

    /// One frame of an offer.
    pub fn offer(&mut self, frame: &Frame, already: usize, via: Via) {
        self.offer.push((frame.clone(), already as u64, via));
    }

    /// The transport takes this many bytes of the offer.
    ///
    /// # Errors
    /// When the offer is not a continuation of the byte stream, or of the stream that a frame was begun on, or a frame has
    /// no form for this session.
    pub fn take(&mut self, offered: u64, taken: u64, mut ways: Option<&mut Ways>) -> Result<(), String> {
        let offer = core::mem::take(&mut self.offer);
        if let (true, Some(partial)) = (offer.is_empty(), &self.partial) {
            return Err(format!("frame {} is begun and its rest is not offered", partial.record.serial));
        }
        let mut sum = 0;
        let mut left = taken;
        for (index, (frame, already, via)) in offer.into_iter().enumerate() {
            let serial = frame.record.serial;
            let Some(bytes) = frame.bytes_in(self.format).map(u64::from) else {
                return Err(format!(
                    "a {:?} session is offered a frame without that form: {:?}",
                    self.format, frame.record
                ));
            };
            let begun = self.partial.as_ref().filter(|_| index == 0);
            let expected = begun.map_or(0, |partial| partial.written);
            if already != expected || begun.is_some_and(|partial| partial.record.serial != serial) {
                return Err(format!(
                    "frame {serial} is offered from byte {already}, while {:?} is begun",
                    self.partial.as_ref().map(|partial| (partial.record.serial, partial.written))
                ));
            }
            let rest = bytes - already;
            sum += rest;
            let now = rest.min(left);
            left -= now;
            self.entered += now;
            self.buffered += now;
            if now == 0 {
                continue;
            }
            let way = match &mut ways {
                Some(ways) => ways.begin(via)?,
                None if via == Via::Control => Way::Control,
                None => return Err(format!("frame {serial} goes {via:?} on a transport with one stream")),
            };
            if let Some(partial) = begun.filter(|partial| partial.way != way) {
                return Err(format!("frame {serial} is begun on {:?} and goes on on {way:?}", partial.way));
            }
            if now < rest {
                self.partial = Some(Partial { record: frame.record, written: already + now, bytes, way });
                continue;
            }
            self.partial = None;
            if let Some(ways) = &mut ways {
                ways.finish(via, &frame.record);
            }
            self.frames.push_back((frame.record, self.entered, way));
        }
        if sum != offered {
            return Err(format!("{sum} bytes of frames were offered as {offered}"));
        }
        Ok(())
    }

    /// Lets the client read what it can until now.
    pub fn read(&mut self, now: u64) {
        let since = self.read_at.max(self.stalled_until);
        if now < self.stalled_until {
            return;
        }
        self.read_at = now;
        let gained = now.saturating_sub(since).saturating_mul(self.rate) / 1_000;
        // An appetite that was not used is not saved up for ever.
        self.credit = self.credit.saturating_add(gained).min(self.rate.saturating_mul(20)).max(1);
        let read = self.credit.min(self.buffered);
        self.credit -= read;
        self.buffered -= read;
        self.left += read;
    }

    /// Reads everything at once, whatever the appetite.
    pub fn gulp(&mut self) {
        self.left += self.buffered;
        self.buffered = 0;
    }

    /// The next frame of which the client has the last byte.
    pub fn pop(&mut self) -> Option<(Arc<Record>, Way)> {
        if self.frames.front().is_none_or(|(_, end, _)| *end > self.left) {
            return None;
        }
        self.frames.pop_front().map(|(record, _, way)| (record, way))
    }

    /// The frame of which only a part went in, and how much of how much.
    #[must_use]
    pub fn begun(&self) -> Option<(u64, u64, u64)> {
        self.partial.as_ref().map(|partial| (partial.record.serial, partial.written, partial.bytes))
    }
}
