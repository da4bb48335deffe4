//! `failover`: what nodes that come and go must not do to what they acknowledged, and how long acknowledging takes.

mod support;

use ringway_load::report::Summary;
use support::rooms::{Fault, room_server};
use support::{load, load_at, refusal};

const SHORT: &str =
    "failover --clients 6 --rooms 2 --rate 100 --duration 900ms --warmup 50ms --settle 20s --in-flight 8";

/// Without a rate.
const TIMED: &str = "failover --clients 6 --rooms 2 --duration 1s --warmup 50ms --settle 20s";

#[test]
fn refusals_for_now_are_repeated_and_nothing_is_out_of_order() {
    for format in ["binary", "mixed"] {
        let summary =
            load(room_server(Fault::RefusesForNow), &format!("{SHORT} --format {format} --threads 2"));
        assert_eq!(summary.failures(), <[String; 0]>::default());
        assert!(summary.value("repeated").as_u64().unwrap() > 0);
        // Each client made its share, those of the warm-up too.
        assert!(summary.value("acked").as_u64().unwrap() >= 540);
        assert_eq!(summary.value("acked_lost"), 0);
    }
}

#[test]
fn what_is_acknowledged_and_stands_nowhere_is_noticed() {
    let summary = load(room_server(Fault::AcksAndForgets), &format!("{SHORT} --settle 1s"));
    assert!(summary.value("acked_lost").as_u64().unwrap() >= 1, "{:?}", summary.failures());
    assert_ne!(summary.failures(), <[String; 0]>::default());
}

#[test]
fn what_overtakes_a_refused_one_is_noticed() {
    // So many that several are always on their way together.
    let summary = load(room_server(Fault::LetsOvertake), &format!("{SHORT} --rate 3000"));
    assert!(summary.value("reordered").as_u64().unwrap() >= 1, "{:?}", summary.failures());
}

#[test]
fn what_stands_twice_is_noticed() {
    let summary = load(room_server(Fault::PublishesAgain), SHORT);
    assert!(summary.value("duplicated").as_u64().unwrap() >= 1, "{:?}", summary.failures());
}

#[test]
fn one_place_with_two_publications_is_noticed() {
    // Two servers that know nothing of each other are no cluster.
    let urls =
        [room_server(Fault::Nothing), room_server(Fault::Nothing)].map(|server| format!("ws://{server}/v1"));
    let summary = load_at(&urls.join(","), &format!("{SHORT} --settle 1s"));
    assert!(summary.value("other_violations").as_u64().unwrap() >= 1, "{:?}", summary.failures());
}

#[test]
fn rounds_are_disturbed_and_a_command_that_fails_fails_the_run() {
    // Rounds that are longer than a busy host keeps a command from ending.
    let rounds = format!("{SHORT} --duration 3s --every 1s --disturb");
    let summary = load(room_server(Fault::Nothing), &format!("{rounds} true"));
    assert_eq!(summary.failures(), <[String; 0]>::default());
    assert_eq!(summary.value("rounds"), 3);
    assert!(summary.value("stall_max_ms").as_f64().unwrap() > 0.0);
    let summary = load(room_server(Fault::Nothing), &format!("{rounds} false"));
    assert!(
        summary.failures().iter().any(|text| text.contains("--disturb: round 1")),
        "{:?}",
        summary.failures()
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let long = refusal("ws://127.0.0.1:1/v1", &format!("{SHORT} --every 9s --disturb true"));
    assert!(long.contains("--every"), "{long}");
    assert!(refusal("quic://127.0.0.1:1", SHORT).contains("WebSocket"));
    let mixed = refusal("ws://127.0.0.1:1/v1,ws://127.0.0.1:2/other", SHORT);
    assert!(mixed.contains("one path"), "{mixed}");
    let other = refusal("ws://127.0.0.1:1/a,ws://127.0.0.1:2/a", "fanout --protocol raw-ws");
    assert!(other.contains("cluster"), "{other}");
}

fn number(summary: &Summary, name: &str) -> f64 {
    summary.value(name).as_f64().unwrap_or_else(|| panic!("no number {name}"))
}

fn assert_all_acked(summary: &Summary) {
    assert_eq!(summary.failures(), <[String; 0]>::default());
    assert_eq!(number(summary, "acked_lost"), 0.0);
    assert!(number(summary, "acked_per_s") > 0.0 && number(summary, "ack_p50_us") > 0.0);
    assert!(number(summary, "ack_p99_us") >= number(summary, "ack_p50_us"));
}

#[test]
fn acknowledgements_are_timed_at_a_rate() {
    let summary = load(room_server(Fault::Nothing), &format!("{TIMED} --rate 50"));
    assert_all_acked(&summary);
    // Six clients, 1.05 s: what is due is made once, however long answers take.
    assert!((314.0..=315.0).contains(&number(&summary, "acked")), "{}", number(&summary, "acked"));
}

#[test]
fn without_a_rate_each_answer_makes_the_next_publication() {
    let summary = load(room_server(Fault::Nothing), &format!("{TIMED} --rate 0 --in-flight 4"));
    assert_all_acked(&summary);
    // More than the windows hold: answers have made others.
    assert!(number(&summary, "acked") > 24.0);
}

#[test]
fn what_is_refused_is_not_timed() {
    let summary =
        load(room_server(Fault::Refuses), &format!("{TIMED} --rate 50 --duration 200ms --settle 1s"));
    assert_eq!((number(&summary, "acked"), number(&summary, "ack_max_us")), (0.0, 0.0));
}
