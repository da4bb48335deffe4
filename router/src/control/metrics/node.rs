//! Figures of the node as a whole.

use std::time::{SystemTime, UNIX_EPOCH};

use super::text::Page;

/// What the control thread knows.
pub(super) struct About<'a> {
    pub(super) runtime: &'a str,
    pub(super) name: &'a str,
    pub(super) shards: usize,
    pub(super) draining: bool,
    pub(super) started: SystemTime,
}

pub(super) fn write(page: &mut Page, about: &About<'_>) {
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("runtime", about.runtime), ("node", about.name)];
    page.gauge("ringway_info", "What runs here; always 1.").sample(&labels, 1);
    page.gauge("ringway_shards", "Threads that serve clients.").sample(&[], about.shards);
    page.gauge("ringway_draining", "1 while the node empties itself.").sample(&[], u8::from(about.draining));
    let started = about.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    page.gauge("process_start_time_seconds", "When the node started, Unix time.").sample(&[], started);
}
