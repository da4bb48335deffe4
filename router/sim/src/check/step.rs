//! Bounds that hold at every step, whatever anybody does.

use ringway_core::settings::Settings;
use ringway_protocol::{RoomName, limit};

use super::Nodes;
use crate::client::State;
use crate::plan::Plan;

/// Requests and deliveries that may wait before commands are refused, as the core promises.
const QUEUE_MAX: usize = 256;
/// Largest frame of the simulator that is not a page, and one page of a replay: what may come on top of a bound.
const SLACK_BYTES: u64 = 8 * 1024;

/// What is too dear to count at every step: members, rooms, sessions and the memory of a shard.
///
/// # Errors
/// What is over its bound.
pub fn dear_bounds(nodes: &Nodes<'_>, settings: &Settings, plan: &Plan) -> Result<(), String> {
    if settings != &*plan.settings {
        return Ok(());
    }
    for (room, handle) in nodes.handles.iter().enumerate() {
        let members = nodes.shards[nodes.owners[room]].room_members(*handle).len();
        let name = RoomName::new(&plan.rooms[room]).map_or("", RoomName::namespace);
        let members_max = settings.namespaces.get(name).map_or(0, |policy| policy.members_max);
        if members > members_max as usize {
            return Err(format!("room {room} has {members} members of at most {members_max}"));
        }
    }
    for (shard, core) in nodes.shards.iter().enumerate() {
        let census = core.census();
        let limits = &settings.limits;
        if census.sessions > limits.sessions_max as usize || census.rooms > limits.rooms_max as usize {
            return Err(format!("shard {shard} holds too many sessions or rooms: {census:?}"));
        }
        if census.history_bytes > limits.shard_bytes_max + SLACK_BYTES {
            return Err(format!("shard {shard} keeps too much: {census:?}"));
        }
    }
    Ok(())
}

/// Outboxes and queues between shards stay within what the settings say.
///
/// # Errors
/// Which does not.
pub fn bounds(nodes: &Nodes<'_>, settings: &Settings, plan: &Plan) -> Result<(), String> {
    let bytes_max = settings.limits.outbox_bytes_max.max(plan.settings.limits.outbox_bytes_max);
    for conn in &nodes.open {
        let Some(key) = conn.key.filter(|_| conn.state == State::Open) else { continue };
        let waiting = nodes.shards[conn.shard].waiting(key);
        if waiting.bytes > bytes_max * 4 + SLACK_BYTES && settings == &*plan.settings {
            return Err(format!("{} bytes wait for {key:?}, of at most {bytes_max}", waiting.bytes));
        }
    }
    // A leave and a pull for each membership come on top, and each leave may take a member's keys with it.
    let memberships = nodes.open.len() * plan.rooms.len();
    let requests_max = QUEUE_MAX + limit::JOIN_MANY_MAX + 3 * memberships;
    let deliveries_max = QUEUE_MAX + limit::JOIN_MANY_MAX + 32 * (1 + memberships);
    for (room, handle) in nodes.handles.iter().enumerate().filter(|_| settings == &*plan.settings) {
        let owner = nodes.shards[nodes.owners[room]];
        let Some(span) = owner.room_span(*handle) else { continue };
        let name = RoomName::new(&plan.rooms[room]).map_or("", RoomName::namespace);
        let Some(policy) = settings.namespaces.get(name) else { continue };
        let kept = span.last.0 + 1 - span.first.0;
        if kept > u64::from(policy.history_count_max) {
            return Err(format!(
                "room {room} keeps {kept} publications of at most {}",
                policy.history_count_max
            ));
        }
    }
    for (shard, core) in nodes.shards.iter().enumerate() {
        let (requests, deliveries) = core.queues();
        if let Some(most) = requests.iter().max().filter(|most| **most > requests_max) {
            return Err(format!("shard {shard} holds {most} requests for one owner"));
        }
        if let Some(most) = deliveries.iter().max().filter(|most| **most > deliveries_max) {
            return Err(format!("shard {shard} holds {most} deliveries for one edge"));
        }
    }
    Ok(())
}
