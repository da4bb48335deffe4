use super::*;
use crate::command::Since;
use crate::event::{ErrorEvent, Joined, Message, Place, Published, Sender, Welcome};
use crate::{
    Body, BodyKind, Command, Epoch, ErrorCode, Event, Lane, Offset, Position, RoomName, UnixMicros, Version,
};

const NOW: Monotonic = Monotonic(1_000_000);
const EPOCH: Epoch = Epoch(0xe);
const ROOM: Option<RoomIndex> = Some(RoomIndex(0));

fn name(text: &str) -> RoomName<'_> {
    RoomName::new(text).unwrap()
}

fn welcome(id: Option<RequestId>) -> Event<'static> {
    Event::Welcome(Welcome {
        id,
        session: SessionId(5),
        resume: "secret",
        user: "u",
        node: "n",
        time: UnixMicros(0),
        heartbeat_ms: 1_000,
        limits: SessionLimits { join_many: 64, ..SessionLimits::default() },
        features: Vec::new(),
        expires: None,
    })
}

fn joined(
    id: Option<RequestId>,
    room: &str,
    handle: u64,
    offset: u64,
    recovered: bool,
    replay: u32,
) -> Event<'_> {
    let position = Position { epoch: EPOCH, offset: Offset(offset) };
    let handle = RoomHandle(handle);
    Event::Joined(Joined {
        id,
        room,
        handle,
        position,
        version: Version(0),
        recovered,
        replay,
        count: 1,
        members: Vec::new(),
    })
}

fn message(handle: u64, offset: u64) -> Event<'static> {
    Event::Message(Message {
        room: None,
        handle: RoomHandle(handle),
        lane: Lane::Reliable,
        place: Place::Offset(Offset(offset)),
        time: UnixMicros(0),
        from: Sender { user: None, session: SessionId(9) },
        key: None,
        body: Body { kind: BodyKind::Text, bytes: b"hi" },
    })
}

/// A value of the latest lane in the room whose handle is 1.
fn value(version: u64) -> Event<'static> {
    let Event::Message(mut value) = message(1, 0) else { unreachable!() };
    (value.lane, value.place) = (Lane::Latest, Place::Version(Version(version)));
    Event::Message(value)
}

fn greet(client: &mut Client) {
    client.handle_connected(NOW);
    let id = client.poll_command(NOW).unwrap().id();
    assert!(matches!(client.handle_event(NOW, &welcome(id)), Reaction::Welcomed { .. }));
}

/// A client in room "a" at offset 4, whose handle is 1.
fn member() -> Client {
    let mut client = Client::new(Arc::default());
    client.join(name("a"), JoinOptions::default());
    greet(&mut client);
    let id = client.poll_command(NOW).unwrap().id();
    client.handle_event(NOW, &joined(id, "a", 1, 4, true, 0));
    client
}

fn publication(room: &str, echo: bool) -> Publication<'_> {
    Publication {
        room: name(room),
        body: Body { kind: BodyKind::Text, bytes: b"x" },
        lane: Lane::Reliable,
        key: None,
        msg_id: None,
        retry: None,
        echo,
        answer: true,
    }
}

#[test]
fn hello_comes_first_and_joins_follow_the_welcome() {
    let mut client = Client::new(Arc::default());
    assert_eq!(client.poll_action(), Some(Action::Connect));
    client.join(name("a"), JoinOptions::default());
    client.handle_connected(NOW);
    let hello = client.poll_command(NOW).unwrap();
    assert!(matches!(hello, Command::Hello(_)));
    let id = hello.id();
    assert_eq!(client.poll_command(NOW), None);
    client.handle_event(NOW, &welcome(id));
    assert!(matches!(client.poll_command(NOW), Some(Command::Join(join)) if join.room == name("a")));
}

#[test]
fn a_resume_presents_the_secret_and_joins_with_the_positions_held() {
    let mut client = member();
    client.handle_event(NOW, &message(1, 5));
    let policy = client.handle_closed(NOW, Some(3001), 42);
    let Reconnect::After { ms } = policy else { panic!("{policy:?}") };
    let due = client.poll_timeout().unwrap();
    assert_eq!(due, NOW.plus_ms(ms));
    client.handle_timeout(due);
    assert_eq!(client.poll_action(), Some(Action::Connect));
    client.handle_connected(due);
    let Some(Command::Hello(hello)) = client.poll_command(due) else { panic!("no hello") };
    assert_eq!(hello.resume, Some("secret"));
    let id = hello.id;
    assert_eq!(client.handle_event(due, &welcome(id)), Reaction::Welcomed { resumed: true });
    let Some(Command::Join(join)) = client.poll_command(due) else { panic!("no join") };
    assert_eq!(join.since, Some(Since::Position(Position { epoch: EPOCH, offset: Offset(5) })));
    let id = join.id;
    client.handle_event(due, &joined(id, "a", 1, 7, true, 2));
    let replayed = Reaction::Message { room: RoomIndex(0), phase: Some(Phase::Replay) };
    assert_eq!(client.handle_event(due, &message(1, 6)), replayed);
    assert_eq!(client.handle_event(due, &message(1, 7)), replayed);
    assert_eq!(client.poll_violation(), None);
}

