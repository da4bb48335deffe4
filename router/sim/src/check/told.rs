//! What owners may tell at all, whoever hears it: who may be said to have left, how often a large room tells of changes,
//! and what a user may be let do.

use std::collections::{BTreeMap, BTreeSet};

use ringway_core::Identity;
use ringway_core::settings::{Admission, Namespace};
use ringway_protocol::{SessionId, limit};

use crate::encoder::Changed;

/// Changes of large rooms come at most once in this time, in microseconds.
const MERGE_US: u64 = 1_000_000;

/// What is remembered to judge it.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// When a connection of the session first broke.
    broke: BTreeMap<SessionId, u64>,
    /// Sessions that left something or were sent away: they may be told gone at any time.
    gone: BTreeSet<SessionId>,
    /// When a large room last told of changes.
    told_at: BTreeMap<usize, u64>,
}

impl Watch {
    /// A connection of the session broke, so that a resume would be silent for a while.
    pub fn broke(&mut self, session: SessionId, now: u64) {
        self.broke.entry(session).or_insert(now);
    }

    /// The session left a room, said goodbye or was sent away.
    pub fn went(&mut self, session: SessionId) {
        self.gone.insert(session);
    }

    /// An owner tells of changes in a room whose members may be away for so long.
    ///
    /// # Errors
    /// When somebody is told gone who may still come back, or a large room tells too often.
    pub fn presence(
        &mut self,
        room: usize,
        changed: &Changed,
        detach_ms: u64,
        now: u64,
    ) -> Result<(), String> {
        for session in &changed.left {
            let broke = self.broke.get(session).is_some_and(|at| now - at >= detach_ms * 1_000);
            if !broke && !self.gone.contains(session) {
                return Err(format!("{session} is told gone from room {room}, but it may come back"));
            }
        }
        if changed.count as usize > limit::PRESENCE_IMMEDIATE_MEMBERS_MAX {
            let before = self.told_at.insert(room, now);
            if before.is_some_and(|at| now - at < MERGE_US) {
                return Err(format!(
                    "room {room} of {} members tells of changes twice in a second",
                    changed.count
                ));
            }
        }
        Ok(())
    }
}

/// Whether somebody may join (`true`) or publish (`false`) in a room: written anew, not asked of the core.
#[must_use]
pub fn may(identity: &Identity, policy: &Namespace, room: &str, join: bool) -> bool {
    match if join { policy.join } else { policy.publish } {
        Admission::Anyone => true,
        Admission::Users => !identity.anonymous,
        Admission::Granted => identity.grants.iter().any(|grant| {
            let right = if join { grant.join } else { grant.publish };
            right
                && (grant.room == room
                    || grant.room.strip_suffix('*').is_some_and(|head| room.starts_with(head)))
        }),
    }
}
