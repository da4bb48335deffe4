//! Clusters of members over one coordinator in memory, in virtual time.

use super::*;
use crate::Term;
use crate::coordinator::{ClientId, Coordinator, Memory, Solo};
use crate::error::MemberError;
use crate::lease::Timing;
use crate::map::Chunk;
use crate::record::ClusterId;

const CLUSTER: ClusterId = ClusterId(0xc1);
const STEP_MS: u64 = 50;

fn config(node: u64) -> Config {
    Config {
        node: NodeId(node),
        cluster: CLUSTER,
        weight: 1,
        addresses: format!("10.0.0.{node}:7410"),
        replicas: 2,
        timing: Timing::DEFAULT,
        alone: false,
        remembered: None,
        raise_terms: false,
    }
}

/// Members, their coordinator and a rim that does at once what it is told.
struct World {
    now: Monotonic,
    memory: Memory,
    members: Vec<(ClientId, Member)>,
    /// What each was told, in order.
    effects: Vec<Vec<Effect>>,
    /// Transactions of each on the map that were committed, and refused.
    written: Vec<[usize; 2]>,
    /// Stopped as by a signal: neither time nor events reach them.
    paused: Vec<bool>,
    /// Whether standbys catch up.
    syncs: bool,
    /// Whether a slot's standby is lost when the slot was transferred.
    loses: bool,
    /// Slots that can be frozen.
    obeys_freeze: fn(Slot) -> bool,
}

impl World {
    fn new(configs: Vec<Config>) -> Self {
        let mut world = Self {
            now: Monotonic(1_000_000),
            memory: Memory::new(),
            members: Vec::new(),
            effects: Vec::new(),
            written: Vec::new(),
            paused: Vec::new(),
            syncs: true,
            loses: false,
            obeys_freeze: |_| true,
        };
        configs.into_iter().for_each(|config| world.start(config));
        world
    }

    fn of(count: u64) -> Self {
        Self::new((1..=count).map(config).collect())
    }

    fn start(&mut self, config: Config) {
        let client = ClientId(self.members.len() as u64);
        self.members.push((client, Member::new(config, self.now)));
        self.effects.push(Vec::new());
        self.written.push([0; 2]);
        self.paused.push(false);
    }

    fn run_ms(&mut self, ms: u64) {
        for _ in 0..ms / STEP_MS {
            self.now = self.now.plus_ms(STEP_MS);
            for index in 0..self.members.len() {
                if !self.paused[index] {
                    self.members[index].1.handle_timeout(self.now);
                }
            }
            self.pump();
            self.nobody_shares();
        }
    }

    fn pump(&mut self) {
        for _ in 0..8 {
            for index in 0..self.members.len() {
                if self.paused[index] {
                    continue;
                }
                let (client, member) = &mut self.members[index];
                while let Some((token, event)) = self.memory.client(*client).poll() {
                    if matches!(member.pending.get(&token), Some(Pending::Chunk(_))) {
                        self.written[index][usize::from(matches!(event, Event::Refused(_)))] += 1;
                    }
                    member.handle_event(self.now, token, event);
                }
                while let Some((token, request)) = member.poll_request() {
                    if self.memory.client(*client).submit(token, request).is_err() {
                        member.handle_event(self.now, token, Event::Unknown);
                    }
                }
                self.obey(index);
                let member = &mut self.members[index].1;
                if member.poll_timeout().is_some_and(|at| at <= self.now) {
                    member.handle_timeout(self.now);
                }
            }
            self.memory.turn();
        }
    }

    fn obey(&mut self, index: usize) {
        while let Some(effect) = self.members[index].1.poll_effect() {
            let (now, member) = (self.now, &mut self.members[index].1);
            match effect {
                Effect::Replicate { slot, term, standby: Some(standby), waits: false } if self.syncs => {
                    member.request_in_sync(slot, term, standby);
                }
                Effect::Freeze { slot, term } if (self.obeys_freeze)(slot) => {
                    member.handle_frozen(slot, term)
                }
                Effect::Transfer { slot, term, .. } => {
                    let term = Term(term.0 - 1);
                    member.handle_transferred(now, slot, term, true);
                    if self.loses {
                        member.request_alone(slot, term);
                    }
                }
                _ => {}
            }
            self.effects[index].push(effect);
        }
    }

    /// At no time may two nodes ack for one slot.
    fn nobody_shares(&self) {
        let mut owners = vec![None; 4_096];
        for (client, member) in self.members.iter().filter(|(_, member)| member.lease().may_ack(self.now)) {
            for slot in member.owned.keys().filter(|slot| !member.handovers.contains_key(slot)) {
                assert_eq!(owners[slot.index()].replace(*client), None, "slot {slot} has two owners");
            }
        }
    }