#[test]
fn many_rooms_are_joined_again_with_one_command() {
    let mut client = Client::new(Arc::default());
    for room in ["a", "b", "c"] {
        client.join(name(room), JoinOptions::default());
    }
    greet(&mut client);
    let Some(Command::JoinMany(many)) = client.poll_command(NOW) else { panic!("no join_many") };
    assert_eq!(many.rooms.len(), 3);
    let id = many.id;
    for (handle, room) in [(3, "c"), (1, "a"), (2, "b")] {
        assert!(matches!(
            client.handle_event(NOW, &joined(id, room, handle, 0, true, 0)),
            Reaction::Joined { .. }
        ));
    }
    assert_eq!(client.outstanding(), 0);
    for handle in 1..=3 {
        assert!(client.handle_next(NOW, RoomHandle(handle), Offset(1)).is_some());
    }
}

#[test]
fn the_short_way_takes_only_what_is_due() {
    let mut client = member();
    assert_eq!(client.handle_next(NOW, RoomHandle(1), Offset(5)), ROOM);
    assert_eq!(client.handle_next(NOW, RoomHandle(1), Offset(5)), None);
    assert_eq!(client.handle_next(NOW, RoomHandle(2), Offset(6)), None);
    assert_eq!(client.handle_next(NOW, RoomHandle(1), Offset(6)), ROOM);
}

#[test]
fn a_lost_message_is_a_violation_with_its_room() {
    let mut client = member();
    assert_eq!(
        client.handle_event(NOW, &message(1, 7)),
        Reaction::Message { room: RoomIndex(0), phase: None }
    );
    let fault = Fault::Lost { from: Offset(5), to: Offset(6) };
    assert_eq!(client.poll_violation(), Some(Violation { room: Some(RoomIndex(0)), fault }));
    assert_eq!(client.poll_violation(), None);
}

#[test]
fn published_without_echo_takes_its_place_in_the_order() {
    let mut client = member();
    let id = client.publish(NOW, &publication("a", false)).unwrap().id().unwrap();
    let published = Event::Published(Published {
        id,
        room: "a",
        epoch: EPOCH,
        place: Place::Offset(Offset(5)),
        time: UnixMicros(0),
        duplicate: false,
    });
    assert_eq!(client.handle_event(NOW, &published), Reaction::Published { id });
    client.handle_event(NOW, &message(1, 6));
    assert_eq!(client.poll_violation(), None);
}

#[test]
fn published_with_echo_moves_nothing() {
    let mut client = member();
    let id = client.publish(NOW, &publication("a", true)).unwrap().id().unwrap();
    let published = Event::Published(Published {
        id,
        room: "a",
        epoch: EPOCH,
        place: Place::Offset(Offset(5)),
        time: UnixMicros(0),
        duplicate: false,
    });
    client.handle_event(NOW, &published);
    client.handle_event(NOW, &message(1, 5));
    assert_eq!(client.poll_violation(), None);
    client.handle_event(NOW, &published);
    assert!(client.poll_violation().is_some(), "it was answered already");
}

#[test]
fn frames_of_unknown_rooms_are_held_only_while_a_join_is_outstanding() {
    let mut client = Client::new(Arc::default());
    greet(&mut client);
    assert_eq!(client.handle_event(NOW, &message(1, 5)), Reaction::UnknownRoom);
    assert!(!client.hold(b"early"));
    client.join(name("a"), JoinOptions::default());
    let id = client.poll_command(NOW).unwrap().id();
    assert_eq!(client.handle_event(NOW, &message(1, 5)), Reaction::UnknownRoom);
    assert!(client.hold(b"one"));
    assert!(client.hold(b"two"));
    assert!(!client.hold(&[0; HELD_BYTES_MAX]));
    assert_eq!(client.poll_held(), None);
    client.handle_event(NOW, &joined(id, "a", 1, 4, true, 0));
    assert_eq!(client.poll_held().as_deref(), Some(&b"one"[..]));
    assert_eq!(client.poll_held().as_deref(), Some(&b"two"[..]));
    assert_eq!(client.poll_held(), None);
}

