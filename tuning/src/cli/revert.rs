//! `ringway-tune revert`: restores what was there before `apply`.

use std::process::ExitCode;

use ringway_tune::revert;

use super::typed::Revert;
use super::{journal, say};

pub(super) fn run(typed: &Revert) -> Result<ExitCode, String> {
    let path = journal(&typed.root, typed.journal.as_ref());
    let reverted = revert(&typed.root, &path, typed.force).map_err(|fault| fault.to_string())?;
    let Some(reverted) = reverted else {
        say(&format!("Nothing to undo: there is no journal {}.\n", path.display()))?;
        return Ok(ExitCode::SUCCESS);
    };
    for path in &reverted.restored {
        say(&format!("as before: {}\n", typed.root.join(path).display()))?;
    }
    for (path, why) in &reverted.left {
        say(&format!("left alone: {}: {why}\n", typed.root.join(path).display()))?;
    }
    if reverted.is_whole() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(format!(
        "{} left alone, and kept in the journal {}; --force restores what others changed, too",
        reverted.left.len(),
        path.display()
    ))
}
