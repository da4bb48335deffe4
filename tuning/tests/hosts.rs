//! Hosts made of a few files each: every check against a good one, and against what is wrong with it.

mod common;

use std::fs;
use std::path::Path;

use common::{Fixture, limits, status};
use ringway_tune::probe::Answer;
use ringway_tune::{CpuSet, Host, Probes, Process, Standing, checks, tunable};

#[test]
fn a_good_host_has_nothing_off() {
    let host = Fixture::good("good");
    for finding in checks(&host.host()) {
        assert_eq!(finding.standing, Standing::Good, "{finding}");
        assert!(finding.remedy.is_empty(), "{finding}");
    }
}

#[test]
fn a_host_that_says_nothing_is_unknown_and_not_wrong() {
    for finding in checks(&Host::at(Path::new("/nonexistent"), Probes::default())) {
        assert_eq!(finding.standing, Standing::Unknown, "{finding}");
    }
}

#[test]
fn a_fresh_debian_lacks_what_the_manual_says() {
    let host = Fixture::debian("debian");
    assert_eq!(
        host.off(),
        [
            "cpu_governor",
            "idle_states",
            "ip_local_port_range",
            "rmem_max",
            "smt",
            "tcp_max_syn_backlog",
            "transparent_hugepage",
            "wmem_max"
        ]
    );
    assert!(checks(&host.host()).iter().all(|finding| finding.standing != Standing::Important));
    assert_eq!(host.finding("smt").remedy.by_hand, ["in ringway.toml: [node] cores = \"0-3\""]);
    assert_eq!(host.finding("idle_states").now, "waking takes up to 133 µs on 0-6");
}

#[test]
fn a_container_is_told_what_forbids_io_uring() {
    let host = Fixture::container("container");
    assert_eq!(host.off(), ["cpu_quota", "io_uring", "memory_limit", "pids_limit", "seccomp"]);
    assert_eq!(host.finding("io_uring").now, "no ring: EPERM, forbidden");
    assert_eq!(host.standing("seccomp"), Standing::Important);
    assert_eq!(host.finding("cpu_quota").now, "1.5 of 4 CPUs");
    assert_eq!(host.standing("memory_limit"), Standing::Important);
    assert_eq!(host.standing("pids_limit"), Standing::Important);
    // Forbidden by the kernel's own switch, the filter is not the one to blame.
    host.write("proc/sys/kernel/io_uring_disabled", "2\n");
    assert_eq!(host.standing("seccomp"), Standing::Good);
    assert_eq!(host.standing("io_uring_disabled"), Standing::Important);
}

#[test]
fn an_old_kernel_is_important() {
    let host = Fixture::old_kernel("old_kernel");
    assert_eq!(host.off(), ["io_uring", "kernel", "memlock"]);
    assert_eq!(host.finding("kernel").now, "5.10");
    assert_eq!(host.finding("io_uring").now, "no ring with DEFER_TASKRUN: EINVAL, flags unknown");
    assert_eq!(host.finding("io_uring_extras").now, "no SEND_ZC, no multishot accept, no multishot recv");
    assert_eq!(host.standing("io_uring_extras"), Standing::Good);
    host.write("proc/sys/kernel/osrelease", "6.1.0\n");
    assert_eq!(host.standing("kernel"), Standing::Good);
}

#[test]
fn a_kernel_without_an_operation_is_named_by_it() {
    let mut host = Fixture::good("operations");
    host.probes.operations.as_mut().expect("a new kernel").retain(|number| *number != 26);
    assert_eq!(host.finding("io_uring").now, "no SEND");
    assert_eq!(host.standing("io_uring"), Standing::Important);
}

#[test]
fn a_machine_of_two_nodes_is_told_where_shards_and_interrupts_belong() {
    let host = Fixture::numa("numa");
    assert_eq!(host.off(), ["irq_affinity", "numa", "rps_xps"]);
    assert_eq!(host.finding("irq_affinity").now, "3 of 4 interrupts on shards' CPUs 0-2");
    assert_eq!(host.finding("irq_affinity").remedy.by_hand[0], "echo 3 > /proc/irq/60/smp_affinity_list");
    assert_eq!(host.finding("numa").now, "shards on node 0-1, balancing is on");
    assert_eq!(host.finding("numa").remedy.by_hand[0], "in ringway.toml: [node] cores = \"2-3\"");
    let by_hand = host.finding("rps_xps").remedy.by_hand;
    assert!(by_hand.contains(&"echo 0 > /sys/class/net/eth0/queues/rx-2/rps_cpus".into()), "{by_hand:?}");
    assert!(by_hand.contains(&"echo 4 > /sys/class/net/eth0/queues/tx-2/xps_cpus".into()), "{by_hand:?}");

    // One node, and not the card's.
    let shards = CpuSet::from_list("0-1").expect("a list");
    let findings = checks(&host.host().with_shards(shards));
    let numa = findings.iter().find(|finding| finding.name == "numa").expect("a tunable of this name");
    assert_eq!(numa.now, "shards on node 0, card on node 1, balancing is on");
}

