//! What a run wrote as JSON, read back: the only source of every report, for a run that has just ended and for a file
//! of last year alike. Process view.
//!
//! A member that is absent or null is unknown, never zero. A member of the wrong kind is refused, with its place. The
//! schema's version is read before everything else: a newer one may mean other things by the same names. The schema is
//! described in `docs/load-reports.md`.

mod bins;
mod comparison;
mod run;
mod saturation;

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Deserialize;

pub use bins::Bins;
pub use comparison::{Comparison, Ratio, Row};
pub use run::{Machine, Record, RunInfo, Second, Server};
pub use saturation::{Bound, Saturation, Step};

/// The version that is read and written.
pub const SCHEMA: u64 = 1;
/// Bytes of all files of a report together.
pub const BYTES_MAX: u64 = 256 << 20;

/// One file.
#[derive(Clone, Debug)]
pub enum Document {
    /// One run.
    Run(Box<Record>),
    /// Two servers under the same load, in turns.
    Comparison(Box<Comparison>),
    /// Rising rates until a bound no longer holds.
    Saturation(Box<Saturation>),
}

impl Document {
    /// Reads a file of at most so many bytes, and takes its size off them.
    ///
    /// # Errors
    /// When it can't be read, is too large, or is not what a run writes.
    pub fn read(path: &Path, bytes_left: &mut u64) -> Result<Self, ReadFault> {
        let mut bytes = Vec::new();
        File::open(path)?.take(*bytes_left + 1).read_to_end(&mut bytes)?;
        *bytes_left = bytes_left.checked_sub(bytes.len() as u64).ok_or(ReadFault::TooLarge)?;
        Self::parse(&bytes)
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// When it is not what a run writes.
    pub fn parse(json: &[u8]) -> Result<Self, ReadFault> {
        #[derive(Deserialize)]
        struct Version {
            schema: Option<u64>,
        }
        match serde_json::from_slice::<Version>(json)?.schema {
            Some(SCHEMA) => {}
            Some(found) => return Err(ReadFault::Version(found)),
            None => return Err(ReadFault::NoVersion),
        }
        let object: run::Object = serde_json::from_slice(json)?;
        Ok(match (object.compare, object.saturate) {
            (Some(mut comparison), _) => {
                comparison.runs = object.runs;
                Self::Comparison(comparison)
            }
            (None, Some(mut saturation)) => {
                saturation.runs = object.runs;
                Self::Saturation(saturation)
            }
            (None, None) => Self::Run(Box::new(object.record)),
        })
    }
}

/// Why a file is no document.
#[derive(Debug)]
pub enum ReadFault {
    /// It can't be read.
    Io(io::Error),
    /// Together with those before it, it is larger than [`BYTES_MAX`].
    TooLarge,
    /// It is no JSON, or a member is of the wrong kind.
    Content(serde_json::Error),
    /// It does not say which schema it follows.
    NoVersion,
    /// It follows another schema.
    Version(u64),
}

impl From<io::Error> for ReadFault {
    fn from(fault: io::Error) -> Self {
        Self::Io(fault)
    }
}

impl From<serde_json::Error> for ReadFault {
    fn from(fault: serde_json::Error) -> Self {
        Self::Content(fault)
    }
}

impl fmt::Display for ReadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(fault) => write!(f, "can't be read: {fault}"),
            Self::TooLarge => write!(f, "more than {} MiB to read in all", BYTES_MAX >> 20),
            Self::Content(fault) if fault.is_eof() => write!(f, "the file is cut short: {fault}"),
            Self::Content(fault) => write!(f, "not a result of ringway-load: {fault}"),
            Self::NoVersion => {
                f.write_str("it has no `schema`: not a result of ringway-load, or of one before schema 1")
            }
            Self::Version(found) if *found > SCHEMA => write!(
                f,
                "it follows schema {found}, and this ringway-load knows {SCHEMA} only: use the newer one that wrote it"
            ),
            Self::Version(found) => write!(f, "there is no schema {found}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn fault(json: &str) -> String {
        Document::parse(json.as_bytes()).expect_err("refused").to_string()
    }

    fn run(json: &str) -> Record {
        match Document::parse(json.as_bytes()).expect("read") {
            Document::Run(record) => *record,
            other => panic!("no run: {other:?}"),
        }
    }

    #[test]
    fn a_newer_schema_is_refused_even_where_its_members_mean_something_else() {
        let told = fault(r#"{"series": "elsewhere", "schema": 2}"#);
        assert!(told.contains("schema 2") && told.contains("knows 1 only"), "{told}");
    }

    #[test]
    fn garbage_is_refused_with_its_place() {
        assert!(fault("{\"schema\": 1,\n  \"p50_us\": ?}").contains("line 2 column 13"));
        assert!(fault("{\"schema\": 1,\n\"series\": [{\"t\": \"now\"}]}").contains("line 2"));
        assert!(fault(r#"{"schema": 1, "series": [{"t":"#).contains("cut short"));
        assert!(fault("").contains("cut short"));
        assert!(fault(r#"{"scenario": "fanout"}"#).contains("no `schema`"));
        assert!(fault("[1]").contains("not a result"));
    }

    #[test]
    fn what_is_absent_or_null_is_unknown() {
        let record = run(r#"{"schema": 1, "p50_us": null, "run": null, "series": null, "histograms": null}"#);
        assert_eq!(record.number("p50_us"), None);
        assert_eq!(record.number("p99_us"), None);
        assert!(record.run.is_none() && record.series.is_empty() && record.complete().is_none());
    }

    #[test]
    fn rows_keep_the_order_of_the_file_and_unknown_scalars_are_rows() {
        let record = run(r#"{"schema": 1, "zebra": 2, "apple": "x", "future": {"a": 1}, "middle": true}"#);
        let names: Vec<_> = record.rows.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["zebra", "apple", "middle"]);
        assert_eq!(record.rows[2].1, Value::Bool(true));
    }

    #[test]
    fn a_histogram_that_falls_is_refused() {
        let told = fault(r#"{"schema": 1, "histograms": {"latency": [[5, 1], [5, 1]]}}"#);
        assert!(told.contains("rise"), "{told}");
    }

    #[test]
    fn seconds_are_put_in_order() {
        let record = run(r#"{"schema": 1, "series": [{"t": 2}, {"t": -1}, {"t": 0, "sent": null}]}"#);
        assert_eq!(record.series.iter().map(|second| second.t).collect::<Vec<_>>(), [-1.0, 0.0, 2.0]);
    }
}
