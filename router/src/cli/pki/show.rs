//! `ringway pki show`.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use rustls::pki_types::{CertificateDer, UnixTime};

use crate::config::secret::hex;
use crate::pki::certificate::{self, date};
use crate::pki::credentials::signed;
use crate::pki::{Certificate, Fault, Part, Role, Warning, files};

use super::typed::Show;
use super::{Refusal, now, say, warn};

/// Runs the command.
pub(super) fn run(typed: &Show) -> Result<ExitCode, Refusal> {
    let authority =
        typed.ca.as_ref().map(|path| Ok::<_, Refusal>((path.as_path(), read(path)?))).transpose()?;
    let now = now();
    let mut code = ExitCode::SUCCESS;
    for path in &typed.files {
        for der in certificate::of_pem(&read(path)?).map_err(|fault| refusal(path, &fault))? {
            let certificate = Certificate::read(&der).map_err(|fault| refusal(path, &fault))?;
            say(&format!("{}\n{}", path.display(), text(&certificate)));
            let told = own(&certificate, now).map_err(|fault| format!("{}: {fault}", path.display()));
            let told = told.and_then(|()| match (&authority, &certificate.role) {
                (Some((ca, text)), Role::Node(_)) => by(ca, text, path, &der, now),
                _ => Ok(()),
            });
            if let Err(told) = told {
                eprintln!("ringway: {told}");
                code = ExitCode::from(1);
            } else if let Some(warning) = Warning::ends_soon(path, certificate.ends, now) {
                warn(&warning.to_string());
            }
        }
    }
    Ok(code)
}

fn refusal(path: &Path, fault: &Fault) -> Refusal {
    Refusal::new(format!("{}: {fault}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    files::read(path).map(|content| content.bytes).map_err(|fault| refusal(path, &fault))
}

/// Whether a certificate is of ours by its form, and good now.
fn own(certificate: &Certificate, now: UnixTime) -> Result<(), Fault> {
    match &certificate.role {
        Role::Authority(_) | Role::Node(_) => certificate.good_at(now),
        Role::ForeignAuthority => Err(Fault::NotAuthority),
        Role::Foreign(fault) => Err(fault.clone()),
    }
}

/// Whether the authority in this file signed it.
fn by(ca: &Path, text: &[u8], path: &Path, der: &CertificateDer<'_>, now: UnixTime) -> Result<(), String> {
    signed(text, der, now).map_err(|bad| {
        let place = if bad.part == Part::Authority { ca } else { path };
        format!("{}: {}", place.display(), bad.fault)
    })
}

/// What a certificate says.
fn text(certificate: &Certificate) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string can't fail.
        let _ = writeln!(text, "  {name:<12} {value}");
    };
    match &certificate.role {
        Role::Authority(cluster) => line("authority of", &format!("cluster {cluster}")),
        Role::ForeignAuthority => line("authority of", "names of any kind"),
        Role::Node(peer) => {
            line("cluster", peer.cluster.as_str());
            line("node", &peer.node.to_string());
        }
        Role::Foreign(_) => line("node", "none"),
    }
    line("good from", &date(certificate.begins));
    line("good until", &date(certificate.ends));
    line("serial", &hex(&certificate.serial));
    line("issuer", &certificate.issuer);
    line("SHA-256", &hex(&certificate.sha256));
    text
}
