//! A room's past: kept, trimmed, and given to those who missed it.

use std::hint::black_box;

use ringway_core::settings::Namespace;
use ringway_protocol::command::{History, HistoryFrom, Since};
use ringway_protocol::{Command, Lane, Offset, Position, RequestId};

use crate::micro::house::{House, join, leave, publication, room};
use crate::micro::{Case, Measure};

const OPERATIONS: u64 = 100;
/// Publications missed.
const MISSED: u64 = 100;
const PAST: u32 = 256;

pub(super) const CASES: &[Case] = &[
    Case::new("append to a full history and trim it", append_and_trim),
    Case::new("recover 100 missed messages", recover),
    Case::new("a page of 100 of the history", page),
];

/// A room whose history is full.
fn house(members: u64) -> House {
    let mut house = House::with(members, Namespace { history_count_max: PAST, ..Namespace::default() });
    let publisher = house.open(1_000_000);
    house.members.push(publisher);
    for _ in 0..PAST {
        house.command(publisher, &publication(room(), Lane::Reliable, ""));
        house.drain();
    }
    house
}

/// The publisher is no member, and the one member lives on: nothing but the order and the past is touched besides its outbox.
fn append_and_trim(measure: &mut Measure<'_>) {
    let mut house = house(1);
    let publisher = house.members[1];
    let command = publication(room(), Lane::Reliable, "");
    measure.run_prepared(
        OPERATIONS,
        &mut house,
        |house| {
            house.drain();
        },
        |house| {
            for _ in 0..OPERATIONS {
                house.command(publisher, black_box(&command));
            }
        },
    );
}

/// From the join with a position to the last message in the flush.
fn recover(measure: &mut Measure<'_>) {
    let mut house = house(1);
    let member = house.members[0];
    house.command(member, &leave(room()));
    house.command(member, &join(room(), None));
    house.drain();
    let now = house.position();
    let missed = Position { epoch: now.epoch, offset: Offset(now.offset.0 - MISSED) };
    let (rejoin, leave) = (join(room(), Some(Since::Position(missed))), leave(room()));
    measure.run_prepared(
        1,
        &mut house,
        |house| {
            house.command(member, &leave);
            house.drain();
        },
        |house| {
            house.command(member, black_box(&rejoin));
            let (_, frames) = house.drain_counting();
            assert_eq!(frames, 1 + MISSED, "joined, and all that was missed");
        },
    );
}

fn page(measure: &mut Measure<'_>) {
    let mut house = house(1);
    let member = house.members[0];
    let command = Command::History(History {
        id: RequestId::new(3),
        room: room(),
        from: HistoryFrom::Before(Offset(u64::from(PAST) + 1)),
        limit: MISSED as u32,
    });
    measure.run(1, || {
        house.command(member, black_box(&command));
        let (_, frames) = house.drain_counting();
        assert_eq!(frames, 1 + MISSED, "the answer and its page");
    });
}