#[test]
fn frames_of_a_room_that_is_still_being_joined_are_held_on() {
    let mut client = Client::new(Arc::default());
    greet(&mut client);
    client.join(name("a"), JoinOptions::default());
    client.join(name("b"), JoinOptions::default());
    let [first, second] = [(); 2].map(|()| client.poll_command(NOW).unwrap().id());
    assert!(client.hold(b"of b"));
    client.handle_event(NOW, &joined(first, "a", 1, 4, true, 0));
    let frame = client.poll_held().unwrap();
    assert!(client.hold(&frame), "not of a");
    assert_eq!(client.poll_held(), None, "not again before the next answer");
    client.handle_event(NOW, &joined(second, "b", 2, 4, true, 0));
    assert_eq!(client.poll_held().as_deref(), Some(&b"of b"[..]));
    assert_eq!(client.poll_held(), None);
}

#[test]
fn a_value_that_was_overtaken_on_its_way_is_stale_and_no_violation() {
    let mut client = member();
    let news = Reaction::Message { room: RoomIndex(0), phase: Some(Phase::Live) };
    assert_eq!(client.handle_apart(NOW, &value(7)), news);
    assert_eq!(client.handle_apart(NOW, &value(6)), Reaction::Stale { room: RoomIndex(0) });
    assert_eq!(client.handle_apart(NOW, &value(7)), Reaction::Stale { room: RoomIndex(0) });
    assert_eq!(client.handle_event(NOW, &value(6)), Reaction::Stale { room: RoomIndex(0) });
    assert_eq!(client.handle_event(NOW, &value(8)), news);
    assert_eq!(client.poll_violation(), None);
    let _ = client.handle_event(NOW, &value(8));
    assert!(client.poll_violation().is_some(), "the control stream is in order");
}

/// `joined` at offset 4 of the room whose handle is 1, with its newest version.
fn joined_above(id: Option<RequestId>, floor: u64) -> Event<'static> {
    let Event::Joined(said) = joined(id, "a", 1, 4, true, 0) else { unreachable!() };
    Event::Joined(Joined { version: Version(floor), ..said })
}

const STALE: Reaction = Reaction::Stale { room: RoomIndex(0) };
const NEWS: Reaction = Reaction::Message { room: RoomIndex(0), phase: Some(Phase::Live) };

#[test]
fn a_late_value_of_the_membership_before_is_stale() {
    let mut client = member();
    let room = RoomIndex(0);
    assert_eq!(client.handle_apart(NOW, &value(7)), NEWS);
    client.leave(room);
    client.join(name("a"), JoinOptions::default());
    let leave = client.poll_command(NOW).unwrap().id();
    client.handle_event(NOW, &Event::Left { id: leave, room: "a" });
    let join = client.poll_command(NOW).unwrap().id();
    assert_eq!(client.handle_apart(NOW, &value(8)), Reaction::UnknownRoom, "to be held");
    client.handle_event(NOW, &joined_above(join, 9));
    assert_eq!(client.handle_apart(NOW, &value(8)), STALE, "held until now");
    assert_eq!(client.handle_event_on(NOW, Way::Stream(3), &value(9)), STALE);
    assert_eq!(client.handle_apart(NOW, &value(10)), NEWS);
    assert_eq!(client.poll_violation(), None);
}

#[test]
fn a_value_of_the_new_order_survives_the_reset_that_it_overtook() {
    let mut client = member();
    assert_eq!(client.handle_event(NOW, &value(7)), NEWS);
    assert_eq!(client.handle_apart(NOW, &value(12)), NEWS);
    let position = Position { epoch: Epoch(0xf), offset: Offset(0) };
    let reset = Event::Reset { room: "a", position, version: Version(11), reason: "" };
    assert_eq!(client.handle_event(NOW, &reset), Reaction::Reset { room: RoomIndex(0) });
    let held: Vec<_> = client.room(RoomIndex(0)).unwrap().verifier().versions().collect();
    assert_eq!(held.iter().map(|known| known.version).collect::<Vec<_>>(), [Version(12)]);
    assert_eq!(client.handle_apart(NOW, &value(11)), STALE, "of the old order");
    assert_eq!(client.handle_apart(NOW, &value(12)), STALE, "the same again");
    assert_eq!(client.handle_event(NOW, &value(13)), NEWS);
    assert_eq!(client.poll_violation(), None);
}

