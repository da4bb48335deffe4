//! Who is in a room.

use crate::micro::house::{House, join, leave, room};
use crate::micro::{Case, Measure};

const ROUNDS: u64 = 10;

pub(super) const CASES: &[Case] = &[Case::new("join and leave among 100 members", join_and_leave)];

fn join_and_leave(measure: &mut Measure<'_>) {
    let mut house = House::of(100);
    let visitor = house.open(1_000);
    let (join, leave) = (join(room(), None), leave(room()));
    house.command(visitor, &join);
    house.command(visitor, &leave);
    measure.run_prepared(
        ROUNDS,
        &mut house,
        |house| {
            house.drain();
        },
        |house| {
            for _ in 0..ROUNDS {
                house.command(visitor, &join);
                house.command(visitor, &leave);
            }
        },
    );
}
