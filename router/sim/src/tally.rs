//! How often each thing happened: a promise is only tested by worlds in which it could have been broken.

use std::collections::BTreeMap;

use ringway_core::Counters;

use crate::encoder::Heard;

/// Counts by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Counts one more.
    pub fn count(&mut self, name: &'static str) {
        self.add(name, 1);
    }

    /// Counts so many more.
    pub fn add(&mut self, name: &'static str, more: u64) {
        if more > 0 {
            *self.0.entry(name).or_default() += more;
        }
    }

    /// Adds another world's.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            self.add(name, *count);
        }
    }

    /// How often.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(name, count)| (*name, *count))
    }

    /// Counts a frame that a client heard.
    pub fn heard(&mut self, event: &Heard) {
        self.count(match event {
            Heard::Welcome { .. } => "heard welcome",
            Heard::Refreshed { .. } => "heard refreshed",
            Heard::Joined(joined) if !joined.recovered => "heard joined, not recovered",
            Heard::Joined(joined) if joined.replay > 0 => "heard joined with replay",
            Heard::Joined(_) => "heard joined",
            Heard::Left { .. } => "heard left",
            Heard::Published(published) if published.duplicate => "heard published, duplicate",
            Heard::Published(_) => "heard published",
            Heard::History(page) if page.replay > 0 => "heard history",
            Heard::History(_) => "heard history, empty",
            Heard::Presence(_) => "heard presence",
            Heard::Pong { .. } => "heard pong",
            Heard::Message(said) => match said.lane {
                ringway_protocol::Lane::Reliable => "heard message, reliable",
                ringway_protocol::Lane::Latest => "heard message, latest",
                ringway_protocol::Lane::Unreliable => "heard message, unreliable",
            },
            Heard::PresenceChanged(_) => "heard presence_changed",
            Heard::Gap { .. } => "heard gap",
            Heard::Reset { .. } => "heard reset",
            Heard::Error { code, .. } => code.name(),
            Heard::Closing { code, .. } => match code {
                3000 => "heard closing, draining",
                3001 => "heard closing, slow consumer",
                3004 => "heard closing, token expired",
                3007 => "heard closing, memory pressure",
                3502 => "heard closing, taken over",
                3505 => "heard closing, flooding",
                _ => "heard closing",
            },
        });
    }

    /// Adds what a shard counted itself.
    pub fn core(&mut self, counters: &Counters) {
        self.add("core publications", counters.publications.iter().sum());
        self.add("core deliveries", counters.deliveries);
        self.add("core dropped, overflow", counters.dropped_overflow);
        self.add("core dropped, unreliable", counters.dropped_unreliable);
        self.add("core conflated", counters.conflated);
        self.add("core slow consumers", counters.slow_consumers);
    }
}
