//! The turn: what drives a shard between its readers.
//!
//! There is no loop to own on this runtime; a turn is made by queueing. Readers that are ready run first, each decoding
//! its bytes and calling the core; the first of them wakes the pump, which is thereby queued behind all the others: that
//! is the batch. The pump then takes orders and rings (bounded), timers, what the core asks for, gives others what the
//! core says to them, and flushes (bounded, going on where it stopped). If more is left it takes breath at the driver,
//! so that readers get theirs; otherwise it spins for a while if it may, and parks. It never wakes itself.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use ringway_core::Monotonic;
use ringway_mesh::Mailbox;

use super::clock::Clock;
use super::context::Context;
use super::exchange::Exchange;
use super::orders::Then;
use super::reader;
use super::spin::Spin;
use crate::node::Order;
use crate::rt::{self, Alarm, Bell, Breath, Ear, Io, Signal};
use crate::transport::socket;

/// Orders taken in one turn.
const ORDERS_PER_TURN: usize = 64;
/// A stopping shard waits so long for its connections' tasks to end.
const STOP_MS: u64 = 1_000;

/// What the pump owns.
pub(crate) struct Pump {
    pub(crate) context: Rc<Context>,
    pub(crate) exchange: Exchange,
    pub(crate) orders: Arc<Mailbox<Order, Bell>>,
    pub(crate) ear: Rc<Ear>,
    pub(crate) breath: Breath,
    pub(crate) spin: Spin,
    /// The listening sockets; the signal ends their accept task.
    pub(crate) listeners: Vec<(Rc<Signal>, Rc<Io>)>,
    pub(crate) stopping: Option<Monotonic>,
}

/// What to do after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// More is left: let others have their turn, then go on.
    Breathe,
    /// Nothing is left.
    Rest,
    Stop,
}

/// Runs until the shard is ordered to stop.
pub(crate) async fn run(mut pump: Pump) {
    let mut listening = listen(&pump.ear);
    let mut alarm = Alarm::default();
    loop {
        match pump.turn() {
            After::Stop => return,
            After::Breathe => pump.breath.take().await,
            After::Rest => {
                let Pump { context, breath, spin, .. } = &mut pump;
                let due = context.state.borrow().poll_timeout();
                if spin.look_for_work(context, breath, due).await {
                    continue;
                }
                if !context.front.doze() {
                    continue;
                }
                let Pump { context, ear, .. } = &pump;
                sleep(context, ear, &mut listening, &mut alarm, due).await;
                context.front.rise();
                context.state.borrow_mut().rim.figures.rim.parks += 1;
            }
        }
    }
}

type Listening = Pin<Box<dyn Future<Output = ()>>>;

fn listen(ear: &Rc<Ear>) -> Listening {
    let ear = Rc::clone(ear);
    Box::pin(async move { ear.listen().await })
}

/// Waits for a reader, another thread or the clock.
async fn sleep(
    context: &Context,
    ear: &Rc<Ear>,
    listening: &mut Listening,
    alarm: &mut Alarm,
    due: Option<Monotonic>,
) {
    let due = due.map(|due| Instant::now() + Duration::from_micros(due.since(Clock::monotonic())));
    std::future::poll_fn(|task| {
        if context.pump.poll(task).is_ready() {
            return Poll::Ready(());
        }
        if listening.as_mut().poll(task).is_ready() {
            ear.hush();
            *listening = listen(ear);
            return Poll::Ready(());
        }
        due.map_or(Poll::Pending, |due| alarm.poll_at(due, task))
    })
    .await;
}

