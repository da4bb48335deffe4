//! The ways down of a transport that has several: streams of rooms beside the control stream, and values apart.
//!
//! Session view, both ends. What the pipe let through waits here for its time: a delay of its own for each stream, within
//! which order is kept, and for each value. Checked here: a frame that was begun on one stream is finished on it.

mod flight;
mod streams;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ringway_core::{Taken, Via};
use ringway_protocol::{Epoch, RoomHandle};

use crate::encoder::{Heard, Record};
use crate::model::Way;
use crate::plan::Paths;
use crate::random::Random;
use crate::tally::Tally;

use flight::Flight;
use streams::Streams;

/// All ways of one connection.
#[derive(Debug)]
pub struct Ways {
    paths: Paths,
    random: Random,
    streams: Option<Streams>,
    /// Frames that have left the pipe, by way, each with the moment it arrives.
    lines: BTreeMap<Way, VecDeque<(Arc<Record>, u64)>>,
    flight: Flight,
    /// The order of which each room's last `joined` or `reset` was written.
    told: BTreeMap<String, Epoch>,
    /// The core holds values that it was not let send.
    pub values_wait: bool,
    /// What happened here.
    pub tally: Tally,
}

impl Ways {
    /// The ways of a new connection, with streams for rooms or without.
    #[must_use]
    pub fn new(paths: Paths, streams: bool, seed: u64) -> Self {
        Self {
            paths,
            random: Random::new(seed),
            streams: streams.then(Streams::default),
            lines: BTreeMap::new(),
            flight: Flight::default(),
            told: BTreeMap::new(),
            values_wait: false,
            tally: Tally::default(),
        }
    }

    /// Whether rooms can have streams.
    #[must_use]
    pub const fn has_streams(&self) -> bool {
        self.streams.is_some()
    }

    /// Whether every room that asked for a stream found one.
    #[must_use]
    pub fn had_streams_enough(&self) -> bool {
        self.streams.as_ref().is_some_and(|streams| streams.refused == 0)
    }

    /// The streams of rooms that are open, with their rooms.
    pub fn open_streams(&self) -> impl Iterator<Item = (RoomHandle, Way)> {
        self.streams.iter().flat_map(Streams::open)
    }

    /// The way of a frame of which some bytes are written now.
    ///
    /// # Errors
    /// When the core speaks of a stream and the transport has none.
    pub fn begin(&mut self, via: Via) -> Result<Way, String> {
        match (&mut self.streams, via) {
            (_, Via::Control) => Ok(Way::Control),
            (Some(streams), Via::Room(room) | Via::RoomEnd(room)) => {
                let refused = self.paths.few_streams && self.random.chance(300);
                Ok(streams.way_of(room, refused, &mut self.tally))
            }
            (None, via) => Err(format!("{via:?} on a transport without streams")),
        }
    }

    /// The last byte of a frame is written.
    pub fn finish(&mut self, via: Via, record: &Record) {
        match &record.event {
            Heard::Joined(joined) => {
                self.told.insert(joined.room.clone(), joined.position.epoch);
            }
            Heard::Reset { room, position, .. } => {
                self.told.insert(room.clone(), position.epoch);
            }
            Heard::Left { room, .. } => {
                self.told.remove(room);
            }
            _ => {}
        }
        if let (Some(streams), Via::RoomEnd(room)) = (&mut self.streams, via) {
            streams.end(room, &mut self.tally);
        }
    }

    /// The order that the client was told to be in: its values may leave.
    #[must_use]
    pub fn told(&self, room: &str) -> Option<Epoch> {
        self.told.get(room).copied()
    }

    /// A frame is on its way down a stream.
    pub fn put(&mut self, record: Arc<Record>, way: Way, now: u64) {
        let delay = self.delay();
        let line = self.lines.entry(way).or_default();
        // Now and then a stream has suffered a loss; what follows on it waits as well.
        let due = line.back().map_or(0, |(_, due)| *due).max(now + delay);
        line.push_back((record, due));
    }

    /// Offers a value while the way takes so many bytes (`room`); what becomes of it.
    ///
    /// # Errors
    /// When an older value of the key follows a newer one.
    pub fn offer_value(
        &mut self,
        record: &Arc<Record>,
        bytes: u64,
        tag: u64,
        may_be_lost: bool,
        now: u64,
        room: u64,
    ) -> Result<Taken, String> {
        if self.flight.bytes() > room || (self.paths.no_credit && self.random.chance(400)) {
            self.tally.count("value apart, not now");
            return Ok(Taken::NotNow);
        }
        if self.paths.no_way && self.random.chance(300) {
            self.tally.count("value apart, with the stream");
            return Ok(Taken::WithStream);
        }
        self.flight.follow(tag, record.serial)?;
        self.tally.count("value apart, sent");
        if !may_be_lost && self.paths.resets && self.random.chance(700) && self.flight.reset(tag) {
            self.tally.count("value apart, superseded on its way");
        }
        if may_be_lost && self.paths.loss && self.random.chance(150) {
            self.tally.count("value apart, lost");
            return Ok(Taken::Sent);
        }
        let copies = if may_be_lost && self.paths.loss && self.random.chance(30) { 2 } else { 1 };
        for _ in 0..copies {
            let due = now + self.delay();
            self.flight.put(record.clone(), bytes, tag, due);
        }
        Ok(Taken::Sent)
    }

    /// The next thing that arrives until now; of a stream only if `may` says that the client can make something of it.
    pub fn next(&mut self, now: u64, may: impl Fn(&Record) -> bool) -> Option<(Arc<Record>, Way)> {
        let ready = |line: &VecDeque<(Arc<Record>, u64)>| {
            line.front().is_some_and(|(record, due)| *due <= now && may(record))
        };
        let mut there: Vec<_> =
            self.lines.iter().filter(|(_, line)| ready(line)).map(|(way, _)| *way).collect();
        if self.flight.is_due(now) {
            there.push(Way::Apart);
        }
        let way = match there.as_slice() {
            [] => return None,
            [only] => *only,
            several => several[self.random.index(several.len())],
        };
        if way == Way::Apart {
            return self.flight.take(now).map(|record| (record, way));
        }
        let line = self.lines.get_mut(&way)?;
        let (record, _) = line.pop_front()?;
        if line.is_empty() {
            self.lines.remove(&way);
        }
        Some((record, way))
    }

    /// Whether the streams have nothing on its way.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether anything is still to come or to go.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.lines.is_empty() || self.flight.bytes() > 0 || self.values_wait
    }

    /// Everything arrives now.
    pub fn gulp(&mut self) {
        for (_, due) in self.lines.values_mut().flatten() {
            *due = 0;
        }
        self.flight.gulp();
    }

    /// The connection ends: what is apart is lost.
    pub fn end(&mut self) {
        self.flight = Flight::default();
        self.values_wait = false;
    }

    fn delay(&mut self) -> u64 {
        if !self.paths.delays {
            return 0;
        }
        let most = self.random.pick(&[0, 1_000, 10_000, 10_000, 100_000]);
        self.random.below(most + 1)
    }
}
