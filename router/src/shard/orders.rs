//! What control orders, and what the core's outputs ask of the rim.

use std::sync::Arc;

use ringway_core::Output;
use ringway_protocol::command::Publish;
use ringway_protocol::{Body, ErrorCode, RoomName};

use super::client;
use super::cluster::Ending;
use super::connection::Stage;
use super::context::{HANDSHAKES_PER_TURN, State};
use super::quic::QUIC;
use crate::node::{Notice, Order, PublishOrder, Report};

/// Tokens checked in one turn.
pub(crate) const CHECKS_PER_TURN: u32 = 64;

/// What an order means for the shard's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    GoOn,
    StopListening,
    Stop,
}

impl State {
    /// Does what control orders.
    pub(crate) fn obey(&mut self, order: Order) -> Then {
        let now = self.rim.clock.now();
        let rim = &mut self.rim;
        match order {
            Order::Reload(settings) => {
                rim.reload(&settings);
                if let (Some(quic), Some(tls)) = (&mut self.quic, &settings.tls) {
                    quic.reload(tls, &rim.times);
                }
                Then::GoOn
            }
            Order::Publish { ticket, order } => {
                self.publish(ticket, &order);
                Then::GoOn
            }
            Order::Disconnect { ticket, whom, code, reason } => {
                let ending = Arc::new(Ending { whom, code, reason });
                let count = ending.obey(rim);
                if let Some(cluster) = &mut rim.cluster {
                    cluster.tell_nodes(&ending);
                }
                rim.reports.answer(Report::Disconnected { ticket, count });
                Then::GoOn
            }
            Order::Datagram(stray) => {
                if let Some(quic) = &mut self.quic {
                    quic.take_stray(*stray, rim);
                }
                Then::GoOn
            }
            Order::Cluster(update) => {
                rim.core.handle_cluster(now, &update);
                Then::GoOn
            }
            Order::Nodes(nodes) => {
                if let Some(cluster) = &mut rim.cluster {
                    cluster.handle_nodes(&nodes);
                }
                Then::GoOn
            }
            Order::LinkCredentials(credentials) => {
                if let Some(cluster) = &mut rim.cluster {
                    cluster.handle_credentials(credentials);
                }
                Then::GoOn
            }
            Order::LinkDatagram(stray) => {
                if let Some(cluster) = &mut rim.cluster {
                    cluster.take_stray(&stray);
                }
                Then::GoOn
            }
            Order::StopListening => Then::StopListening,
            Order::Drain { ticket, spread_ms } => {
                self.drain(ticket, spread_ms);
                Then::GoOn
            }
            Order::Snapshot { ticket } => {
                rim.figures.rim.quic_connections = self.quic.as_ref().map_or(0, |quic| quic.open()) as u64;
                rim.figures.rim.web_connections =
                    self.quic.as_ref().map_or(0, |quic| quic.open_by_web()) as u64;
                rim.figures.rim.connections = self.connections.len() as u64;
                rim.figures.rim.half_open = u64::from(rim.admission.half_open);
                let mut snapshot = Box::new(rim.figures.snapshot(rim.id, rim.core.counters()));
                snapshot.links = rim.cluster.as_ref().map(|cluster| cluster.counters());
                rim.reports.answer(Report::Snapshot { ticket, snapshot });
                Then::GoOn
            }
            Order::Stop => Then::Stop,
        }
    }

    fn publish(&mut self, ticket: u64, order: &PublishOrder) {
        let rim = &mut self.rim;
        let now = rim.clock.now();
        let Some(room) = RoomName::new(&order.room) else {
            rim.reports.answer(Report::Published { ticket, outcome: Err(ErrorCode::BadRoomName) });
            return;
        };
        let publish = Publish {
            id: None,
            room,
            body: Body { kind: order.body_kind, bytes: &order.body },
            lane: order.lane,
            key: order.key.as_deref(),
            msg_id: order.msg_id.as_deref(),
            retry: order.retry,
            echo: true,
        };
        let user = std::sync::Arc::clone(&order.user);
        if rim.core.handle_api_publish(now, ticket, user, &publish).is_err() {
            // The room's owner is behind: the caller knows best when to try again.
            rim.reports.answer(Report::Published { ticket, outcome: Err(ErrorCode::Unavailable) });
        }
    }

