//! Figures of the node's part in a cluster. They are absent on a node that is alone.

use crate::cluster::driver::{KINDS, Look};

use super::text::Page;

/// Every state that a node can be in.
const STATES: [&str; 6] = ["connecting", "joining", "up", "draining", "left", "refused"];

pub(super) fn write(page: &mut Page, look: &Look) {
    let (status, figures) = (&look.status, &look.figures);
    page.gauge("ringway_cluster_state", "1 for the state that this node is in, 0 for the others.");
    for state in STATES {
        page.sample(&[("state", state)], u8::from(status.state == state));
    }
    page.gauge("ringway_cluster_ready", "1 while this node is up and holds its lease.")
        .sample(&[], u8::from(status.not_ready.is_none()));
    page.gauge(
        "ringway_cluster_fault",
        "Number of the fault for which this node may not be a member; 0: none.",
    )
    .sample(&[], status.fault.as_ref().map_or(0, |fault| fault.number));
    page.gauge("ringway_cluster_lease_left_seconds", "How long this node may still ack without a renewal.")
        .sample(&[], status.lease_left_ms as f64 / 1e3);
    page.counter("ringway_cluster_renewals_total", "Renewals of the lease.")
        .sample(&[("outcome", "ok")], figures.renewals)
        .sample(&[("outcome", "failed")], figures.renewals_failed);
    page.gauge("ringway_cluster_revision", "Up to where this node has seen the coordinator's changes.")
        .sample(&[], status.revision);
    page.gauge("ringway_cluster_nodes_up", "Nodes that are up.").sample(&[], status.nodes_up);
    page.gauge("ringway_cluster_slots", "Slots by what this node is to them; vacant: nobody owns them.")
        .sample(&[("role", "owned")], status.slots_owned)
        .sample(&[("role", "owned_in_sync")], status.slots_in_sync)
        .sample(&[("role", "standby")], status.slots_standby)
        .sample(&[("role", "handing_over")], status.handovers)
        .sample(&[("role", "vacant")], status.slots_vacant);
    page.counter("ringway_cluster_slots_acquired_total", "Slots that this node got, by how.")
        .sample(&[("how", "vacant")], figures.acquired_vacant)
        .sample(&[("how", "handover")], figures.acquired_handover)
        .sample(&[("how", "takeover")], figures.acquired_takeover);
    page.counter(
        "ringway_cluster_slots_lost_total",
        "Slots that this node gave away, or that were taken from it.",
    )
    .sample(&[("how", "handover")], figures.released)
    .sample(&[("how", "taken")], figures.stepped_down);
    page.counter("ringway_cluster_handovers_failed_total", "Handovers that came to nothing.")
        .sample(&[], figures.thawed);
    page.counter(
        "ringway_cluster_terms_raised_total",
        "By how much the terms of all slots have risen, as seen from here.",
    )
    .sample(&[], figures.terms_raised);
    page.histogram(
        "ringway_cluster_failover_seconds",
        "From when a node was seen to be dead to when its slots were given to others.",
    )
    .distribution(&[], &figures.failovers_ms, 1e3);
    page.histogram(
        "ringway_cluster_handover_seconds",
        "For how long a slot that this node gave away took nothing, as seen from here.",
    )
    .distribution(&[], &figures.handovers_ms, 1e3);
    page.counter("ringway_cluster_coordinator_requests_total", "Requests to the coordinator.");
    for (kind, count) in KINDS.iter().zip(figures.requests) {
        page.sample(&[("kind", kind)], count);
    }
    page.counter(
        "ringway_cluster_coordinator_unanswered_total",
        "Requests that failed or were not answered in time.",
    );
    for (kind, count) in KINDS.iter().zip(figures.unanswered) {
        page.sample(&[("kind", kind)], count);
    }
    page.counter("ringway_cluster_map_writes_total", "Maps written to node.state_dir.")
        .sample(&[("outcome", "ok")], figures.disk_writes)
        .sample(&[("outcome", "failed")], figures.disk_faults);
    page.gauge(
        "ringway_cluster_effects_waiting",
        "What this node was told to do and that waits for the disk.",
    )
    .sample(&[], status.effects_waiting);
}