    fn owns(&self, index: usize) -> usize {
        self.members[index].1.owned.len()
    }

    /// Who owns a slot, by place.
    fn owner(&self, slot: u16) -> usize {
        let slot = Slot::new(slot).unwrap();
        (0..self.members.len()).find(|index| self.members[*index].1.owned.contains_key(&slot)).unwrap()
    }

    fn told(&self, index: usize, wanted: impl Fn(&Effect) -> bool) -> usize {
        self.effects[index].iter().filter(|effect| wanted(effect)).count()
    }

    fn refusal(&self, index: usize) -> Option<MemberError> {
        self.effects[index].iter().find_map(|effect| match effect {
            Effect::NotReady(NotReady::Refused(error)) => Some(*error),
            _ => None,
        })
    }

    fn in_sync(&self, index: usize) -> usize {
        self.members[index].1.map().entries().filter(|(_, entry)| entry.in_sync).count()
    }
}

#[test]
fn solo_owns_everything_at_once_at_its_term() {
    let (mut solo, now) = (Solo::new(CLUSTER, Term(7)), Monotonic(5));
    let mut member = Member::new(Config { alone: true, replicas: 1, ..config(1) }, now);
    for _ in 0..32 {
        member.handle_timeout(now);
        while let Some((token, request)) = member.poll_request() {
            solo.submit(token, request).unwrap();
        }
        while let Some((token, event)) = solo.poll() {
            member.handle_event(now, token, event);
        }
    }
    assert_eq!(member.owned.len(), 4_096);
    assert!(member.owned.values().all(|owned| owned.term() == Term(7)));
    assert!(member.lease().may_ack(Monotonic(u64::MAX - 1)));
    assert!(core::iter::from_fn(|| member.poll_effect()).any(|effect| effect == Effect::Ready));
}

#[test]
fn three_nodes_share_the_slots_and_all_are_in_sync() {
    let mut world = World::of(3);
    world.run_ms(1_000);
    assert_eq!(world.owns(0), 0, "leases that a wiped coordinator forgot may still run");
    world.run_ms(1_000);
    let owned: Vec<usize> = (0..3).map(|index| world.owns(index)).collect();
    assert_eq!(owned.iter().sum::<usize>(), 4_096);
    assert!(owned.iter().all(|count| (1_200..1_500).contains(count)), "{owned:?}");
    assert_eq!(world.in_sync(0), 4_096);
    assert!((0..3).all(|index| world.told(index, |effect| *effect == Effect::Ready) == 1));
}

#[test]
fn a_paused_owner_is_replaced_by_its_standbys_and_comes_back_with_nothing() {
    let mut world = World::of(3);
    world.run_ms(8_000);
    let had = world.owns(1);
    world.paused[1] = true;
    world.run_ms(1_700);
    assert_eq!(world.owns(0) + world.owns(2), 4_096);
    let continued = |effect: &Effect| matches!(effect, Effect::Acquire { continues: true, .. });
    assert_eq!(world.told(0, continued) + world.told(2, continued), had);
    assert!(!world.members[1].1.lease().may_ack(world.now));
    world.paused[1] = false;
    world.run_ms(200);
    assert_eq!(world.told(1, |effect| matches!(effect, Effect::StepDown { .. })), had);
    assert_eq!(world.told(1, |effect| *effect == Effect::NotReady(NotReady::DeclaredDead)), 1);
    assert_eq!(world.owns(1), 0, "it must be stable first");
    world.run_ms(9_000);
    assert_eq!(world.owns(1), 0, "twice as long as the first time");
    world.run_ms(18_000);
    assert!(world.owns(1) > 1_100, "{}", world.owns(1));
}

#[test]
fn without_an_in_sync_standby_a_takeover_does_not_continue() {
    let mut world = World::of(2);
    world.syncs = false;
    world.run_ms(2_000);
    let had = world.owns(0);
    world.paused[0] = true;
    world.run_ms(1_700);
    assert_eq!(world.owns(1), 4_096);
    let anew = |effect: &Effect| matches!(effect, Effect::Acquire { continues: false, from: Some(_), .. });
    assert_eq!(world.told(1, anew), had);
}

