//! Values as typed.

use std::time::Duration;

use ringway_protocol::Lane;

/// `10s`, `250ms`, `50us`, `2m`, or seconds without a unit.
///
/// # Errors
/// When it is none of those.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 =
        number.parse().map_err(|_| format!("`{text}` is not a time: write 10s, 250ms, 50us or 2m"))?;
    let seconds = match unit {
        "" | "s" => number,
        "ms" => number / 1e3,
        "us" | "µs" => number / 1e6,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(format!("`{unit}` is not a unit of time: use us, ms, s, m or h")),
    };
    Duration::try_from_secs_f64(seconds).map_err(|fault| fault.to_string())
}

/// A positive number.
///
/// # Errors
/// When it is none.
pub fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if rate > 0.0 && rate.is_finite() { Ok(rate) } else { Err(format!("`{text}` is not above 0")) }
}

/// A positive number, or 0 for none.
///
/// # Errors
/// When it is neither.
pub fn rate_or_none(text: &str) -> Result<f64, String> {
    if text.parse() == Ok(0.0) { Ok(0.0) } else { rate(text) }
}

/// `reliable`, `latest` or `unreliable`.
///
/// # Errors
/// When it is none of those.
pub fn lane(text: &str) -> Result<Lane, String> {
    [Lane::Reliable, Lane::Latest, Lane::Unreliable]
        .into_iter()
        .find(|lane| lane.name() == text)
        .ok_or_else(|| format!("`{text}` is not a lane: reliable, latest or unreliable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1.5ms"), Ok(Duration::from_micros(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("10 parsecs").is_err());
        assert!(duration("-1s").is_err());
    }
}
