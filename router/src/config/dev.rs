//! The profile of `--dev`: what is other than the defaults while somebody tries things on their own machine.
//!
//! It lies below file, environment and flags, so that each of them still wins.

use super::raw::{Assignment, KeyPath, Origin, Raw};

/// Namespaces that a development node has besides `default`.
const NAMESPACES: [&str; 5] = ["default", "demo", "chat", "game", "load"];

/// The profile, given what the other layers say.
pub fn profile<'a>(given: impl Iterator<Item = &'a Assignment>) -> Vec<Assignment> {
    let mut out = Vec::new();
    let mut set = |section: &str, key: &str, value: &str| {
        let path = KeyPath::new(section, key);
        out.push(Assignment { path, raw: Raw::Loose(value.into()), origin: Origin::Dev });
    };
    // Whoever moves the clients' door does so because a second node runs here: the other doors must not collide either.
    let moved = given.into_iter().any(|one| one.path == KeyPath::new("clients", "listen"));
    set("node", "state_dir", "");
    set("clients", "listen", "127.0.0.1:7400");
    set(
        "clients",
        "origins",
        "http://localhost:*, http://127.0.0.1:*, https://localhost:*, https://127.0.0.1:*",
    );
    set("clients", "anonymous", "true");
    set("clients", "echo", "true");
    set("tls", "mode", "self-signed");
    set("tls", "listen", if moved { "127.0.0.1:0" } else { "127.0.0.1:7443" });
    set("quic", "listen", if moved { "127.0.0.1:0" } else { "127.0.0.1:7400" });
    set("http", "demo", "true");
    set("limits", "work_per_s", "1000000");
    set("limits", "work_burst", "2000000");
    set("drain", "delay", "0s");
    set("drain", "spread", "1s");
    for namespace in NAMESPACES {
        let section = format!("namespaces.{namespace}");
        set(&section, "join", "anyone");
        set(&section, "publish", "anyone");
    }
    // Longer than the demo cuts its own line, short enough that whoever closes a tab is soon seen to be gone.
    set("namespaces.demo", "detach", "8s");
    out
}
