//! A host, seen through its files: everything a check reads comes from here, so that a directory of fixtures is a host too.

use std::fs;
use std::path::{Path, PathBuf};

/// A host whose files are below a root directory. Only reads.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
}

/// A soft and a hard limit of the process; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) soft: Option<u64>,
    pub(crate) hard: Option<u64>,
}

impl Host {
    /// The host below `root`.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// A file's text without the white space around it; `None` when it is not there or may not be read.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok().map(|text| text.trim().to_owned())
    }

    /// A kernel parameter by its dotted name.
    pub(crate) fn sysctl(&self, name: &str) -> Option<String> {
        self.text(&format!("proc/sys/{}", name.replace('.', "/")))
    }

    /// A kernel parameter that is one number.
    pub(crate) fn sysctl_number(&self, name: &str) -> Option<u64> {
        self.sysctl(name)?.parse().ok()
    }

    /// Major and minor version of the kernel.
    pub(crate) fn kernel(&self) -> Option<(u32, u32)> {
        let release = self.sysctl("kernel.osrelease")?;
        let mut numbers = release.split(|byte: char| !byte.is_ascii_digit());
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }

    /// A limit of the calling process by its name in `/proc/self/limits`, in the unit of that table.
    pub(crate) fn limit(&self, name: &str) -> Option<Limit> {
        let limits = self.text("proc/self/limits")?;
        let mut words = limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace();
        Some(Limit { soft: limit_value(words.next()?)?, hard: limit_value(words.next()?)? })
    }

    /// How many CPUs the calling process may run on.
    pub(crate) fn cpus(&self) -> Option<u32> {
        let status = self.text("proc/self/status")?;
        cpu_list_length(status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?.trim())
    }

    /// The path of the calling process below the root of a control group hierarchy: of version 2 for `""`, else of a version 1 controller.
    pub(crate) fn cgroup(&self, controller: &str) -> Option<String> {
        self.text("proc/self/cgroup")?.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?);
            let same = if controller.is_empty() {
                controllers.is_empty()
            } else {
                controllers.split(',').any(|one| one == controller)
            };
            same.then(|| path.trim_matches('/').to_owned())
        })
    }
}

/// The outer `None` is for what is no limit at all.
#[expect(clippy::option_option, reason = "unreadable and unlimited are different")]
fn limit_value(word: &str) -> Option<Option<u64>> {
    if word == "unlimited" { Some(None) } else { word.parse().ok().map(Some) }
}

/// The length of a list like `0-3,8,10-11`.
fn cpu_list_length(list: &str) -> Option<u32> {
    list.split(',').try_fold(0_u32, |sum, part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        sum.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_counted() {
        assert_eq!(cpu_list_length("0"), Some(1));
        assert_eq!(cpu_list_length("0-3,8,10-11"), Some(7));
        assert_eq!(cpu_list_length("3-1"), None);
        assert_eq!(cpu_list_length("all"), None);
    }

    #[test]
    fn unlimited_is_a_limit_and_nonsense_is_not() {
        assert_eq!(limit_value("unlimited"), Some(None));
        assert_eq!(limit_value("4096"), Some(Some(4096)));
        assert_eq!(limit_value("many"), None);
    }
}
