//! The outbox alone: frames are their own text, sizes are text lengths.

use super::*;
use ringway_protocol::{Offset, RoomHandle};

const ROOM: RoomHandle = RoomHandle(1);
const OTHER: RoomHandle = RoomHandle(2);

struct Bench {
    outbox: Outbox<String>,
    pool: Pool<String>,
}

impl Bench {
    fn new() -> Self {
        Self { outbox: Outbox::new(), pool: Pool::new() }
    }

    fn control(&mut self, text: &str) -> u64 {
        self.outbox.push(&mut self.pool, text.into(), Kind::Control, text.len(), 0, false)
    }

    fn reliable(&mut self, handle: RoomHandle, offset: u64, text: &str) {
        let kind = Kind::Reliable { handle, offset: Offset(offset) };
        self.outbox.push(&mut self.pool, text.into(), kind, text.len(), offset as u32, false);
    }

    fn value(&mut self, key_tag: u64, after: u64, text: &str, unreliable: bool) -> Put {
        let bytes = text.len() as u32;
        let value = Value { key_tag, handle: ROOM, after, frame: text.into(), bytes, unreliable };
        self.outbox.push_value(&mut self.pool, value)
    }

    /// Lets the transport take `bytes` of an offer of up to `bytes_max`; the text that was on the wire.
    fn write(&mut self, bytes_max: usize, bytes: u64) -> String {
        let mut text = String::new();
        let offered = self.outbox.poll(bytes_max, &mut |frame, skip, _| text.push_str(&frame[skip..]));
        assert_eq!(offered, text.len() as u64);
        let taken = bytes.min(offered);
        text.truncate(taken as usize);
        self.outbox.on_written(&mut self.pool, taken);
        text
    }

    fn write_all(&mut self) -> String {
        let text = self.write(usize::MAX, u64::MAX);
        assert!(self.outbox.is_empty());
        assert_eq!(self.outbox.bytes(), 0);
        text
    }

    fn drop_oldest(&mut self, bytes_max: u64) -> u64 {
        self.outbox.drop_oldest(ROOM, bytes_max, &|_| false, 0, &mut |_, from, to| {
            let text = format!("[{from}-{to}]");
            let bytes = text.len();
            (text, bytes)
        })
    }
}

#[test]
fn frames_leave_in_the_order_in_which_they_came() {
    let mut bench = Bench::new();
    bench.control("a");
    bench.reliable(ROOM, 1, "b");
    bench.control("c");
    assert_eq!(bench.write_all(), "abc");
}

#[test]
fn every_split_of_the_stream_writes_the_same_bytes() {
    for step in 1..12 {
        let mut bench = Bench::new();
        bench.control("hello ");
        bench.value(7, 0, "<seven>", false);
        bench.reliable(ROOM, 1, "world ");
        bench.value(8, 0, "<eight>", false);
        let mut text = String::new();
        while !bench.outbox.is_empty() {
            text.push_str(&bench.write(64, step));
        }
        assert_eq!(text, "hello <seven>world <eight>", "step {step}");
        assert_eq!(bench.outbox.bytes(), 0);
    }
}

#[test]
fn the_newest_value_of_a_key_takes_the_place_of_the_older() {
    let mut bench = Bench::new();
    assert_eq!(bench.value(7, 0, "old", false), Put::Queued);
    assert_eq!(bench.value(8, 0, "other", false), Put::Queued);
    assert_eq!(bench.value(7, 0, "new!", false), Put::Replaced);
    assert_eq!(bench.write_all(), "new!other");
}

#[test]
fn a_value_that_is_begun_is_finished_and_its_successor_follows() {
    let mut bench = Bench::new();
    bench.value(7, 0, "older", false);
    assert_eq!(bench.write(64, 2), "ol");
    assert!(bench.outbox.is_mid_frame());
    assert_eq!(bench.value(7, 0, "newer", false), Put::Queued);
    assert_eq!(bench.write_all(), "dernewer");
}

#[test]
fn a_value_waits_for_the_joined_of_its_room() {
    let mut bench = Bench::new();
    bench.control("other;");
    let joined = bench.control("joined;");
    bench.value(7, joined, "value;", false);
    bench.control("more;");
    assert_eq!(bench.write_all(), "other;joined;value;more;");
}

#[test]
fn unreliable_values_are_dropped_when_the_transport_falls_behind() {
    let mut bench = Bench::new();
    bench.control("control");
    bench.value(7, 0, "unreliable", true);
    bench.value(8, 0, "latest", false);
    assert_eq!(bench.write(64, 3), "con");
    assert!(bench.outbox.is_lagging());
    assert_eq!(bench.value(9, 0, "too late", true), Put::Dropped);
    assert_eq!(bench.write_all(), "trollatest");
    assert!(!bench.outbox.is_lagging());
}

#[test]
fn dropping_the_oldest_leaves_one_gap_in_their_place() {
    let mut bench = Bench::new();
    bench.control("a;");
    for offset in 1..=9 {
        bench.reliable(ROOM, offset, "0123456789");
    }
    bench.control("z;");
    assert_eq!(bench.drop_oldest(34), 6);
    assert_eq!(bench.drop_oldest(20), 2);
    assert_eq!(bench.write_all(), "a;[1-8]0123456789z;");
}

