//! What a run or a study leaves behind: a table for people, and files that are whole or not there. Process view.

use std::io::{self, Write as _};
use std::path::Path;

use serde_json::Value;

use super::html::{self, Source};
use super::record::Document;
use super::{hgrm, whole};

/// Where reports go; none of what is not wanted. `-` is standard output.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output<'a> {
    /// The document.
    pub json: Option<&'a Path>,
    /// The page.
    pub html: Option<&'a Path>,
    /// Latency by percentile.
    pub hgrm: Option<&'a Path>,
}

impl Output<'_> {
    /// Prints the table, beside a file on standard output as an error, and writes what is wanted. What can't be written keeps
    /// nothing else from being written.
    ///
    /// # Errors
    /// A sentence for each file that was not written: its flag, its name, and what the system said.
    pub fn deliver(&self, table: &str, document: &Value) -> Result<(), String> {
        let files = [self.json, self.html, self.hgrm];
        // Who closed the other end wants no table.
        let _ = if files.contains(&Some(Path::new("-"))) {
            io::stderr().write_all(table.as_bytes())
        } else {
            io::stdout().write_all(table.as_bytes())
        };
        let mut json = serde_json::to_vec_pretty(document).unwrap_or_default();
        json.push(b'\n');
        let faults = [
            write("--json", self.json, || Ok(json.clone())),
            write("--html", self.html, || {
                let file = self.json.map_or_else(String::new, |json| json.display().to_string());
                let document = Document::parse(&json).map_err(|fault| fault.to_string())?;
                html::page(&[Source { file, document }], None).map(String::into_bytes)
            }),
            write("--hgrm", self.hgrm, || match Document::parse(&json) {
                Ok(Document::Run(run)) => match run.latency() {
                    Some(latency) => Ok(hgrm::distribution(latency).into_bytes()),
                    None => Err("there are no latencies".to_owned()),
                },
                Ok(_) => Err("it is for one run".to_owned()),
                Err(fault) => Err(fault.to_string()),
            }),
        ];
        let faults: Vec<String> = faults.into_iter().filter_map(Result::err).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }
}

fn write(
    flag: &str,
    path: Option<&Path>,
    content: impl FnOnce() -> Result<Vec<u8>, String>,
) -> Result<(), String> {
    let Some(path) = path else { return Ok(()) };
    let refused = |fault: String| format!("{flag}: {} was not written: {fault}", path.display());
    let content = content().map_err(refused)?;
    whole::write(path, &content).map_err(|fault| refused(fault.to_string()))
}
