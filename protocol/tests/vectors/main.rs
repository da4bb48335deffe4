//! The two formats say the same, and say it in the same bytes as ever: every command and event, both ways, against the
//! golden vectors in `schema/vectors`.

mod budget;
mod hostile;
mod samples;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ringway_protocol::codec::{BinaryEncoder, JsonDecoder, binary, binary_to_json, frames, json};
use samples::{ROOM, as_json, commands, events};

fn golden(folder: &str, name: &str, extension: &str) -> Vec<u8> {
    let path = folder_of(folder).join(name).with_extension(extension);
    fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; `cargo run -p ringway-protocol --example vectors` writes it", path.display())
    })
}

fn folder_of(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/vectors").join(folder)
}

#[test]
fn every_command_is_written_and_read_as_its_vectors() {
    let mut encoder = BinaryEncoder::new();
    let mut decoder = JsonDecoder::new();
    for (name, command) in commands() {
        let binary = golden("commands", name, "bin");
        assert_eq!(encoder.command(&command), binary, "{name}");
        assert_eq!(binary::decode_command(&binary).as_ref(), Ok(&command), "{name}");
        let json = golden("commands", name, "json");
        let mut text = Vec::new();
        json::encode_command(&command, &mut text);
        assert_eq!(text, json, "{name}: {}", String::from_utf8_lossy(&text));
        assert_eq!(decoder.command(&json).as_ref(), Ok(&command), "{name}");
    }
}

#[test]
fn every_event_is_written_and_read_as_its_vectors() {
    let mut encoder = BinaryEncoder::new();
    let mut decoder = JsonDecoder::new();
    for (name, event) in events() {
        let binary = golden("events", name, "bin");
        assert_eq!(encoder.event(&event), binary, "{name}");
        assert_eq!(binary::decode_event(&binary).as_ref(), Ok(&event), "{name}");
        let json = golden("events", name, "json");
        let mut text = Vec::new();
        json::encode_event(&as_json(&event), &mut text);
        assert_eq!(text, json, "{name}: {}", String::from_utf8_lossy(&text));
        assert_eq!(decoder.event(&json).as_ref(), Ok(&as_json(&event)), "{name}");
    }
}

#[test]
fn a_stored_event_s_json_form_is_its_vector() {
    for (name, _) in events() {
        let mut text = Vec::new();
        binary_to_json(&golden("events", name, "bin"), ROOM, &mut text).unwrap();
        assert_eq!(text, golden("events", name, "json"), "{name}");
    }
}

#[test]
fn no_vector_is_without_a_sample() {
    let names = |folder: &str| -> BTreeSet<String> {
        let files = fs::read_dir(folder_of(folder)).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    let expected = |samples: &[&str]| -> BTreeSet<String> {
        samples.iter().flat_map(|name| [format!("{name}.bin"), format!("{name}.json")]).collect()
    };
    let commands: Vec<_> = commands().iter().map(|(name, _)| *name).collect();
    let events: Vec<_> = events().iter().map(|(name, _)| *name).collect();
    assert_eq!(names("commands"), expected(&commands));
    assert_eq!(names("events"), expected(&events));
}

/// Gives the bytes at each of the eight places within a word.
fn at_each_alignment(bytes: &[u8], mut read: impl FnMut(&[u8])) {
    let mut buffer = vec![0; bytes.len() + 16];
    let start = buffer.as_ptr().align_offset(8);
    for shift in 0..8 {
        let place = start + shift..start + shift + bytes.len();
        buffer[place.clone()].copy_from_slice(bytes);
        read(&buffer[place]);
    }
}

#[test]
fn binary_frames_are_read_at_every_address() {
    for (name, command) in commands() {
        at_each_alignment(&golden("commands", name, "bin"), |frame| {
            assert_eq!(binary::decode_command(frame).as_ref(), Ok(&command), "{name}");
        });
    }
    for (name, event) in events() {
        at_each_alignment(&golden("events", name, "bin"), |frame| {
            assert_eq!(binary::decode_event(frame).as_ref(), Ok(&event), "{name}");
        });
    }
}

#[test]
fn one_message_holds_all_frames_one_after_the_other() {
    let sent: Vec<_> = events().iter().map(|(name, _)| golden("events", name, "bin")).collect();
    let message = sent.concat();
    let found: Result<Vec<_>, _> = frames(&message, 1024).collect();
    assert_eq!(found.unwrap(), sent);
}
