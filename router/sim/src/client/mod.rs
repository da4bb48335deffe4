//! Clients: what they are, what they remember over connections, what they say, and what they make of what they hear.
//!
//! A client is hostile on purpose: it pipelines, forgets, comes back twice, and never waits for an answer unless the
//! dice say so. What it must be told nevertheless is checked per connection ([`Conn`]).

mod act;
pub mod ask;
mod conn;
mod observe;
mod polite;

use std::collections::{BTreeMap, BTreeSet};

use ringway_core::{Grant, Identity};
use ringway_protocol::{Format, Position, SessionId, UnixMicros};

pub use act::Acting;
pub use ask::{Ask, JoinAsk, PublishAsk};
pub use conn::{Asked, Conn, State};
pub use observe::{Facts, HELD, Told};
pub use polite::{Polite, Politely};

use crate::model::Keys;
use crate::random::Random;

/// What a client remembers of a room when a connection ends.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The last position seen.
    pub position: Option<Position>,
    /// The values held.
    pub keys: Keys,
}

/// One client.
#[derive(Clone, Debug)]
pub struct Client {
    /// Who it says it is.
    pub identity: Identity,
    /// How it reads.
    pub format: Format,
    /// Its newest connection, until that has ended.
    pub conn: Option<usize>,
    /// Its session, if it means to keep it.
    pub session: Option<SessionId>,
    /// What it remembers, by room.
    pub memory: BTreeMap<usize, Memory>,
    /// Rooms that it joins again after a connection ended.
    pub wanted: BTreeSet<usize>,
    /// Number of the next request.
    pub next_request: u32,
    /// Publishes with a `msg_id` and without an answer.
    pub unanswered: BTreeMap<usize, PublishAsk>,
    /// It does not connect before this moment.
    pub connect_at: u64,
    /// Bytes a millisecond that it reads.
    pub rate: u64,
    /// The protocol's own session machine runs it.
    pub polite: Option<Box<Polite>>,
}

impl Client {
    /// A client that was never connected.
    #[must_use]
    pub fn new(user: usize, format: Format, rate: u64, rooms: &[String], random: &mut Random) -> Self {
        let anonymous = user % 5 == 4;
        let mut grants = Vec::new();
        if !random.chance(200) {
            grants.push(Grant { room: "*".into(), join: true, publish: !random.chance(200) });
        } else if let Some(room) = rooms.first() {
            grants.push(Grant { room: room.clone(), join: true, publish: true });
        }
        let info = random.chance(300).then(|| "{\"colour\":\"red\"}".into());
        let user = format!("u{user}").into();
        Self {
            identity: Identity { user, anonymous, grants, info, expires: None },
            format,
            conn: None,
            session: None,
            memory: BTreeMap::new(),
            wanted: BTreeSet::new(),
            next_request: 1,
            unanswered: BTreeMap::new(),
            connect_at: 0,
            rate,
            polite: None,
        }
    }

    /// A number that this client has not used yet.
    pub const fn request(&mut self) -> u32 {
        let number = self.next_request;
        self.next_request += 1;
        number
    }

    /// Who it is for the next connection, with a token that ends then.
    #[must_use]
    pub fn identity_until(&self, expires: Option<u64>) -> Identity {
        Identity { expires: expires.map(UnixMicros), ..self.identity.clone() }
    }
}
