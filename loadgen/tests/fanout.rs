//! `fanout` against a room server that keeps its promises and against ones that break one each.

mod support;

use ringway_load::report::Summary;
use support::load;
use support::rooms::{Fault, closing_server, room_server};

/// Measuring lasts longer than a busy host keeps anybody from running; settling ends when all is there.
const SHORT: &str = "fanout --subscribers 12 --rate 400 --duration 1s --warmup 50ms --settle 20s";
/// What never comes is waited for no longer than this.
const IN_VAIN: &str = "fanout --subscribers 12 --rate 400 --duration 200ms --warmup 50ms --settle 4s";

fn count(summary: &Summary, name: &str) -> u64 {
    summary.value(name).as_u64().unwrap_or_else(|| panic!("no count {name}"))
}

fn assert_fine(summary: &Summary) {
    assert_eq!(summary.failures(), <[String; 0]>::default());
    for name in ["lost", "duplicated", "reordered", "corrupted", "other_violations", "told_gaps", "errors"] {
        assert_eq!(count(summary, name), 0, "{name}");
    }
    assert!(summary.value("deliveries_per_s").as_f64().unwrap() > 0.0);
    assert!(summary.value("p50_us").as_f64().unwrap() > 0.0);
}

#[test]
fn a_server_that_keeps_its_promises_passes_in_every_format() {
    for format in ["binary", "json", "mixed"] {
        let summary =
            load(room_server(Fault::Nothing), &format!("{SHORT} --format {format} --rooms 3 --publishers 4"));
        assert_fine(&summary);
        assert_eq!(count(&summary, "connections"), 16);
    }
}

#[test]
fn bursts_threads_and_lazy_reading_change_nothing() {
    assert_fine(&load(room_server(Fault::Nothing), &format!("{SHORT} --burst 16 --threads 3")));
    assert_fine(&load(room_server(Fault::Nothing), &format!("{SHORT} --drain-every 5ms")));
    assert_fine(&load(room_server(Fault::Nothing), &format!("{SHORT} --spin --no-ack --body-kind text")));
}

#[test]
fn the_other_lanes_are_checked_by_version() {
    assert_fine(&load(room_server(Fault::Nothing), &format!("{SHORT} --lane latest")));
    assert_fine(&load(room_server(Fault::Nothing), &format!("{SHORT} --lane latest --keys 5 --format json")));
    assert_fine(&load(room_server(Fault::Nothing), &format!("{SHORT} --lane unreliable --format mixed")));
}

#[test]
fn a_lost_message_is_noticed_by_every_subscriber() {
    for format in ["binary", "json"] {
        let summary = load(room_server(Fault::Loses), &format!("{SHORT} --format {format}"));
        assert_eq!(count(&summary, "lost"), 12, "{format}");
        assert!(
            summary.failures().iter().any(|line| line.contains("offsets 10 to 10")),
            "{:?}",
            summary.failures()
        );
    }
}

#[test]
fn a_missing_end_is_noticed_though_nothing_follows_it() {
    let summary = load(room_server(Fault::WithholdsTheEnd), IN_VAIN);
    assert!(count(&summary, "lost") > 0);
    let latest = load(room_server(Fault::WithholdsTheEnd), &format!("{IN_VAIN} --lane latest"));
    assert_eq!(count(&latest, "lost"), 1, "the newest value never came");
}

#[test]
fn a_duplicate_is_noticed() {
    for format in ["binary", "json"] {
        let summary = load(room_server(Fault::Duplicates), &format!("{SHORT} --format {format}"));
        assert_eq!((count(&summary, "duplicated"), count(&summary, "lost")), (12, 0), "{format}");
        assert!(!summary.failures().is_empty());
    }
}

#[test]
fn a_version_that_comes_twice_is_noticed() {
    let summary = load(room_server(Fault::Duplicates), &format!("{SHORT} --lane latest"));
    assert_eq!(count(&summary, "other_violations"), 12, "{:?}", summary.failures());
}

#[test]
fn a_swap_is_reordering_and_not_loss() {
    let summary = load(room_server(Fault::Swaps), SHORT);
    assert_eq!((count(&summary, "reordered"), count(&summary, "lost")), (12, 0));
    assert!(!summary.failures().is_empty());
}

#[test]
fn a_changed_body_is_noticed() {
    let summary = load(room_server(Fault::Garbles), SHORT);
    assert_eq!(count(&summary, "corrupted"), 12);
    assert!(!summary.failures().is_empty());
}

#[test]
fn refusals_are_counted_and_named() {
    let summary = load(room_server(Fault::Refuses), SHORT);
    assert!(count(&summary, "refused") > 0);
    assert_eq!(count(&summary, "refused"), count(&summary, "errors"));
    assert!(!summary.failures().is_empty(), "nothing was delivered");
}

#[test]
fn a_server_that_closes_everybody_is_a_failure_and_not_a_hang() {
    let summary = load(closing_server(3501), SHORT);
    assert_eq!(count(&summary, "disconnects"), 13);
    assert!(!summary.failures().is_empty());
}
