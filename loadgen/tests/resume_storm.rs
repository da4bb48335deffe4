//! `resume-storm`: what a drop of all subscribers must bring to light.

mod support;

use support::load;
use support::rooms::{Fault, room_server};

const SHORT: &str =
    "resume-storm --subscribers 8 --rate 200 --duration 900ms --warmup 50ms --settle 20s --away 250ms";

#[test]
fn an_exact_recovery_passes_in_both_formats() {
    for format in ["binary", "json"] {
        let summary = load(room_server(Fault::Nothing), &format!("{SHORT} --format {format}"));
        assert_eq!(summary.failures(), <[String; 0]>::default());
        for name in ["recovered", "resumed", "caught_up"] {
            assert_eq!(summary.value(name), 8, "{name}");
        }
        assert!(summary.value("replayed").as_u64().unwrap() >= 8);
        assert_eq!(summary.value("lost"), 0);
    }
}

#[test]
fn a_recovery_that_is_silently_less_is_noticed() {
    for fault in [Fault::RecoversLess, Fault::RecoversLessAndCountsRight] {
        let summary = load(room_server(fault), SHORT);
        let lost = summary.value("lost").as_u64().unwrap();
        let other = summary.value("other_violations").as_u64().unwrap();
        assert!(lost + other >= 8, "{fault:?}: {:?}", summary.failures());
    }
}

#[test]
fn what_is_told_as_a_gap_is_not_lost() {
    let summary = load(room_server(Fault::TellsGaps), SHORT);
    assert_eq!(summary.failures(), <[String; 0]>::default());
    assert_eq!(summary.value("not_recovered"), 8);
    assert!(summary.value("told_gaps").as_u64().unwrap() >= 8);
    assert_eq!(summary.value("lost"), 0);
}

#[test]
fn leaving_politely_makes_no_difference() {
    let summary = load(room_server(Fault::Nothing), &format!("{SHORT} --close --drops 2 --threads 2"));
    assert_eq!(summary.failures(), <[String; 0]>::default());
    assert_eq!(summary.value("recovered"), summary.value("dropped"));
    assert!(
        summary.value("dropped").as_u64().unwrap() >= 8,
        "the second drop spares who is still on the way"
    );
}
