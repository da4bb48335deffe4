//! Replays the committed corpus of each fuzz target of `router/link/fuzz` on the stable toolchain, with the golden
//! frames, of which the corpus has each one.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../fuzz/targets/frame.rs"]
mod frame;
mod golden;
#[path = "../fuzz/targets/stream.rs"]
mod stream;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no inputs", folder.display());
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn the_corpus_of_frame_holds() {
    let inputs = corpus("frame");
    inputs.iter().for_each(|input| frame::run(input));
    for (what, bytes) in golden::all() {
        assert!(inputs.contains(&bytes), "the corpus of `frame` has no seed for: {what}");
    }
}

#[test]
fn the_corpus_of_stream_holds() {
    corpus("stream").iter().for_each(|input| stream::run(input));
    let golden: Vec<u8> = golden::all().into_iter().flat_map(|(_, bytes)| bytes).collect();
    for piece in 0..=255 {
        stream::run(&[&[piece], &golden[..]].concat());
    }
}
