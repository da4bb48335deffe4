//! "Did you mean": the nearest of the words that would have been right.

/// The candidate nearest to what was typed, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase().replace('-', "_");
    let allowed = (typed.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&typed, &candidate.replace('-', "_")), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap of neighbours) from one word to the other.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (row, symbol) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let replaced = rows[row][column] + usize::from(symbol != other);
            let mut best = replaced.min(rows[row][column + 1] + 1).min(line[column] + 1);
            let swapped = row > 0 && column > 0 && *symbol == right[column - 1] && left[row - 1] == *other;
            if swapped {
                best = best.min(rows[row - 1][column - 1] + 1);
            }
            line.push(best);
        }
        rows.push(line);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_noise_finds_none() {
        let keys = ["listen", "heartbeat", "origins", "anonymous"];
        assert_eq!(nearest("listen", keys), Some("listen"));
        assert_eq!(nearest("listne", keys), Some("listen"));
        assert_eq!(nearest("heart-beat", keys), Some("heartbeat"));
        assert_eq!(nearest("origin", keys), Some("origins"));
        assert_eq!(nearest("database", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}
