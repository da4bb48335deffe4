//! Carries a plan out: for each change first the journal, then the change, then a look whether it took.

use std::fmt;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::host::read;
use crate::remedy::value_of;
use crate::undo::{Before, Journal, JournalFault, Lock, make_directory, replace, write_value};
use crate::{Change, Plan};

/// A moment between two writes. Tests end the world at each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment<'a> {
    /// The journal says what was at this path; nothing is written yet.
    Journaled(&'a str),
    /// The change at this path is made and was read back.
    Made(&'a str),
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Paths below the root that were changed.
    pub changed: Vec<String>,
    /// Paths that were as wanted when their turn came.
    pub already: Vec<String>,
}

/// Why a plan was not carried out to its end.
#[derive(Debug)]
pub enum Failure {
    /// The journal can't be used: nothing more was changed.
    Journal(JournalFault),
    /// A file can't be read or written.
    Io(PathBuf, io::Error),
    /// The file does not have what was written.
    NotTaken {
        /// Which file.
        path: PathBuf,
        /// What was written.
        wrote: String,
        /// What it says.
        reads: String,
    },
    /// Whoever watches said so.
    Stopped,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(fault) => fault.fmt(formatter),
            Self::Io(path, error) => {
                let hint = match error.kind() {
                    io::ErrorKind::PermissionDenied => "; run as root, outside of a container",
                    io::ErrorKind::ReadOnlyFilesystem => "; a container can't change its host, do it outside",
                    _ => "",
                };
                write!(formatter, "{}: {error}{hint}", path.display())
            }
            Self::NotTaken { path, wrote, reads } => {
                write!(formatter, "{}: wrote {wrote:?}, but it reads {reads:?}", path.display())
            }
            Self::Stopped => formatter.write_str("stopped"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<JournalFault> for Failure {
    fn from(fault: JournalFault) -> Self {
        Self::Journal(fault)
    }
}

/// Carries a plan out below `root`. An open journal is extended and keeps its oldest values.
///
/// # Errors
/// At the first change that fails; what was changed before it is in the journal.
pub fn apply(
    root: &Path,
    plan: &Plan,
    journal: &Path,
    watch: &mut dyn FnMut(Moment<'_>) -> ControlFlow<()>,
) -> Result<Applied, Failure> {
    let mut applied = Applied::default();
    if plan.is_empty() {
        return Ok(applied);
    }
    let mut run = Run { root, journal_at: journal, journal: Journal::read_or_begin(journal)?, watch };
    let _lock = Lock::take(journal)?;
    // Read again: another may have written it between our look and the lock.
    if let Some(latest) = Journal::read(journal)? {
        run.journal = latest;
    }
    let done = plan.changes.iter().try_for_each(|change| {
        let changed = run.change(change)?;
        let list = if changed { &mut applied.changed } else { &mut applied.already };
        list.push(change.path().to_owned());
        Ok(())
    });
    if run.journal.entries.is_empty() {
        // Nothing was touched: not even a directory for the journal stays.
        run.journal.end(journal)?;
    }
    done.map(|()| applied)
}

struct Run<'a> {
    root: &'a Path,
    journal_at: &'a Path,
    journal: Journal,
    watch: &'a mut dyn FnMut(Moment<'_>) -> ControlFlow<()>,
}

impl Run<'_> {
    fn change(&mut self, change: &Change) -> Result<bool, Failure> {
        match change {
            Change::Value { write, .. } => self.value(&write.path, &write.new),
            Change::File { path, text, .. } => self.file(path, text),
        }
    }

    fn value(&mut self, path: &str, new: &str) -> Result<bool, Failure> {
        let full = self.root.join(path);
        let old = text(&full)?;
        if value_of(&old) == value_of(new) {
            return Ok(false);
        }
        // Of `always [madvise] never` only the chosen word can be written back.
        let old = if old.contains('[') { value_of(&old) } else { old };
        self.remember(path, Before::Value(old), new)?;
        write_value(&full, new).map_err(|error| Failure::Io(full.clone(), error))?;
        let reads = value_of(&text(&full)?);
        if reads != value_of(new) {
            return Err(Failure::NotTaken { path: full, wrote: new.to_owned(), reads });
        }
        self.at(Moment::Made(path))?;
        Ok(true)
    }

    fn file(&mut self, path: &str, new: &str) -> Result<bool, Failure> {
        let full = self.root.join(path);
        let io_failure = |error| Failure::Io(full.clone(), error);
        let before = match fs::symlink_metadata(&full) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Before::NoFile,
            Err(error) => return Err(io_failure(error)),
            Ok(about) if !about.is_file() => {
                return Err(io_failure(io::Error::other("is no plain file, and is left alone")));
            }
            Ok(about) => Before::File {
                text: text(&full)?,
                mode: about.mode() & 0o7777,
                uid: about.uid(),
                gid: about.gid(),
            },
        };
        let (mode, owner) = match &before {
            Before::File { text, .. } if text == new => return Ok(false),
            Before::File { mode, uid, gid, .. } => (*mode, Some((*uid, *gid))),
            _ => (0o644, None),
        };
        self.folders(path)?;
        self.remember(path, before, new)?;
        replace(&full, new, mode, owner).map_err(io_failure)?;
        self.at(Moment::Made(path))?;
        Ok(true)
    }

    /// Makes the directories of a file that are missing.
    fn folders(&mut self, path: &str) -> Result<(), Failure> {
        for (slash, _) in path.match_indices('/') {
            let folder = &path[..slash];
            let full = self.root.join(folder);
            if !full.exists() {
                self.remember(folder, Before::NoDirectory, "")?;
                make_directory(&full).map_err(|error| Failure::Io(full, error))?;
                self.at(Moment::Made(folder))?;
            }
        }
        Ok(())
    }

    fn remember(&mut self, path: &str, before: Before, ours: &str) -> Result<(), Failure> {
        self.journal.note(path, before, ours);
        self.journal.save(self.journal_at)?;
        self.at(Moment::Journaled(path))
    }

    fn at(&mut self, moment: Moment<'_>) -> Result<(), Failure> {
        if (self.watch)(moment).is_break() { Err(Failure::Stopped) } else { Ok(()) }
    }
}

fn text(path: &Path) -> Result<String, Failure> {
    // What can't be read can't be restored.
    if let Err(error) = fs::metadata(path) {
        return Err(Failure::Io(path.to_owned(), error));
    }
    let text = read(path).and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| {
        Failure::Io(path.to_owned(), io::Error::other("can't be read as a text of bounded length"))
    })
}
