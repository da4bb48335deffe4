//! What one look at one tunable said.

use std::fmt;

use crate::remedy::Remedy;

/// How a tunable stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Something does not work, or stops working under load that is not unusual.
    Important,
    /// Works, but less well than it could.
    Advice,
    /// The host does not say: not Linux as we know it, or a sandbox hides it.
    Unknown,
    /// As wanted.
    Good,
}

impl Standing {
    /// Whether somebody should do something.
    #[must_use]
    pub const fn is_off(self) -> bool {
        matches!(self, Self::Advice | Self::Important)
    }

    /// One word: `important`, `advice`, `unknown` or `good`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Advice => "advice",
            Self::Important => "important",
            Self::Unknown => "unknown",
        }
    }
}

/// What one look at one tunable said. Prints as one line for a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The tunable's name, as `ringway-tune explain` takes it.
    pub name: &'static str,
    /// What is there, for people; with its unit.
    pub now: String,
    /// What should be there.
    pub wanted: String,
    /// Why, in one sentence.
    pub why: &'static str,
    /// What changing it does, in a few words.
    pub effect: &'static str,
    /// How that stands.
    pub standing: Standing,
    /// What would make it good; empty where nothing is off.
    pub remedy: Remedy,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, now, wanted, why, .. } = self;
        write!(formatter, "{name} is {now}, wanted {wanted}: {why}")
    }
}
