//! Clients: they join, publish, lose their connection, come back anywhere and go on where they stood.
//!
//! Each keeps what it was told and checks what follows against it: offsets are contiguous but for what was told, values
//! only get newer, every answer is one that may be given. Refused publishes are repeated in their order, one at a time,
//! until nothing is left over; then it pipelines again.

use std::collections::{BTreeMap, VecDeque};

use ringway_protocol::command::Since;
use ringway_protocol::event::Place;
use ringway_protocol::{Epoch, ErrorCode, Format, Lane, Offset, Position, SessionId};

use super::World;
use super::conn::Conn;
use super::ledger::Intent;
use crate::client::{Ask, JoinAsk, PublishAsk};
use crate::encoder::{Heard, Joined, Published, Said};

/// One client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) format: Format,
    pub(super) session: SessionId,
    pub(super) generation: u64,
    pub(super) conn: Option<usize>,
    pub(super) away_until: u64,
    /// By room.
    pub(super) stands: Vec<Stand>,
    next_request: u32,
    /// Since when the oldest unanswered request waits.
    pub(super) asked: BTreeMap<u32, (u64, Asked)>,
    /// After how long it gives a connection up, in microseconds.
    patience_us: u64,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Join(usize),
    Leave(usize),
    Publish(usize, usize),
    Value(usize),
}

/// How a client stands to a room.
#[derive(Debug, Default)]
pub(super) struct Stand {
    pub(super) wanted: bool,
    pub(super) view: Option<View>,
    /// A join is under way: from where, and what was committed by then.
    joining: Option<(Option<Since>, BTreeMap<Epoch, Offset>)>,
    pub(super) leaving: bool,
    pub(super) position: Option<Position>,
    pub(super) queue: VecDeque<Pending>,
    pub(super) recovering: bool,
    retry_at: u64,
    pub(super) values: BTreeMap<String, u64>,
    /// Whether it asked who is there.
    presence: bool,
    /// How many are, as it was last told.
    pub(super) count: Option<u32>,
}

/// Where a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) epoch: Epoch,
    /// The next offset.
    pub(super) next: u64,
    /// A gap must follow before anything else.
    gap_due: bool,
}

/// A publish without an outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) intent: usize,
    first_sent: Position,
    msg_id: bool,
    echo: bool,
    /// It was sent before, and may have happened.
    doubtful: bool,
    request: Option<u32>,
}

impl Client {
    pub(super) fn new(rooms: usize, format: Format, patience_us: u64) -> Self {
        Self {
            format,
            session: SessionId(0),
            generation: 0,
            conn: None,
            away_until: 0,
            stands: (0..rooms).map(|_| Stand::default()).collect(),
            next_request: 1,
            asked: BTreeMap::new(),
            patience_us,
        }
    }

    fn request(&mut self, now_us: u64, asked: Asked) -> u32 {
        let id = self.next_request;
        self.next_request += 1;
        self.asked.insert(id, (now_us, asked));
        id
    }

    /// Its connection is gone: what was not answered is in doubt.
    pub(super) fn lose(&mut self) {
        self.conn = None;
        self.asked.clear();
        for stand in &mut self.stands {
            (stand.view, stand.joining, stand.leaving) = (None, None, false);
            stand.queue.retain(|pending| pending.msg_id || pending.request.is_none());
            for pending in &mut stand.queue {
                pending.doubtful |= pending.request.take().is_some();
            }
            stand.recovering = !stand.queue.is_empty();
        }
    }
}

impl World {
    /// A client does something.
    pub(super) fn act(&mut self, client: usize) {
        if !self.farewell {
            let later = self.random.within(1_000, self.plan.act_us);
            self.agenda.push(self.now_us + later, super::event::Event::Act(client));
        }
        let Some(conn) = self.clients[client].conn else {
            if self.now_us >= self.clients[client].away_until && !self.farewell {
                self.connect(client);
            }
            return;
        };
        if self.lose_patience(client, conn) || self.conns[conn].ended || !self.conns[conn].welcomed {
            return;
        }
        for room in 0..self.plan.rooms.len() {
            self.act_in(client, room);
        }
    }

    /// Gives up a connection on which nothing comes back.
    fn lose_patience(&mut self, client: usize, conn: usize) -> bool {
        let this = &self.clients[client];
        let oldest = this.asked.values().map(|(at, _)| *at).min().unwrap_or(self.now_us);
        let oldest = if self.conns[conn].welcomed { oldest } else { oldest.min(self.conns[conn].begun_at) };
        let patience_us = if self.faulty { this.patience_us } else { 60_000_000 };
        let dead = !self.nodes[self.conns[conn].node].running;
        let lost = self.now_us - oldest > if dead { 500_000 } else { patience_us };
        let drops = self.faulty && self.plan.faults.drops && self.random.chance(5);
        if lost || drops {
            self.tally.count(if lost { "client lost patience" } else { "connection dropped" });
            self.hang_up(client, false);
        }
        lost || drops
    }

