//! Which server certificates are believed. Nothing is taken from the system: trust is always said.

mod verifier;

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use self::verifier::Verifier;
use crate::ConnectFault;

/// Whom to believe.
#[derive(Clone)]
pub enum Trust {
    /// Certificates that these authorities signed, for the host's name. A self-signed one may be its own authority.
    Roots(Arc<[CertificateDer<'static>]>),
    /// The one certificate whose DER has this SHA-256, whatever name it bears: the `serverCertificateHashes` of
    /// browsers. The server must hold its key.
    Fingerprint([u8; 32]),
    /// Any certificate: for tests and load generators only, as anybody on the way can read and change everything.
    Insecure,
}

impl Trust {
    /// A fingerprint as people write it: 64 hex digits, with or without colons. `None` when it is none.
    #[must_use]
    pub fn fingerprint(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self::Fingerprint(bytes))
    }

    /// TLS for connections that agree on one of these application protocols; TLS 1.3 alone where QUIC wants it.
    pub(crate) fn tls(&self, protocols: &[&[u8]], for_quic: bool) -> Result<ClientConfig, ConnectFault> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = if for_quic { &[&rustls::version::TLS13][..] } else { rustls::DEFAULT_VERSIONS };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(tls)?;
        let mut config = match self {
            Self::Roots(certificates) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates.iter() {
                    roots.add(certificate.clone()).map_err(tls)?;
                }
                builder.with_root_certificates(roots).with_no_client_auth()
            }
            Self::Fingerprint(_) | Self::Insecure => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(self.verifier(provider)))
                .with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(config)
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Verifier {
        let fingerprint = match self {
            Self::Fingerprint(fingerprint) => Some(*fingerprint),
            _ => None,
        };
        Verifier { fingerprint, provider }
    }
}

fn tls(fault: rustls::Error) -> ConnectFault {
    ConnectFault::Tls(fault.to_string())
}

impl fmt::Debug for Trust {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Roots(roots) => write!(formatter, "Roots({})", roots.len()),
            Self::Fingerprint(bytes) => write!(formatter, "Fingerprint({:02x}{:02x}…)", bytes[0], bytes[1]),
            Self::Insecure => formatter.write_str("Insecure"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_with_and_without_colons() {
        let plain = "00".repeat(31) + "aF";
        let colons: Vec<_> =
            plain.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
        for text in [plain.clone(), colons.join(":")] {
            let Some(Trust::Fingerprint(bytes)) = Trust::fingerprint(&text) else { panic!("{text}") };
            assert_eq!((bytes[0], bytes[31]), (0, 0xaf));
        }
        for text in ["", "00", &plain[1..], &format!("{}gg", &plain[2..]), &format!("+{}", &plain[1..])] {
            assert!(Trust::fingerprint(text).is_none(), "{text}");
        }
    }
}
