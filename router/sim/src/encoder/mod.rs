//! The simulator's encoder: a frame is a numbered record of an event, with a plausible size in each format.
//!
//! A frame's number is its bytes: two deliveries of one number are byte-exact copies. Every frame made is also told to
//! the tap, from which the reference model learns what owners decided, independently of what sessions get. Invariant
//! kept here: a session is only offered a frame in a form that was prepared.

mod record;
mod replayed;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use ringway_core::Encoder;
use ringway_protocol::{Event, Format};

pub use record::{Changed, Heard, Joined, Members, Page, Published, Said};

/// What a frame is, wherever it goes.
#[derive(Clone, Debug)]
pub struct Record {
    /// Stands for the frame's bytes: unique in a world.
    pub serial: u64,
    /// The event.
    pub event: Heard,
    /// The one format of a reply; `None`: a broadcast, binary at once, JSON when prepared.
    pub format: Option<Format>,
    binary_bytes: u32,
    json_bytes: u32,
}

/// A frame on one shard.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What it is.
    pub record: Arc<Record>,
    json: Rc<Cell<bool>>,
}

/// A frame between shards.
#[derive(Clone, Debug)]
pub struct Shared {
    record: Arc<Record>,
    json: bool,
}

/// What the world sees of all encoders.
#[derive(Debug, Default)]
pub struct Tap {
    next_serial: u64,
    /// Frames made since the last look.
    pub made: Vec<Arc<Record>>,
    /// JSON forms built of broadcasts.
    pub json_builds: u64,
    /// The first thing that an encoder was asked and should not have been.
    pub fault: Option<String>,
}

/// One shard's encoder.
#[derive(Debug)]
pub struct SimEncoder {
    tap: Rc<RefCell<Tap>>,
}

impl SimEncoder {
    /// An encoder that tells this tap.
    #[must_use]
    pub const fn new(tap: Rc<RefCell<Tap>>) -> Self {
        Self { tap }
    }

    fn make(&self, event: &Event<'_>, format: Option<Format>) -> Frame {
        let event = Heard::from(event);
        let (binary_bytes, json_bytes) = sizes(&event);
        let mut tap = self.tap.borrow_mut();
        tap.next_serial += 1;
        let record = Arc::new(Record { serial: tap.next_serial, event, format, binary_bytes, json_bytes });
        tap.made.push(record.clone());
        Frame { record, json: Rc::new(Cell::new(false)) }
    }
}

impl Frame {
    /// Size in a format; `None` where the frame has no such form.
    #[must_use]
    pub fn bytes_in(&self, format: Format) -> Option<u32> {
        let has = match self.record.format {
            Some(only) => only == format,
            None => format == Format::Binary || self.json.get(),
        };
        has.then_some(match format {
            Format::Binary => self.record.binary_bytes,
            Format::Json => self.record.json_bytes,
        })
    }
}

impl Encoder for SimEncoder {
    type Frame = Frame;
    type Shared = Shared;

    fn reply(&mut self, event: &Event<'_>, format: Format) -> Frame {
        self.make(event, Some(format))
    }

    fn broadcast(&mut self, event: &Event<'_>) -> Frame {
        self.make(event, None)
    }

    fn prepare(&mut self, frame: &Frame, format: Format, room: &str) {
        let mut tap = self.tap.borrow_mut();
        match frame.record.format {
            Some(only) if only != format => {
                tap.fault.get_or_insert(format!("a reply in {only:?} was to be prepared as {format:?}"));
            }
            Some(_) => {}
            None if format == Format::Json && !frame.json.replace(true) => {
                tap.json_builds += 1;
                if room.is_empty() {
                    tap.fault.get_or_insert("a JSON form was built without the room's name".into());
                }
            }
            None => {}
        }
    }

    fn bytes(frame: &Frame, format: Format) -> usize {
        frame.bytes_in(format).unwrap_or(0) as usize
    }

    fn bytes_held(frame: &Frame) -> usize {
        frame.record.binary_bytes as usize
    }

    fn share(frame: &Frame) -> Shared {
        Shared { record: frame.record.clone(), json: frame.json.get() }
    }

    fn adopt(shared: Shared) -> Frame {
        Frame { record: shared.record, json: Rc::new(Cell::new(shared.json)) }
    }
}

/// Sizes near the real ones, binary and JSON.
fn sizes(event: &Heard) -> (u32, u32) {
    let (binary, json) = match event {
        Heard::Message(said) => (72 + said.body.len(), 130 + said.body.len() * 4 / 3),
        Heard::Joined(joined) => (96 + joined.members.len() * 40, 180 + joined.members.len() * 60),
        Heard::Presence(page) => (64 + page.members.len() * 40, 90 + page.members.len() * 60),
        Heard::PresenceChanged(changed) => {
            let named = changed.joined.len() + changed.left.len();
            (64 + named * 40, 90 + named * 60)
        }
        Heard::Welcome { .. } => (240, 420),
        Heard::Error { .. } | Heard::Closing { .. } => (80, 110),
        _ => (56, 80),
    };
    (binary as u32, json as u32)
}
