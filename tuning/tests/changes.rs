//! Plans, what applying them writes, and that reverting brings back exactly what was there, whenever the world ends in between.

mod common;

use std::fs::{self, Permissions};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use common::Fixture;
use ringway_tune::{
    Change, Failure, Journal, JournalFault, Lock, Moment, Plan, Reverted, Selection, apply, checks, revert,
    value_of,
};

const SOMAXCONN: &str = "proc/sys/net/core/somaxconn";
const SYSCTL: &str = "etc/sysctl.d/90-ringway.conf";

fn journal(host: &Fixture) -> PathBuf {
    host.root.join("var/lib/ringway-tune/journal.json")
}

fn apply_all(host: &Fixture, plan: &Plan) -> Result<ringway_tune::Applied, Failure> {
    apply(&host.root, plan, &journal(host), &mut |_| ControlFlow::Continue(()))
}

fn revert_all(host: &Fixture, force: bool) -> Reverted {
    revert(&host.root, &journal(host), force).expect("a journal that can be used").expect("a journal")
}

/// A host on which much is off, with a unit, so that files of all kinds are written.
fn off(name: &str) -> Fixture {
    let host = Fixture::debian(name);
    host.write(SOMAXCONN, "128\n");
    host.write("etc/systemd/system/ringway.service", "[Service]\nLimitNOFILE=1024\n");
    host.write("etc/sysctl.d/50-others.conf", "vm.swappiness = 10\n");
    host
}

#[test]
fn a_plan_names_each_value_and_each_file() {
    let host = off("plan");
    let plan = host.plan(true);
    let paths: Vec<_> = plan.changes.iter().map(Change::path).collect();
    assert!(paths.contains(&SOMAXCONN) && paths.contains(&SYSCTL), "{paths:?}");
    assert!(paths.contains(&"etc/tmpfiles.d/90-ringway.conf"), "{paths:?}");
    assert!(paths.contains(&"etc/systemd/system/ringway.service.d/90-ringway.conf"), "{paths:?}");
    let text = plan.changes.iter().find_map(|change| match change {
        Change::File { path: SYSCTL, text, .. } => Some(text),
        _ => None,
    });
    assert_eq!(
        text.expect("a file of kernel parameters"),
        "# Written by ringway-tune.\n\
         net.core.somaxconn = 4096\n\
         net.ipv4.tcp_max_syn_backlog = 4096\n\
         net.core.rmem_max = 4194304\n\
         net.core.wmem_max = 4194304\n\
         net.ipv4.ip_local_port_range = 10240 65535\n"
    );
    let plan = host.plan(false);
    assert!(plan.changes.iter().all(|change| matches!(change, Change::Value { .. })));
    assert_eq!(plan.not_kept.len(), 3);
}

#[test]
fn a_plan_has_only_what_is_selected() {
    let host = off("selected");
    let findings = checks(&host.host());
    let only = Selection { only: vec!["somaxconn".into(), "smt".into()], skip: vec!["smt".into()] };
    let plan = Plan::of(&host.host(), &findings, &only, false, None);
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.changes[0].path(), SOMAXCONN);
    assert!(plan.by_hand.is_empty());
}

#[test]
fn what_is_applied_is_good_afterwards_and_as_before_after_a_revert() {
    for persist in [false, true] {
        let host = off(if persist { "round_trip_persist" } else { "round_trip" });
        let before = host.snapshot();
        let plan = host.plan(persist);
        let applied = apply_all(&host, &plan).expect("a fixture can be written");
        assert_eq!(applied.changed.len(), plan.changes.len());
        assert_eq!(host.text(SOMAXCONN), "4096");
        // What is left needs people, or a restart of the service.
        assert!(host.off().iter().all(|name| ["open_files", "smt"].contains(name)), "{:?}", host.off());
        assert_ne!(host.snapshot(), before);

        let reverted = revert_all(&host, false);
        assert!(reverted.is_whole(), "{reverted:?}");
        assert_eq!(host.snapshot(), before);
        assert_eq!(host.text(SOMAXCONN), "128\n");
        assert!(revert(&host.root, &journal(&host), false).expect("no journal is no fault").is_none());
    }
}

