//! Sentences about a run: what was asked, how it ended, what limited it.

use super::number::{self, Unit};
use crate::report::record::Record;

/// Rows that must be 0, and what each counts.
pub(super) const PROMISES: [(&str, &str); 5] = [
    ("lost", "every reliable publication arrives, or is told as a gap"),
    ("duplicated", "nothing arrives twice"),
    ("reordered", "everything arrives in its order"),
    ("corrupted", "what arrives is what was sent"),
    ("other_violations", "everything else that the protocol promises"),
];

/// Rows that count what was told openly: no broken promise, but worth a look.
pub(super) const TOLD: [(&str, &str); 7] = [
    ("told_gaps", "publications that the server said it would not deliver"),
    ("resets", "rooms whose order began anew, as told"),
    ("errors", "errors that the server answered"),
    ("refused", "publications that the server refused"),
    ("unsent", "publications that were due and could not be sent"),
    ("disconnects", "connections that ended unasked"),
    ("connect_failures", "connections that never came to be"),
];

/// Parameters of a run that a sentence names, with the words after the number for one and for several.
const ASKED: [(&str, &str, &str); 14] = [
    ("connections", "connection", "connections"),
    ("subscribers", "subscriber", "subscribers"),
    ("players", "player", "players"),
    ("rooms", "room", "rooms"),
    ("publishers", "publisher", "publishers"),
    ("rate", "publication a second of each", "publications a second of each"),
    ("offered_per_s", "message a second", "messages a second"),
    ("in_flight", "message in flight on each", "messages in flight on each"),
    ("burst", "at once", "at once"),
    ("tick_rate", "tick a second", "ticks a second"),
    ("body", "byte of body", "bytes of body"),
    ("size", "byte each", "bytes each"),
    ("drops", "loss of all connections", "losses of all connections"),
    ("reader_kbit", "kbit/s for the reader", "kbit/s for the reader"),
];

/// What rows that people ask for first are called.
const LABELS: [(&str, &str); 20] = [
    ("p50_us", "median latency"),
    ("p90_us", "90th percentile"),
    ("p99_us", "99th percentile"),
    ("p999_us", "99.9th percentile"),
    ("max_us", "largest latency"),
    ("state_p50_us", "median latency of states"),
    ("state_p99_us", "99th percentile of states"),
    ("state_age_p99_us", "99th percentile of a state's age"),
    ("event_p99_us", "99th percentile of events"),
    ("caught_up_p99_us", "99th percentile of catching up"),
    ("states_received_per_s", "states received"),
    ("deliveries_per_s", "deliveries"),
    ("publishes_per_s", "publications"),
    ("messages_per_s", "messages"),
    ("connects_per_s", "new connections"),
    ("connections", "connections"),
    ("server_cpu", "server CPU"),
    ("server_cpu_us_per_delivery", "server CPU per delivery"),
    ("server_rss_kib", "server memory"),
    ("client_cpu", "load generator CPU"),
];

/// What such a row is called.
pub(super) fn label(name: &str) -> Option<&'static str> {
    LABELS.iter().find(|label| label.0 == name).map(|label| label.1)
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everything as promised.
    Kept,
    /// A promise was broken.
    Broken,
    /// It did not do what was asked.
    Failed,
    /// Nothing bad was seen, but it did not run to its end, or does not say whether it did.
    Open,
}

impl Outcome {
    /// Of one run.
    pub(super) fn of(record: &Record) -> Self {
        match record {
            _ if violations(record) > 0.0 => Self::Broken,
            _ if !record.failures.is_empty() => Self::Failed,
            _ if record.complete() == Some(true) => Self::Kept,
            _ => Self::Open,
        }
    }

    /// Its class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Kept => "verdict good",
            Self::Broken | Self::Failed => "verdict bad",
            Self::Open => "verdict open",
        }
    }

    /// In one word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Broken => "broken",
            Self::Failed => "failed",
            Self::Open => "open",
        }
    }
}

/// Broken promises of all kinds.
pub(super) fn violations(record: &Record) -> f64 {
    PROMISES.iter().filter_map(|(name, _)| record.number(name)).sum()
}

/// The verdict as a sentence.
pub(super) fn verdict(record: &Record) -> String {
    let counted = PROMISES.iter().any(|(name, _)| record.number(name).is_some());
    match Outcome::of(record) {
        Outcome::Broken => {
            let count = violations(record);
            let promises = if count == 1.0 { "promise was" } else { "promises were" };
            format!("Broken: {} {promises} not kept.", number::plain(count))
        }
        Outcome::Failed => format!("Failed: {}.", record.failures[0].trim().trim_end_matches('.')),
        Outcome::Kept if counted => "Kept: every promise held.".to_owned(),
        Outcome::Kept => "The run ended without a failure; it counts no promises.".to_owned(),
        Outcome::Open => "Open: no broken promise was seen, but the run is not known to be whole.".to_owned(),
    }
}

