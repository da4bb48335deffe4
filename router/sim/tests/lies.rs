//! A checker that can't fail proves nothing: each lie told between transport and client must be found out.

use ringway_sim::{Kind, Lie, run};

/// Seeds tried; a world in which the lie can't be told finds nothing.
const SEEDS: u64 = 40;

fn found_out(lie: Lie) -> u64 {
    (1..=SEEDS).filter(|seed| run(*seed, 600, lie).is_err()).count() as u64
}

#[test]
fn the_truth_is_believed() {
    assert_eq!(found_out(Lie::None), 0);
}

#[test]
fn a_swallowed_frame_is_found_out() {
    for kind in
        [Kind::Reliable, Kind::Latest, Kind::Published, Kind::Presence, Kind::Gap, Kind::Left, Kind::Error]
    {
        assert!(found_out(Lie::Drop(kind)) > 0, "{kind:?}");
    }
}

#[test]
fn a_frame_that_comes_twice_is_found_out() {
    for kind in
        [Kind::Reliable, Kind::Latest, Kind::Unreliable, Kind::Published, Kind::Gap, Kind::Left, Kind::Error]
    {
        assert!(found_out(Lie::Duplicate(kind)) > 0, "{kind:?}");
    }
}

#[test]
fn a_frame_that_comes_late_is_found_out() {
    for kind in [Kind::Reliable, Kind::Latest, Kind::Unreliable, Kind::Gap] {
        assert!(found_out(Lie::Delay(kind)) > 0, "{kind:?}");
    }
}

#[test]
fn a_false_recovered_is_found_out() {
    assert!(found_out(Lie::Recovered) > 0);
}

#[test]
fn a_false_count_of_the_replay_is_found_out() {
    assert!(found_out(Lie::Replay) > 0);
}

#[test]
fn a_gap_that_ends_late_is_found_out() {
    assert!(found_out(Lie::Gap) > 0);
}

#[test]
fn a_floor_that_is_not_told_is_found_out() {
    assert!(found_out(Lie::NoFloor) > 0);
}

#[test]
fn a_floor_that_keeps_new_values_back_is_found_out() {
    assert!(found_out(Lie::FloorTooHigh) > 0);
}

#[test]
fn a_changed_body_is_found_out() {
    assert!(found_out(Lie::Body) > 0);
}
