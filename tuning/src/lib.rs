//! What a host must offer for Ringway to be itself: checks with the reason for each, changes, and the way back.
//!
//! Everything is read through a root directory (`/` on a host, a fixture tree in tests); what only the kernel can say is asked by [`Probes`], or
//! given. One file per tunable in [`tunable`]; each says what it reads, what it wants and why, and what would mend it. Looking writes
//! nothing: the router calls [`checks`] at start and logs what is off. Only [`apply`] and [`revert`] write, below the same root, behind an undo
//! journal. A node view.

mod apply;
mod finding;
mod host;
mod plan;
pub mod probe;
mod remedy;
pub mod report;
mod revert;
pub mod tunable;
mod undo;

pub use apply::{Applied, Failure, Moment, apply};
pub use finding::{Finding, Standing};
pub use host::{CpuSet, Host, Process};
pub use plan::{ByHand, Change, Plan, Selection};
pub use probe::Probes;
pub use remedy::{Kept, Line, Remedy, Write, value_of};
pub use revert::{Reverted, revert};
pub use undo::{Before, Entry, Journal, JournalFault, Lock};

/// Looks at every tunable of a host.
///
/// Never fails: what can't be read is a finding of its own ([`Standing::Unknown`]).
///
/// ```
/// for finding in ringway_tune::checks(&ringway_tune::Host::live()) {
///     if finding.standing.is_off() {
///         println!("{finding}");
///     }
/// }
/// ```
#[must_use]
pub fn checks(host: &Host) -> Vec<Finding> {
    tunable::ALL.iter().map(|tunable| tunable.check(host)).collect()
}