    fn act_in(&mut self, client: usize, room: usize) {
        let stand = &self.clients[client].stands[room];
        if stand.joining.is_some() || stand.leaving {
            return;
        }
        if stand.view.is_none() {
            if stand.wanted && self.now_us >= stand.retry_at {
                self.join(client, room);
            }
            return;
        }
        let leaves = self.plan.faults.leaves && self.faulty && self.random.chance(10);
        if leaves && stand.queue.is_empty() {
            return self.leave(client, room);
        }
        if stand.recovering {
            return self.repeat(client, room);
        }
        if self.quiet {
            return;
        }
        if self.random.chance(150) {
            return self.publish_value(client, room);
        }
        let burst = if self.random.chance(200) { self.plan.pipeline } else { 1 };
        for _ in 0..burst {
            if self.clients[client].stands[room].queue.len() < self.plan.pipeline {
                self.publish(client, room);
            }
        }
    }

    fn join(&mut self, client: usize, room: usize) {
        let since = match self.clients[client].stands[room].position {
            Some(position) => Some(Since::Position(position)),
            None if self.random.chance(300) => Some(Since::Last(self.random.pick(&[0, 3, u32::MAX]))),
            None => None,
        };
        let this = &mut self.clients[client];
        let id = this.request(self.now_us, Asked::Join(room));
        this.stands[room].joining = Some((since, self.ledger.floors(room)));
        this.stands[room].values.clear();
        let presence = self.random.chance(500);
        self.clients[client].stands[room].presence = presence;
        let ask = JoinAsk { id, room, since, versions: Vec::new(), presence, stream: false };
        self.say(client, Ask::Join(ask));
    }

    fn leave(&mut self, client: usize, room: usize) {
        let this = &mut self.clients[client];
        let id = this.request(self.now_us, Asked::Leave(room));
        let stand = &mut this.stands[room];
        stand.leaving = true;
        stand.retry_at = self.now_us + self.random.within(0, 2_000_000);
        if self.random.chance(500) {
            stand.position = None;
        }
        self.say(client, Ask::Leave(Some(id), room));
    }

    pub(super) fn publish(&mut self, client: usize, room: usize) {
        let Some(first_sent) = self.clients[client].stands[room].position else { return };
        let intent = self.ledger.intents.len();
        self.ledger.intents.push(Intent {
            room,
            client,
            place: None,
            acked: false,
            conn: None,
            said_anew: false,
        });
        let msg_id = self.random.chance(self.plan.msg_ids);
        let echo = !self.random.chance(200);
        let pending = Pending { intent, first_sent, msg_id, echo, doubtful: false, request: None };
        self.clients[client].stands[room].queue.push_back(pending);
        let last = self.clients[client].stands[room].queue.len() - 1;
        self.send_publish(client, room, last);
    }

    fn send_publish(&mut self, client: usize, room: usize, index: usize) {
        let intent = self.clients[client].stands[room].queue[index].intent;
        let id = self.clients[client].request(self.now_us, Asked::Publish(room, intent));
        let conn = self.clients[client].conn;
        let pending = &mut self.clients[client].stands[room].queue[index];
        let retry = pending.doubtful.then_some(pending.first_sent);
        pending.request = Some(id);
        let number = (pending.intent as u64).to_le_bytes();
        let meant = &mut self.ledger.intents[intent];
        meant.said_anew |= meant.conn.is_some() && meant.conn != conn;
        meant.conn = conn;
        let ask = PublishAsk {
            id: Some(id),
            intent,
            room,
            lane: Lane::Reliable,
            key: None,
            msg_id: pending.msg_id.then(|| number.to_vec()),
            retry,
            echo: pending.echo,
            body: Some(number.to_vec()),
        };
        self.say(client, Ask::Publish(ask));
    }

    /// Repeats what was refused: the oldest first, alone.
    fn repeat(&mut self, client: usize, room: usize) {
        let stand = &mut self.clients[client].stands[room];
        if stand.queue.iter().any(|pending| pending.request.is_some()) || self.now_us < stand.retry_at {
            return;
        }
        if stand.queue.is_empty() {
            stand.recovering = false;
            return;
        }
        self.tally.count("publish repeated");
        self.send_publish(client, room, 0);
    }

    fn publish_value(&mut self, client: usize, room: usize) {
        let id = self.clients[client].request(self.now_us, Asked::Value(room));
        let key = Some(format!("k{}", self.random.below(2)));
        let body = Some(u64::MAX.to_le_bytes().to_vec());
        let ask = PublishAsk {
            id: Some(id),
            intent: usize::MAX,
            room,
            lane: Lane::Latest,
            key,
            msg_id: None,
            retry: None,
            echo: true,
            body,
        };
        self.say(client, Ask::Publish(ask));
    }

