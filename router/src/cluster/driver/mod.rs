//! Drives one member: the coordinator's events and the rim's inputs go in, requests and effects come out, on the control thread.
//!
//! One task owns everything here and waits only in one place ([`Driver::run`]): for the coordinator, for inputs, for the disk, for time. Beats are never
//! behind the disk, which has a thread of its own; what must wait for it is `order.rs`'s to know.
//!
//! A node whose disk takes nothing for 10 s leaves: it is the owner of slots that it may not serve.

mod disk;
mod figures;
mod input;
mod look;
mod order;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ringway_cluster::Monotonic;
use ringway_cluster::coordinator::{Coordinator, Event, Request, Token};
use ringway_cluster::member::{Config, Effect, Member, NotReady};
use tokio::sync::{Notify, mpsc, watch};
use tracing::{error, info, warn};

use super::{Consumer, Lease};
use disk::Disk;
use figures::Ledger;
use input::{INPUTS_MAX, Input};
use order::Order;

pub use disk::recall;
pub use figures::{Figures, KINDS};
pub use input::{Busy, Handle, Readiness};
pub use look::{Fault, Look, MapEntry, NodeLook, Status};

/// Events taken before inputs and time are looked at again.
const EVENTS_A_TURN: usize = 64;
/// The member's timeout may be over already while it waits for an answer: it is not asked more often than this.
const PACE_MS: u64 = 10;
/// Between two tries of a write that failed.
const DISK_AGAIN_MS: u64 = 1_000;
/// How long leaving may wait for a change of the node's own record.
const LEAVE_PATIENCE_MS: u64 = 1_000;
/// How long effects may wait for the disk before the node leaves.
const DISK_PATIENCE_MS: u64 = 10_000;

/// What a driver is made of.
pub struct DriverOptions {
    /// The member's configuration, with what [`recall`] gave.
    pub config: Config,
    /// Where the member agrees with the others.
    pub coordinator: Box<dyn Coordinator + Send>,
    /// Is notified when the coordinator has something to take.
    pub wake: Arc<Notify>,
    /// Where to keep what must survive a restart.
    pub state_dir: PathBuf,
    /// Reads the monotonic clock, the shards' one.
    pub clock: fn() -> Monotonic,
    /// Where shards see it.
    pub lease: Lease,
}

/// A member with its coordinator, its disk and its consumer.
pub struct Driver<C> {
    member: Member,
    coordinator: Box<dyn Coordinator + Send>,
    consumer: C,
    wake: Arc<Notify>,
    inputs: mpsc::Receiver<Input>,
    readiness: watch::Sender<Readiness>,
    lease: Lease,
    holds: bool,
    clock: fn() -> Monotonic,
    order: Order,
    disk: Disk,
    disk_at: Monotonic,
    disk_fault: Option<String>,
    /// Since when effects have waited for the disk.
    stalled: Option<Monotonic>,
    /// Ends of watches that found no room.
    unwatch: Vec<Token>,
    asked_at: Monotonic,
    /// Since when it has been asked to leave.
    leaving: Option<Monotonic>,
    ledger: Ledger,
}

/// A driver, and the handle by which the rim speaks to it. `consumer` is made with the handle.
pub fn driver<C: Consumer>(
    options: DriverOptions,
    consumer: impl FnOnce(Handle) -> C,
) -> (Driver<C>, Handle) {
    let now = (options.clock)();
    let (sender, inputs) = mpsc::channel(INPUTS_MAX);
    let (readiness, seen) = watch::channel(Readiness::NotReady(look::reason(&NotReady::Joining)));
    let lease = options.lease;
    let handle = Handle { inputs: sender, readiness: seen, lease: lease.clone() };
    let driver = Driver {
        member: Member::new(options.config, now),
        coordinator: options.coordinator,
        consumer: consumer(handle.clone()),
        wake: options.wake,
        inputs,
        readiness,
        lease,
        holds: false,
        clock: options.clock,
        order: Order::default(),
        disk: Disk::new(&options.state_dir),
        disk_at: now,
        disk_fault: None,
        stalled: None,
        unwatch: Vec::new(),
        asked_at: now,
        leaving: None,
        ledger: Ledger::default(),
    };
    (driver, handle)
}

