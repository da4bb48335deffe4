//! What must hold once nothing goes wrong any more: everybody is served within a bound of time, everybody has heard the
//! same, and when all have left nothing is left.

use std::collections::BTreeSet;

use ringway_core::Holder;
use ringway_protocol::{Position, SessionId};

use super::World;

/// How long a healed world may take until everybody is served, in microseconds.
const CONVERGE_US: u64 = 30_000_000;
/// How long clients go on as before in a healed world, in microseconds.
const SETTLE_US: u64 = 2_000_000;
/// How often what must hold is looked at, in microseconds.
const LOOK_US: u64 = 250_000;
/// How long a publication may take to everybody then.
const PROBE_US: u64 = 5_000_000;
/// The same where links carry some hundred frames a second: slots may be moving, and a room with its ids is two thousand of
/// them.
const SLOW_PROBE_US: u64 = 15_000_000;
/// How long members who are gone may be taken for there: until their node learns it, then `detach_ms`, and that anew with
/// each handover of their slot.
const PRESENCE_US: u64 = 30_000_000;
/// How long what is left over may take to go; slots may be moving all the while.
const LEAVE_US: u64 = 60_000_000;

impl World {
    /// Heals the world, and ends it.
    pub(super) fn end(&mut self) -> Result<(), String> {
        self.heal();
        self.run_until(self.now_us + SETTLE_US)?;
        self.quiet = true;
        self.run_until_holds(CONVERGE_US, Self::everybody_is_served)?;
        for client in 0..self.clients.len() {
            for room in 0..self.names.len() {
                if self.clients[client].stands[room].view.is_some() {
                    self.publish(client, room);
                }
            }
        }
        let probe_us = if self.plan.faults.slow_links { SLOW_PROBE_US } else { PROBE_US };
        self.run_until_holds(probe_us, |world| {
            world.everybody_is_served()?;
            world.everybody_heard_the_same()
        })?;
        self.run_until_holds(PRESENCE_US, Self::members_are_who_is_there)?;
        self.farewell = true;
        for client in 0..self.clients.len() {
            self.hang_up(client, true);
        }
        self.run_until_holds(LEAVE_US, Self::nothing_is_left)
    }

    /// Goes on until something holds, which it must within this time.
    fn run_until_holds(
        &mut self,
        most_us: u64,
        holds: impl Fn(&Self) -> Result<(), String>,
    ) -> Result<(), String> {
        let end = self.now_us + most_us;
        loop {
            self.run_until(self.now_us + LOOK_US)?;
            match holds(self) {
                Ok(()) => return Ok(()),
                Err(sentence) if self.now_us >= end => return Err(sentence),
                Err(_) => {}
            }
        }
    }

    fn everybody_is_served(&self) -> Result<(), String> {
        for (slot, room) in self.handles.iter().map(|handle| handle.slot()).zip(&self.names) {
            let entry = self.memory_map.entry(slot);
            let owner = entry.owner.and_then(|owner| self.nodes.iter().position(|node| node.id == owner));
            let Some(owner) = owner.filter(|owner| self.nodes[*owner].running) else {
                return Err(format!("{room} has no living owner: {entry:?}"));
            };
            let home = usize::from(slot) % self.nodes[owner].shards.len();
            let route = self.nodes[owner].shards[home].core.route(slot);
            if route.holder != Holder::Here {
                return Err(format!(
                    "node {owner} does not know that {room} is its own: {route:?}, {entry:?}"
                ));
            }
        }
        for (index, client) in self.clients.iter().enumerate() {
            if client.conn.is_none_or(|conn| !self.conns[conn].welcomed) {
                return Err(format!("client {index} has no session"));
            }
            if let Some((id, (at, asked))) = client.asked.iter().next() {
                return Err(format!(
                    "client {index} waits for the answer to request {id}, {asked:?}, since {at}; it is {}",
                    self.now_us
                ));
            }
            for (room, stand) in client.stands.iter().enumerate() {
                if stand.wanted && stand.view.is_none() {
                    return Err(format!("client {index} is not in {}", self.names[room]));
                }
                if let Some(pending) = stand.queue.front() {
                    return Err(format!("client {index} could not publish intent {}", pending.intent));
                }
            }
        }
        Ok(())
    }