    /// A frame reaches a client.
    pub(super) fn hear(&mut self, index: usize, event: &Heard) -> Result<(), String> {
        let client = self.conns[index].client;
        if self.clients[client].conn != Some(index) {
            return Ok(());
        }
        self.tally.heard(event);
        match event {
            Heard::Welcome { .. } => self.conns[index].welcomed = true,
            Heard::Joined(joined) => return self.hear_joined(client, joined),
            Heard::Left { id, .. } => {
                let Some(Asked::Leave(room)) = self.take_answer(client, *id)? else {
                    return Err("`left` answers nothing".into());
                };
                let stand = &mut self.clients[client].stands[room];
                (stand.leaving, stand.view) = (false, None);
            }
            Heard::Published(published) => return self.hear_published(client, published),
            Heard::Message(said) => return self.hear_message(client, said),
            Heard::Gap { room, from, to } => {
                let view = self.view(client, room)?;
                if from.0 != view.next || to < from {
                    return Err(format!("gap {from} to {to} where {view:?} was"));
                }
                (view.next, view.gap_due) = (to.0 + 1, false);
                self.remember(client, room);
            }
            Heard::Reset { room, position, .. } => {
                let view = self.view(client, room)?;
                if view.epoch == position.epoch {
                    return Err(format!("a reset to the same epoch: {position:?}"));
                }
                *view = View { epoch: position.epoch, next: position.offset.0 + 1, gap_due: false };
                self.remember(client, room);
                let room = self.room_of(room)?;
                self.clients[client].stands[room].values.clear();
            }
            Heard::Error { id, code, .. } => return self.hear_error(client, *id, *code),
            Heard::Closing { code, .. } => self.conns[index].code = Some(*code),
            Heard::PresenceChanged(changed) => {
                self.view(client, &changed.room)?;
                let room = self.room_of(&changed.room)?;
                let stand = &mut self.clients[client].stands[room];
                if !stand.presence {
                    return Err(format!("nobody asked for {changed:?}"));
                }
                stand.count = Some(changed.count);
            }
            Heard::Refreshed { .. } | Heard::History(_) | Heard::Presence(_) | Heard::Pong { .. } => {
                return Err(format!("nobody asked for {event:?}"));
            }
        }
        Ok(())
    }

    fn take_answer(&mut self, client: usize, id: Option<u32>) -> Result<Option<Asked>, String> {
        let id = id.ok_or("an answer without an id")?;
        let asked = self.clients[client].asked.remove(&id);
        Ok(Some(
            asked
                .ok_or_else(|| format!("request {id} is answered, but was not asked or is answered twice"))?
                .1,
        ))
    }

    fn room_of(&self, name: &str) -> Result<usize, String> {
        let found = self.plan.rooms.iter().position(|room| room.name == name);
        found.ok_or_else(|| format!("there is no room {name}"))
    }

    fn view(&mut self, client: usize, name: &str) -> Result<&mut View, String> {
        let room = self.room_of(name)?;
        let view = self.clients[client].stands[room].view.as_mut();
        view.ok_or_else(|| format!("client {client} hears of {name}, where it is not"))
    }

    fn remember(&mut self, client: usize, name: &str) {
        let Ok(room) = self.room_of(name) else { return };
        let stand = &mut self.clients[client].stands[room];
        stand.position = stand.view.map(|view| Position { epoch: view.epoch, offset: Offset(view.next - 1) });
    }

    fn hear_joined(&mut self, client: usize, joined: &Joined) -> Result<(), String> {
        let Some(Asked::Join(room)) = self.take_answer(client, joined.id)? else {
            return Err(format!("{joined:?} answers no join"));
        };
        let stand = &mut self.clients[client].stands[room];
        let Some((since, floors)) = stand.joining.take() else { return Err("nobody joins".into()) };
        let Position { epoch, offset } = joined.position;
        let replay = u64::from(joined.replay);
        if floors.get(&epoch).is_some_and(|floor| offset < *floor) {
            return Err(format!(
                "joined at {offset} of {epoch}, but {floors:?} was heard before it was asked"
            ));
        }
        if replay > offset.0 {
            return Err(format!("{joined:?} replays what never was"));
        }
        let mut view = View { epoch, next: offset.0 + 1 - replay, gap_due: false };
        if let Some(Since::Position(held)) = since {
            let whole = held.epoch == epoch && held.offset.0 + 1 == view.next;
            if joined.recovered != whole {
                return Err(format!("since {held:?}: {joined:?}"));
            }
            if held.epoch == epoch && !joined.recovered && held.offset <= offset {
                (view.next, view.gap_due) = (held.offset.0 + 1, true);
            }
        }
        stand.view = Some(view);
        stand.values.clear();
        stand.count = stand.presence.then_some(joined.count);
        let name = joined.room.clone();
        self.remember(client, &name);
        Ok(())
    }