#[test]
fn interrupts_of_a_virtual_card_are_those_of_its_bus() {
    let host = Fixture::good("virtio");
    fs::remove_dir_all(host.root.join("sys/class/net/eth0/device")).expect("the fixture has it");
    host.write("sys/devices/pci0/0000:00:04.0/virtio3/status", "0xf\n");
    host.write("sys/devices/pci0/0000:00:04.0/msi_irqs/77", "msix\n");
    host.write("proc/irq/77/smp_affinity_list", "1\n");
    std::os::unix::fs::symlink(
        "../../../devices/pci0/0000:00:04.0/virtio3",
        host.root.join("sys/class/net/eth0/device"),
    )
    .expect("temporary directory");
    assert_eq!(host.finding("irq_affinity").now, "1 of 1 interrupts on shards' CPUs 1");
}

#[test]
fn where_every_cpu_has_a_shard_interrupts_have_no_better_place() {
    let host = Fixture::numa("all_shards");
    let findings = checks(&host.host().with_shards(CpuSet::from_list("0-3").expect("a list")));
    let irq = findings.iter().find(|finding| finding.name == "irq_affinity").expect("a tunable of this name");
    assert_eq!(irq.standing, Standing::Good);
}

#[test]
fn a_full_table_of_connections_is_important() {
    let host = Fixture::conntrack_full("conntrack");
    assert_eq!(host.off(), ["conntrack"]);
    assert_eq!(host.standing("conntrack"), Standing::Important);
    assert_eq!(host.finding("conntrack").remedy.writes[0].new, "262144");
    host.write("proc/sys/net/netfilter/nf_conntrack_count", "10\n");
    assert_eq!(host.standing("conntrack"), Standing::Advice);
    host.remove("proc/sys/net/netfilter/nf_conntrack_max");
    assert_eq!(host.finding("conntrack").now, "nothing is tracked");
}

#[test]
fn isolated_cpus_belong_to_shards() {
    let host = Fixture::good("isolated");
    host.write("sys/devices/system/cpu/isolated", "2-3\n");
    assert_eq!(host.finding("isolated_cpus").now, "2-3, but shards on 0-2");
    assert_eq!(host.standing("isolated_cpus"), Standing::Advice);
    let findings = checks(&host.host().with_shards(CpuSet::from_list("2-3").expect("a list")));
    let isolated = findings.iter().find(|one| one.name == "isolated_cpus").expect("a tunable of this name");
    assert_eq!(isolated.standing, Standing::Good);
}

#[test]
fn forbidden_io_uring_is_important_and_a_kernel_without_the_switch_is_not() {
    let mut host = Fixture::good("io_uring");
    host.probes.ring = Answer::Error(libc::EPERM);
    for forbidden in ["1\n", "2\n"] {
        host.write("proc/sys/kernel/io_uring_disabled", forbidden);
        assert_eq!(host.standing("io_uring_disabled"), Standing::Important);
    }
    // Restricted to a group that is ours.
    host.probes.ring = Answer::Yes;
    host.write("proc/sys/kernel/io_uring_disabled", "1\n");
    assert_eq!(host.standing("io_uring_disabled"), Standing::Good);
    host.remove("proc/sys/kernel/io_uring_disabled");
    assert_eq!(host.standing("io_uring_disabled"), Standing::Good);
}

#[test]
fn the_hard_limit_of_open_files_counts() {
    let host = Fixture::good("open_files");
    for (soft, hard, standing) in [
        ("4096", "4096", Standing::Important),
        ("1024", "20000", Standing::Advice),
        ("1024", "unlimited", Standing::Good),
    ] {
        host.write("proc/self/limits", &limits(soft, hard, "8388608"));
        assert_eq!(host.standing("open_files"), standing, "{hard}");
    }
}

