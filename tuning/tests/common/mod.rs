//! Hosts made of a few files each, and of what their kernels answered.

// Each test binary uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ringway_tune::probe::{Answer, operation};
use ringway_tune::{Finding, Host, Plan, Probes, Selection, Standing, checks};

/// A directory that holds a host's files, and goes away with its test.
pub(crate) struct Fixture {
    pub(crate) root: PathBuf,
    pub(crate) probes: Probes,
}

impl Fixture {
    /// A host without a file.
    pub(crate) fn empty(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("ringway-tune-{}-{name}", std::process::id()));
        fs::create_dir_all(&root).expect("temporary directory");
        Self { root, probes: Probes::default() }
    }

    /// A host of four cores on which nothing is off.
    pub(crate) fn good(name: &str) -> Self {
        let mut host = Self::empty(name);
        host.probes = new_kernel();
        for (path, text) in GOOD {
            host.write(path, text);
        }
        for cpu in 0..4 {
            let core = format!("sys/devices/system/cpu/cpu{cpu}");
            host.write(&format!("{core}/topology/thread_siblings_list"), &format!("{cpu}\n"));
            host.write(&format!("{core}/cpufreq/scaling_governor"), "performance\n");
            host.write(&format!("{core}/power/pm_qos_resume_latency_us"), "0\n");
            for (state, latency) in [("state0", "0\n"), ("state1", "2\n")] {
                host.write(&format!("{core}/cpuidle/{state}/latency"), latency);
                host.write(&format!("{core}/cpuidle/{state}/disable"), "0\n");
            }
        }
        host
    }

    /// A freshly installed Debian 12 on a server with two threads for each of four cores.
    pub(crate) fn debian(name: &str) -> Self {
        let host = Self::good(name);
        host.write("proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
        host.write("proc/self/limits", &limits("1024", "1048576", "4107091968"));
        host.write("proc/self/status", &status("0-7", "0000000000000000", 0));
        for (path, text) in [
            ("net/core/rmem_max", "212992\n"),
            ("net/core/wmem_max", "212992\n"),
            ("net/ipv4/ip_local_port_range", "32768\t60999\n"),
            ("net/ipv4/tcp_max_syn_backlog", "2048\n"),
        ] {
            host.write(&format!("proc/sys/{path}"), text);
        }
        host.write("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
        host.write("sys/devices/system/cpu/online", "0-7\n");
        host.write("sys/devices/system/node/node0/cpulist", "0-7\n");
        host.write("proc/irq/60/effective_affinity_list", "7\n");
        for cpu in 0..8 {
            let core = format!("sys/devices/system/cpu/cpu{cpu}");
            let siblings = format!("{},{}\n", cpu % 4, cpu % 4 + 4);
            host.write(&format!("{core}/topology/thread_siblings_list"), &siblings);
            host.write(&format!("{core}/cpufreq/scaling_governor"), "powersave\n");
            host.write(&format!("{core}/power/pm_qos_resume_latency_us"), "0\n");
            host.write(&format!("{core}/cpuidle/state3/latency"), "133\n");
            host.write(&format!("{core}/cpuidle/state3/disable"), "0\n");
        }
        host
    }

    /// A container with the default profile, whose /proc/sys/net shows only what a network namespace has.
    pub(crate) fn container(name: &str) -> Self {
        let mut host = Self::good(name);
        host.probes = Probes {
            ring: Answer::Error(libc::EPERM),
            shard_ring: Answer::Error(libc::EPERM),
            operations: None,
            accept_multishot: Answer::NotAsked,
            recv_multishot: Answer::NotAsked,
            ..new_kernel()
        };
        host.write("proc/self/status", &status("0-3", "00000000a80425fb", 2));
        host.write("proc/self/cgroup", "0::/../../pod7/abc\n");
        host.write("sys/fs/cgroup/cpu.max", "150000 100000\n");
        host.write("sys/fs/cgroup/memory.max", "67108864\n");
        host.write("sys/fs/cgroup/pids.max", "16\n");
        host.write("sys/fs/cgroup/pids.current", "3\n");
        host.remove("proc/sys/net/netfilter/nf_conntrack_max");
        host
    }

    /// What long-term support was some years ago.
    pub(crate) fn old_kernel(name: &str) -> Self {
        let mut host = Self::good(name);
        host.write("proc/sys/kernel/osrelease", "5.10.0-33-amd64\n");
        host.remove("proc/sys/kernel/io_uring_disabled");
        host.write("proc/self/limits", &limits("1024", "1048576", "65536"));
        host.probes = Probes {
            shard_ring: Answer::Error(libc::EINVAL),
            operations: Some((0..34).collect()),
            accept_multishot: Answer::Error(libc::EINVAL),
            recv_multishot: Answer::Error(libc::EINVAL),
            ..new_kernel()
        };
        host
    }

    /// Two nodes of memory, the card on the second, its interrupts on shards' cores.
    pub(crate) fn numa(name: &str) -> Self {
        let host = Self::good(name);
        host.write("proc/sys/kernel/numa_balancing", "1\n");
        host.write("sys/devices/system/node/online", "0-1\n");
        host.write("sys/devices/system/node/node0/cpulist", "0-1\n");
        host.write("sys/devices/system/node/node1/cpulist", "2-3\n");
        host.write("sys/class/net/eth0/device/numa_node", "1\n");
        for queue in 0..4 {
            let irq = 60 + queue;
            host.write(&format!("sys/class/net/eth0/device/msi_irqs/{irq}"), "msix\n");
            host.write(&format!("proc/irq/{irq}/effective_affinity_list"), &format!("{queue}\n"));
            host.write(&format!("sys/class/net/eth0/queues/rx-{queue}/rps_cpus"), "f\n");
            host.write(&format!("sys/class/net/eth0/queues/tx-{queue}/xps_cpus"), "0\n");
        }
        host
    }

    /// A host behind a firewall on the day of a storm.
    pub(crate) fn conntrack_full(name: &str) -> Self {
        let host = Self::good(name);
        host.write("proc/sys/net/netfilter/nf_conntrack_max", "65536\n");
        host.write("proc/sys/net/netfilter/nf_conntrack_count", "65536\n");
        host
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("every fixture lies below the root"))
            .expect("temporary directory");
        fs::write(path, text).expect("temporary directory");
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).expect("the fixture has this file");
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).expect("the fixture has this file")
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    pub(crate) fn host(&self) -> Host {
        Host::at(&self.root, self.probes.clone())
    }

    pub(crate) fn finding(&self, name: &str) -> Finding {
        checks(&self.host()).into_iter().find(|finding| finding.name == name).expect("a tunable of this name")
    }

    pub(crate) fn standing(&self, name: &str) -> Standing {
        self.finding(name).standing
    }

    /// The names of what is off, sorted.
    pub(crate) fn off(&self) -> Vec<&'static str> {
        let findings = checks(&self.host()).into_iter().filter(|finding| finding.standing.is_off());
        let mut names: Vec<_> = findings.map(|finding| finding.name).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn plan(&self, persist: bool) -> Plan {
        let host = self.host();
        Plan::of(&host, &checks(&host), &Selection::default(), persist, None)
    }

    /// Every file and directory below the root, with its text.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, Option<String>> {
        let mut all = BTreeMap::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a directory of ours") {
                let path = entry.expect("a directory of ours").path();
                if path.is_dir() {
                    folders.push(path.clone());
                    all.insert(path, None);
                } else {
                    let text = fs::read_to_string(&path).expect("a fixture is a text");
                    // The kernel shows all choices and takes one: the fixture's file keeps what was taken.
                    all.insert(path, Some(ringway_tune::value_of(&text)));
                }
            }
        }
        all
    }

    pub(crate) fn path(&self) -> &str {
        self.root.to_str().expect("the path is ours")
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// What a kernel of today answers.
pub(crate) fn new_kernel() -> Probes {
    Probes {
        ring: Answer::Yes,
        shard_ring: Answer::Yes,
        operations: Some((0..=operation::SEND_ZC + 1).collect()),
        accept_multishot: Answer::Yes,
        recv_multishot: Answer::Yes,
        udp_gso: Answer::Yes,
        udp_gro: Answer::Yes,
    }
}

pub(crate) fn limits(soft: &str, hard: &str, locked: &str) -> String {
    format!(
        "Limit                     Soft Limit           Hard Limit           Units     \n\
         Max open files            {soft:<20} {hard:<20} files     \n\
         Max locked memory         {locked:<20} {locked:<20} bytes     \n"
    )
}

pub(crate) fn status(cpus: &str, capabilities: &str, seccomp: u32) -> String {
    format!(
        "Name:\tringway\nCapEff:\t{capabilities}\nSeccomp:\t{seccomp}\nSeccomp_filters:\t{seccomp}\nCpus_allowed_list:\t{cpus}\n"
    )
}

pub(crate) fn ringway_tune(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ringway-tune"))
        .args(arguments)
        .env("COLUMNS", "100")
        .output()
        .expect("our own binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

pub(crate) fn probe_file(host: &Fixture) {
    fs::write(Path::new(&host.root).join("probe.json"), host.probes.to_json()).expect("temporary directory");
}

const GOOD: &[(&str, &str)] = &[
    ("proc/sys/kernel/osrelease", "6.12.8-amd64\n"),
    ("proc/sys/kernel/io_uring_disabled", "0\n"),
    (
        "proc/self/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n\
         Max open files            1024                 1048576              files     \n\
         Max locked memory         8388608              unlimited            bytes     \n",
    ),
    ("proc/self/status", "Name:\tringway\nCapEff:\t0000000000000000\nSeccomp:\t0\nCpus_allowed_list:\t0-3\n"),
    ("proc/self/cgroup", "0::/system.slice/ringway.service\n"),
    ("proc/self/timerslack_ns", "50000\n"),
    ("proc/sys/fs/nr_open", "1048576\n"),
    ("proc/sys/fs/file-max", "9223372036854775807\n"),
    ("proc/sys/net/core/somaxconn", "4096\n"),
    ("proc/sys/net/core/rmem_max", "4194304\n"),
    ("proc/sys/net/core/wmem_max", "4194304\n"),
    ("proc/sys/net/core/busy_poll", "0\n"),
    ("proc/sys/net/core/busy_read", "0\n"),
    ("proc/sys/net/ipv4/tcp_max_syn_backlog", "4096\n"),
    ("proc/sys/net/ipv4/tcp_syncookies", "1\n"),
    ("proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n"),
    ("proc/sys/net/ipv4/tcp_wmem", "4096\t16384\t4194304\n"),
    ("proc/sys/net/ipv4/ip_local_port_range", "10240\t65535\n"),
    ("proc/sys/net/netfilter/nf_conntrack_max", "262144\n"),
    ("proc/sys/net/netfilter/nf_conntrack_count", "120\n"),
    ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
    ("sys/devices/system/cpu/online", "0-3\n"),
    ("sys/devices/system/cpu/isolated", "\n"),
    ("sys/devices/system/node/online", "0\n"),
    ("sys/devices/system/node/node0/cpulist", "0-3\n"),
    ("sys/fs/cgroup/system.slice/ringway.service/cpu.max", "max 100000\n"),
    ("sys/fs/cgroup/system.slice/ringway.service/memory.max", "max\n"),
    ("sys/fs/cgroup/system.slice/ringway.service/pids.max", "4096\n"),
    ("sys/fs/cgroup/system.slice/ringway.service/pids.current", "6\n"),
    ("sys/class/net/lo/mtu", "65536\n"),
    ("sys/class/net/eth0/device/numa_node", "-1\n"),
    ("sys/class/net/eth0/queues/rx-0/rps_cpus", "0\n"),
    ("sys/class/net/eth0/queues/tx-0/xps_cpus", "0\n"),
    ("sys/class/net/eth0/device/msi_irqs/60", "msix\n"),
    ("proc/irq/60/effective_affinity_list", "3\n"),
];
