//! What may happen next. Decisions are the crate's: leases, commit, fences and what an entry becomes; the model only says when
//! they are asked, and for a mutation answers one of them wrongly.

use crate::state::{
    Ack, Acked, Frame, LOG_MAX, Log, NODES, Node, Owned, Renewal, Renewing, Role, SLOTS, Slot, Told, World,
    Wrong, id, index,
};
use ringway_cluster::lease::{Holder, Timing, Watcher};
use ringway_cluster::replication::{Fence, Registration, Replication, fence};
use ringway_cluster::{Monotonic, SlotOwner, Term};

/// A rule left out, to see that the model notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    None,
    /// Neither side of a lease keeps a margin.
    NoMargin,
    /// A lease counts from the answer to a renewal, not from when it was sent.
    LeaseFromAnswer,
    /// The clock is read at the beginning of a turn, and the turn may be long.
    NoFreshClock,
    /// A node is declared dead for a beat that has changed since.
    BeatNotCompared,
    /// The owner acks what only it has, in sync or not.
    AckBeforeStandby,
    /// The owner begins to wait only when it sees that `in_sync` was set.
    WaitsTooLate,
    /// The owner stops waiting when it hands over the transaction that clears `in_sync`.
    StopsTooEarly,
    /// A takeover goes on with a standby that is not in sync.
    HeirNotInSync,
    /// A takeover goes on with a standby that has registered anew.
    HeirNotUp,
    /// A node joins while the map still names its earlier registration.
    JoinsWhileNamed,
    /// The ack of a standby's earlier registration counts.
    OldAcksCount,
    /// A frame of a lower term is taken.
    OldFramesTaken,
    /// A transaction on an entry does not compare its revision.
    EntryNotCompared,
}

/// How large a world is walked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Publications that clients send to each slot.
    pub(crate) publications: [u8; SLOTS],
    /// The highest term of each slot; 0 for a slot that nobody owns.
    pub(crate) terms: [u64; SLOTS],
    /// How often each node registers: 1 never dies, 2 may die once and join again, 0 may die and stays dead.
    pub(crate) registrations: [u64; NODES],
}

#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) size: Size,
    pub(crate) mutation: Mutation,
    pub(crate) timing: Timing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Time passes; one node's clock may miss it.
    Tick {
        slow: Option<usize>,
    },
    /// A node sends a renewal; the coordinator takes or refuses it; the answer comes; or one of both is lost.
    Renew(usize),
    TakeRenewal(usize),
    Renewed(usize),
    LoseRenewal(usize),
    /// A long turn begins (only where the clock is not read again).
    BeginTurn(usize),
    /// A watcher declares a node dead.
    Declare(usize),
    /// A node that knows it was declared dead joins again, with nothing.
    Join(usize),
    /// The controller gives the slot of a dead owner to its heir, or to another node.
    TakeOver {
        slot: usize,
        other: Option<usize>,
    },
    /// The controller names a standby, where there is none or it is dead.
    NameStandby {
        slot: usize,
        standby: usize,
    },
    /// A node sees what is stored.
    Observe {
        node: usize,
        slot: usize,
    },
    /// A client's publication reaches a node that thinks it is the owner.
    Publish {
        node: usize,
        slot: usize,
    },
    /// What an owner sent comes to its standby.
    Frame {
        from: usize,
        slot: usize,
    },
    /// What a standby acked comes to the owner.
    Ack {
        from: usize,
        slot: usize,
    },
    /// The owner commits the next publication: the client is told, and members get it.
    Commit {
        node: usize,
        slot: usize,
    },
    /// The owner hands over a transaction; the coordinator looks at it.
    Set {
        node: usize,
        slot: usize,
    },
    Clear {
        node: usize,
        slot: usize,
    },
    TakeSet {
        node: usize,
        slot: usize,
    },
    TakeClear {
        node: usize,
        slot: usize,
    },
}

/// One tick is a millisecond of the crate's; now is far enough from 0 for every age.
const NOW: u64 = 100;

fn ago(ticks: u8) -> Monotonic {
    Monotonic((NOW - u64::from(ticks)) * 1_000)
}

