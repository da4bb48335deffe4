//! One system call per session.

use slab::Slab;

use super::Job;
use crate::shard::connection::Connection;
use crate::transport::socket;

/// Writes each job.
pub(super) fn write(jobs: &mut [Job], arena: &[u8], connections: &Slab<Connection>) {
    for job in jobs {
        let descriptor = connections[job.index as usize].descriptor();
        job.sent = socket::send(descriptor, job.bytes(arena, connections));
    }
}
