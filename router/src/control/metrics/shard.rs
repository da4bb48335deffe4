//! Figures of each shard: one family after the other, each over all shards.

use ringway_protocol::{ErrorCode, Lane};

use super::text::Page;
use super::{links, quic};
use crate::node::{NodeSnapshot, ShardSnapshot};

pub(super) fn write(page: &mut Page, snapshot: &NodeSnapshot) {
    let shards: Vec<(String, &ShardSnapshot)> =
        snapshot.shards.iter().map(|shard| (shard.shard.0.to_string(), shard)).collect();
    sessions(page, &shards);
    publications(page, &shards);
    losses(page, &shards);
    namespaces(page, &shards);
    connections(page, &shards);
    quic::write(page, &shards);
    links::write(page, &shards);
    work(page, &shards);
    distributions(page, &shards);
}

pub(super) type Shards<'a> = [(String, &'a ShardSnapshot)];

/// A sample per shard.
pub(super) fn each(page: &mut Page, shards: &Shards<'_>, value: impl Fn(&ShardSnapshot) -> u64) {
    for (name, shard) in shards {
        page.sample(&[("shard", name)], value(shard));
    }
}

/// What stands in a label, and its value.
pub(super) type Word<'a> = (&'a str, fn(&ShardSnapshot) -> u64);

/// A sample per shard and word.
pub(super) fn words(page: &mut Page, shards: &Shards<'_>, label: &str, values: &[Word<'_>]) {
    for (name, shard) in shards {
        for (word, value) in values {
            page.sample(&[("shard", name), (label, word)], value(shard));
        }
    }
}

fn sessions(page: &mut Page, shards: &Shards<'_>) {
    each(page.gauge("ringway_sessions", "Sessions open."), shards, |shard| shard.core.sessions);
    each(page.counter("ringway_sessions_opened_total", "Sessions ever opened."), shards, |shard| {
        shard.core.sessions_opened
    });
    each(page.gauge("ringway_rooms", "Rooms owned."), shards, |shard| shard.core.rooms);
    each(page.gauge("ringway_held_bytes", "Bytes of histories and keys."), shards, |shard| {
        shard.core.held_bytes
    });
    page.counter(
        "ringway_recoveries_total",
        "Joins with a position, by whether exactly what was missed came.",
    );
    words(
        page,
        shards,
        "result",
        &[("recovered", |shard| shard.core.recovered), ("not_recovered", |shard| shard.core.not_recovered)],
    );
}

fn publications(page: &mut Page, shards: &Shards<'_>) {
    page.counter("ringway_publications_total", "Publications given a place.");
    for (name, shard) in shards {
        for lane in [Lane::Reliable, Lane::Latest, Lane::Unreliable] {
            let count = shard.core.publications[lane as usize];
            page.sample(&[("shard", name), ("lane", lane.name())], count);
        }
    }
    each(page.counter("ringway_duplicates_total", "Publishes found to be retries."), shards, |shard| {
        shard.core.duplicates
    });
    each(page.counter("ringway_deliveries_total", "Publications put into outboxes."), shards, |shard| {
        shard.core.deliveries
    });
    each(page.counter("ringway_delivered_bytes_total", "Bytes of frames written."), shards, |shard| {
        shard.core.written_bytes
    });
}

fn losses(page: &mut Page, shards: &Shards<'_>) {
    page.counter("ringway_dropped_total", "Publications that a slow session did not get, by reason.");
    words(
        page,
        shards,
        "reason",
        &[
            ("overflow", |shard| shard.core.dropped_overflow),
            ("conflated", |shard| shard.core.conflated),
            ("unreliable", |shard| shard.core.dropped_unreliable),
        ],
    );
    each(
        page.counter("ringway_slow_consumers_total", "Sessions closed because too much waited."),
        shards,
        |shard| shard.core.slow_consumers,
    );
    page.counter("ringway_errors_total", "Errors told to clients, by number.");
    for (name, shard) in shards {
        for (code, count) in ErrorCode::ALL.iter().zip(&shard.core.errors).filter(|(_, count)| **count > 0) {
            let number = code.number().to_string();
            page.sample(&[("shard", name), ("code", &number), ("name", code.name())], count);
        }
    }
}

fn namespaces(page: &mut Page, shards: &Shards<'_>) {
    type Value = fn(&ringway_core::counters::NamespaceCounters) -> u64;
    let family = |page: &mut Page, value: Value| {
        for (name, shard) in shards {
            for namespace in &shard.core.namespaces {
                page.sample(&[("shard", name), ("namespace", &namespace.name)], value(namespace));
            }
        }
    };
    family(page.gauge("ringway_namespace_rooms", "Rooms owned."), |counters| counters.rooms);
    family(page.gauge("ringway_namespace_members", "Members of those rooms."), |counters| counters.members);
    let help = "Publications given a place.";
    family(page.counter("ringway_namespace_publications_total", help), |counters| counters.publications);
    let help = "Publications put into outboxes.";
    family(page.counter("ringway_namespace_deliveries_total", help), |counters| counters.deliveries);
}