impl Pump {
    /// One turn.
    fn turn(&mut self) -> After {
        let context = Rc::clone(&self.context);
        let mut borrowed = context.state.borrow_mut();
        let state = &mut *borrowed;
        context.pump.lower();
        let begun = state.rim.clock.now().monotonic;

        let (mut ordered, mut then) = (0, Then::GoOn);
        // Read before the orders: what they say of slots was said before the lease that is read here.
        let lease = state.rim.cluster.as_ref().map(|cluster| cluster.lease());
        let first = state.rim.cluster.as_ref().map(|cluster| cluster.told());
        // The mailbox of orders has a number of its own behind the shards', which marks nothing: it is looked at below.
        context.front.take(|writer| self.exchange.mark(writer));
        while ordered < ORDERS_PER_TURN
            && (ordered == 0 || state.rim.takes_orders())
            && then != Then::Stop
            && let Some(order) = self.orders.take()
        {
            ordered += 1;
            then = state.obey(order);
            if then == Then::StopListening {
                if let Some(quic) = &mut state.quic {
                    quic.stop_listening();
                }
                self.listeners.drain(..).for_each(|(closing, _)| closing.raise());
            }
        }
        if then == Then::Stop {
            for (closing, io) in self.listeners.drain(..) {
                // At once: what is left to the ring's end may listen on after this process is gone.
                socket::cut(&*io);
                closing.raise();
            }
            state.connections.iter_mut().for_each(|(_, connection)| connection.cut());
            if let Some(quic) = &mut state.quic {
                quic.cut_all(&mut state.rim);
            }
            if let Some(cluster) = &mut state.rim.cluster {
                cluster.cut_all();
            }
            self.stopping = Some(begun.plus_ms(STOP_MS));
        }
        if let Some(until) = self.stopping
            && (state.connections.is_empty() || begun >= until)
        {
            return After::Stop;
        }

        if let Some(lease) = lease {
            state.rim.take_lease(lease, self.orders.is_empty());
            state.rim.work_on_links();
        }
        self.exchange.take(&mut state.rim);
        state.take_timeouts();
        let connections = state.connections.len();
        if let Some(quic) = &mut state.quic {
            quic.work(&mut state.rim, connections);
        }
        state.take_checks();
        state.take_publishers();
        let slept = state.check_lease(begun, first);
        state.take_outputs(slept);
        // Others first: they can work while this shard writes.
        self.exchange.give(&mut state.rim);
        if let Some(cluster) = &mut state.rim.cluster {
            cluster.flush();
        }
        state.flush.run(&mut state.connections, &mut state.rim);
        let mut is_late = false;
        if let Some(quic) = &mut state.quic {
            state.rim.quic_dirty.drain(..).for_each(|index| quic.touch(index));
            is_late = quic.flush(&mut state.rim);
        }
        if state.rim.cluster.is_some() {
            // Writing may have taken long: what is decided behind it goes by another look at the clock.
            state.rim.clock.end_turn();
        }
        state.take_outputs(false);
        self.exchange.give(&mut state.rim);
        if let Some(cluster) = &mut state.rim.cluster {
            cluster.flush();
        }
        state.report_drained();
        state.rim.end_fanout(is_late);

        let full = std::mem::take(&mut state.flush.full);
        for full in &full {
            let task =
                reader::wait_writable(Rc::clone(&context), full.index, full.serial, Rc::clone(&full.io));
            rt::spawn(task);
        }
        state.flush.full = full;
        state.flush.full.clear();

        let busy = self.stopping.is_some()
            || self.exchange.has_work(&state.rim)
            || !self.orders.is_empty()
            || !state.rim.ready.is_empty()
            || state.rim.core.has_dirty()
            // Giving may have unblocked who had to wait for room in a ring.
            || state.rim.core.has_outputs()
            || state.rim.holds_publishers()
            || state.quic.as_ref().is_some_and(|quic| quic.has_work())
            || state.rim.cluster.as_ref().is_some_and(|cluster| cluster.has_work())
            || !state.rim.handshakes_waiting.is_empty()
            || !state.rim.checks_waiting.is_empty();
        let figures = &mut state.rim.figures;
        figures.rim.turns += 1;
        figures.turn_us.record(Clock::monotonic().since(begun));
        state.rim.clock.end_turn();
        // Whatever raised it in this turn was done in this turn.
        context.pump.lower();
        if busy { After::Breathe } else { After::Rest }
    }
}
