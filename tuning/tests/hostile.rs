//! Files that no kernel writes: nothing panics, nothing waits, nothing is read without end.

mod common;

use std::ffi::CString;
use std::fs;

use common::Fixture;
use ringway_tune::{Plan, Selection, Standing, checks};

/// Every file of a good host, one after the other, replaced by nonsense.
#[test]
fn no_file_makes_a_check_panic() {
    let host = Fixture::good("nonsense");
    fs::create_dir_all(host.root.join("dev")).expect("temporary directory");
    host.write("dev/cpu_dma_latency", "none");
    let files: Vec<_> =
        host.snapshot().into_iter().filter(|(_, text)| text.is_some()).map(|(path, _)| path).collect();
    let huge = "9".repeat(70_000);
    let nonsense: [&[u8]; 12] = [
        b"",
        b"\n",
        b"-1",
        b"18446744073709551615",
        b"18446744073709551616 1",
        b"0-4294967295",
        b"ffffffff,",
        b"\xff\xfe\x00",
        b"[",
        b"0::/../../..\n0::",
        b"Max open files            18446744073709551615 99999999999999999999\nCpus_allowed_list:\t9-0\n",
        huge.as_bytes(),
    ];
    for file in &files {
        let before = fs::read(file).expect("the fixture has it");
        for text in nonsense {
            fs::write(file, text).expect("temporary directory");
            let host = host.host();
            let findings = checks(&host);
            let _ = Plan::of(&host, &findings, &Selection::default(), true, None);
        }
        fs::write(file, before).expect("temporary directory");
    }
    assert_eq!(host.off(), [""; 0]);
}

#[test]
fn a_file_that_never_ends_and_one_that_never_begins_are_unknown() {
    let host = Fixture::good("endless");
    let somaxconn = host.root.join("proc/sys/net/core/somaxconn");
    host.remove("proc/sys/net/core/somaxconn");
    std::os::unix::fs::symlink("/dev/zero", &somaxconn).expect("temporary directory");
    assert_eq!(host.standing("somaxconn"), Standing::Unknown);
    host.remove("proc/sys/net/core/somaxconn");
    let path = CString::new(somaxconn.to_str().expect("the path is ours")).expect("without a zero");
    // SAFETY: a path of ours, ended by a zero.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    assert_eq!(host.standing("somaxconn"), Standing::Unknown);
    host.remove("proc/sys/net/core/somaxconn");
    fs::create_dir(&somaxconn).expect("temporary directory");
    assert_eq!(host.standing("somaxconn"), Standing::Unknown);
}

/// The whole host as one texture of nonsense.
#[test]
fn a_host_of_nonsense_is_looked_at() {
    let host = Fixture::good("all_nonsense");
    for (path, text) in host.snapshot() {
        if text.is_some() {
            fs::write(path, "\u{0}4294967295-0,[[]]:max 0\n").expect("temporary directory");
        }
    }
    for finding in checks(&host.host()) {
        assert!(!finding.to_string().is_empty());
    }
}
