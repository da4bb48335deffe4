//! What a node shows on its links and what it asks of others, made from three texts. Pure: bytes and a clock go in.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring::cipher_suite;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::certificate::{self, Certificate, Role};
use super::fault::{Bad, Fault, Part};
use super::name::Peer;
use super::verify::Members;

/// The protocol of links.
pub const ALPN: &[u8] = b"ringway-link/1";

/// The three texts; certificate and key may be the same one.
#[derive(Clone, Copy)]
pub struct Texts<'a> {
    /// PEM: the authority's certificate; while one follows another, both.
    pub authority: &'a [u8],
    /// PEM: the node's certificate, then whatever stands between it and the authority.
    pub certificate: &'a [u8],
    /// PEM: the node's private key.
    pub key: &'a [u8],
}

/// A node's side of its links.
#[derive(Clone)]
pub struct Credentials {
    /// Who this node is.
    pub identity: Peer,
    /// For links that others dial: TLS 1.3, [`ALPN`], a certificate of this cluster required.
    pub server: Arc<ServerConfig>,
    /// For links that this node dials: give [`Peer::server_name`] of the node that is to answer.
    pub client: Arc<ClientConfig>,
    /// What the node's certificate says.
    pub certificate: Certificate,
    /// What the authorities' certificates say.
    pub authorities: Vec<Certificate>,
}

impl Credentials {
    /// Reads the texts and checks that they belong together, and that another node would take them now.
    ///
    /// # Errors
    /// What is wrong with which part.
    pub fn new(texts: Texts<'_>, clock: Arc<dyn TimeProvider>) -> Result<Self, Bad> {
        let now = clock.current_time().unwrap_or(UnixTime::since_unix_epoch(std::time::Duration::ZERO));
        let provider = Arc::new(provider());
        let (roots, authorities) = authorities(texts.authority, now)?;
        let chain = certificate::of_pem(texts.certificate).map_err(|fault| Part::Certificate.bad(fault))?;
        let key = key(texts.key).map_err(|fault| Part::Key.bad(fault))?;
        let identity = certificate::peer(&chain[0]).map_err(|fault| Part::Certificate.bad(fault))?;
        let certificate = Certificate::read(&chain[0]).map_err(|fault| Part::Certificate.bad(fault))?;
        let of_rustls = |error: rustls::Error| match Fault::of_handshake(&error) {
            Fault::KeyMismatch => Part::Key.bad(Fault::KeyMismatch),
            Fault::Refused(_) => Part::Key.bad(Fault::BadKey),
            fault => Part::Certificate.bad(fault),
        };

        let members = Members::new(Arc::clone(&roots), identity.cluster.clone(), &provider)
            .map_err(|fault| Part::Authority.bad(fault))?;
        let servers = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|error| Part::Authority.bad(Fault::Refused(error.to_string())))?;
        members
            .verify_client_cert(&chain[0], &chain[1..], now)
            .map(drop)
            .and_then(|()| {
                let name = identity.server_name();
                servers.verify_server_cert(&chain[0], &chain[1..], &name, &[], now).map(drop)
            })
            .map_err(|error| Part::Certificate.bad(Fault::of_handshake(&error)))?;

        let mut server = ServerConfig::builder_with_details(Arc::clone(&provider), Arc::clone(&clock))
            .with_protocol_versions(&[&TLS13])
            .map_err(of_rustls)?
            .with_client_cert_verifier(Arc::new(members))
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(of_rustls)?;
        server.alpn_protocols = vec![ALPN.to_vec()];
        // A resumed link would be one that no authority was asked about.
        server.send_tls13_tickets = 0;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        let mut client = ClientConfig::builder_with_details(provider, clock)
            .with_protocol_versions(&[&TLS13])
            .map_err(of_rustls)?
            .with_webpki_verifier(servers)
            .with_client_auth_cert(chain, key)
            .map_err(of_rustls)?;
        client.alpn_protocols = vec![ALPN.to_vec()];
        client.resumption = Resumption::disabled();
        Ok(Self { identity, server: Arc::new(server), client: Arc::new(client), certificate, authorities })
    }

    /// Who is at the other side of a link whose handshake is done: call it with the certificates that it showed.
    ///
    /// # Errors
    /// [`Fault::NoCertificateShown`], or that it names no one node of this cluster.
    pub fn peer(&self, shown: &[CertificateDer<'_>]) -> Result<Peer, Fault> {
        let peer = peer(shown)?;
        peer.must_be_of(&self.identity.cluster)?;
        Ok(peer)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// The node that verified certificates name; [`Credentials::peer`] also asks for the cluster.
///
/// # Errors
/// [`Fault::NoCertificateShown`], [`Fault::BadCertificate`], [`Fault::NoName`], [`Fault::ManyNames`].
pub fn peer(shown: &[CertificateDer<'_>]) -> Result<Peer, Fault> {
    certificate::peer(shown.first().ok_or(Fault::NoCertificateShown)?)
}

/// Whether an authority signed this certificate, for links, and it is good now.
///
/// # Errors
/// What is wrong with which part.
pub fn signed(authority: &[u8], der: &CertificateDer<'_>, now: UnixTime) -> Result<(), Bad> {
    let (roots, _) = authorities(authority, now)?;
    let peer = certificate::peer(der).map_err(|fault| Part::Certificate.bad(fault))?;
    let members = Members::new(roots, peer.cluster, &Arc::new(provider()))
        .map_err(|fault| Part::Authority.bad(fault))?;
    let verified = members.verify_client_cert(der, &[], now);
    verified.map(drop).map_err(|error| Part::Certificate.bad(Fault::of_handshake(&error)))
}

/// The authorities of a text, all of them authorities; at least one is good now, and only those that are count.
fn authorities(text: &[u8], now: UnixTime) -> Result<(Arc<RootCertStore>, Vec<Certificate>), Bad> {
    let bad = |fault| Part::Authority.bad(fault);
    let mut roots = RootCertStore::empty();
    let mut told = Vec::new();
    let mut ended = None;
    for der in certificate::of_pem(text).map_err(bad)? {
        let certificate = Certificate::read(&der).map_err(bad)?;
        if !matches!(certificate.role, Role::Authority(_) | Role::ForeignAuthority) {
            return Err(bad(Fault::NotAuthority));
        }
        match certificate.good_at(now) {
            Ok(()) => roots.add(der).map_err(|_| bad(Fault::BadCertificate))?,
            Err(fault) => ended = Some(fault),
        }
        told.push(certificate);
    }
    match ended {
        Some(fault) if roots.is_empty() => Err(bad(fault)),
        _ => Ok((Arc::new(roots), told)),
    }
}

/// The private key of a text.
fn key(text: &[u8]) -> Result<PrivateKeyDer<'static>, Fault> {
    if text.trim_ascii().is_empty() {
        return Err(Fault::FileEmpty);
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => Fault::NoKey,
        _ => Fault::BadPem,
    })
}

/// ring, with the suites of TLS 1.3 in our order: AES-128 first, as for clients.
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        ..ring::default_provider()
    }
}
