//! Hosts made of a few files each: every check against a good one, and against what is wrong with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ringway_tune::{Finding, Standing, checks, tunable};

/// A directory that holds a host's files, and goes away with its test.
struct Fixture {
    root: PathBuf,
}

impl Fixture {
    /// A host on which nothing is off.
    fn good(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("ringway-tune-{}-{name}", std::process::id()));
        let host = Self { root };
        host.write("proc/sys/kernel/osrelease", "6.12.8-amd64\n");
        host.write("proc/sys/kernel/io_uring_disabled", "0\n");
        host.write(
            "proc/self/limits",
            "Limit                     Soft Limit           Hard Limit           Units     \n\
             Max open files            1024                 1048576              files     \n\
             Max locked memory         8388608              unlimited            bytes     \n",
        );
        host.write("proc/self/status", "Name:\tringway\nCpus_allowed_list:\t0-3\n");
        host.write("proc/self/cgroup", "0::/system.slice/ringway.service\n");
        host.write("proc/sys/net/core/somaxconn", "4096\n");
        host.write("proc/sys/net/ipv4/tcp_max_syn_backlog", "4096\n");
        host.write("proc/sys/net/core/rmem_max", "4194304\n");
        host.write("proc/sys/net/core/wmem_max", "4194304\n");
        host.write("proc/sys/net/ipv4/ip_local_port_range", "10240\t65535\n");
        host.write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
        host.write("sys/fs/cgroup/system.slice/ringway.service/cpu.max", "max 100000\n");
        host
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("every fixture lies below the root"))
            .expect("temporary directory");
        fs::write(path, text).expect("temporary directory");
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).expect("the fixture has this file");
    }

    fn finding(&self, name: &str) -> Finding {
        checks(&self.root).into_iter().find(|finding| finding.name == name).expect("a tunable of this name")
    }

    fn standing(&self, name: &str) -> Standing {
        self.finding(name).standing
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn a_good_host_has_nothing_off() {
    let host = Fixture::good("good");
    for finding in checks(&host.root) {
        assert_eq!(finding.standing, Standing::Good, "{finding}");
    }
}

#[test]
fn a_host_that_says_nothing_is_unknown_and_not_wrong() {
    for finding in checks(Path::new("/nonexistent")) {
        assert_eq!(finding.standing, Standing::Unknown, "{finding}");
    }
}

#[test]
fn an_old_kernel_is_important() {
    let host = Fixture::good("kernel");
    host.write("proc/sys/kernel/osrelease", "5.15.0-1-generic\n");
    assert_eq!(host.finding("kernel").now, "5.15");
    assert_eq!(host.standing("kernel"), Standing::Important);
    host.write("proc/sys/kernel/osrelease", "6.1.0\n");
    assert_eq!(host.standing("kernel"), Standing::Good);
}

#[test]
fn forbidden_io_uring_is_important_and_a_kernel_without_the_switch_is_not() {
    let host = Fixture::good("io_uring");
    for forbidden in ["1\n", "2\n"] {
        host.write("proc/sys/kernel/io_uring_disabled", forbidden);
        assert_eq!(host.standing("io_uring_disabled"), Standing::Important);
    }
    host.remove("proc/sys/kernel/io_uring_disabled");
    assert_eq!(host.standing("io_uring_disabled"), Standing::Good);
}

#[test]
fn the_hard_limit_of_open_files_counts() {
    let host = Fixture::good("open_files");
    for (limits, standing) in [
        ("Max open files            4096                 4096                 files", Standing::Important),
        ("Max open files            1024                 20000                files", Standing::Advice),
        ("Max open files            1024                 unlimited            files", Standing::Good),
    ] {
        host.write("proc/self/limits", limits);
        assert_eq!(host.standing("open_files"), standing, "{limits}");
    }
}

#[test]
fn locked_memory_is_important_only_where_rings_are_charged_to_it() {
    let host = Fixture::good("memlock");
    host.write(
        "proc/self/limits",
        "Max locked memory         65536                65536                bytes",
    );
    assert_eq!(host.standing("memlock"), Standing::Advice);
    host.write("proc/sys/kernel/osrelease", "5.10.0\n");
    assert_eq!(host.standing("memlock"), Standing::Important);
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
    host.write("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    for name in ["rmem_max", "wmem_max", "ip_local_port_range"] {
        assert_eq!(host.standing(name), Standing::Advice, "{name}");
    }
    assert_eq!(host.finding("ip_local_port_range").now, "28232 (32768–60999)");
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
    host.write("proc/self/cgroup", "5:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n");
    host.write("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us", "-1\n");
    host.write("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us", "100000\n");
    assert_eq!(host.standing("cpu_quota"), Standing::Good);
    host.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
    host.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_eq!(host.finding("cpu_quota").now, "2.0 of 4 CPUs");
}

#[test]
fn names_are_unique_and_every_one_is_explained() {
    for (index, one) in tunable::ALL.iter().enumerate() {
        assert!(tunable::ALL[..index].iter().all(|other| other.name != one.name), "{} twice", one.name);
        assert!(one.explanation.contains("To change it: "), "{} does not say how to change it", one.name);
        assert!(std::ptr::eq(tunable::named(one.name).expect("named by its own name"), one));
    }
}

fn ringway_tune(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ringway-tune"))
        .args(arguments)
        .output()
        .expect("our own binary runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_command_exits_1_only_when_something_important_is_off() {
    let host = Fixture::good("command");
    let root = host.root.to_str().expect("the path is ours").to_owned();
    let (code, table) = ringway_tune(&["check", "--root", &root]);
    assert_eq!(code, Some(0), "{table}");
    host.write("proc/sys/net/core/rmem_max", "212992\n");
    let (code, table) = ringway_tune(&["check", "--root", &root]);
    assert_eq!(code, Some(0), "{table}");
    assert!(table.contains("ringway-tune explain rmem_max"), "{table}");
    host.write("proc/sys/net/core/somaxconn", "128\n");
    let (code, table) = ringway_tune(&["check", "--root", &root]);
    assert_eq!(code, Some(1), "{table}");
}

#[test]
fn the_command_explains_what_it_names() {
    let (code, names) = ringway_tune(&["list"]);
    assert_eq!(code, Some(0));
    for name in names.lines() {
        let (code, text) = ringway_tune(&["explain", name]);
        assert_eq!(code, Some(0));
        assert!(text.starts_with(name));
    }
    assert_eq!(ringway_tune(&["explain", "no_such_setting"]).0, Some(2));
    assert_eq!(ringway_tune(&[]).0, Some(2));
}
