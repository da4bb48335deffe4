//! Broken promises as data.

use core::fmt;

use super::super::RoomIndex;
use crate::{Lane, Offset, Position, RequestId, Version};

/// A fault and where it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The room, if it is about one.
    pub room: Option<RoomIndex>,
    /// What.
    pub fault: Fault,
}

/// One broken promise with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Reliable messages were skipped without a `gap`.
    Lost {
        /// First offset skipped.
        from: Offset,
        /// Last offset skipped.
        to: Offset,
    },
    /// A reliable message came again.
    Duplicated {
        /// Which.
        offset: Offset,
        /// What was due.
        expected: Offset,
    },
    /// A reliable message came after a higher one; it was counted as lost before.
    Reordered {
        /// Which.
        offset: Offset,
        /// What was due.
        expected: Offset,
    },
    /// `recovered: true`, but the replay is not exactly what was missed.
    InexactRecovery {
        /// What the join asked for.
        since: Position,
        /// Where `joined` says the order stands.
        position: Position,
        /// The replay promised.
        replay: u32,
    },
    /// A replay that can't be: longer than the order, than asked for, or not asked for.
    ReplayImpossible {
        /// Where `joined` says the order stands.
        position: Position,
        /// The replay promised.
        replay: u32,
    },
    /// An order that this session had seen further went back without a new epoch.
    WentBack {
        /// What the session had seen.
        held: Position,
        /// What the server says.
        told: Position,
    },
    /// `reset` without a new epoch.
    SameEpoch {
        /// What it said.
        position: Position,
    },
    /// `gap` with nothing in it.
    EmptyGap {
        /// Its `from`.
        from: Offset,
        /// Its `to`.
        to: Offset,
    },
    /// A message of the latest or unreliable lane that is not newer than the last of its key.
    VersionFell {
        /// Which lane.
        lane: Lane,
        /// Which key.
        key: Box<str>,
        /// Seen before.
        held: Version,
        /// Seen now.
        got: Version,
    },
    /// An answer to nothing that was asked.
    UnknownRequest {
        /// Its id.
        id: RequestId,
    },
    /// An event that makes no sense now.
    OutOfPlace {
        /// Its type on the wire.
        event: &'static str,
    },
}

impl Fault {
    pub(super) const fn replay_impossible(position: Position, replay: u32) -> Self {
        Self::ReplayImpossible { position, replay }
    }

    /// Reliable messages that this fault says are lost; a later [`Fault::Reordered`] gives one back.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        match self {
            Self::Lost { from, to } => (to.0 - from.0).saturating_add(1),
            Self::WentBack { held, told } => held.offset.0.saturating_sub(told.offset.0),
            _ => 0,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { from, to } => {
                write!(formatter, "offsets {from} to {to} never came and no gap was told")
            }
            Self::Duplicated { offset, expected } => {
                write!(formatter, "offset {offset} came again when {expected} was due")
            }
            Self::Reordered { offset, expected } => {
                write!(formatter, "offset {offset} came late, when {expected} was due")
            }
            Self::InexactRecovery { since, position, replay } => write!(
                formatter,
                "recovered since {}/{} at {}/{}, but with a replay of {replay}",
                since.epoch, since.offset, position.epoch, position.offset
            ),
            Self::ReplayImpossible { position, replay } => {
                write!(formatter, "a replay of {replay} can't be at {}/{}", position.epoch, position.offset)
            }
            Self::WentBack { held, told } => write!(
                formatter,
                "epoch {} had reached offset {} and went back to {}",
                held.epoch, held.offset, told.offset
            ),
            Self::SameEpoch { position } => {
                write!(formatter, "a reset to {}/{} without a new epoch", position.epoch, position.offset)
            }
            Self::EmptyGap { from, to } => write!(formatter, "a gap from {from} to {to}"),
            Self::VersionFell { lane, key, held, got } => {
                write!(formatter, "{} key {key:?}: version {got} came after {held}", lane.name())
            }
            Self::UnknownRequest { id } => {
                write!(formatter, "an answer to request {id}, which is not outstanding")
            }
            Self::OutOfPlace { event } => write!(formatter, "{event} makes no sense now"),
        }
    }
}
