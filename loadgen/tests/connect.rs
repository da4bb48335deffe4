//! `connect` and `slow-reader` against a room server.

mod support;

use support::load;
use support::rooms::{Fault, closing_server, room_server};

#[test]
fn all_clients_come_say_hello_join_and_go() {
    let summary =
        load(room_server(Fault::Nothing), "connect --connections 30 --hold 50ms --rounds 3 --threads 2");
    assert_eq!(summary.failures(), <[String; 0]>::default());
    assert_eq!(summary.value("connections"), 90);
    for name in ["connects_per_s", "p50_us", "upgrade_p50_us", "joined_p50_us"] {
        assert!(summary.value(name).as_f64().unwrap() > 0.0, "{name}");
    }
}

#[test]
fn a_rate_bounds_how_fast_they_come() {
    let summary =
        load(room_server(Fault::Nothing), "connect --connections 30 --hold 0s --no-join --connect-rate 100");
    assert_eq!(summary.failures(), <[String; 0]>::default());
    let rate = summary.value("connects_per_s").as_f64().unwrap();
    assert!(rate < 151.0, "30 at 100/s after a first tenth of a second's worth: {rate}");
}

#[test]
fn clients_that_are_sent_away_make_a_failure() {
    let summary = load(closing_server(3501), "connect --connections 3 --hold 0s");
    assert!(!summary.failures().is_empty());
}

#[test]
fn a_slow_line_that_is_fast_enough_sees_young_state() {
    let summary = load(
        room_server(Fault::Nothing),
        "slow-reader --lane latest --rate 20 --reader-kbit 100000 --duration 1s --warmup 50ms --age-max 10s",
    );
    assert_eq!(summary.failures(), <[String; 0]>::default());
    assert!(summary.value("state_age_p50_us").as_f64().unwrap() > 0.0);
}

#[test]
fn a_server_that_queues_for_a_slow_line_shows_old_state() {
    // 800 kbit/s for a line of 64: without conflation the reader falls behind by nearly a second each second.
    let summary = load(
        room_server(Fault::Nothing),
        "slow-reader --lane latest --rate 100 --body 1000 --reader-kbit 64 --duration 1s --warmup 0s --age-max 100ms",
    );
    assert!(summary.failures().iter().any(|line| line.contains("ms old")), "{:?}", summary.failures());
}