#[test]
fn a_gap_never_spans_an_answer_that_took_an_offset_s_place() {
    let mut bench = Bench::new();
    bench.reliable(ROOM, 1, "one;");
    bench.control("published 2;");
    bench.reliable(ROOM, 3, "three;");
    assert_eq!(bench.drop_oldest(0), 2);
    assert_eq!(bench.write_all(), "[1-1]published 2;[3-3]");
}

#[test]
fn a_frame_that_is_begun_is_never_dropped() {
    let mut bench = Bench::new();
    bench.reliable(ROOM, 1, "first;");
    bench.reliable(ROOM, 2, "second;");
    assert_eq!(bench.write(64, 2), "fi");
    assert_eq!(bench.drop_oldest(0), 1);
    assert_eq!(bench.write_all(), "rst;[2-2]");
    bench.reliable(ROOM, 3, "third;");
    bench.control("answer;");
    assert_eq!(bench.write(64, 2), "th");
    bench.outbox.clear();
    assert_eq!(bench.write_all(), "ird;");
}

#[test]
fn other_rooms_keep_their_publications() {
    let mut bench = Bench::new();
    bench.reliable(ROOM, 1, "mine;");
    bench.reliable(OTHER, 1, "theirs;");
    assert_eq!(bench.outbox.oldest_room(), Some(ROOM));
    assert_eq!(bench.drop_oldest(0), 1);
    assert_eq!(bench.outbox.oldest_room(), Some(OTHER));
    assert_eq!(bench.write_all(), "[1-1]theirs;");
}

#[test]
fn the_age_is_that_of_the_oldest_frame() {
    let mut bench = Bench::new();
    bench.reliable(ROOM, 100, "a");
    bench.reliable(ROOM, 200, "b");
    assert_eq!(bench.outbox.age_ms(300), 200);
}

#[test]
#[should_panic(expected = "wrote 9 of")]
fn writing_more_than_was_offered_is_a_programmer_s_error() {
    let mut bench = Bench::new();
    bench.control("abc");
    bench.outbox.poll(64, &mut |_, _, _| {});
    bench.outbox.on_written(&mut bench.pool, 9);
}

#[test]
fn values_apart_wait_for_their_joined_and_for_the_transport() {
    let mut bench = Bench::new();
    bench.outbox = Outbox::with_values_apart(true);
    let joined = bench.control("joined");
    bench.value(7, joined, "<old>", false);
    bench.value(7, joined, "<new>", false);
    bench.value(8, 0, "<free>", true);
    let mut sent = Vec::new();
    let mut offer = |bench: &mut Bench, verdict: Taken| {
        sent.clear();
        bench.outbox.poll_values(&mut bench.pool, 0, |_| false, &mut |frame: &String, tag, may_be_lost| {
            sent.push((frame.clone(), tag, may_be_lost));
            verdict
        });
        sent.clone()
    };
    assert_eq!(offer(&mut bench, Taken::NotNow), [("<free>".into(), 8, true)]);
    assert_eq!(bench.write(usize::MAX, u64::MAX), "joined", "values are not among the stream's frames");
    assert!(bench.outbox.stream_is_empty() && !bench.outbox.is_empty());
    assert_eq!(offer(&mut bench, Taken::Sent), [("<new>".into(), 7, false), ("<free>".into(), 8, true)]);
    assert!(bench.outbox.is_empty());
    assert_eq!(bench.outbox.bytes(), 0);
}

#[test]
fn a_value_without_a_way_of_its_own_goes_with_the_stream_once_that_is_idle() {
    let mut bench = Bench::new();
    bench.outbox = Outbox::with_values_apart(true);
    bench.control("before ");
    bench.value(7, 0, "<value>", false);
    let with_stream = |bench: &mut Bench| {
        bench.outbox.poll_values(&mut bench.pool, 0, |_| false, &mut |_: &String, _, _| Taken::WithStream);
    };
    with_stream(&mut bench);
    assert_eq!(bench.write(usize::MAX, u64::MAX), "before ");
    with_stream(&mut bench);
    assert_eq!(bench.write_all(), "<value>");
}

#[test]
fn a_stream_that_lags_drops_no_values_that_leave_apart() {
    let mut bench = Bench::new();
    bench.outbox = Outbox::with_values_apart(true);
    bench.control("long");
    bench.value(7, 0, "<value>", true);
    assert_eq!(bench.write(usize::MAX, 2), "lo");
    assert!(bench.outbox.is_lagging() && bench.outbox.holds_values());
    assert_eq!(bench.value(7, 0, "<newer>", true), Put::Replaced);
}

#[test]
fn what_is_said_of_a_room_goes_on_its_own_stream_up_to_left() {
    let mut bench = Bench::new();
    let mut push = |kind, streamed| {
        bench.outbox.push(&mut bench.pool, "x".into(), kind, 1, 0, streamed);
    };
    push(Kind::Start { handle: ROOM }, true);
    push(Kind::Control, false);
    push(Kind::Reliable { handle: OTHER, offset: Offset(1) }, false);
    push(Kind::Reliable { handle: ROOM, offset: Offset(1) }, true);
    push(Kind::InRoom { handle: ROOM }, true);
    push(Kind::Left { handle: ROOM }, true);
    let mut vias = Vec::new();
    bench.outbox.poll(64, &mut |_, _, via| vias.push(via));
    let room = Via::Room(ROOM);
    assert_eq!(vias, [room, Via::Control, Via::Control, room, room, Via::RoomEnd(ROOM)]);
}
