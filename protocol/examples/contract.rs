//! Writes the tables of `docs/protocol.md` that are the code's: kinds, limits, errors, close codes.
//!
//! ```text
//! cargo run -p ringway-protocol --example contract
//! ```

use std::path::Path;
use std::{fs, io};

#[path = "../tests/contract/sections.rs"]
mod sections;

fn main() -> io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
    let mut document = fs::read_to_string(&path)?;
    for (name, section) in sections::all() {
        let written = sections::between(&document, name)
            .ok_or_else(|| io::Error::other(format!("no marks for {name}")))?
            .to_owned();
        let marked = |text: &str| format!("<!-- {name} -->\n{text}<!-- /{name} -->");
        document = document.replace(&marked(&written), &marked(&section));
    }
    fs::write(&path, document)
}
