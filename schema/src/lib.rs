//! The binary wire format as flatbuffers sees it: the tables of `ringway.fbs`, generated and committed.
//!
//! Only the codec in `ringway-protocol` uses this crate. Readers verify a frame before they touch it; accessors of
//! unverified frames are undefined behaviour. `schema/regenerate.sh` writes the generated code with the vendored flatc and
//! `schema/regenerate.sh --check` tells drift; `vectors/` holds the golden frames of both formats.

#[allow(
    missing_docs,
    unreachable_pub,
    unused_imports,
    dead_code,
    mismatched_lifetime_syntaxes,
    unsafe_op_in_unsafe_fn,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]
#[rustfmt::skip]
mod generated;

pub use generated::ringway::*;
