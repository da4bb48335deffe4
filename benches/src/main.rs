//! `ringway-bench`.

fn main() -> std::io::Result<()> {
    ringway_benches::run()
}
