//! One room of one client. Session view.

use super::{JoinOptions, Verifier};
use crate::command::Since;
use crate::{Position, RoomHandle};

/// How far the membership is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not a member.
    Out,
    /// A join is due as soon as there is a session, or again after a refusal that will pass.
    Waiting,
    /// `join` is on its way.
    Joining,
    /// Member.
    In,
    /// `leave` is on its way.
    Leaving,
}

/// One room: its name, how to join it, and what was seen of it.
#[derive(Clone, Debug)]
pub struct Room {
    pub(super) name: Box<str>,
    pub(super) handle: RoomHandle,
    pub(super) stage: Stage,
    pub(super) options: JoinOptions,
    /// `join` is on its way, whatever was decided since.
    pub(super) joining: bool,
    /// A join was given while the leave is on its way: it follows the answer.
    pub(super) again: bool,
    /// `since` of the join that is on its way.
    pub(super) asked: Option<Since>,
    pub(super) verifier: Verifier,
}

impl Room {
    /// The full name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What binary messages call it; 0 before the first `joined`.
    #[must_use]
    pub const fn handle(&self) -> RoomHandle {
        self.handle
    }

    /// How far the membership is.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// The last position seen.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        self.verifier.position()
    }

    /// What was seen.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// From where the next join continues: the position held, else what the first join asks for.
    pub(super) fn since(&self) -> Option<Since> {
        self.verifier.position().map(Since::Position).or(self.options.since)
    }
}
