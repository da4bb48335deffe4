//! Room names: 1 to 128 bytes of UTF-8 without control characters, compared by bytes.

use core::fmt;

/// Longest room name in bytes.
pub const ROOM_NAME_BYTES_MAX: usize = 128;
/// Longest namespace in bytes.
pub const NAMESPACE_BYTES_MAX: usize = 32;
/// The namespace of a name without a valid prefix before its first colon.
pub const NAMESPACE_DEFAULT: &str = "default";

/// A valid room name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomName<'a>(&'a str);

impl<'a> RoomName<'a> {
    /// `None` when the name breaks a rule.
    #[must_use]
    pub fn new(name: &'a str) -> Option<Self> {
        let fits = !name.is_empty() && name.len() <= ROOM_NAME_BYTES_MAX;
        (fits && !name.chars().any(char::is_control)).then_some(Self(name))
    }

    /// The whole name.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// `[a-z0-9_-]{1,32}` before the first colon; anything else is the namespace `default`.
    #[must_use]
    pub fn namespace(self) -> &'a str {
        match self.0.split_once(':') {
            Some((prefix, _)) if is_namespace(prefix) => prefix,
            _ => NAMESPACE_DEFAULT,
        }
    }
}

impl fmt::Display for RoomName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// Whether the text can name a namespace.
#[must_use]
pub fn is_namespace(text: &str) -> bool {
    (1..=NAMESPACE_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_is_what_stands_before_the_first_colon() {
        let namespace = |name| RoomName::new(name).unwrap().namespace();
        assert_eq!(namespace("chat:lobby"), "chat");
        assert_eq!(namespace("a:b:c"), "a");
        for plain in ["lobby", ":lobby", "Chat:lobby", "with space:x"] {
            assert_eq!(namespace(plain), "default", "{plain}");
        }
    }

    #[test]
    fn names_are_bounded_and_free_of_control_characters() {
        assert!(RoomName::new("").is_none());
        assert!(RoomName::new("a\nb").is_none());
        assert!(RoomName::new("a\u{85}b").is_none());
        assert!(RoomName::new(&"x".repeat(128)).is_some());
        assert!(RoomName::new(&"x".repeat(129)).is_none());
    }
}
