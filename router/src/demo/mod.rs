//! `/demo`: one page, where tabs share a room: chat on the reliable lane, cursors on the latest one, clicks on the
//! unreliable one, presence, recovery.
//!
//! It speaks the JSON format of the protocol by itself, without a library: who wants to write a client for browsers can
//! read `ringway.js` as an example.

use std::sync::LazyLock;

const PAGE: &str = include_str!("demo.html");
const STYLE: &str = include_str!("demo.css");
const CLIENT: &str = include_str!("ringway.js");
const SCRIPT: &str = include_str!("demo.js");

/// The page in one piece; `{{nonce}}` and `{{url}}` are filled in when it is served.
pub static WHOLE: LazyLock<String> = LazyLock::new(|| {
    let script = [CLIENT, SCRIPT].concat();
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
