//! One player: a session that ticks.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use ringway_client::{Arrival, Ending, Handler, Outlet, Sent, Way};
use ringway_protocol::codec::DecodeError;
use ringway_protocol::event::{Message, Place};
use ringway_protocol::session::client::{
    JoinOptions, Publication, Reaction, Reconnect, Request, RoomIndex, Violation,
};
use ringway_protocol::{Body, BodyKind, Event, Lane, Position, RoomName};
use tokio::sync::OwnedSemaphorePermit;

use super::ages::Ages;
use super::world::World;
use crate::args::GameArgs;
use crate::body::Stamp;
use crate::engine::{self, Nanos};

/// How often a player looks whether the game has begun.
const WAIT: Duration = Duration::from_millis(10);
/// The key of a player's state; keys are each user's own.
const KEY: &str = "state";

/// One player.
pub(super) struct Player {
    number: u32,
    room: Box<str>,
    world: Rc<RefCell<World>>,
    lane: Lane,
    bytes: usize,
    speaks: bool,
    /// Ticks between two events; 0: none.
    event_every: u64,
    players: u32,
    ticks: u64,
    states: u64,
    events: u64,
    next: Instant,
    begun: bool,
    /// It has said all that it had to say.
    done: bool,
    ages: Ages,
    body: Vec<u8>,
    /// Gone once it is a member: then the next may connect.
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// How rooms are joined.
pub(super) fn join_options(args: &GameArgs) -> JoinOptions {
    JoinOptions { stream: args.room_streams, ..JoinOptions::default() }
}

impl Player {
    pub(super) fn new(number: u32, room: &str, world: Rc<RefCell<World>>, args: &GameArgs) -> Self {
        let event_every = if args.event_rate > 0.0 {
            (args.tick_rate / args.event_rate).round().max(1.0) as u64
        } else {
            0
        };
        Self {
            number,
            room: room.into(),
            world,
            lane: args.lane,
            bytes: args.body,
            speaks: number < args.speakers.unwrap_or(args.players),
            event_every,
            players: args.players,
            ticks: 0,
            states: 0,
            events: 0,
            next: Instant::now(),
            begun: false,
            done: false,
            ages: Ages::default(),
            body: Vec::new(),
            permit: None,
        }
    }

    fn who(&self) -> String {
        format!("player {}", self.number)
    }

    /// Publishes what is meant for this moment.
    fn say(&mut self, outlet: &mut Outlet, intended: Nanos, lane: Lane) {
        let Some(room) = RoomName::new(&self.room) else { return };
        let is_event = lane == Lane::Reliable && self.lane != Lane::Reliable;
        let sequence = if is_event { self.events + 1 } else { self.states + 1 };
        Stamp { publisher: self.number, sequence, intended }.write(
            BodyKind::Bytes,
            self.bytes,
            &mut self.body,
        );
        let publication = Publication {
            room,
            body: Body { kind: BodyKind::Bytes, bytes: &self.body },
            lane,
            key: (lane != Lane::Reliable).then_some(KEY),
            msg_id: None,
            retry: None,
            echo: lane == Lane::Reliable,
            answer: lane == Lane::Reliable,
        };
        let sent = outlet.publish(&publication);
        let mut world = self.world.borrow_mut();
        let measured = world.schedule().is_some_and(|schedule| schedule.measures(intended));
        match sent {
            Ok(sent) => {
                world.count_sent();
                world.unanswered += u64::from(matches!(sent, Sent::Stream(Some(_))));
                world.tally.publishes += u64::from(measured && !is_event);
                if is_event { self.events += 1 } else { self.states += 1 }
            }
            Err(_) => world.tally.unsent += u64::from(measured),
        }
        if measured {
            let lag = Nanos::now().since(intended);
            world.tally.send_lag.record(lag);
        }
    }

    fn see(&mut self, outlet: &Outlet, message: &Message<'_>, arrival: &Arrival<'_>, room: RoomIndex) {
        let world = &mut *self.world.borrow_mut();
        world.tally.deliveries_in_all += 1;
        let now = world.nanos(arrival.at);
        let Some(stamp) = Stamp::read(message.body.bytes) else {
            world.tally.corrupted += 1;
            let text = || format!("the body of a {} publication is not what was sent", message.lane.name());
            return world.tally.witness(|| format!("player {}", self.number), text);
        };
        let schedule = world.schedule().copied();
        let measured = schedule.is_some_and(|schedule| schedule.measures(stamp.intended));
        if message.lane == self.lane && !(self.speaks && stamp.publisher == self.number) {
            self.ages.see(
                stamp.publisher,
                stamp.intended,
                now,
                schedule.as_ref(),
                &mut world.tally.value_age,
            );
            if measured {
                world.tally.values += 1;
                let latency = now.since(stamp.intended);
                world.tally.value_latency.record(latency);
                world.pulse.latency(latency);
            }
        }
        if let Place::Offset(_) = message.place {
            if measured {
                world.tally.deliveries += 1;
                world.tally.latency.record(now.since(stamp.intended));
            }
            world.sit(self.number, &self.room, position(outlet, room));
        }
    }
}

impl Handler for Player {
    fn handle_connected(&mut self, _outlet: &mut Outlet, took: Duration) {
        let mut world = self.world.borrow_mut();
        world.tally.connections += 1;
        world.tally.handshake.record(took);
        world.board.connected.fetch_add(1, Relaxed);
    }

