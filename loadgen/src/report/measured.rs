//! The server, while it was measured. Process view.

use std::time::Duration;

use crate::proc_stat::{Usage, Used};

/// What was measured around the clients.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The server when measuring began.
    pub before: Option<Usage>,
    /// The server when measuring ended.
    pub after: Option<Usage>,
    /// Between the two.
    pub over: Duration,
}

impl Measured {
    /// What the server used, and its memory in KiB at the end.
    #[must_use]
    pub fn server(&self) -> Option<(Used, u64)> {
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        Some((after.since(before, self.over), after.rss_kib))
    }
}
