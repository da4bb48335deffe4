//! Collecting what waits for a connection with TLS: what was encrypted first; then one record of what is left to say.

use super::gather::{offer, waiting};
use super::{Flush, Job, Source};
use crate::shard::connection::Connection;
use crate::shard::context::Rim;
use crate::shard::pace;
use crate::tls::{RECORD_BYTES_MAX, TlsFault};

impl Flush {
    /// One connection's next write.
    pub(super) fn secure(&mut self, index: u32, connection: &mut Connection, rim: &mut Rim) -> Option<Job> {
        let tls = connection.tls.as_ref()?;
        if tls.outgoing().is_empty() && tls.is_open() {
            let waiting = waiting(connection, rim);
            if waiting.bytes > 0 || connection.has_output() {
                return self.encrypt(index, connection, rim, &waiting);
            }
        }
        if connection.tls.as_ref()?.outgoing().is_empty() {
            self.finish(connection);
            if connection.has_output() && connection.tls.as_ref()?.is_open() {
                return self.secure(index, connection, rim);
            }
        }
        let bytes = connection.tls.as_ref()?.outgoing().len();
        (bytes > 0).then_some(Job {
            index,
            source: Source::Leftover,
            bytes,
            session: None,
            more: true,
            sent: Ok(0),
        })
    }

    fn encrypt(
        &mut self,
        index: u32,
        connection: &mut Connection,
        rim: &mut Rim,
        waiting: &ringway_core::Waiting,
    ) -> Option<Job> {
        self.text.clear();
        let now = rim.clock.now();
        let mut more = false;
        if !waiting.mid_frame && connection.has_output() {
            let own = (connection.output.len() - connection.said).min(RECORD_BYTES_MAX);
            self.text.extend_from_slice(&connection.output[connection.said..connection.said + own]);
            connection.on_said(own, rim);
            more = connection.has_output();
        }
        let session = connection.session().filter(|_| waiting.bytes > 0 && !more);
        if let Some(session) = session
            && let Some(room) = RECORD_BYTES_MAX.checked_sub(self.text.len()).filter(|room| *room > 0)
            && let Some(allowed) = pace::offer(index, connection, waiting, rim, room)
        {
            let start = self.text.len();
            let offered = offer(session, connection, rim, allowed.bytes_max, &mut self.text);
            if allowed.must_fit && offered > allowed.bytes_max {
                self.text.truncate(start);
                pace::hold_back(index, connection, rim);
            } else {
                rim.core.on_written(now, session, offered as u64);
                more |= offered >= allowed.bytes_max;
            }
        }
        if self.text.is_empty() {
            return None;
        }
        let start = self.arena.len();
        let encrypted = connection.tls.as_mut().map(|tls| tls.encrypt(&self.text, &mut self.arena));
        if let Some(Err(TlsFault)) = encrypted {
            connection.cut();
            return None;
        }
        let bytes = self.arena.len() - start;
        Some(Job { index, source: Source::Encrypted { start }, bytes, session, more, sent: Ok(0) })
    }
}
