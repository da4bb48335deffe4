//! What a client does next: a weighted choice, then its details, all from the world's dice.

use std::collections::BTreeSet;

use ringway_core::settings::KeyScope;
use ringway_protocol::command::{HistoryFrom, Since};
use ringway_protocol::{Epoch, Lane, Offset, Position};

use super::{Ask, Asked, Client, Conn, JoinAsk, Memory, PublishAsk};
use crate::model::publish::{NUMBER_BYTES, body};
use crate::model::{Intent, JoinAsked, Ledger, Stage};
use crate::plan::{ACTS, Act, Plan};
use crate::random::Random;

/// All that an act touches.
pub struct Acting<'a> {
    /// The world's plan.
    pub plan: &'a Plan,
    /// The world's dice.
    pub random: &'a mut Random,
    /// What was decided so far; intents are added.
    pub ledger: &'a mut Ledger,
    /// Who acts.
    pub client: &'a mut Client,
    /// On which connection.
    pub conn: &'a mut Conn,
    /// Now, in microseconds.
    pub now: u64,
}

impl Acting<'_> {
    /// One act. False: the client says goodbye.
    pub fn act(&mut self) -> bool {
        let mut dice = self.random.below(self.plan.acts.iter().sum());
        let mut chosen = Act::Ping;
        for (act, weight) in ACTS.iter().zip(&self.plan.acts) {
            if dice < *weight {
                chosen = *act;
                break;
            }
            dice -= weight;
        }
        let room = self.random.index(self.plan.rooms.len());
        match chosen {
            Act::Publish => self.publish(room),
            Act::Join => self.join(room),
            Act::JoinMany => self.join_many(),
            Act::Leave => self.leave(room),
            Act::Rejoin => {
                self.leave(room);
                self.join(room);
            }
            Act::History => self.history(room),
            Act::Presence => {
                let id = self.client.request();
                let cursor = self.random.chance(300).then(|| self.random.next_u64());
                self.conn.asked.insert(id, Asked::Presence(room));
                self.conn.up.push_back(Ask::Presence(id, room, cursor));
            }
            Act::Ping => {
                let id = self.client.request();
                self.conn.asked.insert(id, Asked::Plain);
                self.conn.up.push_back(Ask::Ping(id));
            }
            Act::Goodbye => return false,
            Act::Nonsense => self.nonsense(room),
        }
        true
    }

    /// Joins a room, from wherever the client stands.
    pub fn join(&mut self, room: usize) {
        let id = self.client.request();
        let ask = self.join_ask(id, room);
        self.conn.asked.insert(id, Asked::Join(BTreeSet::from([room])));
        self.conn.up.push_back(Ask::Join(ask));
    }

    fn join_many(&mut self) {
        let id = self.client.request();
        let count = self.random.within(1, 4);
        let rooms: BTreeSet<_> = (0..count).map(|_| self.random.index(self.plan.rooms.len())).collect();
        let asks = rooms.iter().map(|room| self.join_ask(id, *room)).collect();
        self.conn.asked.insert(id, Asked::Join(rooms));
        self.conn.up.push_back(Ask::JoinMany(id, asks));
    }

    fn join_ask(&mut self, id: u32, room: usize) -> JoinAsk {
        self.client.wanted.insert(room);
        let seen = self.conn.views.get(&room).filter(|view| view.next > 0);
        let memory = match seen {
            Some(view) => Memory { position: view.position(), keys: view.keys.clone() },
            None => self.client.memory.get(&room).cloned().unwrap_or_default(),
        };
        let since = match memory.position {
            Some(position) if !self.random.chance(150) => Some(Since::Position(position)),
            _ if self.random.chance(400) => Some(Since::Last(self.random.pick(&[0, 1, 3, 50, u32::MAX]))),
            _ if self.plan.faults.nonsense && self.random.chance(100) => {
                let offset = Offset(self.random.pick(&[0, 3, u64::MAX]));
                Some(Since::Position(Position { epoch: Epoch(self.random.next_u64()), offset }))
            }
            _ => None,
        };
        let anchored = matches!(since, Some(Since::Position(position)) if Some(position) == memory.position);
        let listed = (anchored && self.random.chance(500)).then_some(memory.keys);
        let presence = self.random.chance(500);
        // Where there are no streams it is ignored.
        let stream = self.random.chance(600);
        let versions = listed.iter().flat_map(|keys| keys.known());
        let versions = versions.map(|((user, key), version)| (user.clone(), key.clone(), version)).collect();
        let stood = self.ledger.rooms[room]
            .current()
            .map(|order| Position { epoch: order.epoch, offset: Offset(order.said.len() as u64) });
        self.conn
            .view(room)
            .joins
            .insert(id, JoinAsked { since, listed, presence, stream, stood, doomed: false });
        JoinAsk { id, room, since, versions, presence, stream }
    }

    fn leave(&mut self, room: usize) {
        self.client.wanted.remove(&room);
        self.client.memory.remove(&room);
        let silent = self.random.chance(100);
        if silent {
            self.conn.view(room).leave_silently();
            self.conn.up.push_back(Ask::Leave(None, room));
            return;
        }
        let id = self.client.request();
        self.conn.view(room).leaves += 1;
        self.conn.asked.insert(id, Asked::Leave(room));
        self.conn.up.push_back(Ask::Leave(Some(id), room));
    }

    fn publish(&mut self, room: usize) {
        let joined: Vec<_> = self
            .conn
            .views
            .iter()
            .filter(|(_, view)| view.stage == Stage::In)
            .map(|(room, _)| *room)
            .collect();
        let room = if joined.is_empty() || self.random.chance(100) {
            room
        } else {
            joined[self.random.index(joined.len())]
        };
        let lane =
            self.random.pick(&[Lane::Reliable, Lane::Reliable, Lane::Latest, Lane::Latest, Lane::Unreliable]);
        let reliable = lane == Lane::Reliable;
        let echo = !self.random.chance(250);
        let has_msg_id = reliable && self.random.chance(300);
        let id = (!echo || has_msg_id || self.random.chance(600)).then(|| self.client.request());
        let key = (!reliable && !self.random.chance(200)).then(|| format!("k{}", self.random.below(3)));
        let removes = lane == Lane::Latest && self.random.chance(150);
        let padding = self.random.below(self.plan.padding_max + 1);
        let position = self
            .conn
            .views
            .get(&room)
            .filter(|view| view.stage == Stage::In)
            .and_then(|view| view.position());
        let intent = self.ledger.intents.len();
        let name = key.clone().unwrap_or_default();
        // Other users may choose the same ids, and do.
        let count = self.ledger.intents.iter().filter(|other| other.user == self.conn.user).count();
        let msg_id = has_msg_id.then(|| (count as u32).to_le_bytes().to_vec());
        self.ledger.intents.push(Intent {
            room,
            user: self.conn.user.clone(),
            sessions: vec![self.conn.session],
            lane,
            key: name.clone(),
            msg_id: msg_id.clone(),
            first_sent: position,
            body_bytes: if removes { 0 } else { NUMBER_BYTES + padding as usize },
            places: Vec::new(),
        });
        let body = (!removes).then(|| body(intent, padding));
        let ask = PublishAsk { id, intent, room, lane, key, msg_id, retry: None, echo, body };
        if ask.msg_id.is_some() {
            self.client.unanswered.insert(intent, ask.clone());
        }
        let user =
            if self.ledger.scopes[room] == KeyScope::User { self.conn.user.clone() } else { String::new() };
        let removal = removes.then_some((user, name));
        self.send(ask, removal);
        if has_msg_id && self.random.chance(100) {
            // In doubt at once.
            self.retry(intent);
        }
    }

    /// Sends an unanswered publish again, under the same `msg_id`.
    pub fn retry(&mut self, intent: usize) {
        let Some(mut ask) = self.client.unanswered.get(&intent).cloned() else { return };
        let meant = &mut self.ledger.intents[intent];
        let Some(first_sent) = meant.first_sent.filter(|_| !self.random.chance(100)) else { return };
        if !meant.sessions.contains(&self.conn.session) {
            meant.sessions.push(self.conn.session);
        }
        ask.retry = Some(first_sent);
        ask.id = Some(self.client.request());
        self.send(ask, None);
    }

    fn send(&mut self, ask: PublishAsk, removal: Option<(String, String)>) {
        if let Some(id) = ask.id {
            let (intent, echo, retry) = (ask.intent, ask.echo, ask.retry);
            self.conn.asked.insert(id, Asked::Publish { intent, echo, removal, retry });
        }
        self.conn.up.push_back(Ask::Publish(ask));
    }

    fn history(&mut self, room: usize) {
        let id = self.client.request();
        let last = self.ledger.rooms[room].current().map_or(0, |order| order.said.len() as u64);
        let place = Offset(self.random.below(last + 3));
        let extreme = self.plan.faults.nonsense && self.random.chance(200);
        let place = if extreme { Offset(self.random.pick(&[u64::MAX, u64::MAX - 1])) } else { place };
        let from =
            if self.random.chance(500) { HistoryFrom::After(place) } else { HistoryFrom::Before(place) };
        let limit = self.random.pick(&[0, 1, 3, 10, 256, u32::MAX]);
        self.conn.asked.insert(id, Asked::History(room, from, limit));
        self.conn.up.push_back(Ask::History(id, room, from, limit));
    }

    fn nonsense(&mut self, room: usize) {
        let id = self.client.request();
        match self.random.below(4) {
            0 => {
                self.conn.asked.insert(id, Asked::Plain);
                self.conn.up.push_back(Ask::Hello(id));
            }
            1 => self.conn.up.push_back(Ask::Garbage),
            2 => {
                self.conn.asked.insert(id, Asked::Join(BTreeSet::from([room])));
                self.conn.up.push_back(Ask::JoinMany(id, Vec::new()));
            }
            _ => self.misfit(id, room),
        }
    }

    /// A publish whose fields don't belong together: refused, whatever the reason.
    fn misfit(&mut self, id: u32, room: usize) {
        let intent = self.ledger.intents.len();
        let kind = self.random.below(4);
        let mut ask = PublishAsk {
            id: Some(id),
            intent,
            room,
            lane: Lane::Reliable,
            key: None,
            msg_id: None,
            retry: None,
            echo: true,
            body: Some(body(intent, 0)),
        };
        match kind {
            0 => ask.key = Some("key".into()),
            1 => ask.msg_id = Some(Vec::new()),
            2 => ask.retry = Some(Position::default()),
            _ => ask.body = None,
        }
        self.ledger.intents.push(Intent {
            room,
            user: self.conn.user.clone(),
            sessions: Vec::new(),
            lane: Lane::Reliable,
            key: String::new(),
            msg_id: None,
            first_sent: None,
            body_bytes: 0,
            places: Vec::new(),
        });
        self.send(ask, None);
    }
}
