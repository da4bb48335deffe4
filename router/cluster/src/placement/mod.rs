//! Who should own what: computed by the controller, stored in the map, recomputed by nobody else.
//!
//! * [`rendezvous`]: which two nodes a slot likes best, by weight; integers only, the same on every machine.
//! * [`plan`]: which entries of the map must change for that, and how many of them now.
//! * [`MoveRate`], [`hold_ms`]: moves are paced and nodes must prove themselves, so that a flapping node moves little.

mod plan;
mod rate;
pub mod rendezvous;

pub use plan::{Plan, Standing, plan};
pub use rate::{MoveRate, hold_ms};

/// What a node's record says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Registered; the map may still name an earlier registration of it. Gets no slots.
    Joining = 1,
    /// Gets slots.
    Up = 2,
    /// Keeps its slots until they are handed over; gets none.
    Draining = 3,
    /// Its lease ran out, or it left. Its slots are free to be taken over.
    Dead = 4,
}

impl State {
    /// From the stored number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Joining),
            2 => Some(Self::Up),
            3 => Some(Self::Draining),
            4 => Some(Self::Dead),
            _ => None,
        }
    }

    /// Whether slots that the map gives to such a node are its own.
    #[must_use]
    pub const fn owns(self) -> bool {
        matches!(self, Self::Up | Self::Draining)
    }
}
