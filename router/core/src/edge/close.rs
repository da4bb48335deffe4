//! A session ends: by its client, its transport, the operator, the clock, or a bound.

use ringway_protocol::{CloseCode, Event, RoomHandle, SessionId};

use super::{Phase, wrapping_ms};
use crate::frame::Encoder;
use crate::message::Departure;
use crate::outbox::Kind;
use crate::output::{Close, Output};
use crate::time::Now;
use crate::{SessionKey, Shard};

/// Whom the operator means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// One session.
    Session(SessionId),
    /// All sessions of a user.
    User(&'a str),
}

impl<E: Encoder> Shard<E> {
    /// The rim wants a session to end (heartbeat, protocol): queues `closing`, then [`Output::Close`] says so.
    pub fn handle_end(&mut self, now: Now, session: SessionKey, code: u16, reason: &str) {
        self.end(now, session, code, reason, None);
        self.settle(now);
    }

    /// The connection is gone; frees the session. `Left` if its client said goodbye.
    pub fn handle_close(&mut self, now: Now, session: SessionKey, departure: Departure) {
        if self.edge.session(session).is_none() {
            return;
        }
        self.end_memberships(now, session, departure);
        let index = session.index as usize;
        let mut gone = self.edge.sessions.remove(index);
        self.edge.reuses[index] = self.edge.reuses[index].wrapping_add(1);
        self.edge.timers.set(session, &mut gone.tick_at, None);
        self.edge.lagging.remove(&session);
        self.exchange.blocked.remove(&session);
        self.settle(now);
    }

    /// The operator ends sessions; returns how many there were on this shard.
    pub fn handle_disconnect(&mut self, now: Now, target: Target<'_>, code: u16, reason: &str) -> u32 {
        let matches = |id: SessionId, user: &str| match target {
            Target::Session(session) => id == session,
            Target::User(wanted) => user == wanted,
        };
        let sessions: Vec<_> = self
            .edge
            .sessions
            .iter()
            .filter(|(_, open)| open.phase == Phase::Open && matches(open.id, &open.identity.user))
            .map(|(_, open)| open.key)
            .collect();
        for session in &sessions {
            self.end(now, *session, code, reason, None);
        }
        self.settle(now);
        sessions.len() as u32
    }

    /// The node is about to stop: every session is told to reconnect elsewhere, spread over the time.
    pub fn handle_drain(&mut self, now: Now, spread_ms: u64) {
        let sessions: Vec<_> = self.edge.sessions.iter().map(|(_, open)| open.key).collect();
        for session in sessions {
            let at = now.monotonic.plus_ms(self.random.below(spread_ms.max(1)));
            if let Some(open) = self.edge.session_mut(session) {
                open.go = Some((at, CloseCode::Draining));
            }
            self.schedule_session(now, session);
        }
        self.settle(now);
    }

    /// Ends a session: no more frames but `closing`, no more memberships. Everything that waits still goes out, but
    /// for slow consumers.
    pub(crate) fn end(
        &mut self,
        now: Now,
        session: SessionKey,
        code: u16,
        reason: &str,
        room: Option<RoomHandle>,
    ) {
        let reconnect_after_ms = self.reconnect_after_ms(code);
        let name =
            room.and_then(|room| self.edge.interests.get(room)).map(|interest| interest.name.to_string());
        let Some(open) = self.edge.session_mut(session).filter(|open| open.phase == Phase::Open) else {
            return;
        };
        let close = Close {
            session,
            code,
            reason: reason.to_owned(),
            bytes_waiting: open.outbox.bytes(),
            age_ms: u64::from(open.outbox.age_ms(wrapping_ms(now.monotonic))),
            room,
            room_name: name,
        };
        // From here on nothing else is queued, so that an outbox that is over its bound can't end it twice.
        open.phase = Phase::Closing;
        let full =
            [CloseCode::SlowConsumer, CloseCode::MemoryPressure].iter().any(|full| full.number() == code);
        if full {
            open.outbox.clear();
        }
        let departure = if code < 3500 { Departure::Detached } else { Departure::Left };
        let departure = if code == CloseCode::TakenOver.number() { Departure::Detached } else { departure };
        self.end_memberships(now, session, departure);
        self.say_closing(now, session, &Event::Closing { code, reason, reconnect_after_ms });
        self.outputs.push_back(Output::Close(close));
    }

    /// The last frame of a session; it is queued whatever else waits.
    fn say_closing(&mut self, now: Now, session: SessionKey, closing: &Event<'_>) {
        let index = session.index as usize;
        let Some(open) = self.edge.sessions.get_mut(index).filter(|open| open.key == session) else { return };
        let frame = self.encoder.reply(closing, open.format);
        let bytes = E::bytes(&frame, open.format);
        open.outbox.push(&mut self.edge.pool, frame, Kind::Control, bytes, wrapping_ms(now.monotonic), false);
        if !open.dirty {
            open.dirty = true;
            self.edge.dirty.push_back(session);
        }
    }

    fn reconnect_after_ms(&mut self, code: u16) -> Option<u32> {
        match CloseCode::from_number(code)? {
            // Told to one after the other: nobody needs to wait once more.
            CloseCode::Draining => Some(0),
            CloseCode::Overloaded | CloseCode::Unreachable => Some(self.random.below(1_000) as u32),
            CloseCode::SlowConsumer | CloseCode::MemoryPressure => {
                Some(500 + self.random.below(1_000) as u32)
            }
            code if code.reconnects() => Some(0),
            _ => None,
        }
    }

    fn end_memberships(&mut self, now: Now, session: SessionKey, departure: Departure) {
        let rooms: Vec<_> = self
            .edge
            .session(session)
            .map_or(Vec::new(), |open| open.memberships.iter().map(|membership| membership.handle).collect());
        for handle in rooms {
            self.end_membership(now, session, handle, None, departure);
        }
    }

    /// Sets the session's timer to whatever comes first.
    pub(super) fn schedule_session(&mut self, now: Now, session: SessionKey) {
        let index = session.index as usize;
        let Some(open) = self.edge.sessions.get_mut(index).filter(|open| open.key == session) else { return };
        let expires =
            open.identity.expires.map(|expires| now.monotonic + expires.0.saturating_sub(now.unix.0));
        let at = [expires, open.go.map(|(at, _)| at)].into_iter().flatten().min();
        self.edge.timers.set(session, &mut open.tick_at, at);
    }

    /// Session timers and the sweep.
    pub(crate) fn edge_tick(&mut self, now: Now) {
        while let Some(session) = self.edge.timers.pop(now.monotonic) {
            let Some(open) = self.edge.session_mut(session) else { continue };
            open.tick_at = None;
            if let Some((_, code)) = open.go.filter(|(at, _)| *at <= now.monotonic) {
                if code == CloseCode::Unreachable && !self.needs_another_node(session) {
                    if let Some(open) = self.edge.session_mut(session) {
                        open.go = None;
                    }
                    self.schedule_session(now, session);
                    continue;
                }
                self.end(now, session, code.number(), code.text(), None);
            } else if open.identity.expires.is_some_and(|expires| expires <= now.unix) {
                let code = CloseCode::TokenExpired;
                self.end(now, session, code.number(), code.text(), None);
            } else {
                self.schedule_session(now, session);
            }
        }
        if self.edge.crossings_at().is_some_and(|at| at <= now.monotonic) {
            self.tick_crossings(now);
        }
        if self.edge.elsewhere_at.is_some_and(|at| at <= now.monotonic) {
            self.look_elsewhere(now);
        }
        if self.edge.sweep_at.is_some_and(|at| at <= now.monotonic) {
            self.sweep(now);
        }
    }
}