    fn handle_event(&mut self, outlet: &mut Outlet, arrival: Arrival<'_>) {
        match (arrival.event, arrival.reaction) {
            // A key that is removed, as its player left: no state.
            (Event::Message(message), Reaction::Message { phase: Some(_), .. })
                if message.body.kind == BodyKind::None => {}
            (Event::Message(message), Reaction::Message { room, phase: Some(_) }) => {
                self.see(outlet, message, &arrival, room);
            }
            (Event::Joined(_), Reaction::Joined { room, .. }) => {
                self.permit = None;
                self.world.borrow_mut().sit(self.number, &self.room, position(outlet, room));
            }
            (Event::Published(published), Reaction::Published { .. }) => {
                let mut world = self.world.borrow_mut();
                world.unanswered = world.unanswered.saturating_sub(1);
                if let Place::Offset(offset) = published.place {
                    world.acknowledge(&self.room, Position { epoch: published.epoch, offset });
                }
            }
            (Event::Error(error), reaction) => {
                let mut world = self.world.borrow_mut();
                world.tally.error(error.code.name());
                if let Reaction::Refused { request: Request::Publish { .. } } = reaction {
                    world.tally.refused += 1;
                    world.unanswered = world.unanswered.saturating_sub(1);
                }
            }
            (_, Reaction::Gap { missed, .. }) => self.world.borrow_mut().tally.told_gaps += missed,
            (_, Reaction::Reset { .. }) => self.world.borrow_mut().tally.resets += 1,
            _ => {}
        }
    }

    fn handle_violation(&mut self, _outlet: &mut Outlet, violation: &Violation) {
        self.world.borrow_mut().tally.fault(|| self.who(), &violation.fault);
    }

    fn handle_garbled(&mut self, _outlet: &mut Outlet, way: Way, fault: &DecodeError) {
        let tally = &mut self.world.borrow_mut().tally;
        tally.broken += 1;
        tally.witness(|| self.who(), || format!("bytes that are no frame, by {way:?}: {fault}"));
    }

    fn handle_ended(&mut self, outlet: &mut Outlet, ending: &Ending, _reconnect: Reconnect) {
        let mut world = self.world.borrow_mut();
        world.board.ended.fetch_add(1, Relaxed);
        match ending {
            Ending::Left => return,
            Ending::NotConnected(_) => world.tally.connect_failures += 1,
            Ending::Closed { .. } | Ending::Lost(_) => world.tally.disconnects += 1,
        }
        world.tally.ending(&engine::Ending::of(ending));
        drop(world);
        if self.permit.is_some() {
            // It was never a member: the run fails with the reason.
            outlet.close();
        }
    }

    fn tick_at(&self) -> Option<Instant> {
        Some(self.next)
    }

    fn handle_tick(&mut self, outlet: &mut Outlet) {
        if self.world.borrow().over {
            outlet.close();
        }
        let (schedule, tick) = {
            let world = self.world.borrow();
            (world.schedule().copied(), world.tick)
        };
        let Some(schedule) = schedule else {
            self.next = outlet.now() + WAIT;
            return;
        };
        if self.done {
            self.next = outlet.now() + WAIT;
            return;
        }
        if !std::mem::replace(&mut self.begun, true) {
            // Players tick one after the other, as they do where nobody tells them when.
            let phase = tick.mul_f64(f64::from(self.number) / f64::from(self.players.max(1)));
            self.next = self.world.borrow().instant(schedule.start + phase);
            return;
        }
        let now = self.world.borrow().nanos(Instant::now());
        loop {
            let intended = self.world.borrow().nanos(self.next);
            if intended > now {
                return;
            }
            if intended >= schedule.end {
                self.done = true;
                self.next = outlet.now() + WAIT;
                let world = &mut *self.world.borrow_mut();
                self.ages.finish(&schedule, &mut world.tally.value_age);
                let lost = outlet.lost();
                world.tally.overtaken += lost.stale;
                world.tally.replaced += lost.replaced + lost.dropped;
                return;
            }
            if self.speaks && outlet.is_ready() {
                self.say(outlet, intended, self.lane);
            }
            if self.event_every > 0
                && self.lane != Lane::Reliable
                && (self.ticks + u64::from(self.number)).is_multiple_of(self.event_every)
            {
                self.say(outlet, intended, Lane::Reliable);
            }
            self.ticks += 1;
            self.next += tick;
        }
    }
}

fn position(outlet: &Outlet, room: RoomIndex) -> Option<Position> {
    outlet.client().room(room).and_then(|room| room.position())
}