    /// Sessions are told to go over a time; connections without one go at once.
    fn drain(&mut self, ticket: u64, spread_ms: u64) {
        let now = self.rim.clock.now();
        self.rim.doorman.closed = true;
        self.rim.draining = Some(ticket);
        self.rim.core.handle_drain(now, spread_ms);
        if let Some(quic) = &mut self.quic {
            quic.drain(&mut self.rim);
        }
        for (index, connection) in &mut self.connections {
            match &connection.stage {
                Stage::Client(client) if client.session.is_some() => {}
                Stage::Echo(_) => {
                    connection.end(now.monotonic, Some((1001, String::new())));
                    self.rim.queue(index as u32, connection);
                }
                _ => connection.cut(),
            }
        }
    }

    /// Tells who waits for it that the last connection is gone.
    pub(crate) fn report_drained(&mut self) {
        if self.connections.is_empty()
            && self.quic.as_ref().is_none_or(|quic| quic.open() == 0)
            && let Some(ticket) = self.rim.draining
            && !std::mem::replace(&mut self.rim.drained, true)
        {
            self.rim.reports.answer(Report::Drained { ticket });
        }
    }

    /// Does what the core asks for. What a turn that slept over its lease has published, may stand or not.
    pub(crate) fn take_outputs(&mut self, slept: bool) {
        let now = self.rim.clock.now().monotonic;
        while let Some(output) = self.rim.core.poll_output() {
            match output {
                Output::Answered { ticket, result } => {
                    let outcome = if slept { result.and(Err(ErrorCode::OutcomeUnknown)) } else { result };
                    self.rim.reports.answer(Report::Published { ticket, outcome });
                }
                Output::Slot { slot, term, word } => {
                    if let Some(cluster) = &self.rim.cluster {
                        cluster.say(slot, term, word);
                    }
                }
                Output::Unblocked(session) => {
                    if let Some(index) = self.rim.core.connection_of(session) {
                        self.go_on(index);
                    }
                }
                Output::Close(close) => {
                    let Some(index) = self.rim.core.connection_of(close.session) else { continue };
                    if index & QUIC != 0 {
                        let session =
                            self.quic.as_mut().and_then(|quic| quic.close(&close, index, &mut self.rim));
                        if let Some(session) = session {
                            self.rim.reports.tell(Notice::Closing { shard: self.rim.id, session, close });
                        }
                        continue;
                    }
                    let Some(connection) = self.connections.get_mut(index as usize) else { continue };
                    let Stage::Client(client) = &mut connection.stage else { continue };
                    client.server.handle_end();
                    let session = client.id;
                    connection.end(now, Some((close.code, close.reason.clone())));
                    self.rim.set_alarm(index, connection);
                    self.rim.queue(index, connection);
                    self.rim.reports.tell(Notice::Closing { shard: self.rim.id, session, close });
                }
            }
        }
    }

    /// Lets the next connections go on with their handshake, and the next have their token checked.
    pub(crate) fn take_checks(&mut self) {
        self.rim.handshakes_left = HANDSHAKES_PER_TURN;
        for _ in 0..HANDSHAKES_PER_TURN {
            let Some(go_on) = self.rim.handshakes_waiting.pop_front() else { break };
            go_on.raise();
        }
        self.rim.checks_left = CHECKS_PER_TURN;
        for _ in 0..self.rim.checks_waiting.len().min(CHECKS_PER_TURN as usize) {
            let Some((index, serial)) = self.rim.checks_waiting.pop_front() else { break };
            if self.is_current(index, serial) {
                self.go_on(index);
            }
        }
    }

    /// Whether this is still the connection that had this serial.
    pub(crate) fn is_current(&self, index: u32, serial: u32) -> bool {
        match &self.quic {
            Some(quic) if index & QUIC != 0 => quic.is_current(index, serial),
            _ => self.connections.get(index as usize).is_some_and(|connection| connection.serial == serial),
        }
    }

    /// Offers a connection's held input again.
    pub(crate) fn go_on(&mut self, index: u32) {
        let Self { connections, quic, json, rim, .. } = self;
        if index & QUIC != 0 {
            if let Some(quic) = quic {
                quic.go_on(index, rim);
            }
        } else if let Some(connection) = connections.get_mut(index as usize) {
            client::go_on(connection, index, json, rim);
            rim.set_alarm(index, connection);
        }
    }
}
