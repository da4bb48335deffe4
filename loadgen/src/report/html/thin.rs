//! Long series for a narrow picture: of each column the least and the largest value stay, in their order, so that a
//! single spike is still seen.

/// A point, or a break in the line.
pub(super) type Point = Option<(f64, f64)>;

/// At most about two points for each column; the points come in order of x.
pub(super) fn thinned(points: Vec<Point>, columns: usize) -> Vec<Point> {
    if points.len() <= columns * 2 {
        return points;
    }
    let mut thin = Vec::with_capacity(columns * 2);
    for index in 0..columns {
        let column = &points[points.len() * index / columns..points.len() * (index + 1) / columns];
        let of = |wanted: fn(f64, f64) -> bool| {
            let values = column.iter().enumerate().filter_map(|(at, point)| point.map(|point| (at, point)));
            values.reduce(|best, next| if wanted(next.1.1, best.1.1) { next } else { best })
        };
        match (of(|next, best| next < best), of(|next, best| next > best)) {
            (Some(least), Some(largest)) if least.0 == largest.0 => thin.push(Some(least.1)),
            (Some(least), Some(largest)) if least.0 < largest.0 => {
                thin.extend([Some(least.1), Some(largest.1)])
            }
            (Some(least), Some(largest)) => thin.extend([Some(largest.1), Some(least.1)]),
            _ => thin.push(None),
        }
    }
    thin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_spike_survives() {
        let mut points: Vec<Point> = (0..100_000).map(|index| Some((f64::from(index), 1.0))).collect();
        points[54_321] = Some((54_321.0, 99.0));
        points[77_777] = Some((77_777.0, 0.5));
        let thin = thinned(points, 400);
        assert!(thin.len() <= 800);
        assert!(thin.contains(&Some((54_321.0, 99.0))) && thin.contains(&Some((77_777.0, 0.5))));
        assert!(thin.windows(2).all(|pair| pair[0].unwrap().0 < pair[1].unwrap().0));
    }

    #[test]
    fn a_long_silence_stays_a_break() {
        let points =
            (0..10_000).map(|index| (!(4_000..6_000).contains(&index)).then_some((f64::from(index), 1.0)));
        let thin = thinned(points.collect(), 100);
        assert_eq!(thin.iter().filter(|point| point.is_none()).count(), 20);
    }

    #[test]
    fn short_series_stay_as_they_are() {
        let points = vec![Some((0.0, 1.0)), None, Some((2.0, 3.0))];
        assert_eq!(thinned(points.clone(), 10), points);
    }
}
