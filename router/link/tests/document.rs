//! `docs/link-protocol.md` prints the numbers of this crate.

use ringway_link::{Fault, HelloError, Kind};

const DOCUMENT: &str = include_str!("../../../docs/link-protocol.md");

fn has_row(number: &str, name: &str) {
    let row = format!("| {number} | `{name}` |");
    assert_eq!(DOCUMENT.matches(&row).count(), 1, "docs/link-protocol.md lacks: {row}");
}

/// `JoinRefused` to `join_refused`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[test]
fn every_kind_fault_and_refusal_is_in_the_document() {
    for kind in Kind::ALL {
        has_row(&format!("{:#04x}", *kind as u8), &snake(&format!("{kind:?}")));
    }
    for fault in Fault::ALL {
        has_row(&fault.number().to_string(), fault.name());
    }
    for error in HelloError::ALL {
        has_row(&error.number().to_string(), error.name());
    }
}

#[test]
fn the_document_has_no_kinds_and_numbers_of_its_own() {
    let rows = |start: &str| DOCUMENT.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(rows("| 0x"), Kind::ALL.len());
    assert_eq!(rows("| 1") - rows("| 12 |"), Fault::ALL.len());
    assert_eq!(rows("| 20"), HelloError::ALL.len() + rows("| 20 |"));
}
