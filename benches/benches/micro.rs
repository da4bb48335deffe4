//! The hot paths in time: `cargo bench -p ringway-benches [-- FILTER]`, with criterion's own flags. `ringway-bench micro` counts their instructions.

fn main() {
    ringway_benches::micro::cargo_bench();
}
