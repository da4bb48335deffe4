//! What goes wrong, and what operators do.

use std::sync::Arc;

use ringway_core::Target;
use ringway_core::message::ApiPublished;
use ringway_protocol::{ErrorCode, Lane};

use super::{UNIX_START_US, World};
use crate::client::{Ask, Asked, PublishAsk, State};
use crate::model::Intent;
use crate::model::publish::{NUMBER_BYTES, body};
use crate::plan::reloaded;

/// The API's user.
const API_USER: &str = "api";

impl World {
    pub(super) fn something_breaks(&mut self) {
        let faults = self.plan.faults;
        if self.open.is_empty() {
            return;
        }
        let conn = self.open[self.random.index(self.open.len())];
        match self.random.below(12) {
            0 if faults.drops && self.conns[conn].state == State::Open => self.lose(conn),
            1 if faults.stalls => {
                let until = self.now_us + self.random.within(1_000, 3_000_000);
                self.conns[conn].pipe.stalled_until = until;
            }
            2 if faults.races && self.conns[conn].is_live() => self.race(conn),
            3 if faults.expiry && self.conns[conn].is_live() => self.refresh(conn),
            4 => self.api_publish(),
            5 if faults.operators => self.operate(conn),
            6 if faults.operators && self.conns[conn].state == State::Open => {
                // The rim ends a session of its own accord.
                if let Some(key) = self.conns[conn].key {
                    let (now, shard) = (self.now(), self.conns[conn].shard);
                    self.nodes[shard].shard.handle_end(now, key, 3002, "heartbeat");
                    self.learn(shard);
                }
            }
            _ => {}
        }
    }

    fn refresh(&mut self, conn: usize) {
        if self.clients[self.conns[conn].client].polite.is_some() {
            return;
        }
        let id = self.clients[self.conns[conn].client].request();
        let expires = UNIX_START_US + self.now_us + self.random.within(100_000, 20_000_000);
        self.conns[conn].asked.insert(id, Asked::Plain);
        self.conns[conn].refreshing.push((id, expires - UNIX_START_US));
        self.conns[conn].up.push_back(Ask::Refresh(id, expires));
    }

    fn operate(&mut self, conn: usize) {
        let now = self.now();
        match self.random.below(20) {
            0..3 => {
                let session = self.conns[conn].session;
                self.doom(|conn| conn.session == session);
                for shard in 0..self.nodes.len() {
                    let target = Target::Session(session);
                    self.nodes[shard].shard.handle_disconnect(now, target, 4000, "go away");
                    self.learn(shard);
                }
            }
            3..5 => {
                let user = self.conns[conn].user.clone();
                self.doom(|conn| conn.user == user);
                for shard in 0..self.nodes.len() {
                    self.nodes[shard].shard.handle_disconnect(now, Target::User(&user), 3000, "come back");
                    self.learn(shard);
                }
            }
            5 => {
                let shard = self.random.index(self.nodes.len());
                let spread_ms = self.random.pick(&[0, 100, 5_000]);
                self.trace.line(|| format!("shard {shard} drains"));
                self.doom(|conn| conn.shard == shard);
                self.nodes[shard].shard.handle_drain(now, spread_ms);
                self.learn(shard);
            }
            6..8 => {
                let next = Arc::new(reloaded(&self.settings, &mut self.random));
                self.trace.line(|| format!("reload {next:#?}"));
                for shard in 0..self.nodes.len() {
                    self.nodes[shard].shard.handle_settings(next.clone());
                    self.learn(shard);
                }
                self.ledger.pressed |= next.limits.shard_bytes_max < 1 << 30;
                self.settings = next;
                self.reloaded_us = Some(self.now_us);
            }
            8..11 => {
                let room = self.random.index(self.plan.rooms.len());
                let owner = self.owner(room);
                self.trace.line(|| format!("room {room} is reset"));
                self.nodes[owner].shard.handle_reset(now, self.handles[room], "because");
                self.learn(owner);
            }
            _ => {}
        }
    }

    /// Notes that open sessions must end.
    fn doom(&mut self, whom: impl Fn(&crate::client::Conn) -> bool) {
        for index in &self.open {
            let conn = &mut self.conns[*index];
            conn.doomed |= conn.key.is_some() && whom(conn);
        }
    }

    fn api_publish(&mut self) {
        let room = self.random.index(self.plan.rooms.len());
        let lane = self.random.pick(&[Lane::Reliable, Lane::Reliable, Lane::Latest, Lane::Unreliable]);
        let key = (lane != Lane::Reliable).then(|| format!("k{}", self.random.below(3)));
        let intent = self.ledger.intents.len();
        let padding = self.random.below(self.plan.padding_max + 1);
        let ask = PublishAsk {
            id: None,
            intent,
            room,
            lane,
            key: key.clone(),
            msg_id: None,
            retry: None,
            echo: true,
            body: Some(body(intent, padding)),
        };
        self.ledger.intents.push(Intent {
            room,
            user: API_USER.into(),
            sessions: vec![ringway_protocol::SessionId(0)],
            lane,
            key: key.unwrap_or_default(),
            msg_id: None,
            first_sent: None,
            body_bytes: NUMBER_BYTES + padding as usize,
            places: Vec::new(),
        });
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.tickets.insert(ticket, intent);
        let shard = self.random.index(self.nodes.len());
        let now = self.now();
        let publish = ask.publish(&self.plan.rooms);
        let taken = self.nodes[shard].shard.handle_api_publish(now, ticket, API_USER.into(), &publish);
        if taken.is_err() {
            self.tickets.remove(&ticket);
        }
        self.learn(shard);
    }

    pub(super) fn api_answered(&mut self, ticket: u64, result: Result<ApiPublished, ErrorCode>) {
        let Some(intent) = self.tickets.remove(&ticket) else {
            self.fail(format!("ticket {ticket} is answered, but nothing was asked"));
            return;
        };
        match result {
            Ok(published) => {
                let place = (published.epoch, published.place.number());
                if !self.ledger.intents[intent].places.contains(&place) {
                    self.fail(format!("ticket {ticket}: {published:?} is not where intent {intent} went"));
                }
            }
            Err(ErrorCode::Internal) => self.fail(format!("ticket {ticket}: internal")),
            Err(_) => {}
        }
    }
}