    fn everybody_heard_the_same(&self) -> Result<(), String> {
        for (room, name) in self.names.iter().enumerate() {
            let Some((owner, home)) = self.owner_of(room) else { continue };
            let core = &self.nodes[owner].shards[home].core;
            let Some(span) = core.room_span(self.handles[room]) else { continue };
            let stands = Position { epoch: span.epoch, offset: span.last };
            let committed = self.ledger.committed(room, span.epoch);
            if committed > span.last {
                return Err(format!("{name} stands at {stands:?}, but {committed} was committed"));
            }
            let keys = core.room_keys(self.handles[room]);
            let term = core.route(self.handles[room].slot()).term;
            for (index, client) in self.clients.iter().enumerate() {
                let Some(view) = client.stands[room].view else { continue };
                if view.epoch != stands.epoch || view.next != stands.offset.0 + 1 {
                    return Err(format!(
                        "client {index} is at {view:?} in {name}, which stands at {stands:?}"
                    ));
                }
                for key in &keys {
                    let held = client.stands[room].values.get(&format!("{}/{}", key.user, key.key));
                    // A value that its standby did not have yet when its owner was lost is lost with it, but for who has it.
                    let lost = held.is_some_and(|held| held >> 40 < term.0 && *held > key.version.0);
                    if held != Some(&key.version.0) && !lost {
                        return Err(format!("client {index} holds {held:?} of {name}'s {key:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn members_are_who_is_there(&self) -> Result<(), String> {
        for (room, name) in self.names.iter().enumerate() {
            let Some((owner, home)) = self.owner_of(room) else { continue };
            let members = self.nodes[owner].shards[home].core.room_members(self.handles[room]);
            let there: BTreeSet<SessionId> = members.iter().map(|member| member.session).collect();
            let meant: BTreeSet<SessionId> = self
                .clients
                .iter()
                .filter(|client| client.stands[room].view.is_some())
                .map(|client| client.session)
                .collect();
            if there != meant || members.iter().any(|member| member.edge.is_none()) {
                return Err(format!("in {name} are {members:?}, there should be {meant:?}"));
            }
            for (index, client) in self.clients.iter().enumerate() {
                let count = client.stands[room].count.filter(|_| client.stands[room].view.is_some());
                if count.is_some_and(|count| count as usize != members.len()) {
                    return Err(format!(
                        "client {index} was told that {count:?} are in {name}, there are {members:?}"
                    ));
                }
            }
        }
        Ok(())
    }

    fn owner_of(&self, room: usize) -> Option<(usize, usize)> {
        let slot = self.handles[room].slot();
        let owner = self.memory_map.entry(slot).owner?;
        let owner = self.nodes.iter().position(|node| node.id == owner)?;
        Some((owner, usize::from(slot) % self.nodes[owner].shards.len().max(1)))
    }

    fn nothing_is_left(&self) -> Result<(), String> {
        for (index, node) in self.nodes.iter().enumerate() {
            for (shard, place) in node.shards.iter().enumerate() {
                place.core.audit().map_err(|fault| format!("{index}/{shard}: {fault}"))?;
                let census = place.core.census();
                let waits: usize = census.requests.iter().chain(&census.deliveries).sum();
                let left = census.sessions
                    + census.interests
                    + census.held_answers
                    + census.blocked.len()
                    + census.lagging
                    + census.crossings
                    + census.awaited
                    + census.barred
                    + census.kept
                    + census.pending
                    + waits;
                if left > 0 {
                    return Err(format!("something is left on {index}/{shard}: {census:?}"));
                }
                for (room, handle) in self.handles.iter().enumerate() {
                    let members = place.core.room_members(*handle);
                    if !members.is_empty() {
                        return Err(format!(
                            "{} has members on {index}/{shard}: {members:?}",
                            self.names[room]
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}