/// The world ends at each moment between two writes; then everything is reverted.
#[test]
fn a_crash_at_any_moment_can_be_reverted() {
    let mut moments = 0;
    for end in 0.. {
        let host = off("crash");
        let before = host.snapshot();
        let plan = host.plan(true);
        let mut passed = 0;
        let done = apply(&host.root, &plan, &journal(&host), &mut |_| {
            passed += 1;
            if passed > end { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        moments = moments.max(passed);
        let is_whole = done.is_ok();
        // What a crash in the middle of a file's replacement leaves beside it.
        if host.has("etc/sysctl.d") {
            host.write("etc/sysctl.d/90-ringway.conf.ringway-tune-new", "# Written by ri");
        }
        let reverted = revert_all(&host, false);
        assert!(reverted.is_whole(), "moment {end}: {reverted:?}");
        let _ = fs::remove_file(host.root.join("etc/sysctl.d/90-ringway.conf.ringway-tune-new"));
        assert_eq!(host.snapshot(), before, "moment {end}");
        if is_whole {
            break;
        }
    }
    assert!(moments > 40, "{moments}");
}

/// An apply that is begun again after a crash at each moment ends well, and the journal still knows the oldest values.
#[test]
fn after_a_crash_at_any_moment_a_second_apply_ends_the_work() {
    for end in 0.. {
        let host = off("crash_again");
        let before = host.snapshot();
        let mut passed = 0;
        let done = apply(&host.root, &host.plan(true), &journal(&host), &mut |_| {
            passed += 1;
            if passed > end { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        apply_all(&host, &host.plan(true)).expect("a fixture can be written");
        assert_eq!(host.text(SOMAXCONN), "4096");
        assert!(revert_all(&host, false).is_whole(), "moment {end}");
        assert_eq!(host.snapshot(), before, "moment {end}");
        if done.is_ok() {
            break;
        }
    }
}

#[test]
fn a_revert_that_was_cut_off_can_be_begun_again() {
    let host = off("revert_twice");
    let before = host.snapshot();
    apply_all(&host, &host.plan(true)).expect("a fixture can be written");
    // Half of it is restored already, the journal still whole.
    for path in ["proc/sys/net/core/rmem_max", SOMAXCONN] {
        let old = before[&host.root.join(path)].clone().expect("a file");
        host.write(path, &old);
    }
    host.remove(SYSCTL);
    assert!(revert_all(&host, false).is_whole());
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_second_apply_keeps_the_oldest_values() {
    let host = off("second");
    let before = host.snapshot();
    apply_all(&host, &host.plan(false)).expect("a fixture can be written");
    host.write(SOMAXCONN, "256\n");
    host.write("proc/sys/net/core/busy_read", "50\n");
    apply_all(&host, &host.plan(false)).expect("a fixture can be written");
    let open = Journal::read(&journal(&host)).expect("a journal").expect("a journal");
    assert_eq!(open.entries.iter().filter(|entry| entry.path == SOMAXCONN).count(), 1);
    assert!(revert_all(&host, false).is_whole());
    assert_eq!(host.text(SOMAXCONN), "128\n");
    // What others had changed before us is as they had it.
    assert_eq!(host.text("proc/sys/net/core/busy_read"), "50\n");
    host.write("proc/sys/net/core/busy_read", "0\n");
    assert_eq!(host.snapshot(), before);
}

#[test]
fn what_an_earlier_apply_changed_can_be_kept_by_a_later_one() {
    let host = off("keep_later");
    apply_all(&host, &host.plan(false)).expect("a fixture can be written");
    let open = Journal::read(&journal(&host)).expect("a journal").expect("a journal");
    let plan = Plan::of(&host.host(), &checks(&host.host()), &Selection::default(), true, Some(&open));
    apply_all(&host, &plan).expect("a fixture can be written");
    assert!(host.text(SYSCTL).contains("net.core.somaxconn = 4096\n"));
    assert!(
        host.text("etc/tmpfiles.d/90-ringway.conf")
            .contains("transparent_hugepage/enabled - - - - madvise\n")
    );
}

#[test]
fn what_somebody_changed_meanwhile_is_left_alone_unless_forced() {
    let host = off("meanwhile");
    let before = host.snapshot();
    apply_all(&host, &host.plan(true)).expect("a fixture can be written");
    host.write(SOMAXCONN, "8192\n");
    host.write(SYSCTL, "net.core.somaxconn = 8192\n");
    let reverted = revert_all(&host, false);
    let mut left: Vec<_> = reverted.left.iter().map(|(path, _)| path.as_str()).collect();
    left.sort_unstable();
    assert_eq!(left, [SYSCTL, SOMAXCONN]);
    assert_eq!(host.text(SOMAXCONN), "8192\n");
    assert_eq!(value_of(&host.text("proc/sys/net/core/rmem_max")), "212992");
    // The journal still has these two, and nothing else.
    let reverted = revert_all(&host, true);
    assert!(reverted.is_whole());
    assert_eq!(host.snapshot(), before);
}

#[test]
fn what_is_not_there_any_more_is_said_and_forgotten_when_forced() {
    let host = off("gone");
    apply_all(&host, &host.plan(false)).expect("a fixture can be written");
    host.remove(SOMAXCONN);
    assert_eq!(revert_all(&host, false).left.len(), 1);
    assert!(revert_all(&host, true).is_whole());
    assert!(!journal(&host).exists());
}

#[test]
fn a_directory_in_which_others_put_something_stays() {
    let host = off("directory");
    apply_all(&host, &host.plan(true)).expect("a fixture can be written");
    host.write("etc/tmpfiles.d/others.conf", "d /run/others\n");
    assert!(revert_all(&host, false).is_whole());
    assert!(!host.has("etc/tmpfiles.d/90-ringway.conf") && host.has("etc/tmpfiles.d/others.conf"));
    assert!(!host.has("etc/systemd/system/ringway.service.d"));
}

#[test]
fn a_file_of_ours_that_was_there_comes_back_with_its_permissions() {
    let host = off("permissions");
    let path = host.root.join(SYSCTL);
    host.write(SYSCTL, "# mine\nnet.core.somaxconn = 128\nvm.swappiness = 1\n");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("a file of ours");
    let before = host.snapshot();
    apply_all(&host, &host.plan(true)).expect("a fixture can be written");
    assert!(host.text(SYSCTL).starts_with("# mine\nnet.core.somaxconn = 4096\nvm.swappiness = 1\n"));
    assert!(revert_all(&host, false).is_whole());
    assert_eq!(host.snapshot(), before);
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o7777, 0o640);
}

#[test]
fn a_value_that_vanished_fails_and_leaves_no_trace() {
    let host = off("vanished");
    let selection = Selection { only: vec!["somaxconn".into()], skip: Vec::new() };
    let plan = Plan::of(&host.host(), &checks(&host.host()), &selection, false, None);
    host.remove(SOMAXCONN);
    let before = host.snapshot();
    assert!(matches!(apply_all(&host, &plan), Err(Failure::Io(..))));
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_value_that_is_not_taken_is_an_error_and_what_was_done_before_is_undone() {
    let host = off("not_taken");
    let before = host.snapshot();
    let plan = host.plan(false);
    let path = host.root.join(plan.changes[1].path());
    // The kernel has its own mind: somebody else writes between our write and our look.
    let done = apply(&host.root, &plan, &journal(&host), &mut |moment| {
        if moment == Moment::Journaled(plan.changes[1].path()) {
            fs::remove_file(&path).expect("the fixture has it");
            std::os::unix::fs::symlink("/dev/null", &path).expect("temporary directory");
        }
        ControlFlow::Continue(())
    });
    assert!(matches!(done, Err(Failure::NotTaken { .. })), "{done:?}");
    fs::remove_file(&path).expect("a link of ours");
    fs::write(&path, before[&path].clone().expect("a file")).expect("temporary directory");
    assert!(revert_all(&host, false).is_whole());
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_journal_that_is_not_ours_is_not_used() {
    let host = off("foreign_journal");
    let path = "var/lib/ringway-tune/journal.json";
    let refused = |text: &str| {
        host.write(path, text);
        fs::set_permissions(journal(&host), Permissions::from_mode(0o600)).expect("a file of ours");
        let before = host.snapshot();
        let fault = revert(&host.root, &journal(&host), true).expect_err("a journal of others");
        assert!(apply_all(&host, &host.plan(false)).is_err());
        assert_eq!(host.snapshot(), before);
        fault
    };
    let entry = |path: &str, before: &str| {
        format!(
            "{{\"version\":1,\"made_for_journal\":[],\"entries\":[{{\"path\":\"{path}\",\"before\":{before},\"ours\":[\"x\"]}}]}}"
        )
    };
    for text in [
        "",
        "{}",
        "null",
        &"[".repeat(10_000),
        "{\"version\":2,\"made_for_journal\":[],\"entries\":[]}",
        &entry("etc/shadow", "{\"value\":\"x\"}"),
        &entry("etc/shadow", "\"no_file\""),
        &entry("/proc/sys/net/core/somaxconn", "{\"value\":\"1\"}"),
        &entry("proc/sys/../../etc/shadow", "{\"value\":\"x\"}"),
        &entry("home", "\"no_directory\""),
        &entry("", "\"no_directory\""),
    ] {
        assert!(matches!(refused(text), JournalFault::Malformed(..)), "{text}");
    }
    host.write(path, &entry(SOMAXCONN, "{\"value\":\"1\"}"));
    fs::set_permissions(journal(&host), Permissions::from_mode(0o666)).expect("a file of ours");
    assert!(matches!(revert(&host.root, &journal(&host), false), Err(JournalFault::Untrusted(_))));
}

#[test]
fn two_at_once_do_not_meet() {
    let host = off("two");
    fs::create_dir_all(host.root.join("var/lib/ringway-tune")).expect("temporary directory");
    let lock = Lock::take(&journal(&host)).expect("nobody else");
    let before = host.snapshot();
    let done = apply_all(&host, &host.plan(false));
    assert!(matches!(done, Err(Failure::Journal(JournalFault::Busy(_)))), "{done:?}");
    assert_eq!(host.snapshot(), before);
    drop(lock);
    apply_all(&host, &host.plan(false)).expect("nobody else");
}
