//! Replays the committed corpus of each fuzz target of `protocol/fuzz` on the stable toolchain, with the golden vectors
//! and what becomes of them when they are cut or bent.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../fuzz/targets/binary.rs"]
mod binary;
#[path = "../fuzz/targets/formats.rs"]
mod formats;
#[path = "../fuzz/targets/frame_reader.rs"]
mod frame_reader;
#[path = "../fuzz/targets/handshake.rs"]
mod handshake;
#[path = "../fuzz/targets/json.rs"]
mod json;
#[path = "../fuzz/targets/json_value.rs"]
mod json_value;
#[path = "../fuzz/targets/session.rs"]
mod session;
#[path = "../fuzz/targets/tokens.rs"]
mod tokens;
#[path = "../fuzz/targets/websocket.rs"]
mod websocket;
#[path = "../fuzz/targets/webtransport.rs"]
mod webtransport;

fn files(folder: &str, extension: Option<&str>) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            extension.is_none_or(|extension| path.extension().is_some_and(|found| found == extension))
        })
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no inputs", folder.display());
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

fn vectors(extension: &str) -> Vec<Vec<u8>> {
    let mut all = files("../schema/vectors/commands", Some(extension));
    all.extend(files("../schema/vectors/events", Some(extension)));
    all
}

/// Each input, then cut, then with each of its bytes changed.
fn bent(inputs: Vec<Vec<u8>>, mut run: impl FnMut(&[u8])) {
    for mut input in inputs {
        run(&input);
        for cut in 0..input.len() {
            run(&input[..cut]);
        }
        for at in 0..input.len() {
            for flip in [0x01, 0x20, 0x80] {
                input[at] ^= flip;
                run(&input);
                input[at] ^= flip;
            }
        }
    }
}

#[test]
fn the_corpus_of_frame_reader_holds() {
    files("fuzz/corpus/frame_reader", None).iter().for_each(|input| frame_reader::run(input));
    for piece in [0, 1, 2, 3, 6, 57, 255] {
        frame_reader::run(&[&[piece], &vectors("bin").concat()[..]].concat());
    }
}

#[test]
fn the_corpus_of_binary_holds() {
    files("fuzz/corpus/binary", None).iter().for_each(|input| binary::run(input));
    bent(vectors("bin"), binary::run);
}

#[test]
fn the_corpus_of_json_holds() {
    files("fuzz/corpus/json", None).iter().for_each(|input| json::run(input));
    bent(vectors("json"), json::run);
}

#[test]
fn the_corpus_of_json_value_holds() {
    files("fuzz/corpus/json_value", None).iter().for_each(|input| json_value::run(input));
    bent(vectors("json"), json_value::run);
}

#[test]
fn the_corpus_of_formats_holds() {
    files("fuzz/corpus/formats", None).iter().for_each(|input| formats::run(input));
    bent(vectors("bin").iter().map(|frame| frame[4..].to_vec()).collect(), formats::run);
    bent(vectors("json"), formats::run);
}

#[test]
fn the_corpus_of_websocket_holds() {
    bent(files("fuzz/corpus/websocket", None), websocket::run);
}

#[test]
fn the_corpus_of_webtransport_holds() {
    bent(files("fuzz/corpus/webtransport", None), webtransport::run);
}

#[test]
fn the_corpus_of_handshake_holds() {
    bent(files("fuzz/corpus/handshake", None), handshake::run);
}

#[test]
fn the_corpus_of_tokens_holds() {
    bent(files("fuzz/corpus/tokens", None), tokens::run);
}

/// A conversation as the session target reads it: each frame an operation, its length and its bytes.
fn conversation(first: &[u8], operation: u8, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut all = first.to_vec();
    for frame in frames {
        if let Ok(length) = u8::try_from(frame.len()) {
            all.extend_from_slice(&[operation, length]);
            all.extend_from_slice(frame);
        }
    }
    all
}

#[test]
fn the_corpus_of_session_holds() {
    files("fuzz/corpus/session", None).iter().for_each(|input| session::run(input));
    let bare =
        |kind: &str| files(kind, Some("bin")).iter().map(|frame| frame[4..].to_vec()).collect::<Vec<_>>();
    let commands = conversation(&[], 0, &bare("../schema/vectors/commands"));
    // Connected; in four rooms; then whatever a server can say.
    let joined = [5, 0, 8, 1, 0, 8, 1, 1, 8, 1, 2, 8, 1, 3];
    let events = conversation(&joined, 0, &bare("../schema/vectors/events"));
    let told = conversation(&joined, 3, &files("../schema/vectors/events", Some("json")));
    for input in [commands, events, told] {
        for cut in 0..input.len() {
            session::run(&input[..cut]);
        }
        for at in (0..input.len()).step_by(3) {
            let mut bent = input.clone();
            bent[at] ^= 0x21;
            session::run(&bent);
        }
    }
}
