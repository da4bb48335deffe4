//! Every order of leases, takeovers, commits, `in_sync` and fences, walked by stateright: 3 nodes, up to 2 slots.
//!
//! The model (`rules.rs`) asks the crate's own functions: [`ringway_cluster::lease`], [`ringway_cluster::replication`] and what
//! entries become in [`ringway_cluster::slot`]. A mutation answers one of its rules wrongly, and must be found. What is covered and what is not:
//! `docs/adr/0009-leases-and-takeovers-are-walked-by-a-model.md`.
//!
//! `RINGWAY_MODEL=2,2/3,3/2,2,2 cargo test --release -p ringway-cluster --test model -- --nocapture every_order` walks a larger world.

#![expect(clippy::disallowed_macros, reason = "a test may say what it walked")]

mod rules;
mod state;

use rules::{Mutation, Rules, Size, Step};
use state::{LOG_MAX, SLOTS, World, Wrong, id};
use stateright::{Checker, Model, Property};
use std::num::NonZeroUsize;

const KEPT: &str = "what was acked is in every history that continues the epoch";
const ONE: &str = "one place holds one publication";
const HELD: &str = "who has no lease acks nothing";
const TERMS: &str = "terms never go back";
const SYNC: &str = "who is in sync has all that was acked";

impl Model for Rules {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![self.first()]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        self.steps(world, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        self.take(&mut next, step);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(KEPT, |_, world| kept(world)),
            Property::always(ONE, |_, world| one_at_a_place(world)),
            Property::always(HELD, |_, world: &World| world.wrong != Some(Wrong::AckedWithoutLease)),
            Property::always(TERMS, |_, world: &World| world.wrong != Some(Wrong::TermWentBack)),
            Property::always(SYNC, |_, world| in_sync_has_all(world)),
            Property::sometimes("an heir goes on in the same epoch and acks", |_, world| {
                pairs(world).any(|(old, new)| old.epoch == new.epoch && old.term < new.term)
            }),
            Property::sometimes("a takeover without an heir starts a new epoch", |_, world| {
                pairs(world).any(|(old, new)| old.epoch < new.epoch)
            }),
            Property::sometimes(
                "an owner comes back after a pause, and what it had left is refused",
                |_, world| refused(world),
            ),
            Property::sometimes("a standby that registered anew is in sync again", |_, world: &World| {
                world.slots.iter().any(|slot| {
                    let told = slot.acked.iter().next().is_some();
                    let standby = slot.entry.standby.filter(|_| slot.entry.in_sync && told);
                    standby.is_some_and(|standby| world.nodes[state::index(standby)].registration.0 > 1)
                })
            }),
        ]
    }
}

/// In each copy of an owner is all that was acked in its epoch until now.
fn kept(world: &World) -> bool {
    world.nodes.iter().all(|node| {
        (0..SLOTS).all(|slot| {
            let role = &node.roles[slot];
            let Some(log) = role.log.filter(|_| role.owned.is_some()) else { return true };
            let mut acked = world.slots[slot].acked.iter();
            acked.all(|acked| {
                acked.epoch != log.epoch || u64::from(acked.term) > role.seen.term.0 || log.has(acked)
            })
        })
    })
}

fn one_at_a_place(world: &World) -> bool {
    world.slots.iter().all(|slot| {
        let mut all = slot.acked.iter();
        all.all(|one| {
            slot.acked.iter().all(|other| {
                (one.epoch, one.offset) != (other.epoch, other.offset) || one.bytes == other.bytes
            })
        })
    })
}

fn in_sync_has_all(world: &World) -> bool {
    world.slots.iter().enumerate().all(|(index, slot)| {
        let Some(standby) = slot.entry.standby.filter(|_| slot.entry.in_sync) else { return true };
        let node = &world.nodes[state::index(standby)];
        let log = node.roles[index].log.unwrap_or_default();
        let mut acked = slot.acked.iter().filter(|acked| acked.epoch == slot.epoch);
        !node.up || acked.all(|acked| acked.epoch == log.epoch && log.has(acked))
    })
}

fn refused(world: &World) -> bool {
    world.nodes.iter().enumerate().any(|(index, node)| {
        (0..SLOTS).any(|slot| {
            let role = &node.roles[slot];
            let waiting = role.owned.zip(role.log).is_some_and(|(owned, log)| owned.committed < log.length);
            let stored = &world.slots[slot];
            let others = stored.acked.iter().any(|acked| u64::from(acked.term) > role.seen.term.0);
            waiting && others && node.renewing.is_some() && stored.entry.owner != Some(id(index))
        })
    })
}

