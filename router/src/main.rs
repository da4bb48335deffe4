//! The binary `ringway`.

/// Half of glibc's cost for small churn, and memory that goes back after a storm.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    ringway::cli::run()
}
