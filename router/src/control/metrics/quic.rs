//! Figures of QUIC on each shard: handshakes, packets, the ways that publications took, and what paths are like.

use super::shard::{Shards, each, words};
use super::text::Page;

pub(super) fn write(page: &mut Page, shards: &Shards<'_>) {
    handshakes(page, shards);
    packets(page, shards);
    publications(page, shards);
    paths(page, shards);
}

fn handshakes(page: &mut Page, shards: &Shards<'_>) {
    page.counter("ringway_quic_handshakes_total", "QUIC handshakes that were begun, by what became of them.");
    words(
        page,
        shards,
        "result",
        &[
            ("completed", |shard| shard.rim.quic_handshakes),
            ("failed", |shard| shard.rim.quic_handshakes_failed),
        ],
    );
    let help = "QUIC clients that had to show that their address can be reached.";
    each(page.counter("ringway_quic_retries_total", help), shards, |shard| shard.rim.quic_retries);
    let help = "Times that a QUIC client's address changed.";
    each(page.counter("ringway_quic_migrations_total", help), shards, |shard| shard.rim.quic_migrations);
}

fn packets(page: &mut Page, shards: &Shards<'_>) {
    page.counter("ringway_quic_datagrams_total", "UDP datagrams.");
    words(
        page,
        shards,
        "direction",
        &[("in", |shard| shard.rim.quic_datagrams_in), ("out", |shard| shard.rim.quic_datagrams_out)],
    );
    let help = "UDP datagrams that came to the wrong shard and were passed on.";
    each(page.counter("ringway_quic_strays_total", help), shards, |shard| shard.rim.quic_strays);
    let help = "UDP datagrams of one train, which is one system call.";
    page.histogram("ringway_quic_train_datagrams", help);
    for (name, shard) in shards {
        page.distribution(&[("shard", name)], &shard.quic_train_datagrams, 1.0);
    }
}

fn publications(page: &mut Page, shards: &Shards<'_>) {
    let help = "Frames that travelled as QUIC datagrams, or were to when there was no way for them any more.";
    page.counter("ringway_quic_messages_total", help);
    words(
        page,
        shards,
        "direction",
        &[
            ("in", |shard| shard.rim.quic_messages_in),
            ("out", |shard| shard.rim.quic_messages_out),
            ("dropped", |shard| shard.rim.quic_messages_dropped),
        ],
    );
    let help = "Values of the latest lane that went out on a QUIC stream of their own.";
    each(page.counter("ringway_quic_values_total", help), shards, |shard| shard.rim.quic_values_out);
    let help = "Values of the latest lane whose QUIC stream was reset, as a newer one had arrived.";
    each(page.counter("ringway_quic_values_reset_total", help), shards, |shard| shard.rim.quic_values_reset);
}

/// Read off each connection about once in two heartbeats, and at its end.
fn paths(page: &mut Page, shards: &Shards<'_>) {
    let help = "Packets that QUIC found to be lost, QUIC datagrams among them.";
    each(page.counter("ringway_quic_packets_lost_total", help), shards, |shard| shard.rim.quic_packets_lost);
    let help =
        "Smoothed round trip of QUIC connections, read off about once in two heartbeats and at the end.";
    page.histogram("ringway_quic_rtt_seconds", help);
    for (name, shard) in shards {
        page.distribution(&[("shard", name)], &shard.quic_rtt_us, 1e6);
    }
    page.histogram(
        "ringway_quic_loss_ratio",
        "Part of a QUIC connection's packets that was lost, read off as often.",
    );
    for (name, shard) in shards {
        page.distribution(&[("shard", name)], &shard.quic_loss_permille, 1e3);
    }
}
