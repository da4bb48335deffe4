//! `ringway-tune check`: the table.

use std::process::ExitCode;

use ringway_tune::{Standing, checks, report};

use super::typed::{Check, Format};
use super::{host, say, width};

pub(super) fn run(check: &Check) -> Result<ExitCode, String> {
    let findings = checks(&host(&check.target)?);
    match check.format {
        Format::Json => say(&format!("{:#}\n", report::findings_as_json(&findings)))?,
        Format::Table => {
            let mut text = report::table(&findings, width());
            let count = |standing| findings.iter().filter(|finding| finding.standing == standing).count();
            let (important, advice) = (count(Standing::Important), count(Standing::Advice));
            if let Some(first) = findings
                .iter()
                .filter(|finding| finding.standing.is_off())
                .min_by_key(|finding| finding.standing)
            {
                text += &format!(
                    "\n{important} important, {advice} advice. More about one: ringway-tune explain {}. What to change: ringway-tune plan.\n",
                    first.name
                );
            }
            say(&text)?;
        }
    }
    let is_important = findings.iter().any(|finding| finding.standing == Standing::Important);
    Ok(ExitCode::from(u8::from(is_important)))
}
