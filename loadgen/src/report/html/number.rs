//! Numbers as people read them: three digits that matter, thousands apart, a unit that fits.

use serde_json::Value;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nothing but things.
    Count,
    /// Things in a second.
    PerSecond,
    /// Microseconds.
    Micros,
    /// KiB.
    Kib,
    /// Cores of a processor.
    Cores,
    /// Seconds.
    Seconds,
}

impl Unit {
    /// The unit of a row, from the end of its name.
    pub(super) fn of(name: &str) -> Self {
        match name {
            _ if name.ends_with("_us") || name.ends_with("_us_per_delivery") => Self::Micros,
            _ if name.ends_with("_kib") || name.contains("_kib_") => Self::Kib,
            _ if name.ends_with("_per_s") || name == "rate" || name.ends_with("_rate") => Self::PerSecond,
            _ if name.ends_with("_cpu") => Self::Cores,
            _ if name.ends_with("_s") => Self::Seconds,
            _ => Self::Count,
        }
    }

    /// A number with its unit.
    pub(super) fn show(self, number: f64) -> String {
        let rounded = significant(number);
        match self {
            Self::Count => plain(number),
            Self::PerSecond => format!("{}/s", plain(number)),
            Self::Micros | Self::Kib => {
                let (divisor, suffix) = self.scale(rounded.abs());
                format!("{}{suffix}", digits(number / divisor))
            }
            Self::Cores => format!("{} {}", digits(number), if rounded == 1.0 { "core" } else { "cores" }),
            Self::Seconds => format!("{} s", plain(number)),
        }
    }

    /// What to divide by, and what to write behind, where the largest number is this one.
    pub(super) fn scale(self, largest: f64) -> (f64, &'static str) {
        let steps: &[(f64, &'static str)] = match self {
            Self::Micros => &[(1e6, " s"), (1e3, " ms"), (1.0, " µs")],
            Self::Kib => &[(1_048_576.0, " GiB"), (1024.0, " MiB"), (1.0, " KiB")],
            Self::Count | Self::PerSecond => &[(1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, "")],
            Self::Cores => &[(1.0, "")],
            Self::Seconds => &[(1.0, " s")],
        };
        // Thousands are written out up to ten of them.
        let fits = steps.iter().find(|(divisor, suffix)| {
            let from = if *suffix == " k" { 10.0 } else { 1.0 };
            largest >= divisor * from
        });
        *fits.unwrap_or(&steps[steps.len() - 1])
    }
}

/// A row's value as people read it.
pub(super) fn row(name: &str, value: &Value) -> String {
    match value {
        Value::Null => "unknown".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |it| Unit::of(name).show(it))
        }
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A whole number whole, another one with the digits that matter.
pub(super) fn plain(number: f64) -> String {
    if number.fract() == 0.0 || number.abs() >= 1e3 { grouped(number) } else { trimmed(&digits(number)) }
}

/// Three digits that matter, and all that stand before the point.
pub(super) fn digits(number: f64) -> String {
    let number = significant(number);
    match number.abs() {
        0.0 => "0".to_owned(),
        ..0.001 => format!("{number:.1e}"),
        ..1.0 => trimmed(&format!("{number:.3}")),
        ..10.0 => format!("{number:.2}"),
        ..100.0 => format!("{number:.1}"),
        _ => grouped(number),
    }
}

/// Without zeros that end the part behind the point.
pub(super) fn trimmed(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

/// Rounded to a whole number, thousands apart.
pub(super) fn grouped(number: f64) -> String {
    if number.abs() >= 1e18 {
        return format!("{number:.2e}");
    }
    let sign = if number <= -0.5 { "−" } else { "" };
    format!("{sign}{}", crate::report::grouped(number.abs().round() as u64))
}

fn significant(number: f64) -> f64 {
    if number == 0.0 {
        return 0.0;
    }
    let scale = 10_f64.powi(2 - number.abs().log10().floor() as i32);
    let rounded = (number * scale).round() / scale;
    if rounded.is_finite() { rounded } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_have_three_digits_and_the_unit_that_fits() {
        let shown = [0.0, 8.123, 81.23, 812.0, 999.4, 999.6, 1_900.1, 250_000.0, 2_400_000.0, 3.6e9];
        let shown = shown.map(|number| Unit::Micros.show(number));
        let want = [
            "0 µs", "8.12 µs", "81.2 µs", "812 µs", "999 µs", "1.00 ms", "1.90 ms", "250 ms", "2.40 s",
            "3,600 s",
        ];
        assert_eq!(shown, want);
    }

    #[test]
    fn rows_are_shown_by_the_ends_of_their_names() {
        let show = |name, value: f64| row(name, &serde_json::json!(value));
        assert_eq!(show("server_rss_kib", 12_345.0), "12.1 MiB");
        assert_eq!(show("server_rss_kib_held", 512.0), "512 KiB");
        assert_eq!(show("deliveries_per_s", 20_000.4), "20,000/s");
        assert_eq!(show("publishes_per_s", 19.95), "20/s");
        assert_eq!(show("server_cpu", 0.212), "0.212 cores");
        assert_eq!(show("server_cpu_us_per_delivery", 10.5), "10.5 µs");
        assert_eq!(show("subscribers", 1_000.0), "1,000");
        assert_eq!(show("duration_s", 10.0), "10 s");
        assert_eq!(row("anything", &Value::Null), "unknown");
    }

    #[test]
    fn absurd_numbers_do_no_harm() {
        for number in [f64::MAX, f64::MIN, f64::MIN_POSITIVE, -0.0, 1e300] {
            for unit in [Unit::Count, Unit::PerSecond, Unit::Micros, Unit::Kib, Unit::Cores, Unit::Seconds] {
                assert!(unit.show(number).len() < 60, "{}", unit.show(number));
            }
        }
        assert_eq!(grouped(-1_234.0), "−1,234");
    }
}