#[test]
fn an_outage_of_the_coordinator_ends_with_the_same_owners() {
    let mut world = World::of(3);
    world.run_ms(2_000);
    let before = world.members[0].1.map().clone();
    world.memory.set_available(false);
    world.run_ms(900);
    assert!(
        world.members.iter().all(|(_, member)| member.lease().may_ack(world.now)),
        "an election is ridden over"
    );
    world.run_ms(5_000);
    assert!(world.members.iter().all(|(_, member)| !member.lease().may_ack(world.now)));
    assert_eq!(world.told(0, |effect| *effect == Effect::NotReady(NotReady::LeaseOver)), 1);
    world.memory.commit_late();
    world.memory.set_available(true);
    world.run_ms(1_000);
    assert!(world.members.iter().all(|(_, member)| member.lease().may_ack(world.now)));
    assert_eq!(*world.members[0].1.map(), before);
    assert_eq!(world.told(0, |effect| matches!(effect, Effect::StepDown { .. })), 0);
}

#[test]
fn a_node_that_is_cut_off_stops_before_the_others_start() {
    let mut world = World::of(3);
    world.run_ms(2_000);
    world.memory.set_cut(ClientId(2), true);
    // Each step asserts that no slot has two owners.
    world.run_ms(3_000);
    assert_eq!(world.owns(0) + world.owns(1), 4_096);
    assert!(!world.members[2].1.lease().may_ack(world.now));
    world.memory.set_cut(ClientId(2), false);
    world.run_ms(500);
    assert_eq!(world.owns(2), 0);
    assert!(world.refusal(2).is_none());
}

#[test]
fn a_drain_hands_over_everything_and_drops_nothing() {
    let mut world = World::of(3);
    world.run_ms(2_000);
    let had = world.owns(0);
    let now = world.now;
    world.members[0].1.drain(now);
    world.run_ms(25_000);
    assert_eq!(world.told(0, |effect| matches!(effect, Effect::Release { .. })), had);
    assert_eq!(world.told(0, |effect| matches!(effect, Effect::StepDown { .. })), 0);
    assert_eq!(world.told(0, |effect| *effect == Effect::Drained), 1);
    assert_eq!(world.owns(1) + world.owns(2), 4_096);
    let anew = |effect: &Effect| matches!(effect, Effect::Acquire { continues: false, from: Some(_), .. });
    assert_eq!(world.told(1, anew) + world.told(2, anew), 0);
}

#[test]
fn slots_that_are_given_away_are_written_down_together() {
    let mut world = World::of(3);
    world.run_ms(8_000);
    let (had, now) = (world.owns(1), world.now);
    let before = world.written[1];
    world.members[1].1.drain(now);
    world.run_ms(5_000);
    assert_eq!(world.told(1, |effect| matches!(effect, Effect::Release { .. })), had);
    let [committed, refused] = [0, 1].map(|index| world.written[1][index] - before[index]);
    // Each batch lies in one part of the map or two.
    assert!(committed <= 2 * had.div_ceil(HANDOVERS_MAX), "{committed} transactions for {had} slots");
    // The controller may have begun a change of the part before the first of its slots was on its way.
    assert!(refused <= committed / 10, "{refused} of {committed} were refused");
}

#[test]
fn a_slot_that_is_transferred_waits_a_moment_for_its_neighbours_and_no_longer() {
    let mut world = World::of(3);
    world.run_ms(8_000);
    world.obeys_freeze = |slot| slot.number() != 1;
    let (now, owner) = (world.now, world.owner(1));
    world.members[owner].1.drain(now);
    world.run_ms(5_000);
    let released = |effect: &Effect| matches!(effect, Effect::Release { .. });
    assert!(world.told(owner, released) > 1_000, "one that does not freeze holds up nobody else");
    assert_eq!(world.owner(1), owner);
    let thawed = |effect: &Effect| matches!(effect, Effect::Thaw { .. });
    assert_eq!(world.told(owner, thawed), 0);
    world.run_ms(6_000);
    assert_eq!(world.told(owner, thawed), 1, "it goes on where it is");
    world.obeys_freeze = |_| true;
    world.run_ms(3_000);
    assert_ne!(world.owner(1), owner);
}

#[test]
fn a_standby_that_is_lost_in_a_handover_does_not_stop_it() {
    let mut world = World::of(3);
    world.loses = true;
    world.run_ms(2_000);
    let (now, had) = (world.now, world.owns(0));
    world.members[0].1.drain(now);
    world.run_ms(25_000);
    assert_eq!(world.told(0, |effect| matches!(effect, Effect::Release { .. })), had);
    assert_eq!(world.told(0, |effect| *effect == Effect::Drained), 1);
}

