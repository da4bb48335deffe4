//! One file for each thing that a host can get wrong: its name, what it wants, why, and how to look.

mod cpu_quota;
mod io_uring;
mod kernel;
mod memlock;
mod open_files;
mod port_range;
mod socket_buffers;
mod somaxconn;
mod syn_backlog;
mod transparent_huge_pages;

use crate::{Finding, Host, Standing};

/// One thing that a host can get wrong.
#[derive(Debug)]
pub struct Tunable {
    /// Its name: short, stable, as operators type it.
    pub name: &'static str,
    /// Why it matters, in one sentence.
    pub why: &'static str,
    /// What it is, what goes wrong, and how to change it: some paragraphs.
    pub explanation: &'static str,
    look: fn(&Host) -> Option<Look>,
}

/// What a look saw.
struct Look {
    now: String,
    wanted: String,
    standing: Standing,
}

impl Look {
    fn new(now: impl ToString, wanted: impl ToString, standing: Standing) -> Self {
        Self { now: now.to_string(), wanted: wanted.to_string(), standing }
    }
}

impl Tunable {
    /// Looks at it on a host.
    #[must_use]
    pub fn check(&self, host: &Host) -> Finding {
        let look = (self.look)(host).unwrap_or_else(|| Look::new("not readable", "known", Standing::Unknown));
        Finding {
            name: self.name,
            now: look.now,
            wanted: look.wanted,
            why: self.why,
            standing: look.standing,
        }
    }
}

/// All of them, the most basic first.
pub static ALL: &[Tunable] = &[
    kernel::TUNABLE,
    io_uring::TUNABLE,
    open_files::TUNABLE,
    memlock::TUNABLE,
    somaxconn::TUNABLE,
    syn_backlog::TUNABLE,
    socket_buffers::RECEIVE,
    socket_buffers::SEND,
    port_range::TUNABLE,
    transparent_huge_pages::TUNABLE,
    cpu_quota::TUNABLE,
];

/// The one of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Tunable> {
    ALL.iter().find(|tunable| tunable.name == name)
}

/// For numbers of which more is better: good from `wanted` on, important below `needed`.
fn at_least(now: u64, wanted: u64, needed: u64) -> Look {
    let standing = match now {
        _ if now >= wanted => Standing::Good,
        _ if now >= needed => Standing::Advice,
        _ => Standing::Important,
    };
    Look::new(now, format!("at least {wanted}"), standing)
}
