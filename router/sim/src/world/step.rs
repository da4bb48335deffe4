//! One step: which small thing happens next.

use std::sync::Arc;

use super::World;
use crate::check;
use crate::client::State;
use crate::client::{Acting, Facts, HELD, Polite, Politely};
use crate::encoder::{Heard, Record};
use crate::model::Way;
use crate::trace::Mark;

impl World {
    pub(super) fn one_step(&mut self) {
        self.pass_time();
        if self.plan.crowd && self.step == 1 {
            for client in 0..self.clients.len() {
                self.clients[client].wanted.insert(0);
                self.connect(client);
            }
        }
        match self.random.below(100) {
            0..40 => {
                let shard = self.random.index(self.nodes.len());
                self.wake_or_turn(shard);
            }
            40..68 => self.client_acts(),
            68..82 => self.reader_reads(),
            82..96 => self.edge_reads(),
            _ => self.something_breaks(),
        }
    }

    fn pass_time(&mut self) {
        let leap = self.plan.faults.leaps && self.random.chance(3);
        self.now_us += if leap {
            self.random.within(100_000, 20_000_000)
        } else if self.random.chance(20) {
            self.random.within(1_000, 100_000)
        } else {
            self.random.below(1_000)
        };
        for index in 0..self.open.len() {
            let conn = &self.conns[self.open[index]];
            match conn.state {
                State::Opening(at) if at <= self.now_us => self.open_session(self.open[index]),
                _ if conn.noticed_at.is_some_and(|at| at <= self.now_us) => self.notice(self.open[index]),
                _ => {}
            }
        }
        self.open.retain(|conn| self.conns[*conn].state != State::Gone);
    }

    fn wake_or_turn(&mut self, shard: usize) {
        if self.plan.faults.late_bells && self.random.chance(30) {
            self.nodes[shard].asleep_until = self.now_us + self.random.within(1_000, 500_000);
        }
        if self.nodes[shard].asleep_until <= self.now_us {
            let most = self.random.pick(&[1, 3, 1_000]);
            self.turn(shard, most);
        }
    }

    fn client_acts(&mut self) {
        let index = self.random.index(self.clients.len());
        if self.clients[index].polite.is_some() {
            self.polite_acts(index);
            return;
        }
        let live = self.clients[index].conn.filter(|conn| self.conns[*conn].is_live());
        let Some(conn) = live else {
            if self.clients[index].connect_at <= self.now_us && self.clients[index].conn.is_none() {
                self.connect(index);
            }
            return;
        };
        let flood = self.plan.faults.floods && self.random.chance(20);
        let count = if flood { self.random.within(10, 60) } else { self.random.within(1, 3) };
        for _ in 0..count {
            if self.conns[conn].up.len() > 200 || !self.conns[conn].welcomed && !self.random.chance(300) {
                break;
            }
            let mut acting = Acting {
                plan: &self.plan,
                random: &mut self.random,
                ledger: &mut self.ledger,
                client: &mut self.clients[index],
                conn: &mut self.conns[conn],
                now: self.now_us,
            };
            if !acting.act() {
                self.say_goodbye(conn);
                break;
            }
        }
    }

    fn polite_acts(&mut self, index: usize) {
        let conn = self.clients[index].conn;
        let Some(polite) = &mut self.clients[index].polite else { return };
        let Some(conn) = conn else {
            if polite.is_over() {
                // Somebody starts it again.
                **polite = Polite::new(self.random.chance(500));
            } else if polite.wants_connection(self.now_us) {
                self.connect(index);
            }
            return;
        };
        if self.conns[conn].is_live() {
            self.politely(conn, |politely| politely.act());
            if self.random.chance(5) {
                self.say_goodbye(conn);
            }
        }
    }

