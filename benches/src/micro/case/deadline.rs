//! Deadlines of sessions and rooms.

use std::hint::black_box;

use ringway_core::settings::Namespace;
use ringway_core::{Departure, SessionKey};
use ringway_protocol::{RoomName, UnixMicros};

use crate::micro::house::{House, identity, join};
use crate::micro::{Case, Measure};

const SESSIONS: u64 = 10_000;
const OPERATIONS: u64 = 100;
const GOING: u64 = 100;

pub(super) const CASES: &[Case] = &[
    Case::new("move a deadline among 10,000", refresh),
    Case::new("a look for what is due among 10,000", look),
    Case::new("detach, and go when the time is over", detach),
];

/// Sessions of which each has a deadline of its own.
fn house() -> (House, Vec<SessionKey>) {
    let mut house = House::of(0);
    let sessions: Vec<_> = (0..SESSIONS).map(|number| house.open(number)).collect();
    for (number, session) in (0..).zip(&sessions) {
        refresh_one(&mut house, *session, number, 60 + number);
    }
    house.drain();
    (house, sessions)
}

/// A newer token, which ends so much later.
fn refresh_one(house: &mut House, session: SessionKey, number: u64, seconds: u64) {
    let expires = UnixMicros(house.now.unix.0 + seconds * 1_000_000);
    house.shard.handle_refresh(house.now, session, None, identity(number, Some(expires)));
}

fn refresh(measure: &mut Measure<'_>) {
    let (mut house, sessions) = house();
    let mut later = SESSIONS;
    measure.run_prepared(
        OPERATIONS,
        &mut house,
        |house| {
            house.drain();
        },
        |house| {
            for number in 0..OPERATIONS {
                later += 1;
                let which = (number * 97 % SESSIONS) as usize;
                refresh_one(house, sessions[which], which as u64, later);
            }
        },
    );
}

fn look(measure: &mut Measure<'_>) {
    let (mut house, _) = house();
    measure.run(OPERATIONS, || {
        for _ in 0..OPERATIONS {
            if house.shard.poll_timeout().is_none_or(|at| at <= black_box(house.now.monotonic)) {
                house.shard.handle_timeout(house.now);
            }
        }
    });
}

/// Each in a room of its own: connections break, and nobody comes back in time.
fn detach(measure: &mut Measure<'_>) {
    let detach_ms = Namespace::default().detach_ms;
    let rooms: Vec<String> = (0..GOING).map(|room| format!("room-{room}")).collect();
    let mut state = (House::of(0), Vec::new());
    measure.run_prepared(
        GOING,
        &mut state,
        |(house, sessions)| {
            for (number, name) in (0..).zip(&rooms) {
                let session = house.open(number);
                house.command(session, &join(RoomName::new(name).expect("a valid name"), None));
                sessions.push(session);
            }
            house.drain();
        },
        |(house, sessions)| {
            for session in sessions.drain(..) {
                house.shard.handle_close(house.now, session, Departure::Detached);
            }
            house.now.monotonic = house.now.monotonic.plus_ms(detach_ms + 1);
            house.shard.handle_timeout(house.now);
            while house.shard.poll_output().is_some() {}
        },
    );
}