fn pairs(world: &World) -> impl Iterator<Item = (&state::Acked, &state::Acked)> {
    let slots = world.slots.iter();
    slots.flat_map(|slot| slot.acked.iter().flat_map(|old| slot.acked.iter().map(move |new| (old, new))))
}

/// What CI walks, or what is asked for: three lists of numbers, for publications and terms of each slot (0 terms: nobody owns it), and
/// registrations of each node.
fn size() -> Size {
    #[expect(clippy::disallowed_methods, reason = "a test may be asked for more")]
    let asked = std::env::var("RINGWAY_MODEL").ok();
    parse(asked.as_deref().unwrap_or("2,0/2,0/2,2,1"))
        .expect("RINGWAY_MODEL is three lists like 2,1/3,2/2,2,2")
}

fn parse(text: &str) -> Option<Size> {
    let lists = text.split('/').map(|list| list.split(',').map(|number| number.parse().ok()).collect());
    let lists: Vec<Vec<u64>> = lists.collect::<Option<_>>()?;
    let [publications, terms, registrations] = <[Vec<u64>; 3]>::try_from(lists).ok()?;
    let publications =
        <[u64; SLOTS]>::try_from(publications).ok()?.map(|count| count.min(LOG_MAX as u64) as u8);
    Some(Size { publications, terms: terms.try_into().ok()?, registrations: registrations.try_into().ok()? })
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "takes minutes unoptimised: cargo test --release -p ringway-cluster --test model"
)]
fn every_order_keeps_every_promise() {
    let size = size();
    let checker = Rules::new(size, Mutation::None).checker().threads(threads()).spawn_bfs().join();
    println!(
        "{size:?}: {} states, {} of them different, {} steps deep",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth()
    );
    checker.assert_properties();
}

/// Too small for every "sometimes", large enough for two slots that lose one owner.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "takes minutes unoptimised: cargo test --release -p ringway-cluster --test model"
)]
fn two_slots_on_one_lease_keep_every_promise() {
    let size = parse("1,0/2,1/0,1,1").expect("a size");
    let checker = Rules::new(size, Mutation::None).checker().threads(threads()).spawn_bfs().join();
    println!(
        "{size:?}: {} states, {} of them different",
        checker.state_count(),
        checker.unique_state_count()
    );
    [KEPT, ONE, HELD, TERMS, SYNC].into_iter().for_each(|name| checker.assert_no_discovery(name));
}

/// Walks until the promise is broken.
fn finds(mutation: Mutation, size: Size, broken: &[&'static str]) {
    let rules = Rules::new(size, mutation);
    let finish = stateright::HasDiscoveries::AnyFailures;
    let checker = rules.checker().threads(threads()).finish_when(finish).spawn_bfs().join();
    let found = broken.iter().find_map(|name| Some((name, checker.discovery(name)?)));
    let Some((name, path)) = found else {
        panic!("{mutation:?} went unnoticed in {} states", checker.unique_state_count())
    };
    let steps: Vec<String> = path.into_actions().iter().map(|step| format!("  {step:?}")).collect();
    println!("{mutation:?} breaks: {name}\n{}", steps.join("\n"));
}

const ONE_SLOT: Size = Size { publications: [2, 0], terms: [3, 0], registrations: [2, 2, 2] };

macro_rules! mutations {
    ($($test:ident: $mutation:ident => $($broken:ident)|+;)*) => {
        $(
            #[test]
            #[cfg_attr(debug_assertions, ignore = "takes minutes unoptimised: cargo test --release -p ringway-cluster --test model")]
            fn $test() { finds(Mutation::$mutation, ONE_SLOT, &[$($broken),+]); })*
    };
}

mutations! {
    clocks_that_run_apart_need_the_margin: NoMargin => HELD;
    a_lease_counts_from_when_the_renewal_was_sent: LeaseFromAnswer => HELD;
    the_clock_is_read_again_before_an_ack: NoFreshClock => HELD;
    a_beat_that_changed_is_not_dead: BeatNotCompared => HELD;
    an_ack_waits_for_the_standby: AckBeforeStandby => SYNC | KEPT;
    waiting_begins_before_in_sync_is_set: WaitsTooLate => SYNC | KEPT;
    waiting_ends_after_in_sync_was_cleared: StopsTooEarly => SYNC | KEPT;
    only_who_is_in_sync_continues: HeirNotInSync => KEPT;
    only_who_is_up_continues: HeirNotUp => KEPT;
    nobody_joins_while_the_map_names_it: JoinsWhileNamed => KEPT | ONE | SYNC;
    acks_of_an_earlier_registration_do_not_count: OldAcksCount => SYNC | KEPT;
    frames_of_lower_terms_are_refused: OldFramesTaken => SYNC | KEPT | ONE;
    a_transaction_compares_what_it_changes: EntryNotCompared => TERMS | SYNC;
}
