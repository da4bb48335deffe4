//! Who is in a room, as one session was told: the list of `joined` and every change since.

use std::collections::BTreeSet;

use ringway_protocol::SessionId;

use crate::encoder::{Changed, Joined};

/// Rooms above this may merge changes, so that each one can't be checked against the list.
const IMMEDIATE_MAX: u32 = ringway_protocol::limit::PRESENCE_IMMEDIATE_MEMBERS_MAX as u32;

/// One session's sight.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    /// Members, as many as were named.
    pub members: BTreeSet<SessionId>,
    /// Whether all were named so far.
    pub complete: bool,
    /// Members in all.
    pub count: u32,
}

impl Presence {
    /// What `joined` says.
    #[must_use]
    pub fn new(joined: &Joined) -> Self {
        let members: BTreeSet<_> = joined.members.iter().copied().collect();
        Self { complete: members.len() as u32 == joined.count, members, count: joined.count }
    }

    /// A change.
    ///
    /// # Errors
    /// When somebody comes who is there, or goes who is not.
    pub fn change(&mut self, changed: &Changed) -> Result<(), String> {
        let strict = self.complete && changed.count < IMMEDIATE_MAX && self.count < IMMEDIATE_MAX;
        for session in &changed.left {
            if !self.members.remove(session) && strict {
                return Err(format!("{session} left, who was not there: {:?}", self.members));
            }
        }
        for session in &changed.joined {
            if !self.members.insert(*session) && strict {
                return Err(format!("{session} joined, who was there: {:?}", self.members));
            }
        }
        let named = !changed.joined.is_empty() || !changed.left.is_empty();
        self.complete &= !changed.truncated && named;
        self.count = changed.count;
        if self.complete && strict && self.members.len() as u32 != self.count {
            return Err(format!("{} members are named, {} counted", self.members.len(), self.count));
        }
        Ok(())
    }
}
