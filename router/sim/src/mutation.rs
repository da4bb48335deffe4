//! Lies told to the checker on purpose, between transport and client: each must be found out. A checker that can't fail
//! proves nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::encoder::{Heard, Joined, Record};

/// What is done to the frames that clients hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    #[default]
    None,
    /// A frame of this kind is swallowed.
    Drop(Kind),
    /// A frame of this kind comes twice.
    Duplicate(Kind),
    /// A frame of this kind comes after the next one of its kind.
    Delay(Kind),
    /// `joined` says the contrary of what it should about `recovered`.
    Recovered,
    /// `joined` promises one message more.
    Replay,
    /// A `gap` ends one too late.
    Gap,
    /// A body is changed.
    Body,
    /// `joined` and `reset` tell no version, all of them: what is late enough to show it is rare.
    NoFloor,
    /// `joined` and `reset` tell a version that is too high.
    FloorTooHigh,
}

/// Kinds of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Publications of the reliable lane.
    Reliable,
    /// Values of the latest lane.
    Latest,
    /// Values of the unreliable lane.
    Unreliable,
    /// `published`.
    Published,
    /// `presence_changed`.
    Presence,
    /// `gap`.
    Gap,
    /// `left`.
    Left,
    /// `error`.
    Error,
}

/// A lie, told every now and then.
#[derive(Clone, Debug, Default)]
pub struct Mutation {
    lie: Lie,
    seen: u64,
    held: BTreeMap<usize, Arc<Record>>,
}

impl Mutation {
    /// Tells this lie.
    #[must_use]
    pub const fn new(lie: Lie) -> Self {
        Self { lie, seen: 0, held: BTreeMap::new() }
    }

    /// What a connection hears in the place of a frame.
    pub fn apply(&mut self, conn: usize, record: Arc<Record>) -> Vec<Arc<Record>> {
        let matches = match self.lie {
            Lie::None => return vec![record],
            Lie::Drop(kind) | Lie::Duplicate(kind) | Lie::Delay(kind) => kind_of(&record.event) == Some(kind),
            Lie::Recovered | Lie::Replay => matches!(record.event, Heard::Joined(_)),
            Lie::NoFloor | Lie::FloorTooHigh => {
                matches!(record.event, Heard::Joined(_) | Heard::Reset { .. })
            }
            Lie::Gap => matches!(record.event, Heard::Gap { .. }),
            Lie::Body => kind_of(&record.event) == Some(Kind::Reliable),
        };
        if !matches {
            return vec![record];
        }
        if let Some(late) = self.held.remove(&conn) {
            return vec![record, late];
        }
        self.seen += 1;
        if !self.seen.is_multiple_of(10) && self.lie != Lie::NoFloor {
            return vec![record];
        }
        match self.lie {
            Lie::Drop(_) => Vec::new(),
            Lie::Duplicate(_) => vec![record.clone(), record],
            Lie::Delay(_) => self.held.insert(conn, record).into_iter().collect(),
            _ => vec![self.distort(&record)],
        }
    }

    fn distort(&self, record: &Record) -> Arc<Record> {
        let mut record = record.clone();
        match (&mut record.event, self.lie) {
            (Heard::Joined(joined), Lie::Recovered) => joined.recovered = !joined.recovered,
            (Heard::Joined(Joined { version, .. }) | Heard::Reset { version, .. }, Lie::NoFloor) => {
                version.0 = 0;
            }
            (Heard::Joined(Joined { version, .. }) | Heard::Reset { version, .. }, Lie::FloorTooHigh) => {
                version.0 += 1;
            }
            (Heard::Joined(joined), _) => joined.replay += 1,
            (Heard::Gap { to, .. }, _) => *to = to.next(),
            // Other bytes are another frame.
            _ => record.serial = u64::MAX,
        }
        Arc::new(record)
    }
}

fn kind_of(event: &Heard) -> Option<Kind> {
    Some(match event {
        Heard::Message(said) => match said.lane {
            ringway_protocol::Lane::Reliable => Kind::Reliable,
            ringway_protocol::Lane::Latest => Kind::Latest,
            ringway_protocol::Lane::Unreliable => Kind::Unreliable,
        },
        Heard::Published(_) => Kind::Published,
        Heard::PresenceChanged(_) => Kind::Presence,
        Heard::Gap { .. } => Kind::Gap,
        Heard::Left { .. } => Kind::Left,
        Heard::Error { .. } => Kind::Error,
        _ => return None,
    })
}
