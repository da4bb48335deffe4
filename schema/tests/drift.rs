//! The committed code is of the committed schema. `regenerate.sh --check` compares all of it where flatc is at hand; this
//! compares the schema's hash, which the generated file carries, and needs no tool.

use sha2::{Digest as _, Sha256};

#[test]
fn the_generated_code_is_of_this_schema() {
    let hash = Sha256::digest(include_bytes!("../ringway.fbs"));
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let first = include_str!("../src/generated.rs").lines().next().unwrap_or_default();
    assert_eq!(first, format!("// sha256 of ringway.fbs: {hash}"), "run schema/regenerate.sh");
}

#[test]
fn the_generated_code_is_of_the_runtime_s_version() {
    let lock = include_str!("../../Cargo.lock");
    let runtime =
        lock.split("name = \"flatbuffers\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next());
    let flatc =
        include_str!("../flatc/Cargo.toml").split("# flatc ").nth(1).and_then(|rest| rest.lines().next());
    assert!(runtime.is_some());
    assert_eq!(flatc, runtime);
}
