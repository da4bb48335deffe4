//! Restores what an undo journal remembers, the last change first.

use std::fs;
use std::io;
use std::path::Path;

use crate::host::read;
use crate::remedy::value_of;
use crate::undo::{Before, Entry, Journal, JournalFault, Lock, clear_beside, remove, replace, write_value};

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reverted {
    /// Paths below the root that are as before again.
    pub restored: Vec<String>,
    /// Paths that were left alone, and why; the journal keeps them.
    pub left: Vec<(String, String)>,
}

impl Reverted {
    /// Whether everything is as before.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.left.is_empty()
    }
}

/// Restores below `root` what the journal remembers; what somebody else changed meanwhile only with `force`. The journal is removed once nothing is
/// left in it. `None` where there is no journal.
///
/// # Errors
/// When the journal can't be used; what can't be restored is no error, but [`Reverted::left`].
pub fn revert(root: &Path, journal: &Path, force: bool) -> Result<Option<Reverted>, JournalFault> {
    if !journal.exists() {
        return Ok(None);
    }
    let _lock = Lock::take(journal)?;
    let Some(mut open) = Journal::read(journal)? else { return Ok(None) };
    let mut reverted = Reverted::default();
    let mut kept = Vec::new();
    for entry in open.entries.iter().rev() {
        if entry.before == Before::NoDirectory && kept.iter().any(|other| is_below(other, &entry.path)) {
            kept.push(entry.clone());
            continue;
        }
        match restore(root, entry, force) {
            Ok(()) => reverted.restored.push(entry.path.clone()),
            Err(why) => {
                reverted.left.push((entry.path.clone(), why));
                kept.push(entry.clone());
            }
        }
    }
    if kept.is_empty() {
        open.end(journal)?;
    } else {
        kept.reverse();
        open.entries = kept;
        open.save(journal)?;
    }
    Ok(Some(reverted))
}

/// A directory stays as long as something in it does.
fn is_below(entry: &Entry, folder: &str) -> bool {
    Path::new(&entry.path).starts_with(folder)
}

fn restore(root: &Path, entry: &Entry, force: bool) -> Result<(), String> {
    let path = root.join(&entry.path);
    let said = |error: io::Error| error.to_string();
    match &entry.before {
        // Its module was unloaded or its CPU taken away: what is not there can't be as before.
        Before::Value(_) if !path.exists() => {
            if force {
                Ok(())
            } else {
                Err("is not there any more; --force forgets it".into())
            }
        }
        Before::Value(old) => {
            let now = value_of(&text(&path)?);
            if now == value_of(old) {
                return Ok(());
            }
            if !force && !entry.ours.iter().any(|ours| value_of(ours) == now) {
                return Err(format!("is {now:?}, which is not ours; it was {:?}", value_of(old)));
            }
            write_value(&path, old).map_err(said)?;
            let reads = value_of(&text(&path)?);
            if reads == value_of(old) {
                Ok(())
            } else {
                Err(format!("wrote {old:?}, but it reads {reads:?}"))
            }
        }
        Before::NoFile => {
            if path.exists() && !force && !entry.ours.contains(&text(&path)?) {
                return Err("was changed since".into());
            }
            remove(&path).map_err(said)
        }
        Before::File { text: old, mode, uid, gid } => {
            let now = if path.exists() { Some(text(&path)?) } else { None };
            if now.as_ref() == Some(old) {
                return clear_beside(&path).map_err(said);
            }
            if !force && !now.is_some_and(|now| entry.ours.contains(&now)) {
                return Err("was changed since".into());
            }
            replace(&path, old, *mode, Some((*uid, *gid))).map_err(said)
        }
        // With something of others in it, it is theirs now.
        Before::NoDirectory => match fs::remove_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(said(error)),
            _ => Ok(()),
        },
    }
}

fn text(path: &Path) -> Result<String, String> {
    if let Err(error) = fs::metadata(path) {
        return Err(error.to_string());
    }
    let text = read(path).and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| "can't be read as a text of bounded length".into())
}
