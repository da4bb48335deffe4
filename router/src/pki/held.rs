//! The credentials in force, and how newer ones take their place. The control thread owns it; who needs the credentials gets
//! a share of those that are current, and keeps it for as long as its handshake takes.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use super::credentials::{Credentials, Texts};
use super::fault::{Bad, Part};
use super::files::{self, Paths, Warning};
use super::name::Peer;

/// Credentials from files.
#[derive(Debug)]
pub struct Held {
    paths: Paths,
    clock: Arc<dyn TimeProvider>,
    current: Arc<Credentials>,
}

impl Held {
    /// Reads the three files. With `expected` (what the configuration says) the certificate must be of that node.
    ///
    /// # Errors
    /// The first fault, and in which file.
    pub fn load(
        paths: Paths,
        expected: Option<&Peer>,
        clock: Arc<dyn TimeProvider>,
    ) -> Result<(Self, Vec<Warning>), Bad> {
        let (credentials, warnings) = read(&paths, expected, &clock)?;
        Ok((Self { paths, clock, current: Arc::new(credentials) }, warnings))
    }

    /// Those in force.
    #[must_use]
    pub fn current(&self) -> &Arc<Credentials> {
        &self.current
    }

    /// Reads the three files again. Links that are open stay; handshakes from now on use what was read.
    ///
    /// # Errors
    /// The first fault, and in which file; then nothing has changed. A certificate of another node is one.
    pub fn reload(&mut self) -> Result<Vec<Warning>, Bad> {
        let (credentials, warnings) = read(&self.paths, Some(&self.current.identity), &self.clock)?;
        self.current = Arc::new(credentials);
        Ok(warnings)
    }
}

fn read(
    paths: &Paths,
    expected: Option<&Peer>,
    clock: &Arc<dyn TimeProvider>,
) -> Result<(Credentials, Vec<Warning>), Bad> {
    let in_file = |bad: Bad| {
        let path = match bad.part {
            Part::Authority => &paths.authority,
            Part::Certificate => &paths.certificate,
            Part::Key => &paths.key,
        };
        Bad { path: Some(path.clone()), ..bad }
    };
    let content = |part: Part, path: &Path| files::read(path).map_err(|fault| in_file(part.bad(fault)));
    let authority = content(Part::Authority, &paths.authority)?;
    let certificate = content(Part::Certificate, &paths.certificate)?;
    let apart = if paths.key == paths.certificate { None } else { Some(content(Part::Key, &paths.key)?) };
    let key = apart.as_ref().unwrap_or(&certificate);
    let texts = Texts { authority: &authority.bytes, certificate: &certificate.bytes, key: &key.bytes };
    let credentials = Credentials::new(texts, Arc::clone(clock)).map_err(in_file)?;
    if let Some(expected) = expected {
        let same = credentials.identity.must_be(expected);
        same.map_err(|fault| in_file(Part::Certificate.bad(fault)))?;
    }
    let now = clock.current_time().unwrap_or(UnixTime::since_unix_epoch(std::time::Duration::ZERO));
    let mut warnings: Vec<Warning> = files::too_open(&paths.key, key.mode).into_iter().collect();
    warnings.extend(Warning::ends_soon(&paths.certificate, credentials.certificate.ends, now));
    // While one authority follows another, the old one is meant to end.
    let last = credentials.authorities.iter().map(|authority| authority.ends).max();
    warnings.extend(last.and_then(|ends| Warning::ends_soon(&paths.authority, ends, now)));
    Ok((credentials, warnings))
}
