//! What shards say unasked, as log lines: closed sessions with room, bytes and age of what waited, refused
//! connections, failed accepts. Each kind has its own rate, so that a flood of one does not hide another.

use std::time::Instant;

use ringway_protocol::CloseCode;
use tracing::{debug, info, warn};

use crate::node::Notice;

use super::Logs;
use super::sample::Sampler;

/// The observer of a node: to be called with each notice, on a thread that may block.
pub fn observer(logs: Logs) -> Box<dyn FnMut(Notice) + Send> {
    let mut slow = Sampler::default();
    let mut closing = Sampler::default();
    let mut refused = Sampler::default();
    let mut failed = Sampler::default();
    let mut links = Sampler::default();
    Box::new(move |notice| {
        let (now, per_s) = (Instant::now(), logs.sampled_per_s());
        match notice {
            Notice::Fallback(reason) => warn!(
                reason,
                "io_uring is not available, shards run on epoll; set node.runtime = \"epoll\" to silence this"
            ),
            Notice::Unsteered(reason) => warn!(
                reason,
                "the kernel does not steer QUIC packets to their shard: shards pass them on to each other"
            ),
            Notice::Closing { shard, session, close } => {
                let room = close.room_name.as_deref();
                let is_slow = [CloseCode::SlowConsumer, CloseCode::MemoryPressure]
                    .iter()
                    .any(|slow| slow.number() == close.code);
                let sampler = if is_slow { &mut slow } else { &mut closing };
                let Some(held_back) = sampler.pass(now, per_s) else { return };
                let name = CloseCode::from_number(close.code).map_or("operator", CloseCode::name);
                if is_slow {
                    warn!(
                        shard = shard.0, %session, code = close.code, name, reason = close.reason, room,
                        bytes = close.bytes_waiting, age_ms = close.age_ms, held_back, "slow consumer closed"
                    );
                } else {
                    info!(
                        shard = shard.0, %session, code = close.code, name, reason = close.reason, room,
                        bytes = close.bytes_waiting, age_ms = close.age_ms, held_back, "session closed"
                    );
                }
            }
            Notice::Refused { shard, peer, reason, suppressed } => {
                if let Some(held_back) = refused.pass(now, per_s) {
                    info!(shard = shard.0, %peer, reason, held_back = held_back + suppressed, "connection refused");
                }
            }
            Notice::Overslept { shard, late_ms, cut } => warn!(
                shard = shard.0,
                late_ms,
                cut,
                "stopped beyond the end of the lease in the middle of a turn; who was to hear of it was cut, and resumes"
            ),
            Notice::LinkUp { node } => info!(node, "the link to a node stands"),
            Notice::LinkDown { node, why } => warn!(node, why, "the link to a node is gone"),
            Notice::LinkFailed { node, address, why, refused } => {
                if let Some(held_back) = links.pass(now, per_s) {
                    if refused {
                        warn!(node, %address, why, held_back, "a link was refused");
                    } else {
                        info!(node, %address, why, held_back, "a link did not come up; it is tried again");
                    }
                }
            }
            Notice::AcceptFailed { shard, error } => {
                if let Some(held_back) = failed.pass(now, per_s) {
                    warn!(
                        shard = shard.0,
                        error, held_back, "accept failed; raise the limit of open files (ulimit -n)"
                    );
                }
            }
            Notice::Lost(count) => {
                debug!(count, "notices of shards were lost: the log is slower than they come")
            }
        }
    })
}