fn connections(page: &mut Page, shards: &Shards<'_>) {
    page.gauge("ringway_connections", "Connections open.");
    words(
        page,
        shards,
        "transport",
        &[
            ("websocket", |shard| shard.rim.connections),
            ("quic", |shard| shard.rim.quic_connections - shard.rim.web_connections),
            ("webtransport", |shard| shard.rim.web_connections),
        ],
    );
    each(
        page.gauge("ringway_connections_half_open", "Connections without a valid hello."),
        shards,
        |shard| shard.rim.half_open,
    );
    each(page.counter("ringway_connections_accepted_total", "Connections accepted."), shards, |shard| {
        shard.rim.accepted
    });
    page.counter("ringway_connections_refused_total", "Connections that did not become sessions, by reason.");
    words(
        page,
        shards,
        "reason",
        &[
            ("limit", |shard| shard.rim.refused),
            ("upgrade", |shard| shard.rim.upgrades_refused),
            ("handshake_timeout", |shard| shard.rim.handshake_timeouts),
            ("tls", |shard| shard.rim.tls_errors),
            ("accept", |shard| shard.rim.accept_errors),
        ],
    );
    each(page.counter("ringway_heartbeat_timeouts_total", "Sessions closed for silence."), shards, |shard| {
        shard.rim.heartbeat_timeouts
    });
    page.counter("ringway_bytes_total", "Bytes of client sockets.");
    words(
        page,
        shards,
        "direction",
        &[("in", |shard| shard.rim.bytes_in), ("out", |shard| shard.rim.bytes_out)],
    );
}

fn work(page: &mut Page, shards: &Shards<'_>) {
    each(page.counter("ringway_commands_total", "Requests taken from clients."), shards, |shard| {
        shard.rim.commands
    });
    each(page.counter("ringway_reads_total", "Reads from client sockets."), shards, |shard| shard.rim.reads);
    each(page.counter("ringway_writes_total", "Writes to client sockets."), shards, |shard| shard.rim.writes);
    each(
        page.counter("ringway_writes_short_total", "Writes that a full socket cut short."),
        shards,
        |shard| shard.rim.writes_short,
    );
    let help = "Times that a publication had to wait since enough was queued in the turn.";
    each(page.counter("ringway_publishers_held_total", help), shards, |shard| shard.rim.publishers_held);
    each(page.counter("ringway_turns_total", "Turns of the pump."), shards, |shard| shard.rim.turns);
    let help = "Turns that were stopped beyond the end of the node's lease: clients of the shard that were to hear of them were cut.";
    each(page.counter("ringway_turns_overslept_total", help), shards, |shard| shard.rim.overslept);
    each(page.counter("ringway_parks_total", "Times that the shard slept."), shards, |shard| shard.rim.parks);
    each(page.counter("ringway_doorbells_total", "Times that the shard woke another."), shards, |shard| {
        shard.rim.rings
    });
    page.counter("ringway_mesh_messages_total", "Messages between shards.");
    words(
        page,
        shards,
        "direction",
        &[("in", |shard| shard.rim.mesh_in), ("out", |shard| shard.rim.mesh_out)],
    );
    each(
        page.counter("ringway_notices_lost_total", "Log lines that the shard could not hand over."),
        shards,
        |shard| shard.rim.notices_lost,
    );
}

fn distributions(page: &mut Page, shards: &Shards<'_>) {
    page.histogram("ringway_turn_seconds", "How long a turn of the pump took.");
    for (name, shard) in shards {
        page.distribution(&[("shard", name)], &shard.turn_us, 1e6);
    }
    let help = "From when the shard held a publication to when the kernel had taken the write.";
    page.histogram("ringway_delivery_latency_seconds", help);
    for (name, shard) in shards {
        page.distribution(&[("shard", name)], &shard.delivery_us, 1e6);
    }
    page.histogram("ringway_flush_bytes", "Bytes of one write to one socket.");
    for (name, shard) in shards {
        page.distribution(&[("shard", name)], &shard.flush_bytes, 1.0);
    }
    page.histogram("ringway_ring_depth", "Messages that waited in an inbound ring when it was emptied.");
    for (name, shard) in shards {
        page.distribution(&[("shard", name)], &shard.ring_depth, 1.0);
    }
}
