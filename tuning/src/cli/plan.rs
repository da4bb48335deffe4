//! `ringway-tune plan`: what `apply` would do.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

use ringway_tune::{Journal, JournalFault, Plan, Selection, checks, report};

use super::typed::{Format, Planned, Wanted};
use super::{host, journal, say};

pub(super) fn run(planned: &Planned) -> Result<ExitCode, String> {
    let (plan, _) = plan_of(&planned.wanted)?;
    match planned.format {
        Format::Json => say(&format!("{:#}\n", report::plan_as_json(&plan)))?,
        Format::Table => say(&report::plan_as_text(&plan))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The plan, and where its journal is.
pub(super) fn plan_of(wanted: &Wanted) -> Result<(Plan, PathBuf), String> {
    let host = host(&wanted.target)?;
    let path = journal(&wanted.target.root, wanted.journal.as_ref());
    let open = match Journal::read(&path) {
        _ if !wanted.persist => None,
        Ok(open) => open,
        // Who may not read it may plan all the same: only what it remembers is not in the files.
        Err(JournalFault::Io(_, error)) if error.kind() == ErrorKind::PermissionDenied => None,
        Err(fault) => return Err(fault.to_string()),
    };
    let selection = Selection { only: wanted.only.clone(), skip: wanted.skip.clone() };
    let plan = Plan::of(&host, &checks(&host), &selection, wanted.persist, open.as_ref());
    Ok((plan, path))
}