#[test]
fn the_limits_of_an_installed_unit_count_more_than_those_of_a_shell() {
    let host = Fixture::good("unit");
    host.write("proc/self/limits", &limits("1024", "1024", "65536"));
    host.write("etc/systemd/system/ringway.service", "[Service]\nLimitNOFILE=262144\nLimitMEMLOCK=64M\n");
    assert_eq!(host.finding("open_files").now, "262144 in ringway.service");
    assert_eq!(host.standing("open_files"), Standing::Good);
    assert_eq!(host.finding("memlock").now, "64 MiB in ringway.service");
    host.write("etc/systemd/system/ringway.service.d/10-less.conf", "[Service]\nLimitNOFILE = 1024:2048\n");
    assert_eq!(host.standing("open_files"), Standing::Important);
    // A process that is named is looked at itself, and so is the router by itself.
    host.write("proc/321/limits", &limits("1024", "400000", "8388608"));
    for (process, now) in
        [(Process::Id(321), "400000 hard, 1024 soft"), (Process::Router, "1024 hard, 1024 soft")]
    {
        let findings = checks(&host.host().seen_by(process));
        let files = findings.iter().find(|one| one.name == "open_files").expect("a tunable of this name");
        assert_eq!(files.now, now);
    }
}

#[test]
fn a_host_may_forbid_more_files_than_a_limit_asks_for() {
    let host = Fixture::good("file_max");
    host.write("proc/sys/fs/nr_open", "65536\n");
    assert_eq!(host.standing("file_max"), Standing::Important);
    assert_eq!(host.finding("file_max").remedy.writes.len(), 1);
}

#[test]
fn locked_memory_counts_where_rings_are_charged_to_it() {
    let host = Fixture::good("memlock");
    host.write("proc/self/limits", &limits("1024", "1048576", "65536"));
    for (release, standing) in
        [("6.12.0", Standing::Good), ("5.10.0", Standing::Important), ("6.18.44", Standing::Important)]
    {
        host.write("proc/sys/kernel/osrelease", release);
        assert_eq!(host.standing("memlock"), standing, "{release}");
    }
    // Enough for the rings, not for those of a restart beside them.
    host.write("proc/self/limits", &limits("1024", "1048576", "5242880"));
    assert_eq!(host.standing("memlock"), Standing::Advice);
    host.write("proc/self/status", &status("0-3", "0000000000004000", 0));
    assert_eq!(host.finding("memlock").now, "not charged (CAP_IPC_LOCK)");
}

#[test]
fn short_queues_are_told() {
    let host = Fixture::good("queues");
    host.write("proc/sys/net/core/somaxconn", "128\n");
    host.write("proc/sys/net/ipv4/tcp_max_syn_backlog", "512\n");
    assert_eq!(host.standing("somaxconn"), Standing::Important);
    assert_eq!(host.standing("tcp_max_syn_backlog"), Standing::Advice);
    host.write("proc/sys/net/ipv4/tcp_syncookies", "0\n");
    assert_eq!(host.standing("tcp_max_syn_backlog"), Standing::Important);
}

#[test]
fn small_buffers_and_few_ports_are_advice() {
    let host = Fixture::good("buffers");
    host.write("proc/sys/net/core/rmem_max", "212992\n");
    host.write("proc/sys/net/core/wmem_max", "212992\n");
    host.write("proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t1048576\n");
    host.write("proc/sys/net/ipv4/tcp_wmem", "4096\t16384\t212992\n");
    host.write("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    for name in ["rmem_max", "wmem_max", "tcp_rmem", "tcp_wmem", "ip_local_port_range"] {
        assert_eq!(host.standing(name), Standing::Advice, "{name}");
    }
    assert_eq!(host.finding("ip_local_port_range").now, "28232 (32768 to 60999)");
    assert_eq!(host.finding("tcp_wmem").remedy.writes[0].new, "4096 16384 4194304");
}

#[test]
fn a_kernel_that_does_not_cut_datagrams_is_advice() {
    let mut host = Fixture::good("offload");
    host.probes.udp_gso = Answer::Error(libc::ENOPROTOOPT);
    assert_eq!(host.finding("udp_offload").now, "GRO only");
    assert_eq!(host.standing("udp_offload"), Standing::Advice);
}

#[test]
fn polling_for_everybody_is_advice() {
    let host = Fixture::good("busy");
    host.write("proc/sys/net/core/busy_read", "50\n");
    assert_eq!(host.standing("busy_poll"), Standing::Advice);
    assert_eq!(host.finding("busy_poll").remedy.writes[0].path, "proc/sys/net/core/busy_read");
}