impl Rules {
    pub(crate) fn new(size: Size, mutation: Mutation) -> Self {
        let margin_ms = u64::from(mutation != Mutation::NoMargin);
        Self { size, mutation, timing: Timing { beat_ms: 1, ttl_ms: 2, margin_ms, grace_ms: 0 } }
    }

    /// Node 0 owns both slots, on one lease; its standbys, 1 and 2, have nothing yet.
    pub(crate) fn first(&self) -> World {
        let registration = Registration(1);
        let owned = |slot: usize| SlotOwner {
            owner: Some(id(0)),
            term: Term(1),
            standby: Some(id(slot + 1)),
            ..SlotOwner::default()
        };
        let slots = [0, 1].map(|slot: usize| Slot {
            entry: if self.size.terms[slot] > 0 { owned(slot) } else { SlotOwner::default() },
            epoch: 1,
            published: 0,
            acked: Told::default(),
            frames: [None; NODES],
            acks: [None; NODES],
        });
        let nodes = [0, 1, 2].map(|_| Node {
            up: true,
            registration,
            silent: 0,
            running: true,
            lease: Some(Renewal { age: 0, slipped: false }),
            renewing: None,
            turn: None,
            roles: [0, 1].map(|_| Role::default()),
        });
        let mut world = World { slots, nodes, wrong: None };
        for node in 0..NODES {
            for slot in 0..SLOTS {
                self.see(&mut world, node, slot);
            }
        }
        self.settle(&mut world);
        world
    }

    fn silent_max(&self) -> u8 {
        self.timing.silent_ms() as u8
    }

