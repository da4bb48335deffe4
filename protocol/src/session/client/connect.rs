//! The connection's life: hello, heartbeats, the end, and coming back.

use super::reconnect::{Reconnect, after_close};
use super::{Action, Client, Outgoing, Request, Stage, State};
use crate::command::{Hello, JoinMany, Leave, Refresh};
use crate::time::Monotonic;
use crate::{Command, RoomName};

impl Client {
    /// The transport is up: `hello` is due.
    pub fn handle_connected(&mut self, now: Monotonic) {
        self.state = State::Greeting;
        self.said = now;
        self.heard = now;
        self.reconnect_at = None;
        self.action = None;
        self.outgoing.clear();
        self.outgoing.push_back(Outgoing::Hello);
    }

    /// The connection ended, with the code of a close frame or without one; `seed` spreads the return of many clients.
    ///
    /// Requests without an answer are forgotten: whether they were carried out is not known.
    pub fn handle_closed(&mut self, now: Monotonic, code: Option<u16>, seed: u64) -> Reconnect {
        self.requests.clear();
        self.outgoing.clear();
        self.handles.clear();
        self.held = None;
        self.released = None;
        self.joins_outstanding = 0;
        self.rejoin_at = None;
        for room in &mut self.rooms {
            room.stage = match room.stage {
                Stage::In | Stage::Joining | Stage::Waiting => Stage::Waiting,
                Stage::Leaving if room.again => Stage::Waiting,
                Stage::Leaving | Stage::Out => Stage::Out,
            };
            room.again = false;
            room.joining = false;
            room.verifier.handle_closed();
        }
        let wanted = self.state != State::Ended;
        let policy = after_close(code, self.attempt, self.advised_ms.take(), seed);
        self.attempt = self.attempt.saturating_add(1);
        self.action = None;
        match policy {
            Reconnect::After { ms } if wanted => {
                self.state = State::Disconnected;
                self.reconnect_at = Some(now.plus_ms(ms));
                policy
            }
            _ => {
                self.state = State::Ended;
                self.reconnect_at = None;
                Reconnect::Never
            }
        }
    }

    /// Ends the session from this side.
    pub fn close(&mut self) {
        if matches!(self.state, State::Greeting | State::Ready) {
            self.action = Some(Action::Close);
        }
        self.state = State::Ended;
        self.reconnect_at = None;
    }

    /// A newer token for the same user.
    pub fn refresh(&mut self, token: &str) {
        if self.state == State::Ready {
            self.outgoing.push_back(Outgoing::Refresh(token.into()));
        }
    }

    /// Asks for the server's time and measures the way there and back.
    pub fn ping(&mut self) {
        if self.state == State::Ready {
            self.outgoing.push_back(Outgoing::Ping);
        }
    }

    /// The next command to encode and send; nothing while the window of requests is full.
    pub fn poll_command(&mut self, now: Monotonic) -> Option<Command<'_>> {
        loop {
            let next = self.outgoing.pop_front()?;
            let request = match &next {
                Outgoing::Hello => Request::Hello,
                Outgoing::Refresh(_) => Request::Refresh,
                Outgoing::Join(room) if self.begin_join(*room) => Request::Join(*room),
                Outgoing::JoinMany(rooms) => {
                    let mut left = 0;
                    for room in rooms {
                        left += u16::from(self.begin_join(*room));
                    }
                    Request::JoinMany { left }
                }
                Outgoing::Leave(room) => Request::Leave(*room),
                Outgoing::Ping => Request::Ping { sent: now },
                Outgoing::Join(_) => continue,
            };
            if request == (Request::JoinMany { left: 0 }) {
                continue;
            }
            let Some(id) = self.requests.open(request) else {
                self.outgoing.push_front(next);
                return None;
            };
            self.said = now;
            let id = Some(id);
            return Some(match next {
                Outgoing::Hello => Command::Hello(Hello {
                    id,
                    protocol: crate::limit::PROTOCOL_VERSION,
                    token: self.options.token.as_deref(),
                    client: self.options.client.as_deref(),
                    resume: self.resume.as_deref(),
                }),
                Outgoing::Refresh(token) => {
                    self.refreshing = token;
                    Command::Refresh(Refresh { id, token: &self.refreshing })
                }
                Outgoing::Join(room) => Command::Join(self.join_of(room, id?)?),
                Outgoing::JoinMany(rooms) => Command::JoinMany(JoinMany {
                    id,
                    rooms: rooms.into_iter().filter_map(|room| self.join_of(room, id?)).collect(),
                }),
                Outgoing::Leave(room) => {
                    Command::Leave(Leave { id, room: RoomName::new(&self.rooms.get(room.0 as usize)?.name)? })
                }
                Outgoing::Ping => Command::Ping { id },
            });
        }
    }

    /// When [`Client::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        let heartbeat = (self.state == State::Ready && self.heartbeat_ms > 0)
            .then(|| self.said.plus_ms(self.beat_ms()).min(self.heard.plus_ms(self.silence_ms())));
        [heartbeat, self.reconnect_at, self.rejoin_at].into_iter().flatten().min()
    }

    /// Pings when nothing was said for most of a heartbeat, gives up on a silent server, comes back when it is time.
    pub fn handle_timeout(&mut self, now: Monotonic) {
        if self.reconnect_at.is_some_and(|at| at <= now) {
            self.reconnect_at = None;
            self.action = Some(Action::Connect);
        }
        if self.rejoin_at.is_some_and(|at| at <= now) {
            self.rejoin_at = None;
            self.queue_joins();
        }
        if self.state != State::Ready || self.heartbeat_ms == 0 {
            return;
        }
        if self.heard.plus_ms(self.silence_ms()) <= now {
            self.heard = now;
            self.action = Some(Action::Close);
        } else if self.said.plus_ms(self.beat_ms()) <= now {
            self.said = now;
            self.outgoing.push_back(Outgoing::Ping);
        }
    }

    /// Four fifths of the heartbeat: the rest is for the way.
    const fn beat_ms(&self) -> u64 {
        self.heartbeat_ms as u64 * 4 / 5
    }

    /// Each heartbeat has a `pong`, so twice its time without a byte means that nobody is there.
    const fn silence_ms(&self) -> u64 {
        self.heartbeat_ms as u64 * 2
    }
}
