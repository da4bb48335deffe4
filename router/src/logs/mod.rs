//! Logs on stderr: human on a terminal, one JSON object a line otherwise; the filter can change while running.
//!
//! Node view, any thread. What clients can cause as often as they like (closes, refusals) goes through [`notice`],
//! which holds back what is more than so many lines a second and says how many it held back.

pub mod notice;
pub mod sample;

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::choice::LogFormat;

/// Changes the logs while the node runs.
#[derive(Clone, Debug)]
pub struct Logs {
    filter: Option<reload::Handle<EnvFilter, Registry>>,
    sampled_per_s: Arc<AtomicU32>,
}

impl Logs {
    /// Begins to log. The filter was checked with the configuration; text that is no filter logs at `info`.
    #[must_use]
    pub fn start(format: LogFormat, filter: &str, sampled_per_s: u32) -> Self {
        let (filter, handle) = reload::Layer::new(parse(filter));
        let human = match format {
            LogFormat::Auto => std::io::stderr().is_terminal(),
            LogFormat::Human => true,
            LogFormat::Json => false,
        };
        let lines = if human {
            let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            fmt::layer().with_writer(std::io::stderr).with_ansi(ansi).with_target(false).boxed()
        } else {
            let json = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
            json.with_writer(std::io::stderr).boxed()
        };
        // A second start in one process (tests) keeps the first one's subscriber.
        let filter =
            tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok().then_some(handle);
        Self { filter, sampled_per_s: Arc::new(AtomicU32::new(sampled_per_s)) }
    }

    /// Logs that go nowhere: for tests and tools.
    #[must_use]
    pub fn none() -> Self {
        Self { filter: None, sampled_per_s: Arc::new(AtomicU32::new(u32::MAX)) }
    }

    /// Changes what is logged.
    pub fn change(&self, filter: &str, sampled_per_s: u32) {
        self.sampled_per_s.store(sampled_per_s, Ordering::Relaxed);
        if let Some(handle) = &self.filter {
            // Fails only when the subscriber is gone.
            let _ = handle.reload(parse(filter));
        }
    }

    /// Lines a second for what clients can cause.
    #[must_use]
    pub fn sampled_per_s(&self) -> u32 {
        self.sampled_per_s.load(Ordering::Relaxed)
    }
}

fn parse(filter: &str) -> EnvFilter {
    EnvFilter::builder().parse(filter).unwrap_or_else(|_| EnvFilter::new("info"))
}
