//! Prints the path of the vendored flatc.

fn main() {
    println!("{}", flatc_fork::flatc().display());
}
