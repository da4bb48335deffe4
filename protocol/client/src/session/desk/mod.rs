//! The handler of a session: carries out orders, matches answers, tells events.

mod answers;
mod orders;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ringway_protocol::event::Event as Said;
use ringway_protocol::session::client::{Phase, Reaction, Reconnect, RoomIndex, Violation};
use ringway_protocol::{BodyKind, Lane, RequestId};
use tokio::sync::{mpsc, oneshot};

use super::event::members;
use super::inbox::{Inbox, ValueKey};
use super::order::{HistoryPage, Order, Post, PresencePage, Reply};
use super::shared::{Estimates, Shared};
use super::{Event, Joined, Message, Refusal};
use crate::{Arrival, ConnectFault, Ending, Handler, Outlet, Way};

/// Requests whose answers somebody awaits; further orders wait.
const AWAITED_MAX: usize = 1_024;
/// Pings that tell the server's time: quickly until there are enough samples, then now and then.
const CLOCK_EVERY_FIRST: Duration = Duration::from_millis(200);
const CLOCK_EVERY: Duration = Duration::from_secs(10);
const CLOCK_SAMPLES: usize = 8;
/// Bytes of an event beside its body, about.
const EVENT_BYTES: usize = 64;

/// Who waits for the answer of a request.
pub(super) enum Awaited {
    Published(Post),
    History(RoomIndex, Reply<HistoryPage>),
    Presence(Reply<PresencePage>),
    Flush(Reply<()>),
}

/// A page whose messages are coming.
pub(super) struct Page {
    reply: Reply<HistoryPage>,
    page: HistoryPage,
    left: u32,
}

pub(super) struct Desk {
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) shared: Arc<Shared>,
    pub(super) inbox: Arc<Inbox>,
    /// Until the first `welcome`: who waits for it.
    pub(super) first: Option<oneshot::Sender<Result<(), ConnectFault>>>,
    /// Orders that could not be carried out yet, before all others: retries, and one for want of room.
    pub(super) stuck: VecDeque<Order>,
    pub(super) awaited: HashMap<RequestId, Awaited>,
    pub(super) joins: HashMap<RoomIndex, Vec<Reply<(RoomIndex, Joined)>>>,
    pub(super) leaves: HashMap<RoomIndex, Vec<Reply<()>>>,
    pub(super) pages: HashMap<RoomIndex, Page>,
    pub(super) names: Vec<Arc<str>>,
    pub(super) ping_at: Option<Instant>,
    /// Own values that could not be sent at all.
    pub(super) dropped: u64,
}

impl Desk {
    fn name(&mut self, outlet: &Outlet, room: RoomIndex) -> Arc<str> {
        let rooms = outlet.client().rooms();
        while let Some(next) = rooms.get(self.names.len()) {
            self.names.push(next.name().into());
        }
        self.names.get(room.0 as usize).cloned().unwrap_or_default()
    }

    /// Lets the handles know what is known now.
    fn estimate(&self, outlet: &Outlet) {
        let mut lost = outlet.lost();
        lost.dropped += self.dropped;
        self.shared.estimate(Estimates {
            session: outlet.client().session(),
            clock: outlet.clock(),
            rtt: outlet.sync.rtt(),
            connection: outlet.connection().cloned(),
            waiting_bytes: outlet.waiting_bytes(),
            lost,
        });
    }

    fn push(&self, event: Event) {
        let bytes = match &event {
            Event::Message(message) => message.body.len() + EVENT_BYTES,
            _ => EVENT_BYTES,
        };
        self.inbox.push(event, bytes);
    }

    fn message(&mut self, outlet: &Outlet, room: RoomIndex, phase: Phase, said: &Said<'_>) {
        let Said::Message(message) = said else { return };
        let owned = Message::of(self.name(outlet, room), message, phase == Phase::Replay);
        if phase == Phase::Page {
            self.page(room, owned);
        } else if message.lane == Lane::Reliable || message.body.kind == BodyKind::None {
            self.push(Event::Message(owned));
        } else {
            let session = owned.user.is_none().then_some(owned.session);
            let (user, key) = (owned.user.clone(), owned.key.clone());
            let bytes = owned.body.len() + EVENT_BYTES;
            let key = ValueKey { room, lane: message.lane, user, session, key };
            self.inbox.put(key, Event::Message(owned), bytes);
        }
    }