/// What makes a run less than whole; `None` for one that ended as it should.
pub(super) fn partial(record: &Record) -> Option<String> {
    let info = record.run.as_ref();
    match record.complete() {
        Some(true) => None,
        Some(false) => {
            let because =
                info.and_then(|run| run.incomplete_because.as_deref()).unwrap_or("no reason was written");
            let measured = record.number("duration_s").map_or_else(String::new, |over| {
                format!(" Numbers are of the {} that were measured.", Unit::Seconds.show(over))
            });
            Some(format!("The run did not end as it should: {because}.{measured}"))
        }
        None => Some("The file does not say whether the run ended as it should.".to_owned()),
    }
}

/// What limited it, as a sentence.
pub(super) fn limit(limited_by: Option<&str>) -> String {
    match limited_by {
        Some("rate") => "Limited by the offered rate: it was met, so the most that the server can do is not known from this run.",
        Some("client") => "Limited by the load generator: the server may be able to do more than these numbers show.",
        Some("server") => "Limited by the server: it could do no more.",
        Some("closed-loop") => "Limited by the round trip: each connection waits for its answer before it sends again.",
        Some("unknown") | None => "What limited the run is not known.",
        Some(other) => return format!("Limited by: {other}."),
    }
    .to_owned()
}

/// What was asked for.
pub(super) fn asked(record: &Record) -> String {
    let mut pieces: Vec<String> = ASKED
        .iter()
        .filter_map(|(name, one, several)| {
            let count = record.number(name)?;
            // Connections are those of the named clients, and a burst of one is none.
            let known = record.number("subscribers").or(record.number("players")).is_some();
            let said = (*name == "connections" && known) || (*name == "burst" && count <= 1.0);
            (!said).then(|| format!("{} {}", number::plain(count), if count == 1.0 { one } else { several }))
        })
        .collect();
    if let Some(lane) = record.text("lane") {
        pieces.push(format!("{lane} lane"));
    }
    match (record.text("transport"), record.text("format")) {
        (Some(transport), Some(format)) => pieces.push(format!("{format} over {transport}")),
        (Some(transport), None) => pieces.push(format!("over {transport}")),
        _ => {}
    }
    if let Some(over) = record.number("duration_s") {
        pieces.push(format!("measured for {}", Unit::Seconds.show(over)));
    }
    pieces.join(", ")
}

/// What a person calls it.
pub(super) fn name(record: &Record) -> String {
    let named = record.run.as_ref().and_then(|run| run.name.clone()).filter(|name| !name.is_empty());
    named
        .or_else(|| (!record.scenario.is_empty()).then(|| record.scenario.clone()))
        .unwrap_or_else(|| "run".to_owned())
}

/// A command as a shell takes it. What follows a flag for a secret is left out.
pub(super) fn command(words: &[String]) -> String {
    let mut secret = false;
    let quoted = words.iter().map(|word| {
        if std::mem::replace(&mut secret, matches!(word.as_str(), "--token" | "--token-key")) {
            return "'…'".to_owned();
        }
        if let Some((flag @ ("--token" | "--token-key"), _)) = word.split_once('=') {
            return format!("{flag}='…'");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// A moment in UTC, like `2026-11-21 21:49:19 UTC`.
pub(super) fn moment(unix_ms: u64) -> String {
    let seconds = unix_ms / 1_000;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's civil_from_days, from 1970 on: years begin in March, so that a leap day comes last.
    let shifted = days.saturating_add(719_468);
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        assert_eq!(moment(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(moment(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(moment(1_795_298_000_000), "2026-11-21 21:53:20 UTC");
        assert!(moment(u64::MAX).ends_with("UTC"));
    }

    #[test]
    fn commands_are_quoted_and_secrets_left_out() {
        let words =
            ["ringway-load", "fanout", "--namespace", "a b'c", "--token-key", "secret", "--token=jwt", ""];
        let shown = command(&words.map(str::to_owned));
        assert_eq!(shown, r"ringway-load fanout --namespace 'a b'\''c' --token-key '…' --token='…' ''");
    }

    #[test]
    fn a_run_that_does_not_say_that_it_is_whole_is_not_taken_for_whole() {
        let mut record = Record::default();
        assert!(partial(&record).is_some());
        assert_eq!(Outcome::of(&record), Outcome::Open);
        record.rows.push(("lost".to_owned(), serde_json::json!(3)));
        assert_eq!(verdict(&record), "Broken: 3 promises were not kept.");
    }
}
