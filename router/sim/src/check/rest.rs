//! What must hold when nothing moves any more.

use std::collections::BTreeSet;

use ringway_protocol::SessionId;

use super::Nodes;
use crate::client::{Conn, State};
use crate::model::{Ledger, Stage};

/// Everybody who is connected has seen everything, and everybody agrees who is where.
///
/// # Errors
/// The first thing that is missing.
pub fn at_rest(nodes: &Nodes<'_>, ledger: &Ledger, now: u64) -> Result<(), String> {
    for (shard, core) in nodes.shards.iter().enumerate() {
        let census = core.census();
        if census.requests.iter().chain(&census.deliveries).any(|waiting| *waiting > 0)
            || !census.blocked.is_empty()
        {
            return Err(format!("shard {shard} still holds back: {census:?}"));
        }
        if census.held_answers > 0 || census.lagging > 0 {
            return Err(format!("shard {shard} still waits for readers: {census:?}"));
        }
    }
    for conn in nodes.open.iter().filter(|conn| conn.state == State::Open && !conn.deserted) {
        answered(nodes, conn, now).map_err(|sentence| format!("session {}: {sentence}", conn.session))?;
        for (room, view) in &conn.views {
            let sentence = |sentence| format!("session {} in room {room}: {sentence}", conn.session);
            view.settled().map_err(sentence)?;
            if view.stage == Stage::In && !view.left_silently {
                caught_up(nodes, ledger, *room, view).map_err(sentence)?;
            }
        }
    }
    for room in 0..nodes.handles.len() {
        members(nodes, room).map_err(|sentence| format!("room {room}: {sentence}"))?;
        keys(nodes, ledger, room).map_err(|sentence| format!("room {room}: {sentence}"))?;
    }
    Ok(())
}

fn answered(nodes: &Nodes<'_>, conn: &Conn, now: u64) -> Result<(), String> {
    if !conn.welcomed {
        return Err("was never welcomed".into());
    }
    if conn.doomed {
        return Err("was told to go and is still there".into());
    }
    if let Some(expires) = conn.expires.filter(|expires| *expires < now) {
        return Err(format!("is still there, though its token ended at {expires} and it is {now}"));
    }
    if conn.blocked || !conn.up.is_empty() {
        return Err(format!("{} commands were never taken, blocked: {}", conn.up.len(), conn.blocked));
    }
    if let Some((id, asked)) = conn.asked.iter().next() {
        return Err(format!("request {id} was never answered: {asked:?}"));
    }
    streams(nodes, conn)?;
    let waiting = conn.key.map(|key| nodes.shards[conn.shard].waiting(key)).unwrap_or_default();
    if waiting.bytes > 0 {
        return Err(format!("{waiting:?} was never written"));
    }
    Ok(())
}

/// A stream is of a room whose member the client is, or was until it left without a word.
fn streams(nodes: &Nodes<'_>, conn: &Conn) -> Result<(), String> {
    if !conn.held.is_empty() {
        return Err(format!("{} values are held for a joined that came or never will", conn.held.len()));
    }
    for (handle, way) in conn.ways.iter().flat_map(|ways| ways.open_streams()) {
        let room = nodes.handles.iter().position(|known| *known == handle);
        let view = room.and_then(|room| conn.views.get(&room));
        let right = view.is_some_and(|view| {
            (view.stage == Stage::In && view.way == way) || view.abandoned.contains(&way)
        });
        if !right {
            return Err(format!("{way:?} of room {room:?} was never ended"));
        }
    }
    Ok(())
}

fn caught_up(
    nodes: &Nodes<'_>,
    ledger: &Ledger,
    room: usize,
    view: &crate::model::View,
) -> Result<(), String> {
    let owner = nodes.shards[nodes.owners[room]];
    let Some(span) = owner.room_span(nodes.handles[room]) else {
        return Err("is a member of no room".into());
    };
    if span.epoch != view.epoch || span.last.0 + 1 != view.next {
        return Err(format!("the order is {span:?}, seen is epoch {} up to {}", view.epoch, view.next - 1));
    }
    ledger.rooms[room].compare(Some(&span))?;
    view.keys.compare(&ledger.rooms[room].keys)?;
    let Some(presence) = &view.presence else { return Ok(()) };
    let members: BTreeSet<_> =
        owner.room_members(nodes.handles[room]).iter().map(|one| one.session).collect();
    if presence.count as usize != members.len() {
        return Err(format!("{} members were told, there are {}", presence.count, members.len()));
    }
    if presence.complete && presence.members != members {
        return Err(format!("members told are {:?}, there are {members:?}", presence.members));
    }
    Ok(())
}

/// Whoever was told that it is in is in, and whoever is in is connected.
fn members(nodes: &Nodes<'_>, room: usize) -> Result<(), String> {
    let owner = nodes.shards[nodes.owners[room]];
    let members = owner.room_members(nodes.handles[room]);
    // Whose connection broke a moment ago stays a while: that it goes is checked when everybody has gone.
    for member in members.iter().filter(|member| member.edge.is_some()) {
        let there = nodes.open.iter().any(|conn| {
            conn.session == member.session
                && conn.generation == member.generation
                && conn.views.get(&room).is_some_and(|view| view.stage == Stage::In)
        });
        if !there {
            return Err(format!("{member:?} is a member and not connected"));
        }
    }
    let told = nodes.open.iter().filter(|conn| {
        conn.state == State::Open
            && !conn.deserted
            && conn.views.get(&room).is_some_and(|view| view.stage == Stage::In && !view.left_silently)
    });
    for conn in told {
        let there =
            members.iter().any(|one| one.session == conn.session && one.generation == conn.generation);
        if !there {
            return Err(format!(
                "{} generation {} was told that it is in and is not",
                conn.session, conn.generation
            ));
        }
    }
    Ok(())
}

/// The owner's keys are those that were told, and each is of somebody who is there.
fn keys(nodes: &Nodes<'_>, ledger: &Ledger, room: usize) -> Result<(), String> {
    let owner = nodes.shards[nodes.owners[room]];
    let handle = nodes.handles[room];
    if owner.room_span(handle).is_none() {
        return Ok(());
    }
    let held: Vec<_> = owner.room_keys(handle);
    let same = held.len() == ledger.rooms[room].keys.len()
        && held.iter().all(|key| {
            let name = (key.user.clone(), key.key.clone());
            ledger.rooms[room].keys.get(&name).is_some_and(|current| current.version == key.version.0)
        });
    if !same {
        return Err(format!("the owner holds {held:?}, told are {:?}", ledger.rooms[room].keys));
    }
    let members = owner.room_members(handle);
    let stray = held.iter().find(|key| {
        !key.expires
            && key.session != SessionId(0)
            && !members.iter().any(|member| member.session == key.session)
    });
    match stray {
        Some(key) => Err(format!("{key:?} has outlived its session")),
        None => Ok(()),
    }
}

/// Nothing is left.
///
/// # Errors
/// What is.
pub fn empty(nodes: &Nodes<'_>) -> Result<(), String> {
    for (shard, core) in nodes.shards.iter().enumerate() {
        let census = core.census();
        let left = [
            census.sessions,
            census.rooms,
            census.interests,
            census.held_answers,
            census.lagging,
            census.timers,
        ];
        if left.iter().any(|count| *count > 0) || census.held_bytes > 0 || !census.blocked.is_empty() {
            return Err(format!("shard {shard} still holds {census:?}"));
        }
    }
    Ok(())
}
