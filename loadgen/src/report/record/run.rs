//! One run: its rows in the order of the file, what ran where, the seconds and the histograms.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::{Bins, Comparison, SCHEMA, Saturation};

/// Rows of one run at most.
const ROWS_MAX: usize = 1_000;

/// One run.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Which scenario; empty when unknown.
    pub scenario: String,
    /// Scalar members in the order of the file.
    pub rows: Vec<(String, Value)>,
    /// What makes the numbers less worth.
    pub warnings: Vec<String>,
    /// What made it a failure; evidence begins with a space.
    pub failures: Vec<String>,
    /// What ran where.
    pub run: Option<RunInfo>,
    /// A look at each second, in order of time.
    pub series: Vec<Second>,
    /// By name: `latency`, `send_lag` and others.
    pub histograms: BTreeMap<String, Bins>,
    /// In a comparison: `a` or `b`.
    pub side: Option<String>,
    /// In a comparison: which round.
    pub round: Option<u64>,
}

impl Record {
    /// A row's value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.rows.iter().find(|row| row.0 == name).map(|row| &row.1).filter(|value| !value.is_null())
    }

    /// A row that is a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.value(name)?.as_f64()
    }

    /// A row that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.as_str()
    }

    /// Whether it ended as it should; `None` when the file does not say.
    #[must_use]
    pub fn complete(&self) -> Option<bool> {
        self.run.as_ref()?.complete
    }

    /// The main latency's histogram, where anything was recorded.
    #[must_use]
    pub fn latency(&self) -> Option<&Bins> {
        self.histograms.get("latency").filter(|bins| bins.count() > 0)
    }
}

/// What ran where, and how it ended.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct RunInfo {
    /// Name and version of the load generator.
    pub tool: Option<String>,
    /// When it began, in ms since 1970.
    pub started_unix_ms: Option<u64>,
    /// The load generator's arguments.
    pub command: Option<Vec<String>>,
    /// What a person calls the run.
    pub name: Option<String>,
    /// A sentence about it.
    pub about: Option<String>,
    /// Whether it ended as it should.
    pub complete: Option<bool>,
    /// Why not.
    pub incomplete_because: Option<String>,
    /// The server's address.
    pub url: Option<String>,
    /// What is spoken: `ringway` or another server's protocol.
    pub protocol: Option<String>,
    /// The server's process.
    pub server: Option<Server>,
    /// The host of the load generator.
    pub machine: Option<Machine>,
    /// Processes of the load generator.
    pub processes: Option<u64>,
    /// Threads of the load generator.
    pub threads: Option<u64>,
    /// Cores that the load generator was pinned to.
    pub client_cores: Option<String>,
}

/// The server's process.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Server {
    /// Its id.
    pub pid: Option<u64>,
    /// Its executable.
    pub executable: Option<String>,
    /// Its name and version, where it says them.
    pub version: Option<String>,
    /// Its arguments.
    pub command: Option<Vec<String>>,
    /// Its threads.
    pub threads: Option<u64>,
    /// Cores that it may run on.
    pub cores: Option<String>,
}

/// A host.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Its name.
    pub host: Option<String>,
    /// Its processor's model.
    pub cpu: Option<String>,
    /// Its cores.
    pub cores: Option<u64>,
    /// Its memory in KiB.
    pub memory_kib: Option<f64>,
    /// Its kernel's release.
    pub kernel: Option<String>,
    /// The governor of its clock rate.
    pub governor: Option<String>,
    /// Whether it is a virtual machine.
    pub r#virtual: Option<bool>,
}

/// One second of a run.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Second {
    /// Seconds from the start of measuring; below 0 in the warm-up.
    pub t: f64,
    /// Messages sent.
    pub sent: Option<f64>,
    /// Messages received.
    pub received: Option<f64>,
    /// Errors that the server told.
    pub errors: Option<f64>,
    /// Broken promises.
    pub violations: Option<f64>,
    /// Median latency in µs of what was received in it.
    pub p50_us: Option<f64>,
    /// The 99th percentile.
    pub p99_us: Option<f64>,
    /// The largest.
    pub max_us: Option<f64>,
    /// The load generator's CPU time, in cores.
    pub client_cpu: Option<f64>,
    /// The server's.
    pub server_cpu: Option<f64>,
    /// The server's resident memory in KiB.
    pub server_rss_kib: Option<f64>,
}

/// The top-level object of any document; a `Record` is what is left of it without the members of the other two.
#[derive(Debug, Default)]
pub(super) struct Object {
    pub(super) record: Record,
    pub(super) compare: Option<Box<Comparison>>,
    pub(super) saturate: Option<Box<Saturation>>,
    pub(super) runs: Vec<Record>,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Object::deserialize(deserializer).map(|object| object.record)
    }
}

/// Visits members one by one: a map would forget their order.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        let record = &mut object.record;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "schema" => match map.next_value::<Option<u64>>()? {
                    None | Some(SCHEMA) => {}
                    Some(found) => return Err(A::Error::custom(format!("a run of schema {found}"))),
                },
                "scenario" => record.scenario = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "warnings" => record.warnings = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "failures" => record.failures = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "run" => record.run = map.next_value()?,
                "series" => record.series = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "histograms" => record.histograms = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "side" => record.side = map.next_value()?,
                "round" => record.round = map.next_value()?,
                "compare" => object.compare = map.next_value()?,
                "saturate" => object.saturate = map.next_value()?,
                "runs" => object.runs = map.next_value::<Option<_>>()?.unwrap_or_default(),
                _ => match map.next_value::<Value>()? {
                    Value::Array(_) | Value::Object(_) => {}
                    _ if record.rows.len() == ROWS_MAX => {
                        return Err(A::Error::custom(format!("more than {ROWS_MAX} rows")));
                    }
                    scalar => record.rows.push((name, scalar)),
                },
            }
        }
        record.series.sort_by(|one, other| one.t.total_cmp(&other.t));
        Ok(object)
    }
}
