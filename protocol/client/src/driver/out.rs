//! What waits to be sent on one connection. Session view.
//!
//! Commands stand as bytes, in order, bounded for those who ask ([`Out::is_full`]). Values of the latest and unreliable
//! lanes join them only while the connection takes what it is offered; else they wait by key and the newest replaces the
//! older ones, as what a transport has swallowed can't be replaced any more.

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use quinn::Connection;
use ringway_protocol::Command;
use ringway_protocol::codec::BinaryEncoder;
use ringway_protocol::websocket::{Opcode, write_close_masked, write_frame_masked};
use ringway_protocol::webtransport::ConnectId;

use crate::Bounds;
use crate::conflated::Conflated;
use crate::random::Masks;

/// Values that join the commands at once when the connection takes more.
const VALUE_BATCH_BYTES: usize = 16 * 1024;
/// Memory kept between writes.
const KEPT_BYTES: usize = 4 * 1024;

/// Which value: its room and key, and whether it goes as a datagram.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) room: Box<str>,
    pub(crate) key: Box<str>,
    pub(crate) lane: ringway_protocol::Lane,
}

pub(crate) struct Out {
    encoder: BinaryEncoder,
    /// On WebSocket, whose frames are masked.
    masks: Option<Masks>,
    /// Where there are datagrams.
    datagrams: Option<Datagrams>,
    bytes: Vec<u8>,
    written: usize,
    /// The connection took less than it was offered.
    blocked: bool,
    values: Conflated<Slot, Vec<u8>>,
    /// Whole datagrams.
    loose: Conflated<Slot, Bytes>,
    turn: u64,
    bytes_max: usize,
}

/// How datagrams leave.
pub(crate) struct Datagrams {
    connection: Connection,
    /// Stands before the frames: the session's, on WebTransport.
    prefix: Vec<u8>,
}

impl Datagrams {
    pub(crate) fn new(connection: &Connection, session: Option<ConnectId>) -> Self {
        let mut prefix = Vec::new();
        if let Some(session) = session {
            session.write_datagram_prefix(&mut prefix);
        }
        Self { connection: connection.clone(), prefix }
    }

    fn fit(&self, frame: &[u8]) -> bool {
        self.connection.max_datagram_size().is_some_and(|most| self.prefix.len() + frame.len() <= most)
    }

    fn wrap(&self, frame: &[u8]) -> Bytes {
        let mut datagram = Vec::with_capacity(self.prefix.len() + frame.len());
        datagram.extend_from_slice(&self.prefix);
        datagram.extend_from_slice(frame);
        datagram.into()
    }

    /// False when others wait for their packets, and this one would push them out.
    fn take(&self, datagram: &Bytes) -> bool {
        self.connection.datagram_send_buffer_space() >= datagram.len()
            && self.connection.send_datagram(datagram.clone()).is_ok()
    }
}

/// Where a value went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Written,
    Datagram,
    Waits,
}

impl Out {
    pub(crate) fn new(bounds: &Bounds) -> Self {
        Self {
            encoder: BinaryEncoder::new(),
            masks: None,
            datagrams: None,
            bytes: Vec::new(),
            written: 0,
            blocked: false,
            values: Conflated::new(bounds.values, bounds.value_bytes),
            loose: Conflated::new(bounds.values, bounds.value_bytes),
            turn: 0,
            bytes_max: bounds.send_bytes,
        }
    }

    /// A new connection: what waited for the old one is void.
    pub(crate) fn open(&mut self, masked: bool, datagrams: Option<Datagrams>) {
        self.close();
        self.masks = masked.then(Masks::new);
        self.datagrams = datagrams;
    }

    pub(crate) fn close(&mut self) {
        self.bytes = Vec::new();
        self.written = 0;
        self.blocked = false;
        self.datagrams = None;
        self.values.forget(|_| true);
        self.loose.forget(|_| true);
    }

    /// Appends a command.
    pub(crate) fn command(&mut self, command: &Command<'_>) {
        let frame = self.encoder.command(command);
        append(&mut self.bytes, &mut self.masks, frame);
    }

