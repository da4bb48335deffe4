//! Lines of bounded width.

/// The words of a text in lines of at most `width` characters; a word that is longer has a line of its own, cut where it must be.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        let blank = usize::from(used > 0);
        if used > 0 && used + blank + rest.len() > width {
            lines.push(String::new());
            used = 0;
        } else if blank == 1 {
            lines.last_mut().expect("begun with one").push(' ');
            used += 1;
        }
        while rest.len() > width {
            let tail = rest.split_off(width);
            lines.last_mut().expect("begun with one").extend(&rest);
            lines.push(String::new());
            rest = tail;
        }
        lines.last_mut().expect("begun with one").extend(&rest);
        used += rest.len();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn no_line_is_wider_than_asked() {
        let text = "a few words, and onethatislongerthanallofthelines of them";
        for width in 1..80 {
            let lines = wrap(text, width);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}: {lines:?}");
            assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        }
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }
}
