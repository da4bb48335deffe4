//! QUIC and WebTransport clients: drivers of `ringway-client` on a runtime of this thread. Thread view.
//!
//! Between turns nothing runs, so that the scenario reaches everything without a lock; what it wants of a client goes
//! into the client's [`Mailbox`], and the driver is woken. Drivers tell the scenario at once, from within
//! their tasks, and note where they stand.

mod alarm;
mod connectors;
mod gate;
mod line;
mod mailbox;
mod pilot;
mod seat;

use std::cell::{Cell, RefCell, RefMut};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringway_client::Driver;
use ringway_protocol::session::client::{JoinOptions, Options, Publication, RoomIndex};
use ringway_protocol::{Position, RoomName};
use tokio::runtime::Runtime;
use tokio::task::{LocalSet, yield_now};

use self::alarm::Alarm;
use self::connectors::Connectors;
use self::gate::Gate;
use self::mailbox::Letter;
use self::pilot::Pilot;
use self::seat::Seat;
use super::pacer::Pacer;
use super::{Lost, MemberId, Nanos, Observer, Pace, Standing, Target};

/// How often those who wait for their time to connect are looked at.
const GATE_EVERY: Duration = Duration::from_millis(1);
/// Rounds in which a client that was given something to say gets its turn, if its connection takes it at all.
const FLUSH_ROUNDS_MAX: u32 = 16;
/// How long clients may take to leave.
const FINISH_MAX: Duration = Duration::from_secs(2);

/// One thread's drivers, and the scenario that watches them.
pub(super) struct Drivers<O> {
    // Tasks end before their runtime does.
    local: LocalSet,
    alarm: Alarm,
    connectors: Connectors,
    shared: Rc<Shared<O>>,
    seats: Vec<Rc<Seat>>,
    newcomers: Vec<Newcomer>,
    runtime: Runtime,
}

/// What the drivers of a thread share.
struct Shared<O> {
    observer: RefCell<O>,
    gate: RefCell<Gate>,
    /// How much the observer was told.
    told: Cell<usize>,
    running: Cell<u32>,
    /// Both clocks at one moment.
    origin: (Instant, Nanos),
}

/// A client before its first turn.
struct Newcomer {
    id: MemberId,
    options: Arc<Options>,
    rooms: Vec<(Box<str>, JoinOptions)>,
}

impl<O> Shared<O> {
    /// A moment on the clock of the run.
    fn nanos(&self, moment: Instant) -> Nanos {
        self.origin.1 + moment.saturating_duration_since(self.origin.0)
    }
}

