//! `/demo`: one page, where tabs share a room: chat on the reliable lane, cursors on the latest one, clicks on the
//! unreliable one, presence, recovery.
//!
//! It speaks the protocol by itself, without a library: the binary format over WebTransport where the browser has it, else
//! JSON over WebSocket. Who wants to write a client for browsers can read `ringway.js` (sessions, rooms, resume),
//! `transport.js` and `wire.js` (the binary format) as an example.

use std::sync::LazyLock;

const PAGE: &str = include_str!("demo.html");
const STYLE: &str = include_str!("demo.css");
const WIRE: &str = include_str!("wire.js");
const TRANSPORT: &str = include_str!("transport.js");
const CLIENT: &str = include_str!("ringway.js");
const SCRIPT: &str = include_str!("demo.js");

/// The page in one piece; `{{nonce}}`, `{{url}}` and `{{webtransport}}` are filled in when it is served.
pub static WHOLE: LazyLock<String> = LazyLock::new(|| {
    let script = [WIRE, TRANSPORT, CLIENT, SCRIPT].concat();
    PAGE.replace("{{style}}", STYLE.trim_end()).replace("{{script}}", script.trim_end())
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_asks_for_nothing_from_elsewhere_and_writes_no_markup() {
        for never in [
            "<script src",
            "<link rel=\"stylesheet",
            "@import",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "eval(",
            "document.write",
            " style=\"",
            " onclick=",
        ] {
            assert!(!WHOLE.contains(never), "{never}");
        }
        assert!(!WHOLE.contains("{{style}}") && !WHOLE.contains("{{script}}"));
        assert_eq!(WHOLE.matches("</script").count(), 1);
    }
}
