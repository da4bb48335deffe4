//! Writes the golden vectors: each command and event of the samples in both formats, into `schema/vectors`.
//!
//! What is released is never changed: a vector that differs from what is there is an error, unless it is named.
//!
//! ```text
//! cargo run -p ringway-protocol --example vectors                      # writes what is missing
//! cargo run -p ringway-protocol --example vectors -- --replace joined  # and this one anew
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use ringway_protocol::codec::{BinaryEncoder, json};

#[path = "../tests/vectors/samples.rs"]
mod samples;

fn main() -> ExitCode {
    let replace: Vec<String> = env::args().skip_while(|argument| argument != "--replace").skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/vectors");
    let mut encoder = BinaryEncoder::new();
    let mut vectors: Vec<(PathBuf, &str, Vec<u8>)> = Vec::new();
    for (name, command) in samples::commands() {
        let mut text = Vec::new();
        json::encode_command(&command, &mut text);
        let path = root.join("commands").join(name);
        vectors.push((path.with_extension("bin"), name, encoder.command(&command).to_vec()));
        vectors.push((path.with_extension("json"), name, text));
    }
    for (name, event) in samples::events() {
        let mut text = Vec::new();
        json::encode_event(&samples::as_json(&event), &mut text);
        let path = root.join("events").join(name);
        vectors.push((path.with_extension("bin"), name, encoder.event(&event).to_vec()));
        vectors.push((path.with_extension("json"), name, text));
    }

    let (mut written, mut refused) = (0, 0);
    for (path, name, bytes) in vectors {
        match fs::read(&path) {
            Ok(there) if there == bytes => continue,
            Ok(_) if !replace.iter().any(|replaced| replaced == name) => {
                eprintln!("{} differs; `--replace {name}` if it was never released", path.display());
                refused += 1;
                continue;
            }
            _ => {}
        }
        let folder = path.parent().expect("vectors are in folders");
        if let Err(error) = fs::create_dir_all(folder).and_then(|()| fs::write(&path, &bytes)) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        written += 1;
    }
    println!("{written} files written, {refused} refused");
    if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