#[test]
fn the_current_values_behind_joined_are_taken_though_they_are_older() {
    for way in [Way::Control, Way::Stream(5)] {
        let mut client = Client::new(Arc::default());
        client.join(name("a"), JoinOptions::default());
        greet(&mut client);
        let id = client.poll_command(NOW).unwrap().id();
        client.handle_event_on(NOW, way, &joined_above(id, 9));
        assert_eq!(client.handle_apart(NOW, &value(6)), STALE);
        assert_eq!(client.handle_event_on(NOW, way, &value(6)), NEWS, "{way:?}");
        assert_eq!(client.handle_event_on(NOW, way, &value(9)), NEWS, "{way:?}");
        assert_eq!(client.poll_violation(), None);
    }
}

#[test]
fn a_server_that_tells_no_version_is_taken_at_its_word() {
    let mut client = member();
    assert_eq!(client.handle_apart(NOW, &value(1)), NEWS);
    let position = Position { epoch: Epoch(0xf), offset: Offset(0) };
    client.handle_event(NOW, &Event::Reset { room: "a", position, version: Version(0), reason: "" });
    assert_eq!(client.handle_apart(NOW, &value(1)), NEWS, "all versions are void");
    assert_eq!(client.poll_violation(), None);
}

#[test]
fn what_comes_apart_and_is_no_value_is_verified_as_ever() {
    let mut client = member();
    client.handle_apart(NOW, &message(1, 5));
    assert_eq!(client.poll_violation(), None);
    client.handle_apart(NOW, &message(1, 7));
    assert!(client.poll_violation().is_some());
}

#[test]
fn a_page_of_history_moves_no_position() {
    let mut client = member();
    let from = crate::command::HistoryFrom::Before(Offset(3));
    let command = client.history(NOW, RoomIndex(0), from, 2).unwrap();
    let id = command.id();
    assert!(matches!(command, Command::History(history) if history.room == name("a")));
    let page = crate::event::HistoryPage { id, room: "a", epoch: EPOCH, replay: 2, more: false };
    assert_eq!(client.handle_event(NOW, &Event::History(page)), Reaction::Told);
    for offset in [1, 2] {
        let reaction = client.handle_event(NOW, &message(1, offset));
        assert_eq!(reaction, Reaction::Message { room: RoomIndex(0), phase: Some(Phase::Page) });
    }
    client.handle_event(NOW, &message(1, 5));
    assert_eq!(client.poll_violation(), None);
    assert_eq!(client.history(NOW, RoomIndex(7), from, 2), Err(NotPublished::NotReady));
    assert!(client.presence(NOW, RoomIndex(0), None).unwrap().id().is_some());
}

#[test]
fn silence_is_broken_by_a_ping_and_ended_after_two_heartbeats() {
    let mut client = member();
    let beat = client.poll_timeout().unwrap();
    assert_eq!(beat, NOW.plus_ms(800));
    client.handle_timeout(beat);
    let id = match client.poll_command(beat) {
        Some(Command::Ping { id }) => id,
        other => panic!("{other:?}"),
    };
    let pong = Event::Pong { id, time: UnixMicros(0) };
    assert_eq!(client.handle_event(beat + 70, &pong), Reaction::Pong { rtt_us: 70 });
    let heard = beat + 70;
    let mut now = heard;
    while client.poll_action().is_none() {
        now = client.poll_timeout().unwrap();
        client.handle_timeout(now);
        while client.poll_command(now).is_some() {}
    }
    assert_eq!(now, heard.plus_ms(2_000));
}

#[test]
fn a_stale_resume_starts_a_new_session_and_keeps_the_positions() {
    let mut client = member();
    client.handle_closed(NOW, None, 1);
    client.handle_connected(NOW);
    let id = client.poll_command(NOW).unwrap().id();
    let error =
        ErrorEvent { id, room: None, code: ErrorCode::ResumeStale, retry_after_ms: None, message: "" };
    assert_eq!(client.handle_event(NOW, &Event::Error(error)), Reaction::Refused { request: Request::Hello });
    assert_eq!(client.poll_action(), Some(Action::Close));
    assert_eq!(client.handle_closed(NOW, None, 1), Reconnect::After { ms: 0 });
    client.handle_connected(NOW);
    let Some(Command::Hello(hello)) = client.poll_command(NOW) else { panic!("no hello") };
    assert_eq!(hello.resume, None);
    let id = hello.id;
    client.handle_event(NOW, &welcome(id));
    let Some(Command::Join(join)) = client.poll_command(NOW) else { panic!("no join") };
    assert_eq!(join.since, Some(Since::Position(Position { epoch: EPOCH, offset: Offset(4) })));
}

