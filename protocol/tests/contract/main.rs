//! `docs/protocol.md` says what the code does: its tables are the code's, its examples are the golden vectors, and every
//! frame has its chapter.

mod sections;

use std::fs;
use std::path::{Path, PathBuf};

use ringway_schema::FrameKind;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document() -> String {
    fs::read_to_string(repository().join("docs/protocol.md")).unwrap()
}

fn vector(name: &str, extension: &str) -> Vec<u8> {
    fs::read(repository().join("schema/vectors").join(name).with_extension(extension)).unwrap()
}

/// The fenced blocks of a language, each with the vector it names.
fn blocks(document: &str, language: &str) -> Vec<(String, String)> {
    let opening = format!("\n```{language} ");
    let blocks = document.split(&opening).skip(1).map(|block| {
        let (name, rest) = block.split_once('\n').unwrap();
        (name.to_owned(), rest.split_once("\n```").unwrap().0.to_owned())
    });
    blocks.collect()
}

#[test]
fn the_tables_are_the_code_s() {
    let document = document();
    for (name, section) in sections::all() {
        let written = sections::between(&document, name).unwrap_or_else(|| panic!("no marks for {name}"));
        assert_eq!(written, section, "{name}: `cargo run -p ringway-protocol --example contract` writes it");
    }
}

#[test]
fn the_hex_dumps_are_the_vectors() {
    let document = document();
    let dumps = blocks(&document, "hex");
    assert_eq!(dumps.len(), 2);
    for (name, dump) in dumps {
        let mut bytes = Vec::new();
        for line in dump.lines() {
            let mut columns = line.splitn(3, "  ");
            let place = usize::from_str_radix(columns.next().unwrap(), 16).unwrap();
            assert_eq!(place, bytes.len(), "{name}: {line}");
            let hex = columns.next().unwrap().split(' ');
            bytes.extend(hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        }
        assert_eq!(bytes, vector(&name, "bin"), "{name}");
    }
}

#[test]
fn the_json_examples_are_the_vectors() {
    let document = document();
    let examples = blocks(&document, "json");
    assert_eq!(examples.len(), 2);
    for (name, example) in examples {
        assert_eq!(example.as_bytes(), vector(&name, "json"), "{name}");
    }
}

#[test]
fn every_kind_has_its_chapter() {
    let document = document();
    let commands = document.split_once("\n## Commands\n").unwrap().1;
    let (commands, events) = commands.split_once("\n## Events\n").unwrap();
    let kinds = sections::between(&document, "kinds").unwrap();
    let mut chapters = 0;
    for row in kinds.lines().skip(2) {
        let columns: Vec<_> = row.split('|').map(str::trim).collect();
        let chapter = format!("### {}\n", columns[3]);
        let part = if columns[2] == "command" { commands } else { events };
        assert!(part.contains(&chapter), "no {} {}", columns[2], columns[3]);
        chapters += 1;
    }
    assert_eq!(chapters, FrameKind::ENUM_VALUES.len() - 1);
}
