//! `game`: players in rooms tell their state at each tick and events now and then, over any transport, and see how old
//! the newest state of each other is.
//!
//! A room's players share a thread, whose runtime drives them all; nothing is shared between threads but the board.

mod ages;
mod player;
mod world;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ringway_client::{Connector, Driver};
use ringway_protocol::{Lane, RoomName};
use tokio::task::LocalSet;

use super::RunFault;
use super::crowd::Cast;
use super::run::{Course, CpuMeter, Load, Setup, Work};
use crate::args::GameArgs;
use crate::engine::Nanos;
use crate::report::{Summary, Tally};
use player::Player;
use world::World;

/// How often a thread looks at the clock and at what is missing.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Connections begun at once.
const CONNECT_BURST: usize = 8;
/// Leaving takes no longer, and what tells of it no longer than the second.
const LEAVE_MAX: Duration = Duration::from_secs(2);
const LEAVE_LINGER: Duration = Duration::from_millis(50);
/// Longest settling, whatever still arrives.
const SETTLE_MAX: Duration = Duration::from_secs(60);

impl Load for GameArgs {
    fn clients(&self) -> u32 {
        self.players
    }

    fn prepare(&self, setup: &Setup) -> Result<Work, RunFault> {
        let cast = Cast::new(&self.session, self.players, setup)?;
        let args = self.clone();
        Ok(Arc::new(move |setup, thread| play(setup, thread, &args, &cast)))
    }

    fn summarize(&self, summary: &mut Summary, setup: &Setup, course: &Course, tally: &Tally) {
        setup.describe(summary);
        describe(summary, self);
        conclude(summary, tally, course, self);
        if course.ready && tally.values == 0 {
            summary.fail("no state was received".to_owned());
        }
    }
}

/// One thread's players.
fn play(setup: &Setup, thread: u16, args: &GameArgs, cast: &Cast) -> io::Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let world = Rc::new(RefCell::new(World::new(setup, args)));
    let local = LocalSet::new();
    let mut connector = None;
    let entered = runtime.enter();
    for number in 0..args.players {
        if cast.room_number(number) % setup.threads() != setup.number_of(thread) {
            continue;
        }
        let token = cast.identity(number).token.clone();
        // Who shows no token of its own shares TLS and the socket with the others.
        let connector = match &mut connector {
            Some(shared) if token.is_none() => shared,
            connector => {
                let config = setup.target(thread).config(token.as_deref());
                connector.insert(Connector::new(config).map_err(io::Error::other)?)
            }
        };
        let room = cast.room_of(number).to_owned();
        if RoomName::new(&room).is_none() {
            return Err(io::Error::other("--namespace: no room can have this name"));
        }
        let mut player = Player::new(number, &room, Rc::clone(&world), args);
        let world = Rc::clone(&world);
        let (gate, connector) = (Arc::clone(&world.borrow().gate), connector.clone());
        let options = player::join_options(args);
        local.spawn_local(async move {
            player.permit = gate.acquire_owned().await.ok();
            let mut driver = Driver::new(&connector, player);
            if let Some(room) = RoomName::new(&room) {
                driver.outlet().join(room, options);
            }
            world.borrow_mut().playing += 1;
            driver.run().await;
            world.borrow_mut().playing -= 1;
        });
    }
    drop(entered);
    local.block_on(&runtime, async {
        watch(setup, &world, args).await;
        leave(&world).await;
    });
    let mut world = world.borrow_mut();
    Ok(world.finish())
}

/// Sees a thread through the phases of the run.
async fn watch(setup: &Setup, world: &Rc<RefCell<World>>, args: &GameArgs) {
    let mut meter = CpuMeter::default();
    let (mut seen, mut deadline, mut last) = (0, Nanos::default(), Nanos::default());
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = Nanos::now();
        let mut world = world.borrow_mut();
        world.show(now);
        if setup.stop.load(Relaxed) {
            return meter.stop(now, &mut world.tally);
        }
        let Some(schedule) = setup.schedule.get() else { continue };
        world.begin(schedule);
        meter.tick(now, schedule, &mut world.tally);
        if now < schedule.end {
            continue;
        }
        if last == Nanos::default() {
            last = now + SETTLE_MAX;
        }
        let received = world.tally.deliveries_in_all;
        if std::mem::replace(&mut seen, received) != received || deadline == Nanos::default() {
            deadline = (now + args.settle).min(last);
        }
        if world.all_arrived() || now >= deadline {
            return;
        }
    }
}

/// Lets everybody leave, so that the server knows.
async fn leave(world: &Rc<RefCell<World>>) {
    world.borrow_mut().over = true;
    let until = Nanos::now() + LEAVE_MAX;
    while world.borrow().playing > 0 && Nanos::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    // What says so is on its way.
    tokio::time::sleep(LEAVE_LINGER).await;
}

fn describe(summary: &mut Summary, args: &GameArgs) {
    summary.text("lane", args.lane.name());
    summary.count("players", args.players.into());
    summary.count("rooms", args.session.rooms.into());
    summary.number("tick_rate", args.tick_rate);
    summary.count("body", args.body as u64);
    summary.number("event_rate", args.event_rate);
}

fn conclude(summary: &mut Summary, tally: &Tally, course: &Course, args: &GameArgs) {
    let seconds = course.measured.over.as_secs_f64().max(1e-9);
    summary.count("connections", tally.connections);
    summary.number("duration_s", seconds);
    summary.number("states_sent_per_s", tally.publishes as f64 / seconds);
    summary.number("states_received_per_s", tally.values as f64 / seconds);
    summary.count("overtaken", tally.overtaken);
    summary.count("replaced_unsent", tally.replaced);
    summary.latency("state_age_", &tally.value_age);
    summary.latency("state_", &tally.value_latency);
    summary.count("events", tally.deliveries);
    summary.latency("event_", &tally.latency);
    summary.promises(tally);
    let deliveries = tally.values + if args.lane == Lane::Reliable { 0 } else { tally.deliveries };
    summary.server(&course.measured, deliveries);
    summary.client(tally, &course.measured, args.common.spin, false);
}
