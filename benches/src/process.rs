//! What the kernel counts for another process: the CPU it used and the memory it holds. Host view.
//!
//! CPU is in nanoseconds of the scheduler's own count (`schedstat`), not in ticks: a tick is as long as a thousand deliveries.

use std::{fs, io};

/// Nanoseconds of CPU that the living threads of a process have used.
///
/// # Errors
/// If there is no such process, or it may not be looked at.
pub(crate) fn cpu_ns(pid: u32) -> io::Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        sum += text.split_ascii_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(sum)
}

/// Resident memory of a process in bytes.
///
/// # Errors
/// If there is no such process, or it may not be looked at.
pub(crate) fn resident_bytes(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other(format!("no VmRSS of process {pid}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_time_and_memory() {
        let pid = std::process::id();
        assert!(cpu_ns(pid).unwrap() > 0);
        assert!(resident_bytes(pid).unwrap() > 1 << 20);
    }
}
