//! Collecting what waits.

use ringway_core::{SessionKey, Waiting};
use slab::Slab;

use super::{BATCH_BYTES, Flush, Job, OFFER_BYTES, Source};
use crate::shard::connection::Connection;
use crate::shard::context::{Rim, State};
use crate::shard::pace;

impl Flush {
    /// Makes jobs of the next connections on the list.
    pub(super) fn gather_batch(
        &mut self,
        connections: &mut Slab<Connection>,
        rim: &mut Rim,
        writes_max: usize,
    ) {
        self.arena.clear();
        self.jobs.clear();
        let batch = self.batch_writes().min(writes_max);
        while self.jobs.len() < batch && self.arena.len() < BATCH_BYTES {
            let Some(index) = rim.ready.pop_front() else { break };
            let Some(connection) = connections.get_mut(index as usize) else { continue };
            connection.queued = false;
            if connection.full || connection.dead {
                continue;
            }
            let job = match connection.tls {
                None => self.gather(index, connection, rim),
                Some(_) => self.secure(index, connection, rim),
            };
            self.jobs.extend(job);
        }
    }

    /// One connection: its own output first, unless a frame of the core's is begun and must be finished.
    fn gather(&mut self, index: u32, connection: &mut Connection, rim: &mut Rim) -> Option<Job> {
        let waiting = waiting(connection, rim);
        if waiting.bytes == 0 && !connection.has_output() {
            self.finish(connection);
        }
        let own = connection.output.len() - connection.said;
        let own = if waiting.mid_frame { 0 } else { own };
        match connection.session() {
            Some(session) if waiting.bytes > 0 && own < OFFER_BYTES => {
                let allowed = pace::offer(index, connection, &waiting, rim, OFFER_BYTES)?;
                let start = self.arena.len();
                self.arena.extend_from_slice(&connection.output[connection.said..connection.said + own]);
                let offered = offer(session, connection, rim, allowed.bytes_max, &mut self.arena);
                if allowed.must_fit && offered > allowed.bytes_max {
                    self.arena.truncate(start);
                    pace::hold_back(index, connection, rim);
                    return None;
                }
                let source = Source::Plain { start, own };
                let (bytes, more) = (self.arena.len() - start, offered >= allowed.bytes_max);
                Some(Job { index, source, bytes, session: Some(session), more, sent: Ok(0) })
            }
            _ if own > 0 => {
                let bytes = own.min(BATCH_BYTES);
                Some(Job { index, source: Source::Output, bytes, session: None, more: false, sent: Ok(0) })
            }
            _ => None,
        }
    }
}

/// What the core has for a connection.
pub(super) fn waiting(connection: &Connection, rim: &Rim) -> Waiting {
    connection.session().map_or(Waiting::default(), |session| rim.core.waiting(session))
}

/// Appends frames of the core's, about so many bytes of them; gives how many.
pub(super) fn offer(
    session: SessionKey,
    connection: &Connection,
    rim: &mut Rim,
    bytes_max: usize,
    to: &mut Vec<u8>,
) -> usize {
    let format = State::format_of(connection);
    let start = to.len();
    let offered = rim.core.poll_transmit(session, bytes_max, &mut |frame, written, _| {
        to.extend_from_slice(&frame.bytes(format)[written..]);
    });
    debug_assert_eq!((to.len() - start) as u64, offered);
    to.len() - start
}

/// Lets the core know that a session's transport takes nothing now.
pub(in crate::shard) fn lag(session: SessionKey, rim: &mut Rim) {
    let now = rim.clock.now();
    rim.core.poll_transmit(session, 1, &mut |_, _, _| {});
    rim.core.on_written(now, session, 0);
}