    /// Sends a value, or lets it wait as the newest of its slot.
    pub(crate) fn value(&mut self, command: &Command<'_>, slot: impl FnOnce() -> Slot, loose: bool) -> Put {
        let frame = self.encoder.command(command);
        if loose
            && let Some(datagrams) = &self.datagrams
            && datagrams.fit(frame)
        {
            let datagram = datagrams.wrap(frame);
            if self.loose.is_empty() && datagrams.take(&datagram) {
                return Put::Datagram;
            }
            self.turn += 1;
            self.loose.put(self.turn, slot(), datagram, frame.len());
            return Put::Waits;
        }
        if !self.blocked && self.values.is_empty() && self.bytes.len() - self.written < self.bytes_max {
            append(&mut self.bytes, &mut self.masks, frame);
            return Put::Written;
        }
        self.turn += 1;
        self.values.put(self.turn, slot(), frame.to_vec(), frame.len());
        Put::Waits
    }

    /// Drops the values of a room that wait.
    pub(crate) fn forget(&mut self, room: &str) {
        self.values.forget(|slot| *slot.room == *room);
        self.loose.forget(|slot| *slot.room == *room);
    }

    /// The next datagram that waited, for which there is room now.
    pub(crate) fn poll_datagram(&mut self) -> Option<Bytes> {
        self.loose.pop().map(|(_, datagram)| datagram)
    }

    /// A WebSocket control frame, unless very much waits already.
    pub(crate) fn control(&mut self, opcode: Opcode, payload: &[u8]) {
        if let Some(masks) = self.masks.as_mut().filter(|_| self.bytes.len() < 2 * self.bytes_max) {
            write_frame_masked(&mut self.bytes, opcode, payload, masks.next());
        }
    }

    /// A WebSocket close frame.
    pub(crate) fn close_frame(&mut self, code: u16) {
        if let Some(masks) = &mut self.masks {
            write_close_masked(&mut self.bytes, code, "", masks.next());
        }
    }

    /// Bytes of commands that the connection has not taken.
    pub(crate) const fn waiting_bytes(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Bytes of values that wait.
    pub(crate) const fn value_bytes(&self) -> usize {
        self.values.bytes() + self.loose.bytes()
    }

    /// Whether who can wait should.
    pub(crate) const fn is_full(&self) -> bool {
        self.waiting_bytes() >= self.bytes_max
    }

    /// Whether there is room again: half of it, so that who waited does not come back for every byte.
    pub(crate) const fn has_room(&self) -> bool {
        self.waiting_bytes() <= self.bytes_max / 2
    }

    /// Values replaced by newer ones, and dropped for want of room or connection.
    pub(crate) const fn lost(&self) -> (u64, u64) {
        let ((replaced, dropped), (loose_replaced, loose_dropped)) = (self.values.lost(), self.loose.lost());
        (replaced + loose_replaced, dropped + loose_dropped)
    }

    /// Hands over what the connection takes.
    ///
    /// # Errors
    /// The connection's.
    pub(crate) fn poll_write<E>(
        &mut self,
        context: &mut Context<'_>,
        mut write: impl FnMut(&mut Context<'_>, &[u8]) -> Poll<Result<usize, E>>,
    ) -> Result<(), E> {
        loop {
            while self.written < self.bytes.len() {
                match write(context, &self.bytes[self.written..]) {
                    Poll::Ready(count) => self.written += count?,
                    Poll::Pending => {
                        self.blocked = true;
                        return Ok(());
                    }
                }
            }
            self.written = 0;
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES);
            self.blocked = false;
            while self.bytes.len() < VALUE_BATCH_BYTES
                && let Some((_, frame)) = self.values.pop()
            {
                append(&mut self.bytes, &mut self.masks, &frame);
            }
            if self.bytes.is_empty() {
                return Ok(());
            }
        }
    }
}

/// One whole frame, in a message of its own where there are messages.
fn append(bytes: &mut Vec<u8>, masks: &mut Option<Masks>, frame: &[u8]) {
    match masks {
        Some(masks) => write_frame_masked(bytes, Opcode::Binary, frame, masks.next()),
        None => bytes.extend_from_slice(frame),
    }
}

/// Writing nothing is an error where there is something to write.
pub(crate) fn some(count: usize) -> io::Result<usize> {
    if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(count) }
}
