//! `ringway pki init`.

use std::process::ExitCode;

use crate::pki::certificate::date;
use crate::pki::{Cluster, files, issue};

use super::typed::Init;
use super::{CERTIFICATE_FILE, KEY_FILE, Refusal, now, private_directory, say};

/// Runs the command.
pub(super) fn run(typed: &Init) -> Result<ExitCode, Refusal> {
    let cluster = Cluster::new(&typed.cluster).map_err(|fault| Refusal::new(format!("--cluster {fault}")))?;
    let [certificate, key] = [CERTIFICATE_FILE, KEY_FILE].map(|name| typed.dir.join(name));
    for path in [&certificate, &key] {
        if path.symlink_metadata().is_ok() {
            let mend =
                "an authority is never overwritten, because every node trusts it: choose another --dir";
            return Err(Refusal::new(format!("{} is there already: {mend}", path.display())));
        }
    }
    private_directory(&typed.dir)?;
    let made = issue::authority(&cluster, typed.days, now())
        .map_err(|error| Refusal::new(format!("can't make an authority: {error}")))?;
    let refusal =
        |path: &std::path::Path, error| Refusal::new(format!("can't write {}: {error}", path.display()));
    files::create(&key, made.key.as_bytes(), 0o600).map_err(|error| refusal(&key, error))?;
    files::create(&certificate, made.certificate.as_bytes(), 0o644).map_err(|error| {
        let _ = std::fs::remove_file(&key);
        refusal(&certificate, error)
    })?;
    let dir = typed.dir.display();
    say(&format!(
        "The authority of cluster {cluster}, good until {}:\n  \
           {dir}/{CERTIFICATE_FILE}  its certificate: every node gets it\n  \
           {dir}/{KEY_FILE}  its private key: no node gets it; whoever has it can be any node\n\n\
         Next, a certificate for each node:\n  \
           ringway pki issue --dir {dir} --node 1\n\
         then copy {CERTIFICATE_FILE} and the node's node-N.pem to its host, and keep {KEY_FILE} off-line.\n",
        date(made.ends)
    ));
    Ok(ExitCode::SUCCESS)
}
