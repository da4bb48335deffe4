//! One file for each thing that a host can get wrong: its name, what it wants, why, how to look, and what would mend it.

mod busy_poll;
mod conntrack;
mod cpu_governor;
mod cpu_quota;
mod file_max;
mod huge_pages;
mod idle_states;
mod io_uring;
mod io_uring_disabled;
mod io_uring_extras;
mod irq_affinity;
mod isolated_cpus;
mod kernel;
mod memlock;
mod memory_limit;
mod numa;
mod open_files;
mod pids_limit;
mod port_range;
mod rps_xps;
mod seccomp;
mod smt;
mod socket_buffers;
mod somaxconn;
mod syn_backlog;
mod tcp_buffers;
mod timer_slack;
mod udp_offload;

use crate::host::sysctl_path;
use crate::remedy::Remedy;
use crate::{Finding, Host, Standing};

/// One thing that a host can get wrong.
#[derive(Debug)]
pub struct Tunable {
    /// Its name: short, stable, as operators type it.
    pub name: &'static str,
    /// Why it matters, in one sentence.
    pub why: &'static str,
    /// What changing it does, in a few words.
    pub effect: &'static str,
    /// What it is, what goes wrong, and how to change it: some paragraphs.
    pub explanation: &'static str,
    /// Where that is written or measured.
    pub source: &'static str,
    look: fn(&Host) -> Option<Look>,
}

/// What a look saw.
struct Look {
    now: String,
    wanted: String,
    standing: Standing,
    remedy: Remedy,
}

impl Look {
    fn new(now: impl ToString, wanted: impl ToString, standing: Standing) -> Self {
        Self { now: now.to_string(), wanted: wanted.to_string(), standing, remedy: Remedy::NONE }
    }

    fn good(now: impl ToString, wanted: impl ToString) -> Self {
        Self::new(now, wanted, Standing::Good)
    }

    /// What would mend it, if anything is off.
    fn mended_by(self, remedy: impl FnOnce() -> Remedy) -> Self {
        if self.standing.is_off() { Self { remedy: remedy(), ..self } } else { self }
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
            effect: self.effect,
            standing: look.standing,
            remedy: look.remedy,
        }
    }
}

/// All of them: the kernel, io_uring, limits, sockets, processors, memory, containers.
pub static ALL: &[Tunable] = &[
    kernel::TUNABLE,
    io_uring_disabled::TUNABLE,
    io_uring::TUNABLE,
    io_uring_extras::TUNABLE,
    seccomp::TUNABLE,
    open_files::TUNABLE,
    file_max::TUNABLE,
    memlock::TUNABLE,
    somaxconn::TUNABLE,
    syn_backlog::TUNABLE,
    socket_buffers::RECEIVE,
    socket_buffers::SEND,
    tcp_buffers::RECEIVE,
    tcp_buffers::SEND,
    udp_offload::TUNABLE,
    busy_poll::TUNABLE,
    port_range::TUNABLE,
    conntrack::TUNABLE,
    cpu_governor::TUNABLE,
    idle_states::TUNABLE,
    timer_slack::TUNABLE,
    smt::TUNABLE,
    irq_affinity::TUNABLE,
    rps_xps::TUNABLE,
    isolated_cpus::TUNABLE,
    numa::TUNABLE,
    huge_pages::TUNABLE,
    cpu_quota::TUNABLE,
    memory_limit::TUNABLE,
    pids_limit::TUNABLE,
];

/// The one of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Tunable> {
    ALL.iter().find(|tunable| tunable.name == name)
}

/// Those that matter only where shards run on io_uring: who chose epoll need not hear of them.
pub const OF_RINGS: &[&str] =
    &["kernel", "io_uring_disabled", "io_uring", "io_uring_extras", "seccomp", "memlock"];

/// What makes a drop-in count.
const RESTART: &str = "systemctl daemon-reload && systemctl restart ringway, after apply --persist";

/// For numbers of which more is better: good from `wanted` on, important below `needed`.
fn at_least(now: u64, wanted: u64, needed: u64) -> Look {
    let standing = match now {
        _ if now >= wanted => Standing::Good,
        _ if now >= needed => Standing::Advice,
        _ => Standing::Important,
    };
    Look::new(now, format!("at least {wanted}"), standing)
}

/// The same for a kernel parameter, which is raised to `wanted` where it is less.
fn sysctl_at_least(host: &Host, name: &str, wanted: u64, needed: u64) -> Option<Look> {
    let now = host.sysctl(name)?;
    let look = at_least(now.parse().ok()?, wanted, needed);
    Some(look.mended_by(|| Remedy::write(sysctl_path(name), &now, wanted)))
}

/// A number of bytes for people.
fn bytes(count: u64) -> String {
    match count {
        _ if count >= 10 << 30 => format!("{} GiB", count >> 30),
        _ if count >= 10 << 20 || (count > 0 && count.is_multiple_of(1 << 20)) => {
            format!("{} MiB", count >> 20)
        }
        _ => format!("{} KiB", count >> 10),
    }
}