    fn hear_message(&mut self, client: usize, said: &Said) -> Result<(), String> {
        let room = self.handles.iter().position(|handle| *handle == said.handle);
        let room = room.ok_or("a message of an unknown room")?;
        let name = self.plan.rooms[room].name.clone();
        let view = self.view(client, &name)?;
        match said.place {
            Place::Offset(offset) => {
                if offset.0 != view.next || view.gap_due {
                    return Err(format!("room {room}: message {offset} where {view:?} was"));
                }
                view.next += 1;
                let epoch = view.epoch;
                self.remember(client, &name);
                let intent = said
                    .body
                    .as_ref()
                    .try_into()
                    .map_or(usize::MAX, |bytes| u64::from_le_bytes(bytes) as usize);
                self.ledger.hear(room, epoch, offset, said)?;
                self.ledger.place(room, epoch, offset, intent)
            }
            Place::Version(version) => {
                let values = &mut self.clients[client].stands[room].values;
                let key =
                    format!("{}/{}", said.user.as_deref().unwrap_or(""), said.key.as_deref().unwrap_or(""));
                let newest = values.entry(key).or_default();
                *newest = version.0.max(*newest);
                Ok(())
            }
        }
    }

    fn hear_published(&mut self, client: usize, published: &Published) -> Result<(), String> {
        let asked = self.take_answer(client, Some(published.id))?;
        let (Some(Asked::Publish(room, intent)), Place::Offset(offset)) = (asked, published.place) else {
            let value = matches!((asked, published.place), (Some(Asked::Value(_)), Place::Version(_)));
            return if value { Ok(()) } else { Err(format!("{published:?} answers {asked:?}")) };
        };
        let epoch = published.epoch;
        let stand = &mut self.clients[client].stands[room];
        let index = stand.queue.iter().position(|pending| pending.intent == intent);
        let pending = index.and_then(|index| stand.queue.remove(index));
        let pending = pending.ok_or_else(|| format!("intent {intent} has its outcome already"))?;
        if published.duplicate && !pending.doubtful {
            return Err(format!("{published:?} of what was sent once"));
        }
        if let Some(view) = &mut stand.view
            && !pending.echo
            && !published.duplicate
            && view.epoch == epoch
        {
            if offset.0 > view.next {
                return Err(format!("{published:?} overtakes what {view:?} waits for"));
            }
            if offset.0 == view.next {
                view.next += 1;
                self.remember(client, &published.room);
            }
        }
        self.ledger.ack(room, epoch, offset, intent)
    }

    fn hear_error(&mut self, client: usize, id: Option<u32>, code: ErrorCode) -> Result<(), String> {
        let asked = self.take_answer(client, id)?;
        let now_us = self.now_us;
        let again = now_us + self.random.within(20_000, 400_000);
        match (asked, code) {
            (Some(Asked::Join(room)), ErrorCode::Unavailable) => {
                let stand = &mut self.clients[client].stands[room];
                (stand.joining, stand.retry_at) = (None, again);
            }
            (Some(Asked::Publish(room, intent)), ErrorCode::Unavailable | ErrorCode::OutcomeUnknown) => {
                let stand = &mut self.clients[client].stands[room];
                let Some(index) = stand.queue.iter().position(|pending| pending.intent == intent) else {
                    return Err(format!("intent {intent} has its outcome already"));
                };
                let pending = &mut stand.queue[index];
                pending.request = None;
                // Without an id of its own it was not published; with one it may have been.
                pending.doubtful |= pending.msg_id;
                if code == ErrorCode::OutcomeUnknown {
                    stand.queue.remove(index);
                }
                (stand.recovering, stand.retry_at) = (true, again);
            }
            (
                Some(Asked::Value(_)),
                ErrorCode::Unavailable | ErrorCode::NotJoined | ErrorCode::OutcomeUnknown,
            ) => {}
            (asked, code) => return Err(format!("{asked:?} is answered by {}", code.name())),
        }
        Ok(())
    }

    /// Says something to the node.
    pub(super) fn say(&mut self, client: usize, ask: Ask) {
        let Some(conn) = self.clients[client].conn else { return };
        let travel = self.random.within(50, 5_000);
        let line: &mut Conn = &mut self.conns[conn];
        line.up_at = line.up_at.max(self.now_us + travel);
        let at = line.up_at;
        self.trace.line(|| format!("{} client {client} on conn {conn} says {ask:?}", self.now_us));
        self.agenda.push(at, super::event::Event::Says { conn, ask: Some(ask) });
    }
}