impl<O: Observer + 'static> Drivers<O> {
    pub(super) fn new(target: Arc<Target>, pace: Pace, first: u32, observer: O) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let alarm = Alarm::new(&runtime)?;
        let shared = Rc::new(Shared {
            observer: RefCell::new(observer),
            gate: RefCell::new(Gate::new(Pacer::new(pace, Nanos::now()))),
            told: Cell::new(0),
            running: Cell::new(0),
            origin: (Instant::now(), Nanos::now()),
        });
        let connectors = Connectors::new(target, first);
        let (local, seats, newcomers) = (LocalSet::new(), Vec::new(), Vec::new());
        Ok(Self { local, alarm, connectors, shared, seats, newcomers, runtime })
    }

    pub(super) fn add(&mut self, options: &Arc<Options>) -> MemberId {
        let id = MemberId(self.seats.len() as u32);
        self.seats.push(Rc::default());
        self.newcomers.push(Newcomer { id, options: Arc::clone(options), rooms: Vec::new() });
        id
    }

    /// The room's index is known only before the client's first turn.
    pub(super) fn join(
        &mut self,
        id: MemberId,
        room: RoomName<'_>,
        options: JoinOptions,
    ) -> Option<RoomIndex> {
        let Some(newcomer) = self.newcomers.iter_mut().rfind(|newcomer| newcomer.id == id) else {
            self.post(id, Letter::Join(room.as_str().into(), options));
            return None;
        };
        newcomer.rooms.push((room.as_str().into(), options));
        Some(RoomIndex(newcomer.rooms.len() as u32 - 1))
    }

    pub(super) fn leave(&self, id: MemberId, room: RoomIndex) {
        self.post(id, Letter::LeaveRoom(room));
    }

    pub(super) fn standing(&self, id: MemberId) -> Standing {
        self.seats.get(id.0 as usize).map_or_else(Standing::default, |seat| seat.standing())
    }

    pub(super) fn lost(&self) -> Lost {
        self.seats.iter().map(|seat| seat.lost()).fold(Lost::default(), Lost::and)
    }

    pub(super) fn observer(&self) -> RefMut<'_, O> {
        self.shared.observer.borrow_mut()
    }

    pub(super) fn turn(&mut self, wait: Duration) -> io::Result<usize> {
        self.begin()?;
        let before = self.shared.told.get();
        let waits = {
            let mut gate = self.shared.gate.borrow_mut();
            gate.admit(Nanos::now());
            gate.holds_some_up()
        };
        let wait = if waits { wait.min(GATE_EVERY) } else { wait };
        if wait.is_zero() {
            self.round();
        } else {
            self.runtime.block_on(self.local.run_until(self.alarm.ring_after(wait)))?;
        }
        Ok(self.shared.told.get() - before)
    }

    pub(super) fn publish(&self, _now: Nanos, id: MemberId, what: &Publication<'_>) -> bool {
        self.seats.get(id.0 as usize).is_some_and(|seat| seat.publish(what))
    }

    /// A few rounds of the runtime, until the client has said what it was given: then it is on its way, and not before
    /// the scenario looks at the clock again.
    pub(super) fn flush(&mut self, id: MemberId) {
        let Some(seat) = self.seats.get(id.0 as usize).cloned() else { return };
        for _ in 0..FLUSH_ROUNDS_MAX {
            if seat.is_empty() {
                return;
            }
            self.round();
        }
    }

    pub(super) fn waiting_bytes(&self, id: MemberId) -> usize {
        self.seats.get(id.0 as usize).map_or(0, |seat| seat.waiting_bytes())
    }

    pub(super) fn disconnect(&self, id: MemberId) {
        self.post(id, Letter::Disconnect);
    }

    pub(super) fn hold_connections(&self, until: Nanos) {
        self.shared.gate.borrow_mut().hold(until);
    }

    pub(super) fn end(&self, id: MemberId) {
        self.post(id, Letter::Leave);
    }

    /// Streams are read no further. On a slow line nothing stops but the wire, which carries as much as it is told.
    pub(super) fn read_from(&self, id: MemberId, read: bool) {
        match self.connectors.line() {
            Some(line) => line.slow_down(!read),
            None => {
                if let Some(seat) = self.seats.get(id.0 as usize) {
                    seat.read(read);
                }
            }
        }
    }

    /// Lets the slow line carry at most so many bytes.
    pub(super) fn carry(&mut self, bytes_max: usize) -> usize {
        let carried = self.connectors.line().map_or(0, |line| line.carry(bytes_max));
        self.round();
        carried
    }

    pub(super) fn expect(&self, id: MemberId, room: RoomIndex, position: Position) {
        self.post(id, Letter::Expect(room, position));
    }

    /// Until all have left and every farewell is on its way.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let until = Nanos::now() + FINISH_MAX;
        while self.shared.running.get() > 0 && Nanos::now() < until {
            self.turn(GATE_EVERY)?;
        }
        let idle = self.connectors.idle();
        let left = until.since(Nanos::now());
        let _ = self
            .runtime
            .block_on(self.local.run_until(async { tokio::time::timeout(left, idle).await.is_ok() }));
        Ok(())
    }

    fn post(&self, id: MemberId, letter: Letter) {
        if let Some(seat) = self.seats.get(id.0 as usize) {
            seat.post(letter);
        }
    }

    /// Whatever is ready now, once.
    fn round(&self) {
        self.runtime.block_on(self.local.run_until(yield_now()));
    }

    /// Starts the drivers of newcomers.
    fn begin(&mut self) -> io::Result<()> {
        if self.newcomers.is_empty() {
            return Ok(());
        }
        let _entered = self.runtime.enter();
        for newcomer in std::mem::take(&mut self.newcomers) {
            let Some(seat) = self.seats.get(newcomer.id.0 as usize) else { continue };
            let connector = self.connectors.next(&newcomer.options)?;
            let pilot = Pilot::new(newcomer.id, Rc::clone(seat), Rc::clone(&self.shared));
            let mut driver = Driver::new(&connector, pilot);
            for (room, options) in newcomer.rooms {
                if let Some(room) = RoomName::new(&room) {
                    driver.outlet().join(room, options);
                }
            }
            self.shared.running.set(self.shared.running.get() + 1);
            self.local.spawn_local(async move { driver.run().await.finish() });
        }
        Ok(())
    }
}
