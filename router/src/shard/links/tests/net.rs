//! The network and the clock of a test.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::super::backoff::next_random;
use super::*;
use crate::quic::datagram::Envelope;

/// How the network treats datagrams.
#[derive(Clone, Copy, Default)]
pub(super) struct Weather {
    pub(super) lost_permille: u64,
    pub(super) doubled_permille: u64,
    /// Each datagram is late by up to this, by itself: they overtake each other.
    pub(super) late_us: u64,
}

pub(super) struct Machine {
    pub(super) links: Links,
    address: SocketAddr,
    /// Neither runs nor hears.
    pub(super) frozen: bool,
    /// Frames are polled as they come.
    pub(super) polls: bool,
    pub(super) frames: Vec<(NodeId, Bytes)>,
}

pub(super) struct Net {
    began: Instant,
    pub(super) now: Instant,
    pub(super) weather: Weather,
    random: u64,
    pub(super) machines: BTreeMap<u64, Machine>,
    /// What is on its way: when it arrives, from where, to where.
    wire: BTreeMap<(Instant, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    sent: u64,
    /// When the last turn was, and how many there were at that moment.
    turned: Instant,
    turns_now: u32,
    /// What happened, at which millisecond, at which node.
    pub(super) events: Vec<(u64, u64, LinkEvent)>,
}

impl Net {
    pub(super) fn new(seed: u64) -> Self {
        let began = Instant::now();
        Self {
            began,
            now: began,
            weather: Weather::default(),
            random: seed,
            machines: BTreeMap::new(),
            wire: BTreeMap::new(),
            sent: 0,
            turned: began,
            turns_now: 0,
            events: Vec::new(),
        }
    }

    /// Starts a node, in the place of an earlier start of it.
    pub(super) fn start(&mut self, setup: LinkSetup) {
        let (node, address) = (setup.credentials.identity.node.0, setup.addresses[0]);
        let links = Links::new(setup).expect("good credentials");
        let machine = Machine { links, address, frozen: false, polls: true, frames: Vec::new() };
        self.machines.insert(node, machine);
    }

    pub(super) fn links(&mut self, node: u64) -> &mut Links {
        &mut self.machines.get_mut(&node).expect("a node of this test").links
    }

    pub(super) fn machine(&mut self, node: u64) -> &mut Machine {
        self.machines.get_mut(&node).expect("a node of this test")
    }

    pub(super) fn targets(&mut self, node: u64, targets: &[LinkTarget]) {
        let now = self.now;
        self.links(node).handle_targets(now, targets);
    }

    /// The first node dials the second, and both know each other.
    pub(super) fn link(&mut self, dialler: u64, other: u64) {
        self.targets(other, &[target(dialler, false)]);
        self.targets(dialler, &[target(other, true)]);
    }

    pub(super) fn is_up(&mut self, node: u64, peer: u64) -> bool {
        self.links(node).link_of(NodeId(peer)).is_some()
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        (self.now - self.began).as_millis() as u64
    }

    /// What happened at a node.
    pub(super) fn events_of(&self, node: u64) -> Vec<&LinkEvent> {
        self.events.iter().filter(|(_, of, _)| *of == node).map(|(_, _, event)| event).collect()
    }

    /// Runs until something is so, for at most so many milliseconds.
    #[track_caller]
    pub(super) fn run_until(&mut self, ms: u64, mut is_so: impl FnMut(&mut Self) -> bool) {
        let end = self.now + Duration::from_millis(ms);
        loop {
            self.turn();
            if is_so(self) {
                return;
            }
            let next = self.next();
            assert!(next.is_some_and(|next| next <= end), "it never came; events: {:#?}", self.events);
            self.now = next.unwrap_or(end).max(self.now);
        }
    }

    /// Runs for so many milliseconds.
    #[track_caller]
    pub(super) fn run(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        loop {
            self.turn();
            match self.next().filter(|next| *next <= end) {
                Some(next) => self.now = next.max(self.now),
                None => break,
            }
        }
        self.now = end;
    }

    /// When something happens next.
    fn next(&self) -> Option<Instant> {
        let awake = self.machines.values().filter(|machine| !machine.frozen);
        let timers = awake.filter_map(|machine| {
            if machine.links.has_work() { Some(self.now) } else { machine.links.poll_timeout() }
        });
        timers.chain(self.wire.keys().next().map(|(at, _)| *at)).min()
    }

    /// Everybody's turn at this moment.
    #[track_caller]
    fn turn(&mut self) {
        self.turns_now = if self.turned == self.now { self.turns_now + 1 } else { 0 };
        self.turned = self.now;
        assert!(self.turns_now < 20_000, "somebody has work without end");
        while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (from, to, bytes) = entry.remove();
            let there = self.machines.values_mut().find(|machine| machine.address == to && !machine.frozen);
            if let Some(machine) = there {
                let envelope = Envelope { socket: 0, from, to: Some(to.ip()), ecn: None };
                machine.links.handle_datagram(self.now, envelope, &bytes);
            }
        }
        let nodes: Vec<u64> = self.machines.keys().copied().collect();
        for node in nodes {
            self.turn_of(node);
        }
    }

    fn turn_of(&mut self, node: u64) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&node).filter(|machine| !machine.frozen) else { return };
        machine.links.work(now);
        while machine.polls
            && let Some(frame) = machine.links.poll_frame(|_, _| true)
        {
            machine.frames.push(frame);
        }
        machine.links.flush(now);
        let (from, mut packets, mut trains) = (machine.address, Vec::new(), Vec::new());
        while let Some((_, transmit)) = machine.links.poll_transmit(now, 10, &mut packets) {
            let size = transmit.segment_size.unwrap_or(transmit.size).max(1);
            trains.extend(
                packets[..transmit.size].chunks(size).map(|bytes| (transmit.destination, bytes.to_vec())),
            );
        }
        let at = (now - self.began).as_millis() as u64;
        while let Some(event) = machine.links.poll_event() {
            self.events.push((at, node, event));
        }
        trains.into_iter().for_each(|(to, bytes)| self.send(from, to, bytes));
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        let copies = 1 + u64::from(self.happens(self.weather.doubled_permille));
        for _ in 0..copies {
            if self.happens(self.weather.lost_permille) {
                continue;
            }
            let late = next_random(&mut self.random) % (self.weather.late_us + 1);
            self.sent += 1;
            let at = self.now + Duration::from_micros(100 + late);
            self.wire.insert((at, self.sent), (from, to, bytes.clone()));
        }
    }

    fn happens(&mut self, permille: u64) -> bool {
        next_random(&mut self.random) % 1_000 < permille
    }
}