#[test]
fn who_drains_and_is_declared_dead_does_not_come_back() {
    let mut world = World::of(3);
    world.run_ms(2_000);
    let now = world.now;
    world.members[0].1.drain(now);
    world.paused[0] = true;
    world.run_ms(2_000);
    assert_eq!(world.owns(1) + world.owns(2), 4_096);
    world.paused[0] = false;
    world.run_ms(2_000);
    assert_eq!(world.told(0, |effect| *effect == Effect::Drained), 1);
    assert_eq!(world.told(0, |effect| *effect == Effect::NotReady(NotReady::DeclaredDead)), 0);
}

#[test]
fn the_controller_s_death_is_a_death_like_others() {
    let mut world = World::of(3);
    world.run_ms(2_000);
    let controller = world.members[0].1.view.control.unwrap().node;
    let index = controller.0 as usize - 1;
    world.paused[index] = true;
    world.run_ms(1_800);
    let rest: usize = (0..3).filter(|other| *other != index).map(|other| world.owns(other)).sum();
    assert_eq!(rest, 4_096);
}

#[test]
fn a_duplicate_id_is_refused_while_the_other_lives() {
    let mut world = World::of(2);
    world.run_ms(2_000);
    world.start(config(1));
    world.run_ms(2_000);
    assert_eq!(world.refusal(2), Some(MemberError::DuplicateNode(NodeId(1))));
    assert_eq!(world.owns(0) + world.owns(1), 4_096);
    // A process that died and was started again at once is no duplicate.
    world.paused[0] = true;
    world.start(config(1));
    world.run_ms(3_000);
    assert_eq!((world.refusal(3), world.owns(1)), (None, 4_096));
}

#[test]
fn another_cluster_s_coordinator_is_refused() {
    let mut world = World::of(1);
    world.run_ms(100);
    world.start(Config { cluster: ClusterId(0xc2), ..config(2) });
    world.run_ms(100);
    let error = world.refusal(1).unwrap();
    assert_eq!(error, MemberError::WrongCluster { found: CLUSTER, expected: ClusterId(0xc2) });
    assert_eq!((error.number(), error.name()), (1, "wrong_cluster"));
}

#[test]
fn a_coordinator_that_is_down_at_start_is_waited_for() {
    let mut world = World::of(0);
    world.memory.set_available(false);
    world.start(config(1));
    world.run_ms(5_000);
    assert_eq!(world.told(0, |effect| *effect == Effect::NotReady(NotReady::NoCoordinator)), 1);
    world.memory.set_available(true);
    world.run_ms(2_500);
    assert_eq!(world.owns(0), 4_096);
}

#[test]
fn a_wiped_coordinator_stops_everybody_who_knew_it() {
    let mut world = World::of(2);
    world.run_ms(2_000);
    let remembered = world.members[0].1.remembered();
    world.memory.wipe();
    world.run_ms(500);
    assert_eq!([world.refusal(0), world.refusal(1)], [Some(MemberError::CoordinatorWiped); 2]);
    world.start(Config { remembered: Some(remembered.clone()), ..config(1) });
    world.run_ms(100);
    assert_eq!(world.refusal(2), Some(MemberError::CoordinatorWiped));
    world.start(Config { remembered: Some(remembered.clone()), raise_terms: true, ..config(1) });
    world.run_ms(2_000);
    let member = &world.members[3].1;
    assert_eq!(member.owned.len(), 4_096);
    assert!(member.owned.iter().all(|(slot, owned)| owned.term() > remembered.terms[slot.index()]));
    // The others have seen higher revisions than the new coordinator has: they are told so, too.
    let remembered = Remembered { revision: Revision(1 << 40), ..remembered };
    world.start(Config { remembered: Some(remembered.clone()), ..config(2) });
    world.run_ms(100);
    assert!(matches!(world.refusal(4), Some(MemberError::CoordinatorWentBack { .. })));
    world.start(Config { remembered: Some(remembered.clone()), raise_terms: true, ..config(2) });
    world.run_ms(2_000);
    assert_eq!((world.refusal(5), world.members[5].1.state()), (None, Some(State::Up)));
    let high = Remembered { terms: vec![Term(5_000); 4_096], ..remembered };
    world.start(Config { remembered: Some(high), raise_terms: true, ..config(3) });
    world.run_ms(100);
    assert!(matches!(world.refusal(6), Some(MemberError::TermsWentBack { .. })));
}

