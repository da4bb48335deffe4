//! The configuration as text: the commented reference file, and what `config show` prints.

use std::fmt::Write;

use super::Config;
use super::apply::Loaded;
use super::raw::Origin;

const HEAD: &str = "\
# Ringway's configuration: every key with its default, commented out.
#
# Precedence: this file, then the environment (RINGWAY__SECTION__KEY, as in RINGWAY__CLIENTS__LISTEN), then flags.
# `ringway config check` says what is wrong with it, `ringway config show` what is in force and where it was written.
# SIGHUP reloads it, all or nothing. Keys marked (restart) keep their value until the process is started again.
";

/// The reference: every key with its text and default, commented out.
#[must_use]
pub fn reference() -> String {
    let mut out = String::from(HEAD);
    for (name, section) in Config::default().sections() {
        let _ = writeln!(out);
        for line in section.docs() {
            let _ = writeln!(out, "#{line}");
        }
        let _ = writeln!(out, "[{name}]");
        for key in section.keys() {
            let _ = writeln!(out);
            for (index, line) in key.docs.iter().enumerate() {
                let mark = if !key.hot && index + 1 == key.docs.len() { " (restart)" } else { "" };
                let _ = writeln!(out, "#{line}{mark}");
            }
            let _ = writeln!(out, "#{} = {}", key.name, section.show(key.name));
        }
    }
    out
}

/// What is in force, with the place of each value that is no default. Secrets are in files, which are named and not
/// shown.
#[must_use]
pub fn effective(loaded: &Loaded) -> String {
    let mut out = String::new();
    for (name, section) in loaded.config.sections() {
        let gap = if out.is_empty() { "" } else { "\n" };
        let _ = writeln!(out, "{gap}[{name}]");
        for key in section.keys() {
            let place = match loaded.origin(&name, key.name) {
                Origin::Default => String::new(),
                origin => format!("  # {origin}"),
            };
            let _ = writeln!(out, "{} = {}{place}", key.name, section.show(key.name));
        }
    }
    out
}
