//! Clients that are run by the protocol's own session machine, as SDKs and the load generator are: what the machine
//! makes of a session is checked beside the reference model, and its commands go through the same core.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringway_protocol::session::client as machine;
use ringway_protocol::session::client::{JoinOptions, Publication, Stage as Told, State as Greeted};
use ringway_protocol::time::Monotonic;
use ringway_protocol::{Body, BodyKind, Command, Lane, Offset, Position, RoomName, SessionId};

use super::{Ask, Asked, Client, Conn, JoinAsk, PublishAsk};
use crate::encoder::Heard;
use crate::model::publish::{NUMBER_BYTES, body};
use crate::model::{Intent, JoinAsked, Ledger, OVERTAKEN, Way};
use crate::plan::Plan;
use crate::random::Random;

/// A machine and what surrounds it.
#[derive(Clone, Debug)]
pub struct Polite(machine::Client);

impl Polite {
    /// A machine that was never connected.
    #[must_use]
    pub fn new(versions: bool) -> Self {
        let options = machine::Options { token: None, client: None, versions };
        Self(machine::Client::new(Arc::new(options)))
    }

    /// Whether it wants a connection now.
    pub fn wants_connection(&mut self, now: u64) -> bool {
        self.0.handle_timeout(Monotonic(now));
        matches!(self.0.poll_action(), Some(machine::Action::Connect))
    }

    /// Whether it is done for good.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.state() == Greeted::Ended
    }

    /// The transport is up: the number of its `hello` and the session that it resumes.
    pub fn connected(&mut self, now: u64) -> (u32, Option<SessionId>) {
        self.0.handle_connected(Monotonic(now));
        match self.0.poll_command(Monotonic(now)) {
            Some(Command::Hello(hello)) => {
                let session = hello.resume.and_then(|text| u64::from_str_radix(text, 16).ok()).map(SessionId);
                (hello.id.map_or(0, ringway_protocol::RequestId::get), session)
            }
            _ => (0, None),
        }
    }

    /// The connection ended.
    pub fn closed(&mut self, now: u64, code: Option<u16>, seed: u64) {
        self.0.handle_closed(Monotonic(now), code, seed);
    }

    /// A frame that came this way, which the application is told of unless there is a reason; what the machine finds wrong
    /// with it.
    ///
    /// # Errors
    /// In its words, or because it makes something else of a value.
    pub fn hear(&mut self, now: u64, event: &Heard, way: Way, unheard: Option<&str>) -> Result<(), String> {
        let line = match way {
            Way::Control => machine::Way::Control,
            Way::Stream(stream) => machine::Way::Stream(u64::from(stream)),
            Way::Apart => machine::Way::Apart,
        };
        let reaction = event.with_event(|event| self.0.handle_event_on(Monotonic(now), line, event));
        if let Some(violation) = self.0.poll_violation() {
            return Err(format!("the session machine: {}", violation.fault));
        }
        match reaction {
            machine::Reaction::UnknownRoom if unheard.is_none() => {
                Err("the session machine does not know the room".into())
            }
            machine::Reaction::Stale { .. } if unheard.is_none() => {
                Err("the session machine takes it for stale, and it is not".into())
            }
            // The machine tells senders apart even where keys are the room's: one may be behind another.
            machine::Reaction::Message { .. } if unheard.is_some_and(|reason| reason != OVERTAKEN) => {
                Err("the session machine tells of a value that is dropped".into())
            }
            _ => Ok(()),
        }
    }

    /// Whether the machine wants its connection closed.
    pub fn wants_end(&mut self) -> bool {
        matches!(self.0.poll_action(), Some(machine::Action::Close))
    }

    /// At rest: the machine agrees with the reference model.
    ///
    /// # Errors
    /// Where not.
    pub fn agrees(&self, ledger: &Ledger, conn: &Conn) -> Result<(), String> {
        for room in self.0.rooms() {
            let Some(number) = ledger.room_of(room.name()) else { continue };
            let view = conn.views.get(&number);
            let seen =
                view.filter(|view| view.stage == crate::model::Stage::In).and_then(|view| view.position());
            let held = (room.stage() == Told::In).then(|| room.position()).flatten();
            if seen != held || matches!(room.stage(), Told::Joining | Told::Leaving) {
                return Err(format!(
                    "the session machine is {:?} at {held:?} in room {number}, where {seen:?} was seen",
                    room.stage()
                ));
            }
        }
        Ok(())
    }
}

/// All that a polite act touches.
pub struct Politely<'a> {
    /// The world's plan.
    pub plan: &'a Plan,
    /// The world's dice.
    pub random: &'a mut Random,
    /// What was decided so far; intents are added.
    pub ledger: &'a mut Ledger,
    /// Its connection.
    pub conn: &'a mut Conn,
    /// Who.
    pub client: &'a mut Client,
    /// Now, in microseconds.
    pub now: u64,
}