#[test]
fn a_coordinator_from_an_old_backup_stops_everybody_who_knows_better() {
    let mut world = World::of(2);
    world.run_ms(500);
    let backup = world.memory.snapshot();
    world.run_ms(1_500);
    let remembered = world.members[0].1.remembered();
    world.memory.restore(&backup);
    world.run_ms(500);
    for index in 0..2 {
        assert!(
            matches!(world.refusal(index), Some(MemberError::CoordinatorWentBack { .. })),
            "{:?}",
            world.refusal(index)
        );
    }
    // Strangers write on until its revision is past what was seen: the terms still tell.
    while world.memory.revision_of(Key::Control) <= remembered.revision {
        let value = world.memory.value(Key::Control).map(<[u8]>::to_vec);
        world.memory.put(Key::Control, value);
    }
    world.start(Config { remembered: Some(remembered), ..config(1) });
    world.run_ms(100);
    assert!(matches!(world.refusal(2), Some(MemberError::TermsWentBack { .. })), "{:?}", world.refusal(2));
}

#[test]
fn garbage_in_the_coordinator_is_named() {
    let mut world = World::of(1);
    world.run_ms(2_000);
    let chunk = Key::Chunk(ChunkId::new(3).unwrap());
    world.memory.put(chunk, Some(b"nonsense".to_vec()));
    world.run_ms(100);
    assert!(matches!(world.refusal(0), Some(MemberError::Malformed(key, _)) if key == chunk));
    assert_eq!(world.owns(0), 0);
    assert!(!world.members[0].1.lease().may_ack(world.now));
}

#[test]
fn a_term_that_goes_back_under_a_running_node_stops_it() {
    let mut world = World::of(1);
    world.run_ms(2_000);
    let id = ChunkId::new(0).unwrap();
    world.memory.put(Key::Chunk(id), Some(Chunk::vacant(id, Term(0)).encode()));
    world.run_ms(100);
    assert!(matches!(world.refusal(0), Some(MemberError::TermsWentBack { .. })));
}

#[test]
fn watches_that_were_compacted_read_again() {
    let mut world = World::of(3);
    world.run_ms(2_000);
    world.memory.set_cut(ClientId(0), true);
    world.run_ms(600);
    world.memory.compact();
    world.memory.set_cut(ClientId(0), false);
    world.run_ms(1_000);
    assert!(world.members[0].1.lease().may_ack(world.now));
    world.paused[1] = true;
    world.run_ms(2_000);
    assert_eq!(world.owns(0) + world.owns(2), 4_096);
}

#[test]
fn a_set_without_an_answer_keeps_commits_waiting_until_the_map_has_moved() {
    let mut world = World::of(2);
    world.syncs = false;
    world.run_ms(2_000);
    let (slot, owned) = world.members[0].1.owned.iter().next().map(|(slot, owned)| (*slot, *owned)).unwrap();
    world.memory.set_available(false);
    world.members[0].1.request_in_sync(slot, owned.term(), owned.standby().unwrap());
    world.pump();
    world.members[0].1.request_alone(slot, owned.term());
    world.run_ms(100);
    assert!(world.members[0].1.replication(slot).unwrap().waits(), "the first one may still be committed");
    world.memory.set_available(true);
    world.memory.commit_late();
    world.run_ms(500);
    assert!(!world.members[0].1.replication(slot).unwrap().waits());
    assert!(!world.members[0].1.map().entry(slot).in_sync);
}

#[test]
fn a_failed_transfer_thaws_the_slot_and_is_tried_again() {
    let mut world = World::of(2);
    world.run_ms(2_000);
    let now = world.now;
    let member = &mut world.members[0].1;
    member.drain(now);
    for _ in 0..60 {
        world.now = world.now.plus_ms(STEP_MS);
        world.members.iter_mut().for_each(|(_, member)| member.handle_timeout(world.now));
        for _ in 0..4 {
            for index in 0..2 {
                let (client, member) = &mut world.members[index];
                while let Some((token, event)) = world.memory.client(*client).poll() {
                    member.handle_event(world.now, token, event);
                }
                while let Some((token, request)) = member.poll_request() {
                    world.memory.client(*client).submit(token, request).unwrap();
                }
                while let Some(effect) = member.poll_effect() {
                    match effect {
                        Effect::Freeze { slot, term } => member.handle_frozen(slot, term),
                        Effect::Transfer { slot, term, .. } => {
                            member.handle_transferred(world.now, slot, Term(term.0 - 1), false);
                        }
                        _ => {}
                    }
                    world.effects[index].push(effect);
                }
            }
            world.memory.turn();
        }
    }
    let count = |wanted: fn(&Effect) -> bool| world.told(0, wanted);
    let thawed = count(|effect| matches!(effect, Effect::Thaw { .. }));
    assert!((HANDOVERS_MAX..=3 * HANDOVERS_MAX).contains(&thawed), "{thawed}");
    assert_eq!(count(|effect| matches!(effect, Effect::Release { .. } | Effect::StepDown { .. })), 0);
}
