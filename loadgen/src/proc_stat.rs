//! What the kernel knows about the server's process: memory and CPU, and which process listens on a port. Host view.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// States of sockets in the kernel's tables.
const TCP_LISTENS: &str = "0A";
const UDP_UNCONNECTED: &str = "07";

/// One look at a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory in KiB.
    pub rss_kib: u64,
    /// CPU time of all its threads.
    pub cpu: Duration,
    /// CPU time of those that live, by their number.
    threads: BTreeMap<u32, Duration>,
}

/// What a process used between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Used {
    /// Cores, in the mean.
    pub cores: f64,
    /// The same of its busiest thread.
    pub busiest: f64,
}

impl Usage {
    /// What was used from `before` to this look.
    #[must_use]
    pub fn since(&self, before: &Self, over: Duration) -> Used {
        let share = |now: Duration, before: Duration| {
            now.saturating_sub(before).as_secs_f64() / over.as_secs_f64().max(1e-9)
        };
        let threads = self.threads.iter().map(|(thread, cpu)| {
            let before = before.threads.get(thread).copied().unwrap_or_default();
            share(*cpu, before)
        });
        Used { cores: share(self.cpu, before.cpu), busiest: threads.fold(0.0, f64::max) }
    }
}

/// Looks at a process; `None` when there is none, or it may not be looked at.
#[must_use]
pub fn usage(pid: u32) -> Option<Usage> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let rss_kib = rss.trim().trim_end_matches("kB").trim().parse().ok()?;
    let threads = threads(pid)?;
    let cpu = threads.values().sum::<Duration>();
    let cpu = if cpu.is_zero() { ticks(pid)? } else { cpu };
    Some(Usage { rss_kib, cpu, threads })
}

/// Whether there is such a process, and it runs.
#[must_use]
pub fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.bytes().next());
    state.is_some_and(|state| !matches!(state, b'Z' | b'X'))
}

/// Memory in the kernel's slabs, sockets among it, in KiB: of the whole host.
#[must_use]
pub fn slab_kib() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let slab = meminfo.lines().find_map(|line| line.strip_prefix("Slab:"))?;
    slab.trim().trim_end_matches("kB").trim().parse().ok()
}

/// The process that listens on a TCP port of this host or, where nobody does, that has the UDP port.
#[must_use]
pub fn listener(port: u16) -> Option<u32> {
    let inodes_of = |tables: [&str; 2], state| -> BTreeSet<u64> {
        let tables = tables.map(|table| fs::read_to_string(table).unwrap_or_default());
        tables.iter().flat_map(|table| bound_inodes(table, state, port)).collect()
    };
    let mut inodes = inodes_of(["/proc/net/tcp", "/proc/net/tcp6"], TCP_LISTENS);
    if inodes.is_empty() {
        inodes = inodes_of(["/proc/net/udp", "/proc/net/udp6"], UDP_UNCONNECTED);
    }
    if inodes.is_empty() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?;
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.into_iter().find(|pid| holds_socket(*pid, &inodes))
}

/// Nanoseconds on the run queue's clock, where the kernel keeps them (CONFIG_SCHED_INFO); else zeros.
fn threads(pid: u32) -> Option<BTreeMap<u32, Duration>> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    Some(
        tasks
            .filter_map(|task| {
                let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
                let nanos = text.split_ascii_whitespace().next().and_then(|nanos| nanos.parse().ok());
                let number = task.file_name().to_str()?.parse().ok()?;
                Some((number, Duration::from_nanos(nanos.unwrap_or(0))))
            })
            .collect(),
    )
}

/// Of all threads that ever were, to a hundredth of a second.
fn ticks(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

fn bound_inodes<'a>(table: &'a str, state: &'a str, port: u16) -> impl Iterator<Item = u64> + 'a {
    table.lines().skip(1).filter_map(move |line| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let (_, local) = fields.get(1)?.rsplit_once(':')?;
        let listens = *fields.get(3)? == state && u16::from_str_radix(local, 16) == Ok(port);
        listens.then(|| fields.get(9)?.parse().ok()).flatten()
    })
}

fn holds_socket(pid: u32, inodes: &BTreeSet<u64>) -> bool {
    let Ok(descriptors) = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")) else {
        return false;
    };
    descriptors.flatten().any(|descriptor| {
        let link = fs::read_link(descriptor.path()).unwrap_or_default();
        let inode = link.to_str().and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']'));
        inode.and_then(|inode| inode.parse().ok()).is_some_and(|inode| inodes.contains(&inode))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_time() {
        let usage = usage(std::process::id()).unwrap();
        assert!(usage.rss_kib > 0);
        assert!(usage.cpu > Duration::ZERO);
    }

    #[test]
    fn a_listener_is_found_by_its_port() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(listener(socket.local_addr().unwrap().port()), Some(std::process::id()));
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(listener(socket.local_addr().unwrap().port()), Some(std::process::id()));
    }

    #[test]
    fn only_listening_sockets_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:1CE8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0\n   \
                     1: 0100007F:1CE8 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 78 1 0 100 0 0 10 0\n";
        assert_eq!(bound_inodes(table, TCP_LISTENS, 7400).collect::<Vec<_>>(), [77]);
    }
}
