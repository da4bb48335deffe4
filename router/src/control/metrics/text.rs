//! Prometheus' text format, version 0.0.4: families with their help and type, samples with their labels.

use std::fmt::{Display, Write};

use crate::node::Histogram;

/// A page in the making. Each family is written once, all its samples together.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    family: &'static str,
}

impl Page {
    /// Begins a family that only rises.
    pub(super) fn counter(&mut self, name: &'static str, help: &str) -> &mut Self {
        self.begin(name, "counter", help)
    }

    /// Begins a family that rises and falls.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str) -> &mut Self {
        self.begin(name, "gauge", help)
    }

    /// Begins a family of distributions.
    pub(super) fn histogram(&mut self, name: &'static str, help: &str) -> &mut Self {
        self.begin(name, "histogram", help)
    }

    fn begin(&mut self, name: &'static str, kind: &str, help: &str) -> &mut Self {
        self.family = name;
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        self
    }

    /// One value of the family.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.line("", labels, None, value);
        self
    }

    /// One distribution of the family. `scale` is how many of its units make one of the family's.
    pub(super) fn distribution(
        &mut self,
        labels: &[(&str, &str)],
        histogram: &Histogram,
        scale: f64,
    ) -> &mut Self {
        let last =
            histogram.buckets().filter(|(_, count)| *count > 0).map(|(bound, _)| bound).max().unwrap_or(0);
        let mut below = 0;
        for (bound, count) in
            histogram.buckets().take_while(|(bound, _)| *bound <= last && *bound != u64::MAX)
        {
            below += count;
            // Values are whole and below the bound, so at most one less.
            let edge = (bound - 1) as f64 / scale;
            self.line("_bucket", labels, Some(&edge.to_string()), below);
        }
        self.line("_bucket", labels, Some("+Inf"), histogram.count());
        self.line("_sum", labels, None, histogram.sum() as f64 / scale);
        self.line("_count", labels, None, histogram.count());
        self
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], edge: Option<&str>, value: impl Display) {
        let _ = write!(self.text, "{}{suffix}", self.family);
        let all = labels.iter().copied().chain(edge.map(|edge| ("le", edge)));
        let mut open = '{';
        for (name, text) in all {
            let _ = write!(self.text, "{open}{name}=\"{}\"", escaped(text));
            open = ',';
        }
        let close = if open == ',' { "}" } else { "" };
        let _ = writeln!(self.text, "{close} {value}");
    }

    /// The whole page.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_counts_up_and_ends_in_infinity() {
        let mut histogram = Histogram::default();
        histogram.record(0);
        histogram.record_many(3, 2);
        let mut page = Page::default();
        page.histogram("turn_seconds", "Turns.").distribution(&[("shard", "0")], &histogram, 1e6);
        assert_eq!(
            page.finish(),
            "# HELP turn_seconds Turns.\n# TYPE turn_seconds histogram\n\
             turn_seconds_bucket{shard=\"0\",le=\"0\"} 1\n\
             turn_seconds_bucket{shard=\"0\",le=\"0.000001\"} 1\n\
             turn_seconds_bucket{shard=\"0\",le=\"0.000003\"} 3\n\
             turn_seconds_bucket{shard=\"0\",le=\"+Inf\"} 3\n\
             turn_seconds_sum{shard=\"0\"} 0.000006\n\
             turn_seconds_count{shard=\"0\"} 3\n"
        );
    }

    #[test]
    fn labels_are_escaped() {
        let mut page = Page::default();
        page.gauge("x", "X.").sample(&[("name", "a\"b\\c\nd")], 1).sample(&[], 2);
        assert_eq!(page.finish(), "# HELP x X.\n# TYPE x gauge\nx{name=\"a\\\"b\\\\c\\nd\"} 1\nx 2\n");
    }
}