impl Politely<'_> {
    /// One act.
    pub fn act(&mut self) {
        let Some(mut polite) = self.client.polite.take() else { return };
        let room = self.random.index(self.plan.rooms.len());
        let Some(name) = RoomName::new(&self.plan.rooms[room]) else { return };
        match self.random.below(20) {
            0..4 => {
                let presence = self.random.chance(500);
                let stream = self.random.chance(600);
                polite.0.join(name, JoinOptions { since: None, presence, stream });
            }
            4 => {
                if let Some(index) = polite.0.room_index(name.as_str()) {
                    polite.0.leave(index);
                }
            }
            5 => polite.0.ping(),
            _ => self.publish(&mut polite, room, name),
        }
        self.client.polite = Some(polite);
        self.say_all();
    }

    /// Sends everything that the machine wants to say.
    pub fn say_all(&mut self) {
        let Some(mut polite) = self.client.polite.take() else { return };
        let now = Monotonic(self.now);
        while let Some(command) = polite.0.poll_command(now) {
            let ask = match command {
                Command::Join(join) => {
                    let Some(ask) = self.join(&join) else { continue };
                    self.conn.asked.insert(ask.id, Asked::Join(BTreeSet::from([ask.room])));
                    Ask::Join(ask)
                }
                Command::JoinMany(many) => {
                    let asks: Vec<_> = many.rooms.iter().filter_map(|join| self.join(join)).collect();
                    let id = many.id.map_or(0, ringway_protocol::RequestId::get);
                    self.conn.asked.insert(id, Asked::Join(asks.iter().map(|ask| ask.room).collect()));
                    Ask::JoinMany(id, asks)
                }
                Command::Leave(leave) => {
                    let Some(room) = self.ledger.room_of(leave.room.as_str()) else { continue };
                    let id = leave.id.map_or(0, ringway_protocol::RequestId::get);
                    self.conn.view(room).leaves += 1;
                    self.conn.asked.insert(id, Asked::Leave(room));
                    Ask::Leave(Some(id), room)
                }
                Command::Ping { id: Some(id) } => {
                    self.conn.asked.insert(id.get(), Asked::Plain);
                    Ask::Ping(id.get())
                }
                _ => continue,
            };
            self.conn.up.push_back(ask);
        }
        self.client.polite = Some(polite);
    }

    fn join(&mut self, join: &ringway_protocol::command::Join<'_>) -> Option<JoinAsk> {
        let id = join.id?.get();
        let room = self.ledger.room_of(join.room.as_str())?;
        let versions: Vec<_> = join
            .versions
            .iter()
            .map(|known| (known.user.unwrap_or("").to_owned(), known.key.to_owned(), known.version.0))
            .collect();
        let seen = self.conn.views.get(&room).filter(|view| view.next > 0).map(|view| view.keys.clone());
        let keys = seen.or_else(|| self.client.memory.get(&room).map(|memory| memory.keys.clone()));
        let listed = keys.filter(|_| !versions.is_empty()).map(|keys| {
            // The machine tells senders apart even where keys are the room's: the newest counts.
            let mut newest = BTreeMap::new();
            for (user, key, version) in &versions {
                let held = newest.entry(self.ledger.key_id(room, user, key)).or_insert(*version);
                *held = (*held).max(*version);
            }
            keys.only(&newest)
        });
        let stood = self.ledger.rooms[room]
            .current()
            .map(|order| Position { epoch: order.epoch, offset: Offset(order.said.len() as u64) });
        let (presence, stream) = (join.presence, join.stream);
        let asked = JoinAsked { since: join.since, listed, presence, stream, stood, doomed: false };
        self.conn.view(room).joins.insert(id, asked);
        Some(JoinAsk { id, room, since: join.since, versions, presence, stream })
    }

    fn publish(&mut self, polite: &mut Polite, room: usize, name: RoomName<'_>) {
        let lane = self.random.pick(&[Lane::Reliable, Lane::Reliable, Lane::Latest, Lane::Unreliable]);
        let key = (lane != Lane::Reliable).then(|| format!("k{}", self.random.below(3)));
        let padding = self.random.below(self.plan.padding_max + 1);
        let intent = self.ledger.intents.len();
        let bytes = body(intent, padding);
        let echo = !self.random.chance(300);
        let what = Publication {
            room: name,
            body: Body { kind: BodyKind::Bytes, bytes: &bytes },
            lane,
            key: key.as_deref(),
            msg_id: None,
            retry: None,
            echo,
            // Who does not want its own value back learns its version from the answer.
            answer: !echo || self.random.chance(500),
        };
        let Ok(Command::Publish(publish)) = polite.0.publish(Monotonic(self.now), &what) else { return };
        let id = publish.id.map(ringway_protocol::RequestId::get);
        self.ledger.intents.push(Intent {
            room,
            user: self.conn.user.clone(),
            sessions: vec![self.conn.session],
            lane,
            key: key.clone().unwrap_or_default(),
            msg_id: None,
            first_sent: None,
            body_bytes: NUMBER_BYTES + padding as usize,
            places: Vec::new(),
        });
        if let Some(id) = id {
            self.conn
                .asked
                .insert(id, Asked::Publish { intent, echo: publish.echo, removal: None, retry: None });
        }
        let body = Some(bytes.clone());
        let ask =
            PublishAsk { id, intent, room, lane, key: key.clone(), msg_id: None, retry: None, echo, body };
        self.conn.up.push_back(Ask::Publish(ask));
    }
}
