//! The undo journal: what was there before each change, written before the change is made.
//!
//! Invariant: whatever differs from what was there because of us has an entry that is on disk. A crash at any moment leaves a journal from which
//! [`crate::revert`] restores everything; an entry whose change was never made is restored by doing nothing.

mod files;

pub(crate) use files::{clear_beside, make_directory, remove, replace, write_value};

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::remedy::Kept;

const VERSION: u32 = 1;
/// A journal of a host with thousands of CPUs is smaller.
const JOURNAL_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What was there before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    version: u32,
    /// Directories that were made for the journal itself, outermost first.
    made_for_journal: Vec<PathBuf>,
    /// In the order of the changes.
    pub entries: Vec<Entry>,
}

/// What was there before one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Where, below the root.
    pub path: String,
    /// What was there.
    pub before: Before,
    /// What we wrote or were about to write, oldest first.
    pub ours: Vec<String>,
}

/// What was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Before {
    /// A value of the kernel, as it can be written back.
    Value(String),
    /// No file.
    NoFile,
    /// No directory.
    NoDirectory,
    /// A file.
    File {
        /// Its text.
        text: String,
        /// Its permissions.
        mode: u32,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
    },
}

/// Why a journal can't be used.
#[derive(Debug)]
pub enum JournalFault {
    /// It can't be read or written.
    Io(PathBuf, io::Error),
    /// It is not what we write.
    Malformed(PathBuf, String),
    /// Others may have written it.
    Untrusted(PathBuf),
    /// Another apply or revert is under way.
    Busy(PathBuf),
}

impl std::fmt::Display for JournalFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(path, error) => {
                let hint = if error.kind() == io::ErrorKind::PermissionDenied {
                    "; run as root, or name another with --journal"
                } else {
                    ""
                };
                write!(formatter, "the journal {}: {error}{hint}", path.display())
            }
            Self::Malformed(path, why) => write!(
                formatter,
                "the journal {} is not one of ringway-tune ({why}); move it away if nothing is to be undone",
                path.display()
            ),
            Self::Untrusted(path) => write!(
                formatter,
                "the journal {} belongs to another user or may be written by others: look at it, then chown and chmod it, or move it away",
                path.display()
            ),
            Self::Busy(path) => {
                write!(formatter, "another ringway-tune is at work with {}; wait for it", path.display())
            }
        }
    }
}

impl std::error::Error for JournalFault {}

impl Journal {
    /// Reads a journal; `None` where there is none.
    ///
    /// # Errors
    /// When it is there and can't be used.
    pub fn read(path: &Path) -> Result<Option<Self>, JournalFault> {
        let io_fault = |error| JournalFault::Io(path.to_owned(), error);
        let options = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = match OpenOptions::new().read(true).custom_flags(options).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_fault(error)),
        };
        // What it says is written with our rights: it must be ours.
        let about = file.metadata().map_err(io_fault)?;
        // SAFETY: takes nothing, can't fail.
        if about.uid() != unsafe { libc::geteuid() } || about.mode() & 0o022 != 0 {
            return Err(JournalFault::Untrusted(path.to_owned()));
        }
        let mut bytes = Vec::new();
        file.take(JOURNAL_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(io_fault)?;
        let malformed = |why: String| JournalFault::Malformed(path.to_owned(), why);
        if bytes.len() as u64 > JOURNAL_BYTES_MAX {
            return Err(malformed("too long".into()));
        }
        let journal: Self = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        if journal.version != VERSION {
            return Err(malformed(format!("version {}, known is {VERSION}", journal.version)));
        }
        match journal.entries.iter().find(|entry| !may_touch(entry)) {
            Some(entry) => Err(malformed(format!("{:?} is nothing that we change", entry.path))),
            None => Ok(Some(journal)),
        }
    }

    /// The journal at `path`, or a new one with a directory to be written into.
    pub(crate) fn read_or_begin(path: &Path) -> Result<Self, JournalFault> {
        if let Some(journal) = Self::read(path)? {
            return Ok(journal);
        }
        let mut journal = Self { version: VERSION, ..Self::default() };
        let mut missing: Vec<&Path> =
            path.ancestors().skip(1).take_while(|folder| !folder.exists()).collect();
        missing.retain(|folder| !folder.as_os_str().is_empty());
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder).map_err(|error| JournalFault::Io(path.to_owned(), error))?;
            journal.made_for_journal.push(folder.to_owned());
        }
        Ok(journal)
    }

    /// Writes it so that a crash leaves the old one or the new one.
    pub(crate) fn save(&self, path: &Path) -> Result<(), JournalFault> {
        let io_fault = |error| JournalFault::Io(path.to_owned(), error);
        let text = serde_json::to_string_pretty(self).map_err(|error| io_fault(error.into()))?;
        replace(path, &text, 0o600, None).map_err(io_fault)
    }

    /// Removes it, and the directories that were made for it if nobody uses them.
    pub(crate) fn end(&self, path: &Path) -> Result<(), JournalFault> {
        remove(path).map_err(|error| JournalFault::Io(path.to_owned(), error))?;
        for folder in self.made_for_journal.iter().rev() {
            if path.starts_with(folder) && fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Remembers what was at a place before the first change of it, and what comes there now.
    pub(crate) fn note(&mut self, path: &str, before: Before, ours: &str) {
        match self.entries.iter_mut().find(|entry| entry.path == path) {
            Some(entry) if entry.ours.last().is_some_and(|last| last == ours) => {}
            Some(entry) => entry.ours.push(ours.to_owned()),
            None => {
                self.entries.push(Entry { path: path.to_owned(), before, ours: vec![ours.to_owned()] });
            }
        }
    }

    /// The values of the kernel that we wrote, by path.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().filter_map(|entry| match entry.before {
            Before::Value(_) => Some((&*entry.path, &**entry.ours.last()?)),
            _ => None,
        })
    }
}

/// A journal is a text like others: nothing outside of what we change is touched because of it.
fn may_touch(entry: &Entry) -> bool {
    let path = Path::new(&entry.path);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let known = match entry.before {
        Before::Value(_) => path.starts_with("proc/sys") || path.starts_with("sys"),
        Before::NoFile | Before::File { .. } => Kept::ALL.iter().any(|kept| path == Path::new(kept.path())),
        Before::NoDirectory => Kept::ALL.iter().any(|kept| Path::new(kept.path()).starts_with(path)),
    };
    plain && known && !entry.path.is_empty()
}

/// One apply or revert at a time: held on the journal's directory, so that nothing is left behind.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held until it is dropped")] File);

impl Lock {
    /// Takes the lock for a journal, whose directory must be there.
    ///
    /// # Errors
    /// When somebody else has it, or the directory can't be opened.
    pub fn take(journal: &Path) -> Result<Self, JournalFault> {
        let folder = journal.parent().filter(|folder| !folder.as_os_str().is_empty());
        let io_fault = |error| JournalFault::Io(journal.to_owned(), error);
        let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(io_fault)?;
        // SAFETY: a descriptor of ours.
        if unsafe { libc::flock(folder.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            return Ok(Self(folder));
        }
        let error = io::Error::last_os_error();
        Err(match error.kind() {
            io::ErrorKind::WouldBlock => JournalFault::Busy(journal.to_owned()),
            _ => io_fault(error),
        })
    }
}
