//! Strings and lists of strings as structured fields (RFC 9651): the names that WebTransport negotiates
//! (draft-ietf-webtrans-http3 §3.3). Parameters mean nothing; whatever else stands there voids the whole field.

/// The strings of a list; `None` when it is not a list of strings.
pub(super) fn parse_strings(text: &str) -> Option<Vec<Box<str>>> {
    let mut rest = text.trim_matches(' ');
    let mut strings = Vec::new();
    while !rest.is_empty() {
        let (string, after) = take_item(rest)?;
        strings.push(string);
        let after = after.trim_start_matches([' ', '\t']);
        rest = match after.strip_prefix(',') {
            // Nothing may follow the last comma.
            Some(next) => Some(next.trim_start_matches([' ', '\t'])).filter(|next| !next.is_empty())?,
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(strings)
}

/// The one string of an item; `None` when it is none.
pub(super) fn parse_string(text: &str) -> Option<Box<str>> {
    let (string, rest) = take_item(text.trim_matches(' '))?;
    rest.is_empty().then_some(string)
}

/// Appends a string of printable ASCII.
pub(super) fn write_string(text: &str, out: &mut String) {
    debug_assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

/// A string with its parameters, off the front.
fn take_item(text: &str) -> Option<(Box<str>, &str)> {
    let (string, mut rest) = take_string(text)?;
    while let Some(parameter) = rest.strip_prefix(';') {
        let parameter = parameter.trim_start_matches(' ');
        let key = parameter.trim_start_matches(
            |character: char| matches!(character, 'a'..='z' | '0'..='9' | '_' | '-' | '.' | '*'),
        );
        if key.len() == parameter.len()
            || !parameter.starts_with(|first: char| matches!(first, 'a'..='z' | '*'))
        {
            return None;
        }
        rest = match key.strip_prefix('=') {
            Some(value) if value.starts_with('"') => take_string(value)?.1,
            Some(value) => {
                let after = value.trim_start_matches(|character: char| {
                    character.is_ascii_graphic() && !matches!(character, '"' | ',' | ';')
                });
                if after.len() == value.len() {
                    return None;
                }
                after
            }
            None => key,
        };
    }
    Some((string.into(), rest))
}

fn take_string(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let (mut string, mut escaped) = (String::new(), false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' | b'\\' if escaped => {
                escaped = false;
                string.push(char::from(byte));
            }
            _ if escaped => return None,
            b'\\' => escaped = true,
            b'"' => return Some((string, &text[at + 1..])),
            b' '..=b'~' => string.push(char::from(byte)),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(text: &str) -> Option<Vec<String>> {
        Some(parse_strings(text)?.into_iter().map(String::from).collect())
    }

    #[test]
    fn lists_of_strings_are_read_and_parameters_mean_nothing() {
        for (text, expected) in [
            ("", &[][..]),
            ("\"a\"", &["a"]),
            (" \"a\" ,\t\"b,;c\"", &["a", "b,;c"]),
            ("\"a\\\"b\\\\\",\"\"", &["a\"b\\", ""]),
            ("\"a\";q=0.5;x;y=\"1,2\";z=:aGk=:, \"b\"; *p=?1", &["a", "b"]),
        ] {
            assert_eq!(
                strings(text).as_deref(),
                Some(&expected.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..])
            );
        }
    }

    #[test]
    fn anything_else_voids_the_field() {
        for text in [
            "a",
            "1",
            "\"a",
            "\"a\\",
            "\"a\\n\"",
            "\"a\",",
            ",\"a\"",
            "\"a\" \"b\"",
            "(\"a\" \"b\")",
            "\"a\", b",
            "\"ä\"",
            "\"a\";",
            "\"a\";Q=1",
            "\"a\";q=",
            "\"a\";q=\"",
            "\"a\u{7f}\"",
            "?1",
            ":aGk=:",
            "\"a\";1=1",
        ] {
            assert_eq!(strings(text), None, "{text}");
        }
    }

    #[test]
    fn an_item_is_one_string() {
        assert_eq!(parse_string(" \"ringway.v1.fb\";a=1 ").as_deref(), Some("ringway.v1.fb"));
        for text in ["", "ringway.v1.fb", "\"a\", \"b\"", "\"a\" x"] {
            assert_eq!(parse_string(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut out = String::new();
        write_string("a \"quoted\" \\ name", &mut out);
        assert_eq!(parse_string(&out).as_deref(), Some("a \"quoted\" \\ name"));
    }
}