#[test]
fn a_join_refused_for_now_is_tried_again() {
    let mut client = Client::new(Arc::default());
    client.join(name("a"), JoinOptions::default());
    greet(&mut client);
    let id = client.poll_command(NOW).unwrap().id();
    let code = ErrorCode::Unavailable;
    let error = ErrorEvent { id, room: None, code, retry_after_ms: Some(50), message: "" };
    client.handle_event(NOW, &Event::Error(error));
    assert_eq!(client.poll_timeout(), Some(NOW.plus_ms(50)));
    client.handle_timeout(NOW.plus_ms(50));
    assert!(matches!(client.poll_command(NOW.plus_ms(50)), Some(Command::Join(_))));
}

#[test]
fn a_join_refused_for_good_is_not() {
    let mut client = Client::new(Arc::default());
    let room = client.join(name("a"), JoinOptions::default());
    greet(&mut client);
    let id = client.poll_command(NOW).unwrap().id();
    let code = ErrorCode::JoinDenied;
    let error = ErrorEvent { id, room: None, code, retry_after_ms: None, message: "" };
    client.handle_event(NOW, &Event::Error(error));
    assert_eq!(client.room(room).unwrap().stage(), Stage::Out);
}

#[test]
fn a_forbidding_close_code_ends_the_session() {
    let mut client = member();
    assert_eq!(client.handle_closed(NOW, Some(3502), 1), Reconnect::Never);
    assert_eq!(client.state(), State::Ended);
    assert_eq!(client.poll_timeout(), None);
}

#[test]
fn messages_between_leave_and_left_still_count() {
    let mut client = member();
    client.leave(RoomIndex(0));
    let id = client.poll_command(NOW).unwrap().id();
    assert_eq!(client.handle_next(NOW, RoomHandle(1), Offset(5)), ROOM);
    client.handle_event(NOW, &Event::Left { id, room: "a" });
    assert_eq!(client.handle_event(NOW, &message(1, 6)), Reaction::UnknownRoom);
    assert_eq!(client.poll_violation(), None);
}

#[test]
fn a_client_is_small() {
    assert!(size_of::<Client>() <= 512, "{}", size_of::<Client>());
    assert!(size_of::<Room>() <= 256, "{}", size_of::<Room>());
}

#[test]
fn a_join_given_while_leaving_follows_the_answer() {
    let mut client = member();
    let room = RoomIndex(0);
    client.leave(room);
    client.join(name("a"), JoinOptions::default());
    let leave = client.poll_command(NOW).unwrap().id();
    assert!(client.poll_command(NOW).is_none());
    client.handle_event(NOW, &Event::Left { id: leave, room: "a" });
    let join = client.poll_command(NOW).unwrap().id();
    client.handle_event(NOW, &joined(join, "a", 1, 9, true, 0));
    assert_eq!(client.room(room).unwrap().stage(), Stage::In);
    assert_eq!(client.poll_violation(), None);
}

#[test]
fn a_refused_leave_says_whether_the_client_is_still_in() {
    let refuse =
        |id, code| Event::Error(ErrorEvent { id, room: None, code, retry_after_ms: None, message: "" });
    for (code, stage) in [(ErrorCode::RateLimited, Stage::In), (ErrorCode::NotJoined, Stage::Out)] {
        let mut client = member();
        client.leave(RoomIndex(0));
        let leave = client.poll_command(NOW).unwrap().id();
        client.handle_event(NOW, &refuse(leave, code));
        assert_eq!(client.room(RoomIndex(0)).unwrap().stage(), stage, "{code:?}");
    }
}

#[test]
fn what_came_before_a_published_is_not_owed_to_who_leaves() {
    let mut client = member();
    let id = client.publish(NOW, &publication("a", false)).unwrap().id().unwrap();
    client.leave(RoomIndex(0));
    let place = Place::Offset(Offset(8));
    let published = Published { id, room: "a", epoch: EPOCH, place, time: UnixMicros(0), duplicate: false };
    assert_eq!(client.handle_event(NOW, &Event::Published(published)), Reaction::Published { id });
    assert_eq!(client.poll_violation(), None);
}
