//! What happens because time passed.

use ringway_core::Monotonic;

use super::connection::{Connection, Stage};
use super::context::{Rim, State};
use super::quic::QUIC;

impl State {
    /// Does what is due: the core's timers, connections' deadlines, connections held back for freshness.
    pub(crate) fn take_timeouts(&mut self) {
        let now = self.rim.clock.now();
        if self.rim.core.poll_timeout().is_some_and(|due| due <= now.monotonic) {
            self.rim.core.handle_timeout(now);
        }
        if self.rim.wheel.poll_timeout().is_some_and(|due| due <= now.monotonic) {
            let mut fired = std::mem::take(&mut self.rim.fired);
            self.rim.wheel.expire(now.monotonic, |tick, index| fired.push((tick, index)));
            for (tick, index) in fired.drain(..) {
                if index & QUIC != 0 {
                    if let Some(quic) = &mut self.quic {
                        quic.look_at(tick, index, now.monotonic, &mut self.rim);
                    }
                    continue;
                }
                let Some(connection) = self.connections.get_mut(index as usize) else { continue };
                // Entries that the connection no longer means fire into nothing.
                if connection.alarm == tick {
                    connection.alarm = 0;
                    self.rim.look_at(index, connection, now.monotonic);
                }
            }
            self.rim.fired = fired;
        }
        if self.rim.paced_until.is_some_and(|due| due <= now.monotonic) {
            self.rim.paced_until = None;
            let mut paced = std::mem::take(&mut self.rim.paced);
            for (index, serial) in paced.drain(..) {
                let connection = self.connections.get_mut(index as usize);
                if let Some(connection) = connection.filter(|connection| connection.serial == serial) {
                    self.rim.queue(index, connection);
                }
            }
            // Nothing was pushed meanwhile: queueing holds nobody back.
            self.rim.paced = paced;
        }
    }

    /// When [`State::take_timeouts`] has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Monotonic> {
        let rim = &self.rim;
        let quic = self.quic.as_ref().and_then(|quic| quic.poll_timeout());
        let links = rim.cluster.as_ref().and_then(|cluster| cluster.poll_timeout());
        [rim.core.poll_timeout(), rim.wheel.poll_timeout(), rim.paced_until, quic, links]
            .into_iter()
            .flatten()
            .min()
    }
}

impl Rim {
    /// A connection's alarm went off: ends it if its time is over, else sets the alarm again.
    fn look_at(&mut self, index: u32, connection: &mut Connection, now: Monotonic) {
        if connection.due(&self.times).is_none_or(|due| due > now) {
            self.set_alarm(index, connection);
            return;
        }
        if connection.ending.is_some() {
            connection.cut();
            return;
        }
        match &mut connection.stage {
            Stage::Client(client) => {
                let Some(code) = client.server.handle_timeout(now, &self.times) else { return };
                match client.session {
                    Some(session) => {
                        self.figures.rim.heartbeat_timeouts += 1;
                        let now = self.clock.now();
                        self.core.handle_end(now, session, code.number(), code.text());
                    }
                    None => {
                        self.figures.rim.handshake_timeouts += 1;
                        connection.end(now, Some((code.number(), code.text().to_owned())));
                        self.queue(index, connection);
                    }
                }
                self.set_alarm(index, connection);
            }
            Stage::Upgrade(_) => {
                // Nothing that it said is a protocol in which to tell it.
                self.figures.rim.handshake_timeouts += 1;
                connection.cut();
            }
            Stage::Echo(_) | Stage::Over => {}
        }
    }
}
