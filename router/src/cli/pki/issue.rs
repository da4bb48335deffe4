//! `ringway pki issue`.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::pki::certificate::date;
use crate::pki::fault::Part;
use crate::pki::files::{self, Content};
use crate::pki::issue::Authority;
use crate::pki::{Bad, Fault, NodeNumber, Peer};

use super::typed::Issue;
use super::{CERTIFICATE_FILE, KEY_FILE, Refusal, now, private_directory, say, warn};

/// Runs the command.
pub(super) fn run(typed: &Issue) -> Result<ExitCode, Refusal> {
    let [certificate, key] = [CERTIFICATE_FILE, KEY_FILE].map(|name| typed.dir.join(name));
    let public = read(&certificate)?;
    let secret = read(&key)?;
    if let Some(warning) = files::too_open(&key, secret.mode) {
        warn(&warning.to_string());
    }
    let authority = Authority::read(&public.bytes, &secret.bytes, now())
        .map_err(|bad| refused(if bad.part == Part::Key { &key } else { &certificate }, &bad))?;
    let node = NodeNumber(typed.node);
    let made = authority
        .issue(node, typed.days, now())
        .map_err(|fault| Refusal::new(format!("node {node} gets no certificate: {fault}")))?;

    let peer = Peer { cluster: authority.cluster().clone(), node };
    // Text around the blocks of PEM is for people.
    let text = format!(
        "{peer}: certificate and private key, good until {}. Keep it secret.\n{}{}",
        date(made.ends),
        made.certificate,
        made.key
    );
    let out = typed.out.as_ref().unwrap_or(&typed.dir);
    let path = out.join(format!("node-{node}.pem"));
    private_directory(out)?;
    let written = if typed.replace {
        files::replace(&path, text.as_bytes())
    } else {
        files::create(&path, text.as_bytes(), 0o600)
    };
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if !typed.replace => {
            Refusal::new(format!("{} is there already: --replace renews it", path.display()))
        }
        io::ErrorKind::PermissionDenied => {
            let mend = "run this as the user whose file or directory it is, or as root";
            Refusal::new(format!("can't write {}: {error}; {mend}", path.display()))
        }
        _ => Refusal::new(format!("can't write {}: {error}", path.display())),
    })?;
    say(&format!("{}: {peer}, with a new private key, good until {}\n", path.display(), date(made.ends)));
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Content, Refusal> {
    files::read(path).map_err(|fault| {
        let mend = if fault == Fault::FileMissing { " (`ringway pki init` makes an authority)" } else { "" };
        Refusal::new(format!("{}: {fault}{mend}", path.display()))
    })
}

/// An authority that can't sign.
fn refused(path: &Path, bad: &Bad) -> Refusal {
    let shown = path.display();
    Refusal::new(match (&bad.fault, bad.part) {
        (Fault::Expired(at), _) => format!(
            "{shown}: the authority ended on {}: make a new one with `ringway pki init` in another directory, and give its \
             ca.pem to all nodes beside the old one",
            date(*at)
        ),
        (Fault::KeyMismatch, _) => {
            format!("{shown}: it is not the key of {CERTIFICATE_FILE} beside it; take both from one init")
        }
        (fault, _) => format!("{shown}: {fault}"),
    })
}
