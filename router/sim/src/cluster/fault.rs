//! What goes wrong, and how it ends.

use super::World;
use super::event::{Event, Mend};

impl World {
    /// One of the faults that the seed turned on, drawn anew each time.
    pub(super) fn fault(&mut self) {
        let due: Vec<_> = {
            let now_us = self.now_us;
            let (due, rest) =
                core::mem::take(&mut self.restarts).into_iter().partition(|(at, ..)| *at <= now_us);
            self.restarts = rest;
            due
        };
        for (_, node, life) in due {
            if self.nodes[node].life == life {
                self.crash(node);
                let later = self.random.within(100_000, 3_000_000);
                self.agenda.push(self.now_us + later, Event::Start(node));
            }
        }
        if !self.faulty {
            self.agenda.push(self.now_us + 500_000, Event::Fault);
            return;
        }
        let later = self.random.within(100_000, self.plan.fault_us);
        self.agenda.push(self.now_us + later, Event::Fault);
        let faults = self.plan.faults;
        let node = self.random.index(self.nodes.len());
        let other = (node + 1 + self.random.index(self.nodes.len() - 1)) % self.nodes.len();
        let lasts = self.random.pick(&[300_000, 1_000_000, 2_000_000, 5_000_000]);
        match self.random.below(9) {
            0 if faults.breaks => self.break_link(node, other),
            1 if faults.cuts => self.cut(node, other, lasts),
            2 if faults.coordinator_cuts => self.cut_from_coordinator(node, lasts),
            3 if faults.outages && self.random.chance(400) => {
                self.note(&format!("no coordinator for {lasts} us"));
                self.memory.set_available(false);
                self.coordinator_turns();
                self.agenda.push(self.now_us + lasts, Event::Mend(Mend::Outage));
            }
            4 if faults.lost_answers => {
                self.memory.commit_late();
                self.coordinator_turns();
            }
            5 if faults.pauses => {
                self.note(&format!("node {node} stands still for {lasts} us"));
                self.nodes[node].paused_until = self.nodes[node].paused_until.max(self.now_us + lasts);
            }
            6 if faults.crashes => self.crash_and_return(node),
            7 if faults.drains && self.random.chance(500) && !self.nodes.iter().any(|node| node.draining) => {
                self.drain(node);
            }
            8 if faults.compaction => self.memory.compact(),
            _ => {}
        }
    }

    fn note(&mut self, what: &str) {
        self.trace.line(|| format!("{} {what}", self.now_us));
        self.tally.count("fault");
    }

    fn cut(&mut self, node: usize, other: usize, lasts: u64) {
        let both = self.random.chance(500);
        self.note(&format!("node {node} cut from {other} for {lasts} us, both ways: {both}"));
        for (from, to) in [(node, other), (other, node)].into_iter().take(1 + usize::from(both)) {
            self.set_cut(from, to, true);
            self.agenda.push(self.now_us + lasts, Event::Mend(Mend::Way(from, to)));
        }
    }

    /// Some nodes are cut from all others and from the coordinator: at most all but one, and perhaps the larger part.
    pub(super) fn partition(&mut self) {
        if !self.faulty {
            return;
        }
        let later = self.extra.within(2_000_000, 8_000_000);
        self.agenda.push(self.now_us + later, Event::Partition);
        let count = self.nodes.len();
        let (first, many) = (self.extra.index(count), 1 + self.extra.index(count - 1));
        let apart: Vec<usize> = (0..many).map(|index| (first + index) % count).collect();
        let lasts = self.extra.pick(&[300_000, 1_500_000, 4_000_000]);
        self.note(&format!("nodes {apart:?} cut off for {lasts} us"));
        for node in apart.iter().copied() {
            for other in (0..count).filter(|other| !apart.contains(other)) {
                for (from, to) in [(node, other), (other, node)] {
                    self.set_cut(from, to, true);
                    self.agenda.push(self.now_us + lasts, Event::Mend(Mend::Way(from, to)));
                }
            }
            if self.nodes[node].running {
                let client = self.coordinator_client(node);
                self.memory.set_cut(client, true);
                self.agenda.push(self.now_us + lasts, Event::Mend(Mend::Reaches(node)));
            }
        }
        self.coordinator_turns();
    }

    fn cut_from_coordinator(&mut self, node: usize, lasts: u64) {
        if !self.nodes[node].running {
            return;
        }
        let deaf = self.random.chance(400);
        self.note(&format!(
            "node {node} cut from the coordinator for {lasts} us, hears nothing only: {deaf}"
        ));
        if deaf {
            self.nodes[node].deaf = true;
            self.agenda.push(self.now_us + lasts, Event::Mend(Mend::Hears(node)));
        } else {
            let client = self.coordinator_client(node);
            self.memory.set_cut(client, true);
            self.coordinator_turns();
            self.agenda.push(self.now_us + lasts, Event::Mend(Mend::Reaches(node)));
        }
    }

    fn crash_and_return(&mut self, node: usize) {
        if !self.nodes[node].running {
            return;
        }
        self.crash(node);
        if self.plan.faults.lost_disks && self.random.chance(100) {
            self.nodes[node].disk.kept = None;
        }
        let later = self.random.pick(&[1_000, 200_000, 2_000_000, 6_000_000]);
        self.agenda.push(self.now_us + later, Event::Start(node));
    }

    /// What went wrong is over.
    pub(super) fn mend(&mut self, mend: Mend) {
        match mend {
            Mend::Way(from, to) => self.set_cut(from, to, false),
            Mend::Reaches(node) => {
                let client = self.coordinator_client(node);
                if self.nodes[node].running {
                    self.memory.set_cut(client, false);
                    self.coordinator_turns();
                }
            }
            Mend::Hears(node) => self.nodes[node].deaf = false,
            Mend::Outage => {
                self.memory.set_available(true);
                self.coordinator_turns();
            }
        }
    }

    /// Everything is as it should be from now on.
    pub(super) fn heal(&mut self) {
        self.trace.line(|| format!("{} everything is mended", self.now_us));
        self.faulty = false;
        self.memory.set_available(true);
        for node in 0..self.nodes.len() {
            for other in 0..self.nodes.len() {
                self.set_cut(node, other, false);
            }
            self.nodes[node].deaf = false;
            self.nodes[node].paused_until = self.nodes[node].paused_until.min(self.now_us + 1_000);
            if self.nodes[node].running {
                let client = self.coordinator_client(node);
                self.memory.set_cut(client, false);
            }
            if self.nodes[node].draining {
                // Whoever began to go comes back as somebody new.
                self.crash(node);
            }
            if !self.nodes[node].running {
                self.agenda.push(self.now_us + 200_000, Event::Start(node));
            }
        }
        self.coordinator_turns();
    }
}
