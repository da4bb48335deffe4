//! `ringway pki`: the private authority of a cluster and the certificates of its nodes, as files.

mod init;
mod issue;
mod show;
mod typed;

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::process::ExitCode;

pub use typed::Pki;

use super::{Refusal, say};

/// Runs the command.
pub(super) fn run(command: &Pki) -> Result<ExitCode, Refusal> {
    match command {
        Pki::Init(command) => init::run(command),
        Pki::Issue(command) => issue::run(command),
        Pki::Show(command) => show::run(command),
    }
}

/// Makes a directory for keys that only its owner enters. One that is there stays as it is; a group may look into it, as into the
/// files, but what is wider is warned of.
fn private_directory(path: &Path) -> Result<(), Refusal> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Refusal::new(format!("can't make {}: {error}", path.display())))?;
    let mode = std::fs::metadata(path).map_or(0o700, |metadata| metadata.permissions().mode() & 0o777);
    if mode & 0o027 != 0 {
        warn(&format!("{0} holds private keys and has mode {mode:04o}: chmod 700 {0}", path.display()));
    }
    Ok(())
}

/// Something that works and should not stay so.
fn warn(what: &str) {
    eprintln!("ringway: warning: {what}");
}

fn now() -> rustls::pki_types::UnixTime {
    rustls::pki_types::UnixTime::now()
}

/// The private key of the authority.
const KEY_FILE: &str = "ca.key";
/// The certificate of the authority, which every node has.
const CERTIFICATE_FILE: &str = "ca.pem";
