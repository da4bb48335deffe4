//! The binary, from outside.

mod common;

use common::{Fixture, probe_file, ringway_tune};
use serde_json::Value;

#[test]
fn the_command_exits_1_only_when_something_important_is_off() {
    let host = Fixture::good("command");
    probe_file(&host);
    let check = || ringway_tune(&["check", "--root", host.path()]);
    let (code, table, _) = check();
    assert_eq!(code, Some(0), "{table}");
    host.write("proc/sys/net/core/rmem_max", "212992\n");
    let (code, table, _) = check();
    assert_eq!(code, Some(0), "{table}");
    assert!(table.contains("ringway-tune explain rmem_max"), "{table}");
    host.write("proc/sys/net/core/somaxconn", "128\n");
    let (code, table, _) = check();
    assert_eq!(code, Some(1), "{table}");
    assert!(table.contains("1 important, 1 advice"), "{table}");
}

#[test]
fn the_command_explains_what_it_names() {
    let (code, names, _) = ringway_tune(&["list"]);
    assert_eq!(code, Some(0));
    for name in names.lines() {
        let (code, text, _) = ringway_tune(&["explain", name]);
        assert_eq!(code, Some(0));
        assert!(text.starts_with(name) && text.contains("Source: "), "{text}");
    }
}

#[test]
fn arguments_that_make_no_sense_exit_2() {
    for arguments in [
        &["explain", "no_such_setting"][..],
        &[],
        &["check", "--cores", "3-1"],
        &["apply", "--only", "somaxcon"],
        &["check", "--format", "xml"],
    ] {
        let (code, _, error) = ringway_tune(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
    }
    let (code, _, error) = ringway_tune(&["check", "--root", "/nonexistent"]);
    assert_eq!((code, &*error), (Some(1), "ringway-tune: /nonexistent is no directory\n"));
}

/// The shape is documented in docs/operating/tuning.md: what is renamed or removed here needs a new version.
#[test]
fn findings_have_their_documented_shape() {
    let host = Fixture::conntrack_full("json_check");
    probe_file(&host);
    let (code, text, _) = ringway_tune(&["check", "--root", host.path(), "--format", "json"]);
    assert_eq!(code, Some(1));
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(keys(&value), ["advice", "good", "important", "settings", "unknown", "version"]);
    assert_eq!((&value["version"], &value["important"], &value["advice"]), (&1.into(), &1.into(), &0.into()));
    let settings = value["settings"].as_array().expect("a list");
    for setting in settings {
        assert_eq!(keys(setting), ["effect", "name", "now", "source", "standing", "wanted", "why"]);
        assert!(setting.as_object().expect("an object").values().all(Value::is_string), "{setting}");
    }
    let conntrack = settings.iter().find(|one| one["name"] == "conntrack").expect("a setting of this name");
    assert_eq!(conntrack["standing"], "important");
    assert_eq!(conntrack["now"], "65536 of 65536");
}

#[test]
fn plans_have_their_documented_shape() {
    let host = Fixture::debian("json_plan");
    probe_file(&host);
    let (code, text, _) = ringway_tune(&["plan", "--root", host.path(), "--persist", "--format", "json"]);
    assert_eq!(code, Some(0));
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(keys(&value), ["by_hand", "files", "values", "version"]);
    for (list, wanted) in [
        ("values", &["name", "new", "now", "path"][..]),
        ("files", &["names", "path", "text"]),
        ("by_hand", &["name", "text"]),
    ] {
        let all = value[list].as_array().expect("a list");
        assert!(!all.is_empty(), "{list}");
        assert!(all.iter().all(|one| keys(one) == wanted), "{list}");
    }
    assert_eq!(value["files"][0]["path"], "/etc/sysctl.d/90-ringway.conf");
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn apply_asks_for_a_word_and_revert_brings_everything_back() {
    let host = Fixture::debian("apply");
    probe_file(&host);
    let before = host.snapshot();
    let (code, plan, error) = ringway_tune(&["apply", "--root", host.path()]);
    assert_eq!(code, Some(1), "{plan}");
    assert!(error.contains("--yes"), "{error}");
    assert_eq!(host.snapshot(), before);

    let (code, told, error) = ringway_tune(&["apply", "--root", host.path(), "--yes", "--persist"]);
    assert_eq!(code, Some(0), "{told}{error}");
    assert!(told.contains(&format!("The way back: ringway-tune revert --root {}", host.path())), "{told}");
    let (code, told, _) = ringway_tune(&["plan", "--root", host.path()]);
    assert!(code == Some(0) && !told.contains("At once"), "{told}");

    host.write("proc/sys/net/core/rmem_max", "1000000\n");
    let (code, told, error) = ringway_tune(&["revert", "--root", host.path()]);
    assert_eq!(code, Some(1));
    assert!(told.contains("left alone: ") && error.contains("--force"), "{told}{error}");
    let (code, told, _) = ringway_tune(&["revert", "--root", host.path(), "--force"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(host.snapshot(), before);
    let (code, told, _) = ringway_tune(&["revert", "--root", host.path()]);
    assert!(code == Some(0) && told.starts_with("Nothing to undo"), "{told}");
}

#[test]
fn what_the_kernel_answers_here_can_be_looked_at_elsewhere() {
    let host = Fixture::good("probe");
    let (code, text, _) = ringway_tune(&["probe"]);
    assert_eq!(code, Some(0));
    host.write("probe.json", &text);
    let (code, table, error) = ringway_tune(&["check", "--root", host.path()]);
    assert!(code.is_some_and(|code| code < 2) && error.is_empty(), "{table}{error}");
    host.write("probe.json", "{\"ring\":3}");
    let (code, _, error) = ringway_tune(&["check", "--root", host.path()]);
    assert!(code == Some(1) && error.contains("probe.json"), "{error}");
}

#[test]
fn the_table_keeps_within_the_width() {
    let host = Fixture::numa("width");
    probe_file(&host);
    let (_, table, _) = ringway_tune(&["check", "--root", host.path()]);
    let (head, _) = table.rsplit_once("\n\n").expect("a line below the table");
    assert!(head.lines().all(|line| line.chars().count() <= 100), "{table}");
}
