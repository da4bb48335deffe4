//! A host, seen through its files and through what its kernel answers: everything a check knows comes from here, so that a directory of
//! fixtures and a file of answers are a host, too. Only reads; every read is bounded.

mod cgroup;
mod cpus;
mod unit;

pub use cpus::CpuSet;
pub(crate) use unit::{DROP_IN, hard_limit};

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::probe::Probes;

/// Files of a kernel are far shorter; what is longer is none of them.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Entries of a directory that are looked at.
const ENTRIES_MAX: usize = 4_096;

/// A host whose files are below a root directory.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
    probes: Probes,
    process: Process,
    shards: Option<CpuSet>,
}

/// Whose limits and control groups are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// Ours, of which a service that is started otherwise may differ.
    Ours,
    /// The router's own: it looks at itself.
    Router,
    /// A running router's, by its process id.
    Id(u32),
}

/// A soft and a hard limit of the process; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) soft: Option<u64>,
    pub(crate) hard: Option<u64>,
}

impl Host {
    /// The host on which we run; asks its kernel, which takes about a millisecond.
    #[must_use]
    pub fn live() -> Self {
        Self::at(Path::new("/"), Probes::ask())
    }

    /// The host whose files are below `root` and whose kernel gave these answers.
    #[must_use]
    pub fn at(root: &Path, probes: Probes) -> Self {
        Self { root: root.to_owned(), probes, process: Process::Ours, shards: None }
    }

    /// The same host, seen by this process.
    #[must_use]
    pub fn seen_by(self, process: Process) -> Self {
        Self { process, ..self }
    }

    /// The same host, with shards on these CPUs.
    #[must_use]
    pub fn with_shards(self, cpus: CpuSet) -> Self {
        Self { shards: Some(cpus), ..self }
    }

    /// Where its files are.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) const fn probes(&self) -> &Probes {
        &self.probes
    }

    /// A file's text without the white space around it; `None` when it is not there, may not be read, is too long or is no text.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let bytes = self.bytes(path)?;
        Some(std::str::from_utf8(&bytes).ok()?.trim().to_owned())
    }

    /// A file's bytes.
    pub(crate) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        read(&self.root.join(path))
    }

    /// A file that is one number.
    pub(crate) fn number(&self, path: &str) -> Option<u64> {
        self.text(path)?.parse().ok()
    }

    /// Whether there is such a file or directory.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// The names in a directory, sorted; none where there is none.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(path)).into_iter().flatten().take(ENTRIES_MAX);
        let mut names: Vec<_> =
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }

    /// A kernel parameter by its dotted name.
    pub(crate) fn sysctl(&self, name: &str) -> Option<String> {
        self.text(&sysctl_path(name))
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

    /// A file of the process that is looked at.
    pub(crate) fn of_process(&self, file: &str) -> Option<String> {
        match self.process {
            Process::Id(id) => self.text(&format!("proc/{id}/{file}")),
            Process::Ours | Process::Router => self.text(&format!("proc/self/{file}")),
        }
    }

    /// A line of the process's status by its name.
    pub(crate) fn status(&self, name: &str) -> Option<String> {
        let status = self.of_process("status")?;
        Some(status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?.trim().to_owned())
    }

    /// A limit of the process by its name in `/proc/self/limits`, in the unit of that table.
    pub(crate) fn limit(&self, name: &str) -> Option<Limit> {
        let limits = self.of_process("limits")?;
        let mut words = limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace();
        Some(Limit { soft: limit_value(words.next()?)?, hard: limit_value(words.next()?)? })
    }

    /// The CPUs on which the process may run.
    pub(crate) fn cpus(&self) -> Option<CpuSet> {
        CpuSet::from_list(&self.status("Cpus_allowed_list")?).filter(|cpus| !cpus.is_empty())
    }

    /// The CPUs of the shards: as told, or as `node.shards = "auto"` takes them.
    pub(crate) fn shards(&self) -> Option<CpuSet> {
        if let Some(shards) = &self.shards {
            return Some(shards.clone());
        }
        let allowed = self.cpus()?;
        let count = if allowed.len() <= 2 { allowed.len() } else { allowed.len() - 1 };
        Some(allowed.first(count))
    }

    /// Whether the process may lock as much memory as it likes (`CAP_IPC_LOCK`).
    pub(crate) fn may_lock_all(&self) -> bool {
        const CAP_IPC_LOCK: u32 = 14;
        let set = self.status("CapEff").and_then(|set| u64::from_str_radix(&set, 16).ok());
        set.is_some_and(|set| set & (1 << CAP_IPC_LOCK) != 0)
    }

    /// The network devices that have hardware, or something that plays it, behind them.
    pub(crate) fn network_devices(&self) -> Vec<String> {
        let mut names = self.names("sys/class/net");
        names.retain(|name| self.has(&format!("sys/class/net/{name}/device")));
        names
    }
}

/// Where a kernel parameter is, below the root.
pub(crate) fn sysctl_path(name: &str) -> String {
    format!("proc/sys/{}", name.replace('.', "/"))
}

/// Reads a file of at most [`FILE_BYTES_MAX`]. Never waits, whatever kind of file it is.
pub(crate) fn read(path: &Path) -> Option<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= FILE_BYTES_MAX).then_some(bytes)
}

/// The outer `None` is for what is no limit at all.
#[expect(clippy::option_option, reason = "unreadable and unlimited are different")]
fn limit_value(word: &str) -> Option<Option<u64>> {
    if word == "unlimited" { Some(None) } else { word.parse().ok().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unlimited_is_a_limit_and_nonsense_is_not() {
        assert_eq!(limit_value("unlimited"), Some(None));
        assert_eq!(limit_value("4096"), Some(Some(4096)));
        assert_eq!(limit_value("many"), None);
    }
}