    fn may_die(&self, index: usize, node: &Node) -> bool {
        let most = self.size.registrations[index];
        most == 0 || node.registration.0 < most
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    fn may_ack(&self, lease: Option<Renewal>) -> bool {
        let mut holder = Holder::new(self.timing);
        lease.into_iter().for_each(|renewal| holder.handle_renewed(ago(renewal.age)));
        holder.may_ack(ago(0))
    }

    fn expired(&self, node: &Node) -> bool {
        let silent = if self.is(Mutation::BeatNotCompared) { self.silent_max() } else { node.silent };
        Watcher::new(ago(silent)).expired(&self.timing, ago(0))
    }

    pub(crate) fn steps(&self, world: &World, steps: &mut Vec<Step>) {
        self.steps_of_nodes(world, steps);
        for slot in 0..SLOTS {
            self.steps_of_slot(world, slot, steps);
            for node in 0..NODES {
                self.steps_of_role(world, node, slot, steps);
            }
        }
    }

    fn steps_of_nodes(&self, world: &World, steps: &mut Vec<Step>) {
        steps.push(Step::Tick { slow: None });
        for (index, node) in world.nodes.iter().enumerate() {
            let owner = node.is_owner();
            if owner && may_slip(node) {
                steps.push(Step::Tick { slow: Some(index) });
            }
            match node.renewing {
                None if owner && node.lease != Some(Renewal { age: 0, slipped: false }) => {
                    steps.push(Step::Renew(index))
                }
                Some(Renewing { committed: false, .. }) => {
                    steps.extend([Step::TakeRenewal(index), Step::LoseRenewal(index)]);
                }
                Some(_) => steps.extend([Step::Renewed(index), Step::LoseRenewal(index)]),
                None => {}
            }
            if owner && self.is(Mutation::NoFreshClock) && node.turn.is_none() && self.may_ack(node.lease) {
                steps.push(Step::BeginTurn(index));
            }
            // Whether a node that owns nothing answers is nobody's promise: it may be declared dead at any time.
            if node.up && (!owner || self.expired(node)) && self.may_die(index, node) {
                steps.push(Step::Declare(index));
            }
            if !node.up && !node.running && self.size.registrations[index] > 0 {
                steps.push(Step::Join(index));
            }
        }
    }

    fn steps_of_slot(&self, world: &World, slot: usize, steps: &mut Vec<Step>) {
        let entry = &world.slots[slot].entry;
        let Some(owner) = entry.owner else { return };
        if !world.nodes[index(owner)].up && entry.term.0 < self.size.terms[slot] {
            let others = (0..NODES).filter(|node| world.nodes[*node].up);
            steps.extend(others.map(|other| Step::TakeOver { slot, other: Some(other) }));
        }
        if entry.standby.is_none_or(|standby| !world.nodes[index(standby)].up) {
            let others = (0..NODES).filter(|node| world.nodes[*node].up && id(*node) != owner);
            steps.extend(others.map(|standby| Step::NameStandby { slot, standby }));
        }
        for from in 0..NODES {
            if world.slots[slot].frames[from].is_some() {
                steps.push(Step::Frame { from, slot });
            }
            if world.slots[slot].acks[from].is_some() {
                steps.push(Step::Ack { from, slot });
            }
        }
    }

    fn steps_of_role(&self, world: &World, node: usize, slot: usize, steps: &mut Vec<Step>) {
        let (stored, role) = (&world.slots[slot], &world.nodes[node].roles[slot]);
        if !role.fresh {
            steps.push(Step::Observe { node, slot });
        }
        if role.setting {
            steps.push(Step::TakeSet { node, slot });
        }
        if role.clearing {
            steps.push(Step::TakeClear { node, slot });
        }
        let (Some(owned), Some(log)) = (role.owned, role.log) else { return };
        let behind = owned.standby_has < log.length;
        if stored.published < self.size.publications[slot] {
            steps.push(Step::Publish { node, slot });
        }
        if self.may_commit(&world.nodes[node], &owned, &log) {
            steps.push(Step::Commit { node, slot });
        }
        if !owned.replication.waits() && owned.standby_has >= owned.committed && !role.setting && role.fresh {
            steps.push(Step::Set { node, slot });
        }
        if owned.replication.waits() && behind && !role.clearing && role.fresh {
            steps.push(Step::Clear { node, slot });
        }
    }

    fn may_commit(&self, node: &Node, owned: &Owned, log: &Log) -> bool {
        let lease = if self.is(Mutation::NoFreshClock) { node.turn } else { node.lease };
        let standby_has = owned.standby_has > owned.committed || self.is(Mutation::AckBeforeStandby);
        owned.committed < log.length && self.may_ack(lease) && owned.replication.may_commit(standby_has)
    }

    pub(crate) fn take(&self, world: &mut World, step: Step) {
        match step {
            Step::Tick { slow } => self.tick(world, slow),
            Step::Renew(node) => {
                let renewal = Renewal { age: 0, slipped: false };
                world.nodes[node].renewing = Some(Renewing { renewal, committed: false });
            }
            Step::TakeRenewal(node) => self.take_renewal(world, node),
            Step::Renewed(node) => self.renewed(&mut world.nodes[node]),
            Step::LoseRenewal(node) => world.nodes[node].renewing = None,
            Step::BeginTurn(node) => world.nodes[node].turn = world.nodes[node].lease,
            Step::Declare(node) => world.nodes[node].up = false,
            Step::Join(node) => self.join(world, node),
            Step::TakeOver { slot, other } => self.take_over(world, slot, other),
            Step::NameStandby { slot, standby } => {
                let entry = world.slots[slot].entry.with_standby(Some(id(standby)));
                self.store(world, slot, entry);
            }
            Step::Observe { node, slot } => self.see(world, node, slot),
            Step::Publish { node, slot } => {
                world.slots[slot].published += 1;
                let bytes = world.slots[slot].published;
                let log = world.nodes[node].roles[slot].log.as_mut().expect("an owner has a log");
                log.push(bytes);
            }
            Step::Frame { from, slot } => self.frame(world, from, slot),
            Step::Ack { from, slot } => self.ack(world, from, slot),
            Step::Commit { node, slot } => self.commit(world, node, slot),
            Step::Set { node, slot } => {
                let role = &mut world.nodes[node].roles[slot];
                role.setting = true;
                let owned = role.owned.as_mut().expect("an owner");
                if !self.is(Mutation::WaitsTooLate) {
                    owned.replication.begin_set();
                }
            }
            Step::Clear { node, slot } => {
                let role = &mut world.nodes[node].roles[slot];
                role.clearing = true;
                let owned = role.owned.as_mut().expect("an owner");
                if self.is(Mutation::StopsTooEarly) {
                    let registration = owned.replication.standby().map(|(_, registration)| registration);
                    owned.replication.handle_entry(&role.seen.in_sync_cleared(), registration);
                }
            }
            Step::TakeSet { node, slot } => {
                world.nodes[node].roles[slot].setting = false;
                let entry = self.edited(world, node, slot).in_sync_set();
                entry.into_iter().for_each(|entry| self.store(world, slot, entry));
            }
            Step::TakeClear { node, slot } => {
                world.nodes[node].roles[slot].clearing = false;
                let entry = self.edited(world, node, slot).in_sync_cleared();
                self.store(world, slot, entry);
            }
        }
        self.settle(world);
    }

    /// What a transaction of the owner builds on: the entry that it saw, which its comparison says is the stored one.
    fn edited(&self, world: &World, node: usize, slot: usize) -> SlotOwner {
        if self.is(Mutation::EntryNotCompared) {
            return world.nodes[node].roles[slot].seen;
        }
        world.slots[slot].entry
    }

    fn tick(&self, world: &mut World, slow: Option<usize>) {
        let over = self.timing.ttl_ms as u8;
        let age = |renewal: &mut Renewal, missed: bool| {
            renewal.slipped |= missed;
            renewal.age = (renewal.age + u8::from(!missed)).min(over);
        };
        for (index, node) in world.nodes.iter_mut().enumerate() {
            let missed = slow == Some(index);
            node.silent = (node.silent + 1).min(self.silent_max());
            node.lease.iter_mut().for_each(|renewal| age(renewal, missed));
            node.renewing.iter_mut().for_each(|renewing| age(&mut renewing.renewal, missed));
        }
    }

    fn take_renewal(&self, world: &mut World, node: usize) {
        let node = &mut world.nodes[node];
        if node.up {
            node.silent = 0;
            node.renewing.iter_mut().for_each(|renewing| renewing.committed = true);
        } else {
            stop(node);
        }
    }

    fn renewed(&self, node: &mut Node) {
        let Some(Renewing { mut renewal, .. }) = node.renewing.take() else { return };
        if self.is(Mutation::LeaseFromAnswer) {
            renewal.age = 0;
        }
        node.lease =
            Some(node.lease.map_or(renewal, |lease| if lease.age < renewal.age { lease } else { renewal }));
    }

    /// Registers anew and, in the same step, gets up: the transaction compares that the map does not name it.
    fn join(&self, world: &mut World, node: usize) {
        let named = world.slots.iter().any(|slot| slot.entry.names(id(node)));
        if named && !self.is(Mutation::JoinsWhileNamed) {
            return;
        }
        let joined = &mut world.nodes[node];
        (joined.up, joined.running, joined.silent) = (true, true, 0);
        joined.registration.0 += 1;
        joined.lease = Some(Renewal { age: 0, slipped: false });
        for slot in 0..SLOTS {
            self.see(world, node, slot);
        }
    }

    fn take_over(&self, world: &mut World, slot: usize, other: Option<usize>) {
        let stored = &world.slots[slot];
        let lives = stored.entry.standby.is_some_and(|standby| world.nodes[index(standby)].up);
        let mut entry = stored.entry;
        entry.in_sync |= self.is(Mutation::HeirNotInSync) && entry.standby.is_some();
        let lives = lives || (self.is(Mutation::HeirNotUp) && entry.standby.is_some());
        let Some(taken) = entry.taken_over(lives, other.map(id)) else { return };
        if taken.term <= stored.entry.term {
            world.wrong = Some(Wrong::TermWentBack);
        }
        if !taken.continues {
            world.slots[slot].epoch = taken.term.0 as u8;
        }
        self.store(world, slot, taken);
    }

    /// A transaction on an entry was committed: every other that compares its old revision is over.
    fn store(&self, world: &mut World, slot: usize, entry: SlotOwner) {
        if entry.term < world.slots[slot].entry.term {
            world.wrong = Some(Wrong::TermWentBack);
        }
        world.slots[slot].entry = entry;
        for node in &mut world.nodes {
            node.roles[slot].fresh = false;
            if !self.is(Mutation::EntryNotCompared) {
                (node.roles[slot].setting, node.roles[slot].clearing) = (false, false);
            }
        }
    }

    /// A node sees the stored entry: it keeps, takes or drops its role.
    fn see(&self, world: &mut World, node: usize, slot: usize) {
        let (entry, epoch) = (world.slots[slot].entry, world.slots[slot].epoch);
        let registration = entry.standby.map(|standby| world.nodes[index(standby)].registration);
        let role = &mut world.nodes[node].roles[slot];
        let (before, was) = (role.seen, role.owned);
        (role.seen, role.fresh) = (entry, true);
        if entry.owner == Some(id(node)) {
            match &mut role.owned {
                Some(owned) if before.term == entry.term => {
                    let standby = owned.replication.standby();
                    owned.replication.handle_entry(&entry, registration);
                    if owned.replication.standby() != standby {
                        owned.standby_has = 0;
                    }
                }
                _ => {
                    let log = if entry.continues { role.log } else { None };
                    let log = log.unwrap_or(Log::new(epoch));
                    role.log = Some(log);
                    let replication = Replication::new(&entry, registration);
                    role.owned = Some(Owned { replication, committed: log.length, standby_has: 0 });
                    // What an heir has is committed, since some of it may have been: whoever joins is told.
                    (1..=log.length)
                        .for_each(|offset| tell(&mut world.slots[slot], &log, offset, entry.term));
                }
            }
        } else {
            role.owned = None;
            // A new term's owner sends everything anew; what an owner had beyond its standby was never committed.
            if entry.standby != Some(id(node)) || entry.term != before.term || was.is_some() {
                role.log = None;
            }
        }
    }

    fn frame(&self, world: &mut World, from: usize, slot: usize) {
        let Some(frame) = world.slots[slot].frames[from].take() else { return };
        let node = &mut world.nodes[usize::from(frame.to)];
        let role = &mut node.roles[slot];
        let mine = role.seen.standby == Some(id(usize::from(frame.to)));
        let current = match fence(role.seen.term, Term(u64::from(frame.term))) {
            Fence::Current => mine,
            Fence::Old => self.is(Mutation::OldFramesTaken),
            Fence::Ahead => false,
        };
        if !node.running || !current {
            return;
        }
        if self.is(Mutation::OldFramesTaken) || role.log.is_none_or(|log| log.length < frame.log.length) {
            role.log = Some(frame.log);
        }
    }

    fn ack(&self, world: &mut World, from: usize, slot: usize) {
        let Some(ack) = world.slots[slot].acks[from].take() else { return };
        let Some(owned) = &mut world.nodes[usize::from(ack.to)].roles[slot].owned else { return };
        let registration = match owned.replication.standby() {
            Some((_, known)) if self.is(Mutation::OldAcksCount) => known,
            _ => ack.registration,
        };
        if owned.replication.counts(id(from), registration, Term(u64::from(ack.term))) {
            owned.standby_has = owned.standby_has.max(ack.has);
        }
    }

    fn commit(&self, world: &mut World, node: usize, slot: usize) {
        let owner = &mut world.nodes[node];
        let term = owner.roles[slot].seen.term;
        let role = &mut owner.roles[slot];
        let (Some(owned), Some(log)) = (&mut role.owned, role.log) else { return };
        owned.committed += 1;
        let offset = owned.committed;
        let stored = &mut world.slots[slot];
        if !owner.up || stored.entry.term != term {
            world.wrong = Some(Wrong::AckedWithoutLease);
        }
        tell(stored, &log, offset, term);
    }

    /// Forgets what can make no difference any more.
    fn settle(&self, world: &mut World) {
        for node in 0..NODES {
            for slot in 0..SLOTS {
                let role = &world.nodes[node].roles[slot];
                // Who has no role sees changes at once: seeing one late and acting late are the same.
                if !role.fresh && (!role.seen.names(id(node)) || !world.nodes[node].running) {
                    self.see(world, node, slot);
                }
            }
            let node = &mut world.nodes[node];
            if !node.running {
                stop(node);
            }
            node.lease = node.lease.filter(|renewal| self.may_ack(Some(*renewal)));
            node.renewing = node.renewing.filter(|renewing| {
                self.is(Mutation::LeaseFromAnswer) || self.may_ack(Some(renewing.renewal))
            });
            if !node.is_owner() {
                (node.lease, node.renewing, node.turn) = (None, None, None);
            }
            // Who rests on no renewal may be declared dead at any time: that is more than watchers would do.
            let rests = node.lease.is_some()
                || node.renewing.is_some_and(|renewing| renewing.committed)
                || node.turn.is_some();
            if !rests {
                node.silent = self.silent_max();
            }
        }
        for slot in 0..SLOTS {
            self.send(world, slot);
        }
    }

    /// Owners send what their standbys lack, standbys ack what their owners don't know, both at once: they arrive when they
    /// arrive. What will be refused whenever it comes is forgotten.
    fn send(&self, world: &mut World, slot: usize) {
        for node in 0..NODES {
            let role = &world.nodes[node].roles[slot];
            if let (Some(owned), Some(log)) = (role.owned, role.log) {
                world.slots[slot].frames[node] = self.frame_of(world, slot, &owned, role.seen.term, log);
            }
            let standby =
                role.seen.owner.filter(|_| role.seen.standby == Some(id(node)) && role.owned.is_none());
            if let (Some(owner), Some(log)) = (standby, role.log) {
                let (term, registration) = (role.seen.term.0 as u8, world.nodes[node].registration);
                world.slots[slot].acks[node] =
                    Some(Ack { to: index(owner) as u8, term, registration, has: log.length });
            }
        }
        let seen = |node: u8| world.nodes[usize::from(node)].roles[slot].seen.term.0;
        let frames = world.slots[slot].frames.map(|frame| {
            frame.filter(|frame| self.is(Mutation::OldFramesTaken) || u64::from(frame.term) >= seen(frame.to))
        });
        let acks = [0, 1, 2].map(|from| {
            let ack = world.slots[slot].acks[from]?;
            let owned = world.nodes[usize::from(ack.to)].roles[slot].owned?;
            let known = owned.replication.standby();
            let counts = known == Some((id(from), ack.registration)) && ack.has > owned.standby_has;
            let old = self.is(Mutation::OldAcksCount) && known != Some((id(from), ack.registration));
            Some(ack).filter(|ack| u64::from(ack.term) == seen(ack.to) && (counts || old))
        });
        (world.slots[slot].frames, world.slots[slot].acks) = (frames, acks);
    }

    /// What an owner has on its way to its standby: nothing, once that has it.
    fn frame_of(&self, world: &World, slot: usize, owned: &Owned, term: Term, log: Log) -> Option<Frame> {
        let (to, _) = owned.replication.standby()?;
        let standby = &world.nodes[index(to)].roles[slot];
        let came = standby.seen.term == term && standby.log.is_some_and(|has| has.length >= log.length);
        let known = owned.standby_has >= log.length;
        Some(Frame { to: index(to) as u8, term: term.0 as u8, log }).filter(|_| !came && !known)
    }
}

/// Clients and members learn of a publication.
fn tell(stored: &mut Slot, log: &Log, offset: u8, term: Term) {
    let told =
        Acked { epoch: log.epoch, offset, bytes: log.bytes[usize::from(offset) - 1], term: term.0 as u8 };
    stored.acked.add(told);
}

/// A node that was refused: it drops everything.
fn stop(node: &mut Node) {
    (node.running, node.lease, node.renewing, node.turn) = (false, None, None, None);
    for role in &mut node.roles {
        (role.log, role.owned, role.setting, role.clearing) = (None, None, false, false);
    }
}

/// A clock misses at most one tick in the life of a lease.
fn may_slip(node: &Node) -> bool {
    let fits = |renewal: Option<Renewal>| renewal.is_none_or(|renewal| !renewal.slipped);
    fits(node.lease)
        && fits(node.renewing.map(|renewing| renewing.renewal))
        && (node.lease.is_some() || node.renewing.is_some())
}

impl Node {
    /// Whether it thinks that it owns anything.
    pub(crate) fn is_owner(&self) -> bool {
        self.running && self.roles.iter().any(|role| role.owned.is_some())
    }
}

const _: () = assert!(LOG_MAX >= 3);
