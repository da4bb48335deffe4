//! Elements as text. Only this module writes markup, so no text of a file can: names of elements and attributes are
//! those of the program, and everything else is escaped. Elements close by construction.

/// Characters of one text at most; longer ones end with an ellipsis.
const TEXT_MAX: usize = 4_000;

/// Attributes of an element.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// An element with what `inside` writes.
    pub(super) fn within(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.tag(name, attributes, ">");
        inside(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
        if matches!(name, "section" | "div" | "p" | "tr" | "li" | "table" | "svg" | "h1" | "h2" | "h3") {
            self.0.push('\n');
        }
    }

    /// An element with nothing but text.
    pub(super) fn element(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        self.within(name, attributes, |page| page.text(text));
    }

    /// An element that has no inside.
    pub(super) fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.tag(name, attributes, "/>");
    }

    /// Text.
    pub(super) fn text(&mut self, text: &str) {
        escape(&mut self.0, text);
    }

    /// Markup of the program's own.
    pub(super) fn own(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// What was written.
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn tag(&mut self, name: &'static str, attributes: Attributes<'_>, end: &str) {
        self.0.push('<');
        self.0.push_str(name);
        for (attribute, value) in attributes {
            self.0.push(' ');
            self.0.push_str(attribute);
            self.0.push_str("=\"");
            escape(&mut self.0, value);
            self.0.push('"');
        }
        self.0.push_str(end);
    }
}

fn escape(to: &mut String, text: &str) {
    for (index, character) in text.chars().enumerate() {
        if index == TEXT_MAX {
            to.push('…');
            return;
        }
        match character {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            '\'' => to.push_str("&#39;"),
            '\n' | '\t' => to.push(character),
            // Controls, and what would turn the direction of the text around it.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => to.push('\u{fffd}'),
            _ if character.is_control() => to.push('\u{fffd}'),
            _ => to.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_escaped() {
        let mut page = Markup::default();
        page.element("b", &[("title", "\"><script>")], "</b>&'\u{0}\u{202e}");
        assert_eq!(
            page.finish(),
            "<b title=\"&quot;&gt;&lt;script&gt;\">&lt;/b&gt;&amp;&#39;\u{fffd}\u{fffd}</b>"
        );
    }

    #[test]
    fn long_text_is_cut() {
        let mut page = Markup::default();
        page.text(&"x".repeat(1_000_000));
        assert_eq!(page.finish().chars().count(), TEXT_MAX + 1);
    }
}