    fn page(&mut self, room: RoomIndex, message: Message) {
        let Some(page) = self.pages.get_mut(&room) else { return };
        page.page.messages.push(message);
        page.left = page.left.saturating_sub(1);
        if page.left == 0
            && let Some(page) = self.pages.remove(&room)
        {
            let _ = page.reply.send(Ok(page.page));
        }
    }
}

impl Handler for Desk {
    fn handle_event(&mut self, outlet: &mut Outlet, arrival: Arrival<'_>) {
        match (arrival.reaction, arrival.event) {
            (Reaction::Message { room, phase }, said) => {
                self.message(outlet, room, phase.unwrap_or(Phase::Live), said);
            }
            (Reaction::Welcomed { resumed }, Said::Welcome(welcome)) => {
                self.ping_at = Some(arrival.at);
                self.estimate(outlet);
                if let Some(first) = self.first.take() {
                    let _ = first.send(Ok(()));
                }
                let user = welcome.user.into();
                self.push(Event::Connected { resumed, session: welcome.session, user });
            }
            (Reaction::Joined { room, .. }, said) => self.joined(outlet, room, said),
            (Reaction::Left { room }, _) => self.left(outlet, room),
            (Reaction::Refused { request }, Said::Error(error)) => self.refused(outlet, request, error),
            (Reaction::Faulted, Said::Error(error)) => self.push(Event::Refused(Refusal::of(error))),
            (Reaction::Gap { room, .. }, Said::Gap { from, to, .. }) => {
                let room = self.name(outlet, room);
                self.push(Event::Gap { room, from: *from, to: *to });
            }
            (Reaction::Reset { room }, Said::Reset { position, version, .. }) => {
                let room = self.name(outlet, room);
                self.push(Event::Reset { room, position: *position, version: *version });
            }
            (Reaction::Told, Said::PresenceChanged(changed)) => self.push(Event::Presence {
                room: changed.room.into(),
                count: changed.count,
                joined: members(&changed.joined),
                left: members(&changed.left),
                truncated: changed.truncated,
            }),
            (_, said @ Said::Published(published)) => self.answered(Some(published.id), said),
            (_, said @ Said::Pong { id, .. }) => {
                self.estimate(outlet);
                self.answered(*id, said);
            }
            (_, said @ Said::History(page)) => self.answered(page.id, said),
            (_, said @ Said::Presence(page)) => self.answered(page.id, said),
            _ => {}
        }
    }

    fn handle_violation(&mut self, _outlet: &mut Outlet, violation: &Violation) {
        self.push(Event::Violation(violation.clone()));
    }

    fn handle_ended(&mut self, outlet: &mut Outlet, ending: &Ending, reconnect: Reconnect) {
        self.ping_at = None;
        self.interrupt();
        if let Some(first) = self.first.take() {
            let fault = match ending {
                Ending::NotConnected(fault) => fault.clone(),
                other => ConnectFault::Refused(other.to_string()),
            };
            let _ = first.send(Err(fault));
            outlet.close();
        }
        let returns = reconnect != Reconnect::Never;
        self.push(Event::Disconnected { ending: ending.clone(), returns });
    }

    fn tick_at(&self) -> Option<Instant> {
        self.ping_at
    }

    fn handle_tick(&mut self, outlet: &mut Outlet) {
        outlet.ping();
        let enough = outlet.clock_samples() >= CLOCK_SAMPLES;
        self.ping_at = Some(outlet.now() + if enough { CLOCK_EVERY } else { CLOCK_EVERY_FIRST });
    }

    fn poll(&mut self, outlet: &mut Outlet, context: &mut Context<'_>) {
        if self.shared.is_closing(context) {
            return outlet.close();
        }
        while outlet.is_ready()
            && let Some((room, publish)) = self.shared.take(context)
        {
            let sent = room.get().map(|room| outlet.publish(&publish.publication(room, false, None)));
            self.dropped += u64::from(!matches!(sent, Some(Ok(_))));
        }
        while self.awaited.len() < AWAITED_MAX {
            let order = match self.stuck.pop_front() {
                Some(order) => order,
                None => match self.orders.poll_recv(context) {
                    Poll::Ready(Some(order)) => order,
                    Poll::Ready(None) => return outlet.close(),
                    Poll::Pending => break,
                },
            };
            if let Some(order) = self.carry_out(outlet, order) {
                self.stuck.push_front(order);
                break;
            }
        }
        self.estimate(outlet);
    }

    fn poll_ready(&mut self, way: Way, context: &mut Context<'_>) -> Poll<()> {
        self.inbox.poll_ready(way, context)
    }
}
