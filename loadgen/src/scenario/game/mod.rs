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
use super::run::{CpuMeter, Measured, Setup};
use crate::args::GameArgs;
use crate::engine::Nanos;
use crate::report::{Latency, Progress, Summary, Tally};
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

/// What a thread found out.
#[derive(Default)]
struct Found {
    tally: Tally,
    /// Age of the newest state of each other player, at each millisecond.
    age: Latency,
    /// From the intended sending of a state to its receipt.
    states: Latency,
    states_received: u64,
    overtaken: u64,
    replaced: u64,
}

pub(super) fn run(args: &GameArgs) -> Result<Summary, RunFault> {
    let setup = Setup::new(&args.common, args.players, None)?;
    let cast = Cast::new(&args.session, args.players, &setup.target)?;
    let mut progress = Progress::new(args.common.quiet);
    let args = Rc::new(args.clone());
    let wanted = args.players;
    let threads = {
        let args = (*args).clone();
        setup.spawn(move |setup, thread| play(setup, thread, &args, &cast))?
    };
    let ready = setup.wait_ready(wanted.into(), &threads, &mut progress, "connecting");
    if !ready {
        setup.stop.store(true, Relaxed);
    }
    let measured = setup.measure(&mut progress);
    let mut found = Found::default();
    for thread in threads {
        let Ok(of_thread) = thread.join() else {
            return Err(RunFault::Asked("a thread of the load generator panicked".to_owned()));
        };
        found.add(&of_thread?);
    }
    progress.finish();
    let mut summary = Summary::new("game");
    summary.text("transport", setup.target.transport_name());
    describe(&mut summary, &args);
    conclude(&mut summary, &found, &measured, &args);
    if !ready {
        summary.fail("not all players could connect and join".to_owned());
    } else if found.states_received == 0 {
        summary.fail("no state was received".to_owned());
    }
    Ok(summary)
}

/// One thread's players.
fn play(setup: &Setup, thread: u16, args: &GameArgs, cast: &Cast) -> io::Result<Found> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let world = Rc::new(RefCell::new(World::new(setup, args)));
    let local = LocalSet::new();
    let mut connector = None;
    let entered = runtime.enter();
    for number in 0..args.players {
        if cast.room_number(number) % u32::from(args.common.threads) != u32::from(thread) {
            continue;
        }
        let token = cast.identity(number).token.clone();
        // Who shows no token of its own shares TLS and the socket with the others.
        let connector = match &mut connector {
            Some(shared) if token.is_none() => shared,
            connector => {
                let config = setup.target.config(token.as_deref());
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
        world.show();
        if setup.stop.load(Relaxed) {
            return;
        }
        let Some(schedule) = setup.schedule.get() else { continue };
        world.begin(*schedule);
        meter.tick(now, schedule, &mut world.found.tally);
        if now < schedule.end {
            continue;
        }
        if last == Nanos::default() {
            last = now + SETTLE_MAX;
        }
        let received = world.found.tally.deliveries_in_all;
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

impl Found {
    fn add(&mut self, other: &Self) {
        self.tally.add(&other.tally);
        self.age.add(&other.age);
        self.states.add(&other.states);
        self.states_received += other.states_received;
        self.overtaken += other.overtaken;
        self.replaced += other.replaced;
    }
}

fn describe(summary: &mut Summary, args: &GameArgs) {
    summary.text("lane", args.lane.name());
    summary.count("players", args.players.into());
    summary.count("rooms", args.session.rooms.into());
    summary.number("tick_rate", args.tick_rate);
    summary.count("body", args.body as u64);
    summary.number("event_rate", args.event_rate);
}

fn conclude(summary: &mut Summary, found: &Found, measured: &Measured, args: &GameArgs) {
    let seconds = args.common.duration.as_secs_f64();
    let tally = &found.tally;
    summary.count("connections", tally.connections);
    summary.number("duration_s", seconds);
    summary.number("states_sent_per_s", tally.publishes as f64 / seconds);
    summary.number("states_received_per_s", found.states_received as f64 / seconds);
    summary.count("overtaken", found.overtaken);
    summary.count("replaced_unsent", found.replaced);
    summary.latency(
        ["state_age_p50_us", "state_age_p90_us", "state_age_p99_us", "state_age_p999_us", "state_age_max_us"],
        &found.age,
    );
    summary.latency(
        ["state_p50_us", "state_p90_us", "state_p99_us", "state_p999_us", "state_max_us"],
        &found.states,
    );
    summary.count("events", tally.deliveries);
    summary.latency(
        ["event_p50_us", "event_p90_us", "event_p99_us", "event_p999_us", "event_max_us"],
        &tally.latency,
    );
    summary.promises(tally);
    let deliveries = found.states_received + if args.lane == Lane::Reliable { 0 } else { tally.deliveries };
    summary.server(measured.before, measured.after, measured.over, deliveries);
    summary.client(tally, measured.over, args.common.spin);
}