    fn politely(&mut self, conn: usize, act: impl FnOnce(&mut Politely<'_>)) {
        let client = self.conns[conn].client;
        act(&mut Politely {
            plan: &self.plan,
            random: &mut self.random,
            ledger: &mut self.ledger,
            client: &mut self.clients[client],
            conn: &mut self.conns[conn],
            now: self.now_us,
        });
    }

    /// The session machine hears what the reference model heard, and makes the same of it.
    fn hear_politely(&mut self, index: usize, record: &Record, way: Way, unheard: Option<&str>) {
        let client = self.conns[index].client;
        if self.clients[client].conn != Some(index) {
            return;
        }
        let Some(polite) = &mut self.clients[client].polite else { return };
        if let Err(sentence) = polite.hear(self.now_us, &record.event, way, unheard) {
            self.fail(format!("conn {index} hears {:?}: {sentence}", record.event));
            return;
        }
        let ends = polite.wants_end();
        self.politely(index, |politely| politely.say_all());
        if ends {
            self.say_goodbye(index);
        }
    }

    fn edge_reads(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let conn = self.open[self.random.index(self.open.len())];
        let most = self.random.pick(&[1, 4, 100]);
        self.read_commands(conn, most);
    }

    fn reader_reads(&mut self) {
        for _ in 0..4 {
            if self.open.is_empty() {
                return;
            }
            let conn = self.open[self.random.index(self.open.len())];
            self.read_frames(conn);
        }
    }

    /// The client reads what its appetite allows.
    pub(super) fn read_frames(&mut self, conn: usize) {
        let now = self.now_us;
        self.conns[conn].pipe.read(now);
        if self.conns[conn].deserted {
            return;
        }
        while let Some((record, way)) = self.conns[conn].next_frame(now, &self.ledger) {
            for record in self.mutation.apply(conn, record) {
                self.hear(conn, &record, way);
            }
            if self.violation.is_some() || self.conns[conn].state == State::Gone {
                return;
            }
        }
        let drained = self.conns[conn].is_drained();
        if self.conns[conn].state == State::Ended && drained {
            self.client_sees_end(conn);
        }
    }

    fn hear(&mut self, index: usize, record: &Arc<Record>, way: Way) {
        self.trace.note(Mark::Heard, &[index as u64, record.serial]);
        let conn = &self.conns[index];
        self.trace.line(|| {
            format!(
                "  conn {index} ({}) hears frame {} {way:?} {:?}",
                conn.session, record.serial, record.event
            )
        });
        self.tally.heard(&record.event);
        let room = match &record.event {
            Heard::Gap { room, .. } => self.ledger.room_of(room),
            Heard::Error { id: Some(id), .. } => {
                conn.publishes(*id).map(|intent| self.ledger.intents[intent].room)
            }
            _ => None,
        };
        let facts = Facts {
            way,
            now: self.now_us,
            span: room.and_then(|room| self.span(room)),
            overflow: room.map_or(ringway_core::settings::Overflow::Close, |room| self.overflow(room)),
            superseded: self.sessions.get(&conn.session).is_some_and(|newest| *newest > conn.generation),
        };
        let client = conn.client;
        match self.conns[index].hear(&self.ledger, record, facts) {
            Ok(told) => {
                if let Some(intent) = told.answered {
                    self.clients[client].unanswered.remove(&intent);
                }
                if let Some(unheard) = told.unheard {
                    self.tally.count(unheard);
                    if unheard != HELD {
                        self.hear_politely(index, record, way, Some(unheard));
                    }
                    return;
                }
                self.check_rights(index, record);
                self.hear_politely(index, record, way, None);
                if told.stale && self.clients[client].polite.is_none() {
                    self.clients[client].session = None;
                    self.say_goodbye(index);
                }
                if matches!(record.event, Heard::Joined(_) | Heard::Error { .. }) {
                    self.hear_held(index);
                }
            }
            Err(sentence) => {
                self.fail(format!("conn {index} (session {}): {sentence}", self.conns[index].session))
            }
        }
    }

    /// A join was answered: what came too early for it has its turn.
    fn hear_held(&mut self, index: usize) {
        if self.conns[index].held.is_empty() {
            return;
        }
        let held = core::mem::take(&mut self.conns[index].held);
        let conn = &mut self.conns[index];
        let (due, held): (Vec<_>, Vec<_>) = held.into_iter().partition(|record| match &record.event {
            Heard::Message(said) => {
                self.ledger.handles.get(&said.handle).is_none_or(|room| conn.view(*room).joins.is_empty())
            }
            _ => true,
        });
        conn.held = held;
        for record in due {
            self.hear(index, &record, Way::Apart);
        }
    }

    /// What was let do was allowed, and a newer incarnation's place was not taken.
    fn check_rights(&mut self, index: usize, record: &Record) {
        let conn = &self.conns[index];
        let (name, join) = match &record.event {
            Heard::Joined(joined) => (&joined.room, true),
            Heard::Published(published) => (&published.room, false),
            _ => return,
        };
        let Some(room) = self.ledger.room_of(name) else { return };
        let identity = &self.clients[conn.client].identity;
        let allowed = self.policy(room).is_some_and(|policy| check::may(identity, policy, name, join));
        if !allowed && self.reloaded_us.is_none() {
            self.fail(format!("conn {index} was let into {name} against its rights: {:?}", record.event));
            return;
        }
        let newer = |other: &&usize| {
            let other = &self.conns[**other];
            other.session == conn.session && other.generation > conn.generation && other.state == State::Open
        };
        let holds = |other: &usize| {
            self.conns[*other].views.get(&room).is_some_and(|view| view.holds_since(record.serial))
        };
        if join && let Some(other) = self.open.iter().filter(newer).find(|other| holds(other)) {
            let sentence =
                format!("conn {index} takes the place of conn {other}, a newer incarnation, in {name}");
            self.fail(sentence);
        }
    }

    pub(super) fn check_step(&mut self) {
        if self.step.is_multiple_of(8) || self.conns.len() < 10 {
            let bounds = check::bounds(&self.nodes_view(), &self.settings, &self.plan);
            if let Err(sentence) = bounds {
                self.fail(sentence);
            }
        }
        if self.step.is_multiple_of(32) {
            if let Err(sentence) = check::dear_bounds(&self.nodes_view(), &self.settings, &self.plan) {
                self.fail(sentence);
            }
            for node in 0..self.nodes.len() {
                if let Err(sentence) = self.nodes[node].shard.audit() {
                    self.fail(format!("shard {node}: {sentence}"));
                }
            }
        }
    }
}
