//! The golden bytes: `golden.txt`, a comment with what a frame says and its bytes in hex.

/// Every frame with its comment.
pub(crate) fn all() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut what = String::new();
    for line in include_str!("../golden.txt").lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            what = comment.to_owned();
        } else if !line.is_empty() && !line.starts_with("#:") {
            all.push((core::mem::take(&mut what), bytes(line)));
        }
    }
    all
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter(|digit| *digit != ' ').map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    assert!(digits.len().is_multiple_of(2), "half a byte in golden.txt: {hex}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
