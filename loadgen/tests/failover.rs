//! `failover`: what nodes that come and go must not do to what they acknowledged.

mod support;

use support::rooms::{Fault, room_server};
use support::{load, load_at, refusal};

const SHORT: &str =
    "failover --clients 6 --rooms 2 --rate 100 --duration 900ms --warmup 50ms --settle 20s --in-flight 8";

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
    let rounds = format!("{SHORT} --every 300ms --disturb");
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
