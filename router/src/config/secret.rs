//! Secrets: always in files, never in the configuration itself, and never shown.

use std::fmt;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

/// Bytes that nobody shall see.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// From bytes at hand.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Reads a file; one newline at its end does not count.
    ///
    /// # Errors
    /// What is wrong with the file and how to mend it.
    pub fn read(path: &Path, bytes_min: usize) -> Result<Self, String> {
        let bytes = read(path)?;
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.len() < bytes_min {
            let mend = format!("openssl rand -hex {} > {}", bytes_min.max(32), path.display());
            let has = bytes.len();
            return Err(format!(
                "the secret in {} has {has} bytes and needs {bytes_min} or more: make one with `{mend}`",
                path.display()
            ));
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes, shared.
    #[must_use]
    pub fn shared(&self) -> Arc<[u8]> {
        Arc::clone(&self.0)
    }

    /// Whether somebody knows the secret, in a time that depends on the lengths alone.
    #[must_use]
    pub fn matches(&self, given: &[u8]) -> bool {
        if given.len() != self.0.len() {
            return false;
        }
        let differences =
            self.0.iter().zip(given).fold(0, |all, (ours, theirs)| black_box(all | (ours ^ theirs)));
        differences == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| {
        let mend = match error.kind() {
            std::io::ErrorKind::NotFound => "check the path",
            std::io::ErrorKind::PermissionDenied => "let the user that Ringway runs as read it",
            _ => "check the file",
        };
        format!("can't read {}: {error}; {mend}", path.display())
    })
}

/// Random bytes of the operating system.
///
/// # Errors
/// When it has none.
pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    use std::io::Read;
    let mut bytes = [0; N];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Bytes as lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The other way.
#[must_use]
pub(super) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_matches_itself_alone_and_is_never_printed() {
        let secret = Secret::new(b"correct horse");
        assert!(secret.matches(b"correct horse"));
        for wrong in [&b"correct hors"[..], b"correct horsf", b"", b"correct horse "] {
            assert!(!secret.matches(wrong));
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn hex_reads_back() {
        assert_eq!(unhex::<3>(&hex(&[0, 171, 255])), Some([0, 171, 255]));
        assert_eq!(unhex::<3>("00ab"), None);
        assert_eq!(unhex::<2>("zz00"), None);
    }
}
