//! The exact changes that would make a host good: computed from findings, nothing written.

use std::collections::BTreeMap;

use crate::remedy::{Kept, Line, Write, line_for};
use crate::{Finding, Host, Journal};

/// Which tunables may be changed.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only these; all where it is empty.
    pub only: Vec<String>,
    /// Not these.
    pub skip: Vec<String>,
}

/// What is to be done, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What [`crate::apply`] does.
    pub changes: Vec<Change>,
    /// What people must do.
    pub by_hand: Vec<ByHand>,
    /// Files that would be written if the plan were to outlive a restart, and does not.
    pub not_kept: Vec<&'static str>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A value of the kernel, counting at once and until the next start of the host.
    Value {
        /// The tunable.
        name: &'static str,
        /// From what to what.
        write: Write,
    },
    /// A file of ours, counting from the next start of the host or the service.
    File {
        /// The tunables.
        names: Vec<&'static str>,
        /// Where, below the root.
        path: &'static str,
        /// The whole text.
        text: String,
    },
}

/// What only people can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// The tunable.
    pub name: &'static str,
    /// A command, or a line for a file.
    pub text: String,
}

impl Selection {
    /// Whether it has a tunable.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let is_in = |names: &[String]| names.iter().any(|one| one == name);
        (self.only.is_empty() || is_in(&self.only)) && !is_in(&self.skip)
    }
}

impl Plan {
    /// The plan for what is off. With `persist`, files of ours keep the values over a restart, also those that an earlier apply wrote and the
    /// open journal remembers.
    #[must_use]
    pub fn of(
        host: &Host,
        findings: &[Finding],
        selection: &Selection,
        persist: bool,
        journal: Option<&Journal>,
    ) -> Self {
        let mut plan = Self::default();
        let mut lines: Vec<(&'static str, Line)> = Vec::new();
        if persist && selection.only.is_empty() && selection.skip.is_empty() {
            let values = journal.into_iter().flat_map(Journal::values);
            lines.extend(values.map(|(path, value)| ("journal", line_for(path, value))));
        }
        for finding in findings.iter().filter(|finding| selection.has(finding.name)) {
            let (name, remedy) = (finding.name, &finding.remedy);
            let writes = remedy.writes.iter();
            plan.changes.extend(writes.clone().map(|write| Change::Value { name, write: write.clone() }));
            lines.extend(writes.map(|write| (name, write.line())));
            lines.extend(remedy.lines.iter().map(|line| (name, line.clone())));
            plan.by_hand.extend(remedy.by_hand.iter().map(|text| ByHand { name, text: text.clone() }));
        }
        let files = files(host, &lines);
        if persist {
            plan.changes.extend(files);
        } else {
            plan.not_kept = files.iter().map(Change::path_of_file).collect();
        }
        plan
    }

    /// Whether there is nothing to apply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl Change {
    /// Where it is made, below the root.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Value { write, .. } => &write.path,
            Self::File { path, .. } => path,
        }
    }

    fn path_of_file(&self) -> &'static str {
        match self {
            Self::Value { .. } => "",
            Self::File { path, .. } => path,
        }
    }
}

/// The files with these lines in them, and what else is in them already; none that is so already.
fn files(host: &Host, lines: &[(&'static str, Line)]) -> Vec<Change> {
    let mut by_file: BTreeMap<Kept, Vec<&(&'static str, Line)>> = BTreeMap::new();
    for line in lines {
        by_file.entry(line.1.file).or_default().push(line);
    }
    let changes = by_file.into_iter().filter_map(|(file, lines)| {
        let old = host.bytes(file.path()).and_then(|bytes| String::from_utf8(bytes).ok());
        let mut text = old.clone().unwrap_or_else(|| file.head().to_owned());
        for (_, line) in &lines {
            text = with_line(&text, line);
        }
        let mut names: Vec<_> = lines.iter().map(|(name, _)| *name).collect();
        names.dedup();
        (old.as_ref() != Some(&text)).then(|| Change::File { names, path: file.path(), text })
    });
    changes.collect()
}

/// The text with the line in it, in the place of the one that it replaces or at the end.
fn with_line(text: &str, line: &Line) -> String {
    let mut replaced = false;
    let mut new = String::new();
    for old in text.lines() {
        let is_same = old.trim_start().starts_with(&line.key);
        if !is_same || !replaced {
            new.push_str(if is_same { &line.text } else { old });
            new.push('\n');
        }
        replaced |= is_same;
    }
    if !replaced {
        new.push_str(&line.text);
        new.push('\n');
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_the_place_of_its_older_self() {
        let line = |value: u32| line_for("proc/sys/net/core/somaxconn", &value.to_string());
        let text = with_line("# head\n", &line(128));
        assert_eq!(text, "# head\nnet.core.somaxconn = 128\n");
        let text = with_line(&format!("{text}other = 1\n{text}"), &line(4096));
        assert_eq!(text, "# head\nnet.core.somaxconn = 4096\nother = 1\n# head\n");
    }

    #[test]
    fn a_selection_has_what_is_named_and_not_skipped() {
        let of = |only: &[&str], skip: &[&str]| Selection {
            only: only.iter().map(ToString::to_string).collect(),
            skip: skip.iter().map(ToString::to_string).collect(),
        };
        assert!(of(&[], &[]).has("a"));
        assert!(of(&["a"], &[]).has("a") && !of(&["b"], &[]).has("a"));
        assert!(!of(&[], &["a"]).has("a") && !of(&["a"], &["a"]).has("a"));
    }
}
