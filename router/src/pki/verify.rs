//! Who may dial a link: whom rustls' own verifier takes, if they name one node of this cluster.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, RootCertStore, SignatureScheme,
};

use super::certificate;
use super::fault::Fault;
use super::name::Cluster;

/// The verifier of those who dial. It only ever refuses more than rustls does: an authority that serves several
/// clusters (one that `ringway pki init` did not make) must not let a node of one into another.
#[derive(Debug)]
pub(super) struct Members {
    inner: Arc<dyn ClientCertVerifier>,
    cluster: Cluster,
}

impl Members {
    /// The members of this cluster, by these authorities.
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        cluster: Cluster,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Fault> {
        let inner = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map_err(|error| Fault::Refused(error.to_string()))?;
        Ok(Self { inner, cluster })
    }

    fn of_cluster(&self, der: &[u8]) -> Result<(), rustls::Error> {
        let told = certificate::peer(der).and_then(|peer| peer.must_be_of(&self.cluster));
        told.map_err(|fault| CertificateError::Other(OtherError(Arc::new(fault))).into())
    }
}

impl ClientCertVerifier for Members {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self.inner.verify_client_cert(end_entity, intermediates, now);
        // Where rustls has no better word than "other", as for a name that the authority may not sign, ours is clearer.
        if !matches!(verified, Ok(_) | Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))) {
            return verified;
        }
        self.of_cluster(end_entity)?;
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
