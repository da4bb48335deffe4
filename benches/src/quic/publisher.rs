//! One session that publishes: so many publications at once, so many times a second, by the clock and not by the answers.

use std::io;
use std::time::{Duration, Instant};

use ringway_protocol::command::{Command, Publish};
use ringway_protocol::{Body, BodyKind, Lane, RoomName};

use super::check::STAMP_BYTES;
use super::driver::Driver;
use super::session::{Host, Session};

/// What is published.
pub(super) struct Publisher {
    /// Its connection.
    index: usize,
    period: Duration,
    lane: Lane,
    /// One publication each; the lanes of versions conflate by key, and these are all to arrive.
    keys: Vec<String>,
    body: Vec<u8>,
    due: Instant,
    /// What the stream did not take yet.
    pending: Vec<u8>,
    /// Turns published, and turns left out because the server had not taken the one before.
    pub(super) turns: u64,
    pub(super) left_out: u64,
}

impl Publisher {
    /// Publishes on the session with this number, from now on.
    ///
    /// # Errors
    /// If a body is too short for its stamp.
    pub(super) fn new(
        index: usize,
        turns_per_s: u32,
        burst: usize,
        lane: Lane,
        body_bytes: usize,
    ) -> io::Result<Self> {
        if body_bytes < STAMP_BYTES {
            return Err(io::Error::other(format!("a body has at least {STAMP_BYTES} bytes")));
        }
        Ok(Self {
            index,
            period: Duration::from_secs(1) / turns_per_s,
            lane,
            keys: (0..burst).map(|number| number.to_string()).collect(),
            body: vec![0x5a; body_bytes],
            due: Instant::now(),
            pending: Vec::new(),
            turns: 0,
            left_out: 0,
        })
    }

    /// When it wants to publish next.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// Publishes if it is time: all of a turn in one write, so that one turn of the server takes them together.
    pub(super) fn publish(&mut self, driver: &mut Driver<Session>, host: &mut Host) {
        let now = Instant::now();
        if now < self.due {
            return;
        }
        if self.pending.is_empty() {
            self.encode(host);
            self.turns += 1;
        } else {
            self.left_out += 1;
        }
        let Self { pending, index, .. } = self;
        let taken = driver.with(*index, |session, connection| session.say(connection, pending));
        pending.drain(..taken.unwrap_or(0));
        // Turns that are over are not made up for: two at once would share what they cost.
        while self.due <= now {
            self.due += self.period;
        }
    }

    fn encode(&mut self, host: &mut Host) {
        let stamp = self.due.saturating_duration_since(host.clock).as_nanos() as u64;
        self.body[..STAMP_BYTES].copy_from_slice(&stamp.to_le_bytes());
        let Some(room) = host.room.as_deref().and_then(RoomName::new) else { return };
        for key in &self.keys {
            let publish = Command::Publish(Publish {
                id: None,
                room,
                body: Body { kind: BodyKind::Bytes, bytes: &self.body },
                lane: self.lane,
                key: (self.lane != Lane::Reliable).then_some(key),
                msg_id: None,
                retry: None,
                // Its own copy would be one more delivery than is counted.
                echo: self.lane != Lane::Latest,
            });
            self.pending.extend_from_slice(host.encoder.command(&publish));
        }
    }
}
