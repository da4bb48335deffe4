//! `presence-storm` against a server of the real protocol that counts its members, and against ones that don't.

mod support;

use support::load;
use support::rooms::{Fault, room_server};

const SHORT: &str = "presence-storm --members 12 --rooms 2 --cycles 2 --warmup 50ms";

#[test]
fn everybody_who_stays_is_told_the_truth_each_time() {
    // Each change must be known when the next begins: on a busy host there is more time between them.
    let mut all = ["800ms", "8s", "60s"]
        .iter()
        .map(|duration| load(room_server(Fault::Nothing), &format!("{SHORT} --duration {duration}")));
    let good = all.find(|summary| summary.failures().is_empty());
    let summary = good.expect("a minute without a failure");
    assert_eq!(summary.failures(), <[String; 0]>::default());
    // Three of six stay in each of two rooms, through four changes.
    assert_eq!(summary.value("converged").as_u64(), Some(24));
    assert!(summary.value("converged_p50_us").as_f64().unwrap() > 0.0);
    assert!(summary.value("joined_p50_us").as_f64().unwrap() > 0.0);
}

#[test]
fn a_count_that_is_never_told_is_noticed() {
    let summary = load(room_server(Fault::ForgetsWhoLeft), &format!("{SHORT} --duration 800ms"));
    assert!(summary.value("other_violations").as_u64() > Some(0), "{:?}", summary.failures());
    let evidence = summary.failures().join("\n");
    assert!(evidence.contains("was told of") && evidence.contains("are there"), "{evidence}");
}
