//! One connection: where it is, what was asked on it, and what it has seen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ringway_core::SessionKey;
use ringway_protocol::command::HistoryFrom;
use ringway_protocol::{Format, Generation, Position, SessionId};

use super::Ask;
use crate::encoder::{Heard, Joined, Record};
use crate::model::{KeyId, Ledger, View, Way};
use crate::world::{Pipe, Ways};

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its `hello` reaches the shard at this moment.
    Opening(u64),
    /// The shard has a session for it.
    Open,
    /// The shard said `closing`; the transport closes when all is written, or at this moment.
    Closing(u64),
    /// The server is done with it; the client may still read what is in the pipe.
    Ended,
    /// Both are done with it.
    Gone,
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
pub enum Asked {
    /// `join` and `join_many`: the rooms without an answer.
    Join(BTreeSet<usize>),
    /// `leave`.
    Leave(usize),
    /// `publish`.
    Publish {
        /// What.
        intent: usize,
        /// Whether it was to come back as a message.
        echo: bool,
        /// The key it removes.
        removal: Option<KeyId>,
        /// The position it gave.
        retry: Option<Position>,
    },
    /// `history`.
    History(usize, HistoryFrom, u32),
    /// `presence`.
    Presence(usize),
    /// `ping`, a second `hello`, `refresh`: answered, whatever the answer is.
    Plain,
}

/// One connection.
#[derive(Debug)]
pub struct Conn {
    /// Whose.
    pub client: usize,
    /// On which shard.
    pub shard: usize,
    /// The shard's name for it.
    pub key: Option<SessionKey>,
    /// The session.
    pub session: SessionId,
    /// Its incarnation.
    pub generation: Generation,
    /// The user, as its token says.
    pub user: String,
    /// How it reads.
    pub format: Format,
    /// How far it is.
    pub state: State,
    /// The client has turned away: it says and hears nothing more.
    pub deserted: bool,
    /// When the shard notices that the client is gone.
    pub noticed_at: Option<u64>,
    /// Commands on their way.
    pub up: VecDeque<Ask>,
    /// The core refused the first of them for now.
    pub blocked: bool,
    /// Frames on their way.
    pub pipe: Pipe,
    /// Where they go from there, if the transport has more than one stream.
    pub ways: Option<Box<Ways>>,
    /// Values that came before the answer to a join.
    pub held: Vec<Arc<Record>>,
    /// The number of its `hello`.
    pub hello: u32,
    /// Since when its transport has been behind.
    pub lags_since: Option<u64>,
    /// What it has seen of each room.
    pub views: BTreeMap<usize, View>,
    /// Requests without an answer.
    pub asked: BTreeMap<u32, Asked>,
    /// `welcome` has come.
    pub welcomed: bool,
    /// When its token ends, in microseconds of virtual time.
    pub expires: Option<u64>,
    /// When a newer token, of which nothing was heard yet, ends.
    pub refreshing: Vec<(u32, u64)>,
    /// The operator said that it must go.
    pub doomed: bool,
    /// `closing` has come, with this code.
    pub closing: Option<u16>,
}

impl Conn {
    /// Whether the client still uses it.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !self.deserted && matches!(self.state, State::Opening(_) | State::Open) && self.closing.is_none()
    }

    /// The intent that a request of this number publishes.
    #[must_use]
    pub fn publishes(&self, id: u32) -> Option<usize> {
        match self.asked.get(&id) {
            Some(Asked::Publish { intent, .. }) => Some(*intent),
            _ => None,
        }
    }

    /// The next frame of which the client has the last byte.
    pub fn next_frame(&mut self, now: u64, ledger: &Ledger) -> Option<(Arc<Record>, Way)> {
        let Some(ways) = &mut self.ways else { return self.pipe.pop() };
        while let Some((record, way)) = self.pipe.pop() {
            ways.put(record, way, now);
        }
        if now < self.pipe.stalled_until {
            return None;
        }
        let asked = &self.asked;
        ways.next(now, |record| is_due(ledger, asked, record))
    }

    /// Whether the client has everything that streams carry.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.pipe.is_drained() && self.ways.as_ref().is_none_or(|ways| ways.is_drained())
    }

    /// The view of a room.
    pub fn view(&mut self, room: usize) -> &mut View {
        self.views.entry(room).or_default()
    }
}

/// Whether everything that was asked about the membership before is answered: where a room's memberships come on several
/// streams, the client takes one after the other.
fn is_due(ledger: &Ledger, asked: &BTreeMap<u32, Asked>, record: &Record) -> bool {
    let (Heard::Joined(Joined { id: Some(id), room, .. }) | Heard::Left { id: Some(id), room }) =
        &record.event
    else {
        return true;
    };
    let Some(room) = ledger.room_of(room) else { return true };
    !asked.range(..id).any(|(_, asked)| match asked {
        Asked::Join(rooms) => rooms.contains(&room),
        Asked::Leave(left) => *left == room,
        _ => false,
    })
}
