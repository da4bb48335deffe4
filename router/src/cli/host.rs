//! What the host lets the process have: CPUs, a share of them, open files.

/// The CPUs of the affinity mask, in order.
pub(super) fn cpus_allowed() -> Vec<u16> {
    // SAFETY: an all-zero set is a valid, empty one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a set of ours, of the size said.
    let done = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) };
    if done != 0 {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        return (0..count as u16).collect();
    }
    // SAFETY: the number is below the set's size.
    (0..libc::CPU_SETSIZE as u16).filter(|cpu| unsafe { libc::CPU_ISSET(usize::from(*cpu), &set) }).collect()
}

/// Whole CPUs that the control group grants, if it limits them (cgroup v2).
pub(super) fn cpu_quota() -> Option<usize> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let own = std::fs::read_to_string(format!("/sys/fs/cgroup{}/cpu.max", group.trim_end_matches('/')));
    let text = own.or_else(|_| std::fs::read_to_string("/sys/fs/cgroup/cpu.max")).ok()?;
    quota(&text)
}

fn quota(text: &str) -> Option<usize> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (usize, usize) = (quota.parse().ok()?, period.parse().ok()?);
    Some((quota / period.max(1)).max(1))
}

/// As many open files as the host lets us have: each client is one.
pub(super) fn raise_open_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a limit of ours.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0 && limit.rlim_cur < limit.rlim_max
    {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: as above. Refused, the limit stays as it was.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_rounded_down_to_whole_cpus_but_never_to_none() {
        assert_eq!(quota("max 100000\n"), None);
        assert_eq!(quota("250000 100000\n"), Some(2));
        assert_eq!(quota("50000 100000\n"), Some(1));
        assert_eq!(quota(""), None);
    }

    #[test]
    fn some_cpu_is_allowed() {
        assert!(!cpus_allowed().is_empty());
    }
}
