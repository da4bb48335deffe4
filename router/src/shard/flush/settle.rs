//! After a batch: who was written whole, who is full, who is gone.

use std::rc::Rc;

use slab::Slab;

use super::{Flush, Full, Job, Source};
use crate::shard::clock::Clock;
use crate::shard::connection::Connection;
use crate::shard::context::Rim;

/// Writes between two readings of the clock for the latency histogram.
const WRITES_PER_READING: u64 = 32;

impl Flush {
    /// Tells core and connections what was taken.
    pub(super) fn settle_batch(&mut self, connections: &mut Slab<Connection>, rim: &mut Rim) {
        let mut deliveries = 0;
        let mut jobs = std::mem::take(&mut self.jobs);
        for job in &jobs {
            if let Some(connection) = connections.get_mut(job.index as usize) {
                self.settle(job, connection, rim);
                deliveries += u64::from(job.session.is_some());
            }
        }
        rim.figures.note_deliveries(deliveries);
        if rim.figures.deliveries_unread() >= WRITES_PER_READING || rim.ready.is_empty() {
            let age = Clock::monotonic().since(rim.ready_since);
            rim.figures.read_deliveries(age);
        }
        jobs.clear();
        self.jobs = jobs;
    }

    fn settle(&mut self, job: &Job, connection: &mut Connection, rim: &mut Rim) {
        let sent = job.sent.unwrap_or(0);
        rim.figures.rim.writes += 1;
        rim.figures.rim.bytes_out += sent as u64;
        match job.source {
            Source::Plain { own, .. } => {
                let own = sent.min(own);
                connection.on_said(own, rim);
                if let Some(session) = job.session {
                    let now = rim.clock.now();
                    rim.core.on_written(now, session, (sent - own) as u64);
                }
            }
            Source::Output => connection.on_said(sent, rim),
            Source::Encrypted { start } => {
                if let Some(tls) = &mut connection.tls {
                    tls.keep(&self.arena[start + sent..start + job.bytes]);
                }
            }
            Source::Leftover => {
                if let Some(tls) = &mut connection.tls {
                    tls.on_written(sent);
                }
            }
        }
        if job.sent.is_err() {
            connection.cut();
            return;
        }
        rim.figures.flush_bytes.record(sent as u64);
        if sent < job.bytes {
            rim.figures.rim.writes_short += 1;
            connection.full = true;
            let io = Rc::clone(&connection.io);
            self.full.push(Full { index: job.index, serial: connection.serial, io });
        } else if job.more || connection.has_output() || connection.ending.is_some() {
            rim.queue(job.index, connection);
        }
    }
}

impl Connection {
    /// So much of its own output is on its way.
    pub(super) fn on_said(&mut self, bytes: usize, rim: &mut Rim) {
        self.said += bytes;
        if bytes > 0 && !self.has_output() {
            self.said = 0;
            rim.recycle(std::mem::take(&mut self.output));
            if let Some(paused) = self.paused.take() {
                paused.raise();
            }
        }
    }
}
