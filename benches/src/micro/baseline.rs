//! The committed counts, and what was counted on: another C library or processor takes other paths through memcpy and its like.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use serde_json::{Value, json};

/// Growth that fails, on the kind of machine that the baseline was taken on.
const GROWTH_MAX: f64 = 0.05;
/// The same elsewhere: only gross growth can be told from another machine's paths.
const GROWTH_ELSEWHERE_MAX: f64 = 0.30;

/// Instructions of one operation by case, and the host they were counted on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Baseline {
    host: String,
    counts: BTreeMap<String, f64>,
}

impl Baseline {
    /// No counts yet.
    pub(super) fn of_this_host() -> Self {
        Self { host: host(), counts: BTreeMap::new() }
    }

    /// What the file says; nothing if there is no file.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            text => text?,
        };
        let value: Value = serde_json::from_str(&text)?;
        let counts = value["instructions"].as_object().into_iter().flatten();
        Ok(Self {
            host: value["host"].as_str().unwrap_or_default().to_owned(),
            counts: counts.filter_map(|(name, count)| Some((name.clone(), count.as_f64()?))).collect(),
        })
    }

    /// Writes the file.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let counts: serde_json::Map<String, Value> = self
            .counts
            .iter()
            .map(|(name, count)| (name.clone(), json!((count * 10.0).round() / 10.0)))
            .collect();
        fs::write(path, format!("{:#}\n", json!({ "host": self.host, "instructions": counts })))
    }

    pub(super) fn get(&self, case: &str) -> Option<f64> {
        self.counts.get(case).copied()
    }

    pub(super) fn set(&mut self, case: &str, count: f64) {
        self.counts.insert(case.to_owned(), count);
    }

    /// These counts, and, when only some cases were counted, the old ones of the others.
    pub(super) fn merged_into(mut self, old: Self, keep_others: bool) -> Self {
        for (case, count) in old.counts.into_iter().filter(|_| keep_others) {
            self.counts.entry(case).or_insert(count);
        }
        self
    }

    /// A line for each case that has grown too much.
    pub(super) fn grown_against(&self, old: &Self) -> Vec<String> {
        let same_host = self.host == old.host;
        let growth_max = if same_host { GROWTH_MAX } else { GROWTH_ELSEWHERE_MAX };
        (self.counts.iter())
            .filter_map(|(case, now)| {
                let growth = now / old.get(case)? - 1.0;
                let bound = growth_max * 100.0;
                (growth > growth_max)
                    .then(|| format!("{case} has grown by {:.1} %, above {bound:.0} %", growth * 100.0))
            })
            .collect()
    }

    /// A line for each case that has nothing to grow from, and so is not guarded.
    pub(super) fn unguarded_by(&self, old: &Self) -> Vec<String> {
        let cases = self.counts.keys().filter(|case| old.get(case).is_none());
        cases.map(|case| format!("{case} is not in the baseline")).collect()
    }
}

/// What decides which paths are taken: processor, C library, valgrind (which processor it shows).
fn host() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line =
            processor.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
        line.and_then(|line| line.split_once(':')).map_or("?", |(_, value)| value.trim()).to_owned()
    };
    // SAFETY: the function takes nothing and returns a static string that ends with a zero.
    let library = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    let valgrind = std::process::Command::new("valgrind").arg("--version").output();
    let valgrind = valgrind.map_or_else(
        |_| "no valgrind".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    format!(
        "{} family {} model {}, glibc {}, {valgrind}",
        field("vendor_id"),
        field("cpu family"),
        field("model"),
        library.to_string_lossy()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(host: &str, count: f64) -> Baseline {
        Baseline { host: host.into(), counts: [("encode".to_owned(), count)].into() }
    }

    #[test]
    fn growth_above_the_bound_is_told_and_shrinking_is_not() {
        let old = baseline("here", 100.0);
        assert!(baseline("here", 104.9).grown_against(&old).is_empty());
        assert!(baseline("here", 50.0).grown_against(&old).is_empty());
        assert_eq!(baseline("here", 106.0).grown_against(&old), ["encode has grown by 6.0 %, above 5 %"]);
    }

    #[test]
    fn another_machine_gets_a_wider_bound_but_still_one() {
        let old = baseline("there", 100.0);
        assert!(baseline("here", 120.0).grown_against(&old).is_empty());
        assert_eq!(baseline("here", 140.0).grown_against(&old).len(), 1);
    }

    #[test]
    fn a_new_case_has_nothing_to_grow_from_and_is_told() {
        let (now, old) = (baseline("here", 100.0), Baseline::default());
        assert!(now.grown_against(&old).is_empty());
        assert_eq!(now.unguarded_by(&old), ["encode is not in the baseline"]);
        assert!(now.unguarded_by(&now).is_empty());
    }

    #[test]
    fn counting_some_cases_keeps_the_others() {
        let mut old = baseline("here", 100.0);
        old.set("decode", 7.0);
        let merged = baseline("here", 90.0).merged_into(old.clone(), true);
        assert_eq!((merged.get("encode"), merged.get("decode")), (Some(90.0), Some(7.0)));
        assert_eq!(baseline("here", 90.0).merged_into(old, false).get("decode"), None);
    }
}