impl<C: Consumer> Driver<C> {
    /// Runs until its task is aborted. The lease ends with it.
    pub async fn run(mut self) {
        loop {
            let more = self.turn();
            let until = if more { Duration::ZERO } else { self.sleep() };
            tokio::select! {
                () = self.wake.notified() => {}
                // The consumer holds a handle too: the channel does not end before the driver.
                Some(input) = self.inputs.recv() => self.handle_input(input),
                written = self.disk.written() => self.handle_written(written),
                () = tokio::time::sleep(until) => {}
            }
        }
    }

    /// Takes what has come and does what is due. Whether more has come.
    fn turn(&mut self) -> bool {
        let mut taken = 0;
        while taken < EVENTS_A_TURN
            && let Some((token, event)) = self.coordinator.poll()
        {
            taken += 1;
            self.handle_event(token, event);
        }
        let now = (self.clock)();
        if self.member.poll_timeout().is_some_and(|at| now >= at) {
            self.asked_at = now;
            self.member.handle_timeout(now);
        }
        self.drive_leave(now);
        self.take_out();
        taken == EVENTS_A_TURN
    }

    fn handle_event(&mut self, token: Token, event: Event) {
        let news = matches!(event, Event::Changed(..) | Event::Rows(..));
        self.ledger.handle_event(token, &event);
        let now = (self.clock)();
        self.member.handle_event(now, token, event);
        self.take_out();
        if news {
            self.ledger.handle_view(now, &self.member);
        }
    }

    fn handle_input(&mut self, input: Input) {
        let now = (self.clock)();
        match input {
            Input::Frozen(slot, term) => self.member.handle_frozen(slot, term),
            Input::Transferred(slot, term, done) => self.member.handle_transferred(now, slot, term, done),
            Input::InSync(slot, term, standby) => self.member.request_in_sync(slot, term, standby),
            Input::Alone(slot, term) => self.member.request_alone(slot, term),
            Input::Drain => self.member.drain(now),
            Input::Leave => {
                self.leaving.get_or_insert(now);
                self.drive_leave(now);
            }
            // Whoever asked may have gone.
            Input::Look(answer) => drop(answer.send(self.look(now))),
            Input::Map(answer) => drop(answer.send(look::map(&self.member))),
            Input::Nodes(answer) => drop(answer.send(look::nodes(&self.member))),
        }
        self.take_out();
    }

    /// Leaves, as soon as the others can be told so.
    fn drive_leave(&mut self, now: Monotonic) {
        let told =
            |since: Monotonic| !self.member.is_turning() || now.since(since) >= LEAVE_PATIENCE_MS * 1_000;
        if self.leaving.is_some_and(told) {
            self.leaving = None;
            self.member.leave(now);
        }
    }

    /// Hands over what the member wants, and hands on what it says.
    fn take_out(&mut self) {
        let refused = core::mem::take(&mut self.unwatch);
        for token in refused {
            self.submit(token, Request::Unwatch);
        }
        while let Some(effect) = self.member.poll_effect() {
            self.ledger.handle_said(&effect, &self.member);
            match effect {
                Effect::Renewed => self.ledger.figures.renewals += 1,
                effect => self.order.push(effect),
            }
        }
        let until = self.member.lease().valid_until();
        if until.is_none() && core::mem::take(&mut self.holds) {
            self.order.handle_revoked();
        }
        self.holds |= until.is_some();
        if until.is_none() {
            self.lease.set(None);
        }
        while let Some(effect) = self.order.pop() {
            self.hand_on(effect);
        }
        self.consumer.end(&self.member);
        if until.is_some() && self.order.may_hold_lease() {
            self.lease.set(until);
        }
        self.ask();
        self.drive_disk();
    }

