use super::*;
use crate::event::Sender;
use crate::{Body, BodyKind, Lane, RoomHandle, SessionId, UnixMicros, Version};

const EPOCH: Epoch = Epoch(7);

fn at(offset: u64) -> Position {
    Position { epoch: EPOCH, offset: Offset(offset) }
}

fn joined(position: Position, recovered: bool, replay: u32) -> Joined<'static> {
    Joined {
        id: None,
        room: "r",
        handle: RoomHandle(1),
        position,
        version: Version(0),
        recovered,
        replay,
        count: 0,
        members: Vec::new(),
    }
}

fn live(offset: u64) -> Verifier {
    let mut verifier = Verifier::default();
    verifier.handle_joined(None, &joined(at(offset), true, 0), Way::Control).unwrap();
    verifier
}

fn value(key: &'static str, version: u64) -> Message<'static> {
    Message {
        room: None,
        handle: RoomHandle(1),
        lane: Lane::Latest,
        place: Place::Version(Version(version)),
        time: UnixMicros(0),
        from: Sender { user: Some("u"), session: SessionId(1) },
        key: Some(key),
        body: Body { kind: BodyKind::Text, bytes: b"x" },
    }
}

#[test]
fn contiguous_offsets_are_fine() {
    let mut verifier = live(4);
    for offset in 5..100 {
        assert_eq!(verifier.handle_offset(Offset(offset), Way::Control), Ok(Phase::Live));
    }
    assert_eq!(verifier.position(), Some(at(99)));
    assert_eq!(verifier.handle_end(at(99)), Ok(()));
}

#[test]
fn a_hole_is_a_loss_once() {
    let mut verifier = live(0);
    assert_eq!(
        verifier.handle_offset(Offset(3), Way::Control),
        Err(Fault::Lost { from: Offset(1), to: Offset(2) })
    );
    assert_eq!(verifier.handle_offset(Offset(4), Way::Control), Ok(Phase::Live));
}

#[test]
fn a_repeated_offset_is_a_duplicate() {
    let mut verifier = live(0);
    verifier.handle_offset(Offset(1), Way::Control).unwrap();
    assert!(matches!(
        verifier.handle_offset(Offset(1), Way::Control),
        Err(Fault::Duplicated { offset: Offset(1), .. })
    ));
    assert_eq!(verifier.handle_offset(Offset(2), Way::Control), Ok(Phase::Live));
}

#[test]
fn a_late_offset_is_reordered_and_not_doubled() {
    let mut verifier = live(0);
    assert!(verifier.handle_offset(Offset(3), Way::Control).is_err());
    assert!(matches!(
        verifier.handle_offset(Offset(1), Way::Control),
        Err(Fault::Reordered { offset: Offset(1), .. })
    ));
    assert!(matches!(verifier.handle_offset(Offset(2), Way::Control), Err(Fault::Reordered { .. })));
    assert!(matches!(verifier.handle_offset(Offset(2), Way::Control), Err(Fault::Duplicated { .. })));
}

#[test]
fn a_missing_end_is_a_loss() {
    let mut verifier = live(5);
    assert_eq!(verifier.handle_end(at(7)), Err(Fault::Lost { from: Offset(6), to: Offset(7) }));
}

#[test]
fn a_told_gap_is_no_loss() {
    let mut verifier = live(0);
    assert_eq!(verifier.handle_gap(Offset(1), Offset(9)), Ok(9));
    assert_eq!(verifier.handle_offset(Offset(10), Way::Control), Ok(Phase::Live));
}

#[test]
fn a_gap_does_not_cover_what_lies_before_it() {
    let mut verifier = live(0);
    assert_eq!(
        verifier.handle_gap(Offset(3), Offset(4)),
        Err(Fault::Lost { from: Offset(1), to: Offset(2) })
    );
    assert_eq!(verifier.handle_offset(Offset(5), Way::Control), Ok(Phase::Live));
}

#[test]
fn an_exact_recovery_continues_where_it_was_cut() {
    let mut verifier = live(5);
    verifier.handle_joined(Some(Since::Position(at(5))), &joined(at(8), true, 3), Way::Control).unwrap();
    assert!(verifier.replaying());
    for offset in 6..=8 {
        assert_eq!(verifier.handle_offset(Offset(offset), Way::Control), Ok(Phase::Replay));
    }
    assert!(!verifier.replaying());
    assert_eq!(verifier.handle_offset(Offset(9), Way::Control), Ok(Phase::Live));
}

#[test]
fn a_recovery_that_replays_less_is_caught() {
    let mut verifier = live(5);
    let fault = verifier.handle_joined(Some(Since::Position(at(5))), &joined(at(8), true, 2), Way::Control);
    assert!(matches!(fault, Err(Fault::InexactRecovery { replay: 2, .. })));
}

#[test]
fn recovered_in_a_new_epoch_is_a_lie() {
    let mut verifier = live(5);
    let position = Position { epoch: Epoch(8), offset: Offset(0) };
    assert!(
        verifier
            .handle_joined(Some(Since::Position(at(5))), &joined(position, true, 0), Way::Control)
            .is_err()
    );
}

#[test]
fn not_recovered_must_tell_the_gap() {
    let mut told = live(5);
    told.handle_joined(Some(Since::Position(at(5))), &joined(at(20), false, 2), Way::Control).unwrap();
    told.handle_gap(Offset(6), Offset(18)).unwrap();
    assert_eq!(told.handle_offset(Offset(19), Way::Control), Ok(Phase::Replay));
    let mut silent = live(5);
    silent.handle_joined(Some(Since::Position(at(5))), &joined(at(20), false, 2), Way::Control).unwrap();
    assert_eq!(
        silent.handle_offset(Offset(19), Way::Control),
        Err(Fault::Lost { from: Offset(6), to: Offset(18) })
    );
}

#[test]
fn an_order_that_went_back_is_caught() {
    let mut verifier = live(5);
    let fault = verifier.handle_joined(Some(Since::Position(at(5))), &joined(at(3), true, 0), Way::Control);
    assert!(matches!(fault, Err(Fault::WentBack { .. })));
    assert_eq!(fault.unwrap_err().lost(), 2);
}

#[test]
fn the_newest_n_are_the_replay() {
    let mut verifier = Verifier::default();
    verifier.handle_joined(Some(Since::Last(3)), &joined(at(10), true, 3), Way::Control).unwrap();
    assert_eq!(verifier.handle_offset(Offset(8), Way::Control), Ok(Phase::Replay));
    assert!(
        Verifier::default()
            .handle_joined(Some(Since::Last(3)), &joined(at(10), true, 4), Way::Control)
            .is_err()
    );
    assert!(Verifier::default().handle_joined(None, &joined(at(10), true, 1), Way::Control).is_err());
}

#[test]
fn a_reset_starts_a_new_order() {
    let mut verifier = live(5);
    let position = Position { epoch: Epoch(9), offset: Offset(2) };
    verifier.handle_reset(position, Version(0)).unwrap();
    assert_eq!(verifier.handle_offset(Offset(3), Way::Control), Ok(Phase::Live));
    assert!(verifier.handle_reset(position, Version(0)).is_err());
}

#[test]
fn a_page_moves_no_position() {
    let mut verifier = live(5);
    verifier.handle_page(2, Way::Control);
    assert_eq!(verifier.handle_offset(Offset(1), Way::Control), Ok(Phase::Page));
    assert!(!verifier.handle_due(Offset(6)));
    assert_eq!(verifier.handle_offset(Offset(2), Way::Control), Ok(Phase::Page));
    assert_eq!(verifier.handle_offset(Offset(6), Way::Control), Ok(Phase::Live));
}

#[test]
fn published_takes_the_place_of_its_message() {
    let mut verifier = live(5);
    verifier.handle_published(EPOCH, Offset(6), false).unwrap();
    assert_eq!(verifier.handle_offset(Offset(7), Way::Control), Ok(Phase::Live));
    assert!(verifier.handle_published(EPOCH, Offset(9), false).is_err(), "it overtook 8");
    verifier.handle_published(EPOCH, Offset(3), true).unwrap();
}

#[test]
fn an_answer_from_before_the_membership_may_come_after_its_joined() {
    let mut verifier = live(5);
    verifier.handle_published(EPOCH, Offset(5), false).unwrap();
    verifier.handle_joined(Some(Since::Position(at(5))), &joined(at(8), true, 3), Way::Control).unwrap();
    verifier.handle_published(EPOCH, Offset(7), false).unwrap();
    assert_eq!(verifier.handle_offset(Offset(6), Way::Control), Ok(Phase::Replay), "it moved nothing");
}

#[test]
fn versions_rise_by_key() {
    let mut verifier = live(0);
    verifier.handle_message(&value("a", 4), Way::Control).unwrap();
    verifier.handle_message(&value("b", 2), Way::Control).unwrap();
    assert!(matches!(verifier.handle_message(&value("a", 4), Way::Control), Err(Fault::VersionFell { .. })));
    assert!(verifier.handle_message(&value("a", 3), Way::Control).is_err());
    verifier.handle_message(&value("a", 5), Way::Control).unwrap();
    assert_eq!(verifier.position(), Some(at(0)), "versions move no position");
}

#[test]
fn a_join_may_tell_a_value_again_but_never_an_older_one() {
    let mut verifier = live(0);
    verifier.handle_message(&value("a", 4), Way::Control).unwrap();
    assert_eq!(verifier.versions().count(), 1);
    verifier.handle_joined(Some(Since::Position(at(0))), &joined(at(0), true, 0), Way::Control).unwrap();
    verifier.handle_message(&value("a", 4), Way::Control).unwrap();
    assert!(verifier.handle_message(&value("a", 4), Way::Control).is_err());
    verifier.handle_joined(Some(Since::Position(at(0))), &joined(at(0), true, 0), Way::Control).unwrap();
    assert!(verifier.handle_message(&value("a", 3), Way::Control).is_err());
}

#[test]
fn a_new_epoch_voids_versions() {
    let mut verifier = live(0);
    verifier.handle_message(&value("a", 4), Way::Control).unwrap();
    verifier.handle_reset(Position { epoch: Epoch(9), offset: Offset(0) }, Version(0)).unwrap();
    verifier.handle_message(&value("a", 1), Way::Control).unwrap();
}

#[test]
fn values_that_come_apart_may_be_old_but_never_go_back() {
    let mut verifier = live(0);
    assert_eq!(verifier.handle_message(&value("a", 4), Way::Apart), Ok(Some(Phase::Live)));
    assert_eq!(verifier.handle_message(&value("a", 3), Way::Apart), Ok(None), "overtaken");
    assert_eq!(verifier.handle_message(&value("a", 4), Way::Apart), Ok(None), "the same again");
    assert_eq!(verifier.handle_message(&value("a", 5), Way::Apart), Ok(Some(Phase::Live)));
    assert_eq!(verifier.handle_message(&value("b", 1), Way::Apart), Ok(Some(Phase::Live)));
}

#[test]
fn the_control_stream_may_be_overtaken_but_does_not_go_back_by_itself() {
    let mut verifier = live(0);
    verifier.handle_message(&value("a", 5), Way::Apart).unwrap();
    assert_eq!(verifier.handle_message(&value("a", 4), Way::Control), Ok(None));
    assert_eq!(verifier.handle_message(&value("a", 6), Way::Control), Ok(Some(Phase::Live)));
    assert!(matches!(verifier.handle_message(&value("a", 6), Way::Control), Err(Fault::VersionFell { .. })));
    assert_eq!(verifier.handle_message(&value("a", 6), Way::Apart), Ok(None));
}

/// A member since the room's newest version was this, whose order comes on a stream of its own.
fn above(floor: u64) -> Verifier {
    let mut verifier = Verifier::default();
    let joined = Joined { version: Version(floor), ..joined(at(0), true, 0) };
    verifier.handle_joined(None, &joined, Way::Stream(1)).unwrap();
    verifier
}

#[test]
fn what_comes_apart_and_is_not_above_the_floor_is_older_than_the_membership() {
    for way in [Way::Control, Way::Stream(2), Way::Apart] {
        let mut verifier = above(10);
        assert_eq!(verifier.handle_message(&value("a", 9), way), Ok(None), "{way:?}");
        assert_eq!(verifier.handle_message(&value("a", 10), way), Ok(None), "{way:?}");
        assert_eq!(verifier.handle_message(&value("a", 11), way), Ok(Some(Phase::Live)), "{way:?}");
    }
}

#[test]
fn what_follows_joined_in_order_may_be_older_than_it() {
    let mut verifier = above(10);
    assert_eq!(verifier.handle_message(&value("a", 3), Way::Stream(1)), Ok(Some(Phase::Live)));
    assert_eq!(verifier.handle_message(&value("b", 10), Way::Stream(1)), Ok(Some(Phase::Live)));
    assert_eq!(verifier.versions().count(), 2);
}

#[test]
fn a_reset_voids_what_is_not_above_its_floor() {
    let mut verifier = above(10);
    verifier.handle_message(&value("old", 12), Way::Stream(1)).unwrap();
    verifier.handle_message(&value("new", 14), Way::Apart).unwrap();
    verifier.handle_reset(Position { epoch: Epoch(9), offset: Offset(0) }, Version(13)).unwrap();
    let held: Vec<_> = verifier.versions().map(|known| (known.key, known.version)).collect();
    assert_eq!(held, [("new", Version(14))]);
    assert_eq!(verifier.handle_message(&value("old", 13), Way::Apart), Ok(None));
    assert_eq!(verifier.handle_message(&value("new", 14), Way::Apart), Ok(None));
    assert_eq!(verifier.handle_message(&value("new", 15), Way::Stream(1)), Ok(Some(Phase::Live)));
}

#[test]
fn a_page_goes_on_while_live_messages_come_another_way() {
    let mut verifier = Verifier::default();
    verifier.handle_joined(None, &joined(at(5), true, 0), Way::Stream(1)).unwrap();
    verifier.handle_page(2, Way::Control);
    assert_eq!(verifier.handle_offset(Offset(1), Way::Control), Ok(Phase::Page));
    assert_eq!(verifier.handle_offset(Offset(6), Way::Stream(1)), Ok(Phase::Live));
    verifier.handle_page(1, Way::Stream(1));
    assert_eq!(verifier.handle_offset(Offset(3), Way::Stream(1)), Ok(Phase::Page));
    assert_eq!(verifier.handle_offset(Offset(2), Way::Control), Ok(Phase::Page));
    assert!(verifier.handle_due(Offset(7)), "both pages are whole");
}

#[test]
fn a_page_that_was_asked_for_outlives_the_membership() {
    let mut verifier = live(5);
    verifier.handle_page(2, Way::Control);
    verifier.handle_left();
    verifier.handle_joined(None, &joined(at(5), true, 0), Way::Stream(1)).unwrap();
    assert_eq!(verifier.handle_offset(Offset(1), Way::Control), Ok(Phase::Page));
    assert_eq!(verifier.handle_offset(Offset(6), Way::Stream(1)), Ok(Phase::Live));
    verifier.handle_closed();
    assert!(verifier.handle_due(Offset(7)), "the page ended with the connection");
}
