//! What would make a tunable good: values written at once, lines that keep them over a restart, and what only people can do.

/// What would make a tunable good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remedy {
    /// Values of the kernel that can be written now.
    pub writes: Vec<Write>,
    /// Lines for files of ours that count from the next start of the host or the service.
    pub lines: Vec<Line>,
    /// Commands and texts for people.
    pub by_hand: Vec<String>,
}

/// One value of the kernel that is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The file, below the root and without a slash in front: `proc/sys/…` or `sys/…`.
    pub path: String,
    /// What is there, as [`value_of`] reads it.
    pub now: String,
    /// What is to be there.
    pub new: String,
}

/// One line of a file of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which file.
    pub file: Kept,
    /// What the line begins with: another line of the file that begins so is replaced.
    pub key: String,
    /// The whole line, without its end.
    pub text: String,
}

/// A file of ours that outlives a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// Kernel parameters.
    Sysctl,
    /// Files of `/sys`.
    Tmpfiles,
    /// Limits of logins of the user `ringway`.
    Limits,
    /// A drop-in for `ringway.service`.
    Unit,
}

impl Kept {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sysctl, Self::Tmpfiles, Self::Limits, Self::Unit];

    /// Where it is, below the root.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Sysctl => "etc/sysctl.d/90-ringway.conf",
            Self::Tmpfiles => "etc/tmpfiles.d/90-ringway.conf",
            Self::Limits => "etc/security/limits.d/90-ringway.conf",
            Self::Unit => crate::host::DROP_IN,
        }
    }

    /// What stands in front of its lines.
    pub(crate) const fn head(self) -> &'static str {
        match self {
            Self::Unit => "# Written by ringway-tune.\n[Service]\n",
            Self::Sysctl | Self::Tmpfiles | Self::Limits => "# Written by ringway-tune.\n",
        }
    }
}

impl Write {
    /// The line that keeps this value over a restart.
    #[must_use]
    pub fn line(&self) -> Line {
        line_for(&self.path, &self.new)
    }
}

/// The line that keeps a value of the kernel over a restart.
pub(crate) fn line_for(path: &str, value: &str) -> Line {
    match path.strip_prefix("proc/sys/") {
        Some(name) => {
            let key = format!("{} =", name.replace('/', "."));
            Line { file: Kept::Sysctl, text: format!("{key} {value}"), key }
        }
        None => {
            let key = format!("w /{path} ");
            Line { file: Kept::Tmpfiles, text: format!("{key}- - - - {value}"), key }
        }
    }
}

impl Remedy {
    /// Nothing to do.
    pub(crate) const NONE: Self = Self { writes: Vec::new(), lines: Vec::new(), by_hand: Vec::new() };

    /// One value to write.
    pub(crate) fn write(path: impl Into<String>, now: &str, new: impl ToString) -> Self {
        let write = Write { path: path.into(), now: value_of(now), new: new.to_string() };
        Self { writes: vec![write], ..Self::NONE }
    }

    /// Only people can do it.
    pub(crate) fn by_hand(text: impl Into<String>) -> Self {
        Self { by_hand: vec![text.into()], ..Self::NONE }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.lines.is_empty() && self.by_hand.is_empty()
    }
}

/// The value in the text of a kernel's file: the chosen one of `a [b] c`, else the words with one blank between them.
#[must_use]
pub fn value_of(text: &str) -> String {
    let chosen = text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(chosen, _)| chosen);
    chosen.unwrap_or(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_can_be_written_back() {
        assert_eq!(value_of("always [madvise] never\n"), "madvise");
        assert_eq!(value_of("32768\t60999\n"), "32768 60999");
        assert_eq!(value_of(""), "");
        assert_eq!(value_of("a ] b ["), "a ] b [");
    }

    #[test]
    fn a_value_is_kept_by_the_file_that_its_kind_has() {
        let write = Remedy::write("proc/sys/net/core/somaxconn", "128\n", 4096).writes.remove(0);
        assert_eq!((write.line().file, &*write.line().text), (Kept::Sysctl, "net.core.somaxconn = 4096"));
        let write = Remedy::write("sys/a/b", "1", "x").writes.remove(0);
        assert_eq!((write.line().file, &*write.line().text), (Kept::Tmpfiles, "w /sys/a/b - - - - x"));
    }
}
