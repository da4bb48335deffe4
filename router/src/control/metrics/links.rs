//! Figures of the links to other nodes, and of what crosses them.

use super::shard::{Shards, each, words};
use super::text::Page;
use crate::node::{LinkCounters, ShardSnapshot};

/// Nothing on a node that is alone.
pub(super) fn write(page: &mut Page, shards: &Shards<'_>) {
    if shards.iter().all(|(_, shard)| shard.links.is_none()) {
        return;
    }
    fn of(shard: &ShardSnapshot, count: fn(&LinkCounters) -> u64) -> u64 {
        shard.links.as_ref().map_or(0, count)
    }
    page.counter(
        "ringway_link_frames_total",
        "Frames about rooms that crossed links: one for each interested node.",
    );
    words(
        page,
        shards,
        "direction",
        &[
            ("in", |shard| of(shard, |links| links.frames_in)),
            ("out", |shard| of(shard, |links| links.frames_out)),
        ],
    );
    page.counter("ringway_link_bytes_total", "Bytes of those frames.");
    words(
        page,
        shards,
        "direction",
        &[
            ("in", |shard| of(shard, |links| links.bytes_in)),
            ("out", |shard| of(shard, |links| links.bytes_out)),
        ],
    );
    page.counter("ringway_links_total", "Links, by what became of them.");
    words(
        page,
        shards,
        "event",
        &[
            ("dialled", |shard| of(shard, |links| links.dials)),
            ("up", |shard| of(shard, |links| links.ups)),
            ("down", |shard| of(shard, |links| links.downs)),
            ("failed", |shard| of(shard, |links| links.failed)),
            ("refused", |shard| of(shard, |links| links.refused)),
        ],
    );
    let help = "Times that a stream of a link had to wait for the other node.";
    each(page.counter("ringway_link_stalls_total", help), shards, |shard| {
        of(shard, |links| links.credit_stalls)
    });
    page.gauge("ringway_link_rtt_seconds", "Round trip of each link that is up.");
    for link in shards.iter().filter_map(|(_, shard)| shard.links.as_ref()).flat_map(|links| &links.up) {
        page.sample(&[("node", &link.node.to_string())], link.rtt_us as f64 / 1e6);
    }
    page.gauge("ringway_link_unsent_bytes", "Bytes that wait to be sent over each link.");
    for link in shards.iter().filter_map(|(_, shard)| shard.links.as_ref()).flat_map(|links| &links.up) {
        page.sample(&[("node", &link.node.to_string())], link.unsent_bytes as f64);
    }
    let help = "Records of rooms that went to standbys and next owners, or came from owners.";
    page.counter("ringway_replication_records_total", help);
    words(
        page,
        shards,
        "direction",
        &[("in", |shard| shard.core.records_taken), ("out", |shard| shard.core.records_sent)],
    );
    let help = "What came under a term that was over, or to whom had been told otherwise.";
    each(page.counter("ringway_stale_deliveries_total", help), shards, |shard| shard.core.stale_deliveries);
    let help = "What must never be: a publication without the one before, an edge that knows more than its owner, an heir of nothing.";
    page.counter("ringway_cluster_anomalies_total", help);
    words(
        page,
        shards,
        "kind",
        &[
            ("hole", |shard| shard.core.holes),
            ("fork", |shard| shard.core.forks_prevented),
            ("heir_without_order", |shard| shard.core.heirs_without_order),
        ],
    );
}
