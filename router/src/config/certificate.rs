//! Certificates for the clients' door: read from files, or made for development.

use std::path::Path;
use std::sync::Arc;

use ring::digest;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::secret::read;

/// How long a certificate of development is good: WebTransport takes at most 14 days from those it is told by hash.
pub const SELF_SIGNED_DAYS: u64 = 13;

/// Reads chain and key, and checks that they belong together.
///
/// # Errors
/// What is wrong with which file, and how to mend it.
pub fn of_files(chain_path: &Path, key_path: &Path) -> Result<Arc<ServerConfig>, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(chain_path)?)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{} is not PEM: {error}", chain_path.display()))?;
    if chain.is_empty() {
        let what = "holds no certificate: it must have -----BEGIN CERTIFICATE----- in it";
        return Err(format!("{} {what}", chain_path.display()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(key_path)?).map_err(|_| {
        let what =
            "holds no private key: it must have -----BEGIN PRIVATE KEY----- in it, without a passphrase";
        format!("{} {what}", key_path.display())
    })?;
    crate::tls::server_config(chain, key).map_err(|error| {
        format!("{} and {} can't be used: {error}", chain_path.display(), key_path.display())
    })
}

/// A certificate of development.
pub struct SelfSigned {
    /// The server's configuration with it.
    pub tls: Arc<ServerConfig>,
    /// SHA-256 of its DER: what a browser asks for instead of an authority (WebTransport's `serverCertificateHashes`).
    pub sha256: [u8; 32],
}

/// Makes a certificate for localhost: ECDSA P-256, self-signed, in memory only.
///
/// # Errors
/// The system has no random bytes.
pub fn self_signed() -> Result<SelfSigned, String> {
    let fail = |error: rcgen::Error| format!("can't make a self-signed certificate: {error}");
    let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
    let mut params = rcgen::CertificateParams::new(names).map_err(fail)?;
    let now = std::time::SystemTime::now();
    // An hour into the past: clocks of browsers in virtual machines lag.
    let from = now - std::time::Duration::from_secs(3_600);
    params.not_before = from.into();
    params.not_after = (from + std::time::Duration::from_secs(SELF_SIGNED_DAYS * 86_400)).into();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Ringway development");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(fail)?;
    let certificate = params.self_signed(&key).map_err(fail)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| error.to_string())?;
    let hash = digest::digest(&digest::SHA256, certificate.der());
    let sha256 = hash.as_ref().try_into().expect("SHA-256 has 32 bytes");
    let tls = crate::tls::server_config(vec![certificate.der().clone()], key);
    Ok(SelfSigned { tls: tls.map_err(|error| error.to_string())?, sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::Scratch;

    fn pem() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_chain_with_its_key_is_taken_and_each_mistake_names_its_file() {
        let scratch = Scratch::new("certificate");
        let [chain, key, other, empty] =
            ["chain.pem", "key.pem", "other.pem", "empty.pem"].map(|name| scratch.path.join(name));
        let (certificate, secret) = pem();
        std::fs::write(&chain, certificate).unwrap();
        std::fs::write(&key, secret).unwrap();
        std::fs::write(&other, pem().1).unwrap();
        std::fs::write(&empty, "").unwrap();
        assert!(of_files(&chain, &key).is_ok());
        assert!(of_files(&chain, &other).unwrap_err().contains("can't be used"));
        assert!(of_files(&empty, &key).unwrap_err().contains("empty.pem holds no certificate"));
        assert!(of_files(&chain, &empty).unwrap_err().contains("empty.pem holds no private key"));
        assert!(of_files(&chain, &scratch.path.join("none")).unwrap_err().contains("none: No such file"));
    }

    #[test]
    fn a_certificate_for_development_is_made_from_nothing_and_no_two_are_alike() {
        let [one, two] = [self_signed().unwrap(), self_signed().unwrap()];
        assert_ne!(one.sha256, two.sha256);
    }
}