    /// Hands over what the member wants. A node that was declared dead wants nothing before its shards know that they have
    /// nothing any more: what owners send to its next registration must not find what is left of the one before.
    fn ask(&mut self) {
        while self.order.may_hold_lease()
            && let Some((token, request)) = self.member.poll_request()
        {
            self.ledger.handle_request(self.member.node(), token, &request);
            self.submit(token, request);
        }
    }

    fn submit(&mut self, token: Token, request: Request) {
        match self.coordinator.submit(token, request) {
            Ok(()) => {}
            Err(Request::Unwatch) => self.unwatch.push(token),
            Err(request) => {
                let watch = matches!(request, Request::Watch(..));
                let event = if watch { Event::Broken } else { Event::Unknown };
                self.ledger.handle_event(token, &event);
                self.member.handle_event((self.clock)(), token, event);
            }
        }
    }

    fn hand_on(&mut self, effect: Effect) {
        self.ledger.handle_effect((self.clock)(), &effect);
        match &effect {
            Effect::Ready => {
                info!(node = self.member.node().0, "the cluster has this node");
                self.readiness.send_replace(Readiness::Ready);
            }
            Effect::NotReady(why) => {
                let reason = look::reason(why);
                match why {
                    NotReady::Refused(_) => {
                        error!(node = self.member.node().0, reason, "this node may not be in the cluster")
                    }
                    NotReady::Joining | NotReady::Left => info!(reason, "not in the cluster now"),
                    _ => warn!(reason, "not in the cluster now"),
                }
                self.readiness.send_replace(Readiness::NotReady(reason));
            }
            _ => {}
        }
        self.consumer.effect(effect, &self.member);
    }

    fn drive_disk(&mut self) {
        if !self.order.wants_disk() {
            self.stalled = None;
            return;
        }
        let now = (self.clock)();
        let since = *self.stalled.get_or_insert(now);
        if now.since(since) >= DISK_PATIENCE_MS * 1_000 && self.member.lease().valid_until().is_some() {
            error!("the disk has not taken the map for 10 s: this node leaves the cluster");
            self.member.leave(now);
            self.lease.set(None);
        }
        if !self.disk.is_busy() && now >= self.disk_at {
            self.disk.write(&self.member.remembered());
        }
    }

    fn handle_written(&mut self, written: std::io::Result<ringway_cluster::coordinator::Revision>) {
        match written {
            Ok(revision) => {
                self.ledger.figures.disk_writes += 1;
                self.disk_fault = None;
                self.order.handle_durable(revision);
            }
            Err(fault) => {
                error!(%fault, "the map could not be kept in node.state_dir: what depends on it waits");
                self.ledger.figures.disk_faults += 1;
                self.disk_fault = Some(fault.to_string());
                self.disk_at = (self.clock)().plus_ms(DISK_AGAIN_MS);
            }
        }
        self.take_out();
    }

    /// How long nothing is due.
    fn sleep(&self) -> Duration {
        let now = (self.clock)();
        let member = self.member.poll_timeout().map(|at| match at {
            Monotonic(0) => at,
            at => at.max(self.asked_at.plus_ms(PACE_MS)),
        });
        let disk = self.order.wants_disk().then(|| self.disk_at.max(now.plus_ms(PACE_MS)));
        let soon = (!self.unwatch.is_empty() || self.leaving.is_some()).then(|| now.plus_ms(PACE_MS));
        let at = [member, disk, soon].into_iter().flatten().min();
        Duration::from_micros(at.map_or(1_000_000, |at| at.since(now)))
    }

    fn look(&self, now: Monotonic) -> Look {
        let mut status = look::status(&self.member, now, self.lease.valid_until());
        status.effects_waiting = self.order.len();
        status.disk_fault.clone_from(&self.disk_fault);
        status.requests_pending = self.ledger.pending();
        Look { status, figures: self.ledger.figures.clone() }
    }
}

impl<C> Drop for Driver<C> {
    fn drop(&mut self) {
        self.lease.set(None);
    }
}