#[test]
fn deep_idle_states_count_unless_something_bounds_them() {
    let host = Fixture::good("idle");
    let core = "sys/devices/system/cpu/cpu1";
    host.write(&format!("{core}/cpuidle/state2/latency"), "200\n");
    host.write(&format!("{core}/cpuidle/state2/disable"), "0\n");
    assert_eq!(host.finding("idle_states").now, "waking takes up to 200 µs on 1");
    host.write(&format!("{core}/cpuidle/state2/disable"), "1\n");
    assert_eq!(host.standing("idle_states"), Standing::Good);
    host.write(&format!("{core}/cpuidle/state2/disable"), "0\n");
    host.write(&format!("{core}/power/pm_qos_resume_latency_us"), "50\n");
    assert_eq!(host.standing("idle_states"), Standing::Good);
    host.write(&format!("{core}/power/pm_qos_resume_latency_us"), "0\n");
    fs::create_dir_all(host.root.join("dev")).expect("temporary directory");
    fs::write(host.root.join("dev/cpu_dma_latency"), 10_i32.to_ne_bytes()).expect("temporary directory");
    assert_eq!(host.finding("idle_states").now, "waking is quick, cpu_dma_latency 10 µs");
}

#[test]
fn late_timers_are_advice() {
    let host = Fixture::good("slack");
    host.write("proc/self/timerslack_ns", "4000000\n");
    assert_eq!(host.finding("timer_slack").now, "4000 µs");
    assert_eq!(host.standing("timer_slack"), Standing::Advice);
}

#[test]
fn huge_pages_for_everything_are_advice() {
    let host = Fixture::good("huge");
    host.write("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
    assert_eq!(host.standing("transparent_hugepage"), Standing::Advice);
}

#[test]
fn a_quota_of_any_group_around_us_counts() {
    let host = Fixture::good("quota");
    host.write("sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n");
    assert_eq!(host.finding("cpu_quota").now, "1.5 of 4 CPUs");
    assert_eq!(host.standing("cpu_quota"), Standing::Advice);
    host.write("sys/fs/cgroup/system.slice/cpu.max", "400000 100000\n");
    assert_eq!(host.standing("cpu_quota"), Standing::Good);
}

#[test]
fn the_older_hierarchy_of_groups_is_read_too() {
    let host = Fixture::good("quota_v1");
    host.write(
        "proc/self/cgroup",
        "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n3:pids:/docker/abc\n1:name=systemd:/docker/abc\n",
    );
    host.write("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us", "-1\n");
    host.write("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us", "100000\n");
    host.write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n");
    for name in ["cpu_quota", "memory_limit", "pids_limit"] {
        assert_eq!(host.finding(name).now, "none", "{name}");
    }
    host.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
    host.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    host.write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "268435456\n");
    host.write("sys/fs/cgroup/pids/docker/abc/pids.max", "100\n");
    host.write("sys/fs/cgroup/pids/docker/abc/pids.current", "90\n");
    assert_eq!(host.finding("cpu_quota").now, "2.0 of 4 CPUs");
    assert_eq!(host.finding("memory_limit").now, "256 MiB");
    assert_eq!(host.standing("pids_limit"), Standing::Advice);
}

#[test]
fn names_are_unique_and_every_one_is_explained() {
    for (index, one) in tunable::ALL.iter().enumerate() {
        assert!(tunable::ALL[..index].iter().all(|other| other.name != one.name), "{} twice", one.name);
        assert!(one.explanation.contains("To change it: "), "{} does not say how to change it", one.name);
        assert!(!one.explanation.ends_with('\n') && one.why.ends_with('.'), "{}", one.name);
        assert!(!one.source.is_empty() && !one.effect.is_empty(), "{} has no source or effect", one.name);
        assert!(std::ptr::eq(tunable::named(one.name).expect("named by its own name"), one));
    }
}

#[test]
fn what_only_rings_need_is_named_as_it_is_called() {
    assert!(tunable::OF_RINGS.iter().all(|name| tunable::named(name).is_some()));
}

/// The manual has a section for each setting, and names none that does not exist.
#[test]
fn the_manual_has_every_setting() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating/tuning.md");
    let manual = fs::read_to_string(path).expect("the manual");
    let mut told: Vec<&str> = manual
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .flat_map(|heading| heading.split('`').skip(1).step_by(2))
        .collect();
    let mut names: Vec<&str> = tunable::ALL.iter().map(|tunable| tunable.name).collect();
    told.sort_unstable();
    names.sort_unstable();
    assert_eq!(told, names);
}
