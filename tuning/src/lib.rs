//! What a host must offer for Ringway to be itself: checks, with the reason for each.
//!
//! Everything is read through a root directory (`/` on a host, a fixture tree in tests) and nothing is written. One file per tunable in
//! [`tunable`]; each says what it reads, what it wants and why. A node view: the router calls [`checks`] at start and logs what is off, the
//! binary `ringway-tune` prints all of it.

mod finding;
mod host;
mod report;
pub mod tunable;

pub use finding::{Finding, Standing};
pub use host::Host;
pub use report::table;

use std::path::Path;

/// Looks at every tunable of the host whose files are below `root`.
///
/// Never fails: what can't be read is a finding of its own ([`Standing::Unknown`]).
///
/// ```
/// for finding in ringway_tune::checks(std::path::Path::new("/")) {
///     if finding.standing.is_off() {
///         println!("{finding}");
///     }
/// }
/// ```
#[must_use]
pub fn checks(root: &Path) -> Vec<Finding> {
    let host = Host::at(root);
    tunable::ALL.iter().map(|tunable| tunable.check(&host)).collect()
}
