//! What the log says of clients.

use serde_json::json;

use crate::client::Client;
use crate::process::Node;

#[test]
fn a_reader_that_falls_behind_is_logged_with_session_room_bytes_and_age() {
    let mut node =
        Node::dev(&["--set", "limits.outbox_bytes_max=128KiB", "--set", "http.body_bytes_max=128KiB"]);
    let mut silent = Client::connect(node.clients[0], None);
    assert_eq!(silent.join("chat:flood")["type"], "joined");
    let body = json!({ "room": "chat:flood", "text": "x".repeat(48 * 1024) }).to_string();
    // More than the sockets of both ends can swallow.
    for _ in 0..400 {
        assert_eq!(node.api("/api/v1/publish", &body).0, 200);
    }
    let line = node.said("slow consumer closed");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["session"], silent.welcome["session"]);
    assert_eq!((&line["room"], &line["code"]), (&json!("chat:flood"), &json!(3001)), "{line}");
    assert!(line["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{line}");
    assert!(line["age_ms"].is_u64(), "{line}");
}

#[test]
fn lines_are_for_people_or_for_machines_as_asked() {
    let refused = crate::process::run(&["serve", "--dev", "--log-format", "loud"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("must be one of \"auto\", \"human\", \"json\""), "{told}");
    // Not a terminal: JSON, which the harness parses to learn the addresses.
    let node = Node::dev(&[]);
    assert_eq!(node.get("/livez").0, 200);
}
