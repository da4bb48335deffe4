//! `/metrics` is what a Prometheus can read, and moves with what happens.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::client::Client;
use crate::process::Node;

/// Values by name with labels; panics on anything that the text format does not allow.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
    let mut closed = BTreeSet::new();
    let mut family = "";
    let mut values = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a kind");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(kinds.insert(name, kind).is_none(), "{name} twice");
            closed.insert(std::mem::replace(&mut family, name));
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split('{').next().unwrap();
        assert!(name.chars().all(|symbol| symbol.is_ascii_alphanumeric() || symbol == '_'), "{line}");
        let own = match kinds.get(family) {
            Some(&"histogram") => {
                ["_bucket", "_sum", "_count"].iter().any(|end| name == format!("{family}{end}"))
            }
            _ => name == family,
        };
        assert!(own, "{line} stands below {family}");
        if kinds[family] == "counter" {
            assert!(family.ends_with("_total"), "{family}");
        }
        if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            let inside =
                labels.strip_prefix('{').and_then(|labels| labels.strip_suffix('}')).expect("braces");
            for label in inside.split(',') {
                let (_, text) = label.split_once('=').expect("a label");
                assert!(text.len() >= 2 && text.starts_with('"') && text.ends_with('"'), "{line}");
            }
        }
        assert!(
            values.insert(series.to_string(), value.parse().expect("a number")).is_none(),
            "{series} twice"
        );
    }
    assert!(!closed.contains(family));
    values
}

#[test]
fn every_line_parses_and_the_figures_move_with_what_happens() {
    let node = Node::dev(&[]);
    let before = parse(&node.get("/metrics").1);
    let mut client = Client::connect(node.clients[0], None);
    client.join("chat:figures");
    client.send(&json!({ "type": "publish", "id": 7, "room": "chat:figures", "text": "counted" }));
    client.read_type("message");
    client.send(&json!({ "type": "publish", "id": 8, "room": "nowhere:x", "text": "refused" }));
    assert_eq!(client.read_type("error")["code"], 401);
    let after = parse(&node.get("/metrics").1);
    let moved =
        |series: &str| after.get(series).copied().unwrap_or(0.0) - before.get(series).copied().unwrap_or(0.0);
    for (series, by) in [
        ("ringway_sessions{shard=\"0\"}", 1.0),
        ("ringway_sessions_opened_total{shard=\"0\"}", 1.0),
        ("ringway_connections{shard=\"0\",transport=\"websocket\"}", 1.0),
        ("ringway_rooms{shard=\"0\"}", 1.0),
        ("ringway_publications_total{shard=\"0\",lane=\"reliable\"}", 1.0),
        ("ringway_deliveries_total{shard=\"0\"}", 1.0),
        ("ringway_namespace_members{shard=\"0\",namespace=\"chat\"}", 1.0),
        ("ringway_namespace_publications_total{shard=\"0\",namespace=\"chat\"}", 1.0),
        ("ringway_errors_total{shard=\"0\",code=\"401\",name=\"unknown_namespace\"}", 1.0),
        ("ringway_commands_total{shard=\"0\"}", 3.0),
    ] {
        assert!(moved(series) >= by, "{series} moved by {}", moved(series));
    }
    for series in [
        "ringway_bytes_total{shard=\"0\",direction=\"in\"}",
        "ringway_bytes_total{shard=\"0\",direction=\"out\"}",
        "ringway_turn_seconds_count{shard=\"0\"}",
        "ringway_delivery_latency_seconds_count{shard=\"0\"}",
    ] {
        assert!(moved(series) > 0.0, "{series}");
    }
    assert!(after["process_resident_memory_bytes"] > 0.0);
    for (count, infinity) in after.iter().filter_map(|(series, count)| {
        let (name, labels) = series.split_once("_count")?;
        let infinity = format!("{name}_bucket{},le=\"+Inf\"}}", labels.trim_end_matches('}'));
        Some((count, after.get(&infinity)?))
    }) {
        assert_eq!(count, infinity);
    }
}
