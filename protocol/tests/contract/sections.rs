//! The parts of `docs/protocol.md` that are the code's: written by the example `contract`, compared by the test.

use std::fmt::Write as _;

use ringway_protocol::{CloseCode, ErrorCode, limit, room};
use ringway_schema::FrameKind;

/// Each part by its name; it stands between `<!-- name -->` and `<!-- /name -->`.
pub(crate) fn all() -> [(&'static str, String); 4] {
    [("kinds", kinds()), ("limits", limits()), ("errors", errors()), ("closes", closes())]
}

/// What stands between the marks now.
pub(crate) fn between<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<!-- {name} -->\n"))?;
    Some(rest.split_once(&format!("<!-- /{name} -->"))?.0)
}

fn kinds() -> String {
    let mut table = String::from("| number | kind | JSON `type` |\n|---|---|---|\n");
    for kind in FrameKind::ENUM_VALUES.iter().filter(|kind| **kind != FrameKind::None) {
        let name = kind.variant_name().expect("is one of the enum's");
        let name = name.strip_suffix("Page").unwrap_or(name);
        let mut snake = String::new();
        for (index, letter) in name.char_indices() {
            if letter.is_ascii_uppercase() && index > 0 {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        let side = if kind.0 < 64 { "command" } else { "event" };
        let _ = writeln!(table, "| {} | {side} | `{snake}` |", kind.0);
    }
    table
}

fn limits() -> String {
    let rows: [(&str, u64, &str); 22] = [
        (
            "a frame from a client, prefix included; a WebSocket message with all its frames",
            limit::CLIENT_FRAME_BYTES_MAX as u64,
            "bytes (default)",
        ),
        ("a frame from a server, prefix included", limit::SERVER_FRAME_BYTES_MAX as u64, "bytes"),
        ("a room's name", room::ROOM_NAME_BYTES_MAX as u64, "bytes"),
        ("a namespace's name", room::NAMESPACE_BYTES_MAX as u64, "bytes"),
        ("a user's id", limit::USER_BYTES_MAX as u64, "bytes"),
        ("a member's `info`", limit::INFO_BYTES_MAX as u64, "bytes"),
        ("a token, a resume secret", limit::TOKEN_BYTES_MAX as u64, "bytes"),
        ("`client` in `hello`", limit::CLIENT_NAME_BYTES_MAX as u64, "bytes"),
        ("a key", limit::KEY_BYTES_MAX as u64, "bytes"),
        ("keys of one room", limit::KEYS_PER_ROOM_MAX as u64, "keys"),
        ("a `msg_id`", limit::MSG_ID_BYTES_MAX as u64, "bytes, at least 1"),
        ("a JSON body's depth", limit::JSON_DEPTH_MAX as u64, "open brackets"),
        ("rooms in one `join_many`", limit::JOIN_MANY_MAX as u64, "rooms"),
        ("one page of `history`", limit::HISTORY_PAGE_MAX.into(), "publications"),
        ("one page of `presence`", limit::PRESENCE_PAGE_MAX as u64, "members"),
        ("members in `joined`", limit::JOINED_MEMBERS_MAX as u64, "members"),
        ("members named each way in `presence_changed`", limit::PRESENCE_NAMED_MAX as u64, "members"),
        (
            "members up to which each change is told at once",
            limit::PRESENCE_IMMEDIATE_MEMBERS_MAX as u64,
            "members",
        ),
        ("header of the upgrade request", limit::HTTP_HEADER_BYTES_MAX as u64, "bytes"),
        ("from the connection to an accepted `hello`", limit::HANDSHAKE_MS, "ms (default)"),
        ("heartbeat", limit::HEARTBEAT_MS.into(), "ms (default)"),
        ("silence after which the server closes", 2 * u64::from(limit::HEARTBEAT_MS), "ms (default)"),
    ];
    let mut table = String::from("| what | at most | |\n|---|---|---|\n");
    for (what, most, unit) in rows {
        let _ = writeln!(table, "| {what} | {most} | {unit} |");
    }
    table
}

fn errors() -> String {
    let mut table = String::from("| code | name | retry | meaning |\n|---|---|---|---|\n");
    for code in ErrorCode::ALL {
        let (number, name, retry, text) = (code.number(), code.name(), code.retry().name(), code.text());
        let _ = writeln!(table, "| {number} | `{name}` | {retry} | {text} |");
    }
    table
}

fn closes() -> String {
    let mut table = String::from("| code | name | reconnect | meaning |\n|---|---|---|---|\n");
    for code in CloseCode::ALL {
        let reconnect = if code.reconnects() { "yes" } else { "no" };
        let _ = writeln!(table, "| {} | `{}` | {reconnect} | {} |", code.number(), code.name(), code.text());
    }
    table
}
