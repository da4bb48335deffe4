//! The certificates that clients are shown: made for development, read again at a reload.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use crate::patient::Patient;
use crate::process::{Node, PATIENCE};
use crate::reload::Site;

#[test]
fn certificates_are_read_again_and_a_bad_one_leaves_the_good_one_in_use() {
    let site = Site::new("");
    let here = site.scratch.0.display().to_string();
    let tls = format!("[tls]\ncertificate_file = \"{here}/chain.pem\"\nkey_file = \"{here}/key.pem\"\n");
    let renew = || {
        let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).expect("a certificate");
        site.scratch.write("chain.pem", &made.cert.pem());
        site.scratch.write("key.pem", &made.signing_key.serialize_pem());
        made.cert.der().to_vec()
    };
    let first = renew();
    site.write(&tls, "anonymous = true\n");
    let mut node = Node::with(&site.file);
    assert!(certificate_of(node.clients[0]) == first);

    let second = renew();
    node.reload();
    assert!(certificate_of(node.clients[0]) == second);

    site.scratch.write("key.pem", "no key");
    node.signal(libc::SIGHUP);
    node.said("nothing has changed");
    assert!(certificate_of(node.clients[0]) == second);
}

#[test]
fn a_development_node_speaks_tls_with_a_certificate_of_its_own() {
    let node =
        Node::start(&["serve", "--dev", "--shards", "1", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    assert_eq!(node.clients.len(), 2);
    let certificate = certificate_of(node.clients[1]);
    assert!(!certificate.is_empty());
}

/// The certificate that a server shows.
fn certificate_of(address: SocketAddr) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut socket = Patient::connect(address, PATIENCE).expect("clients are let in");
    while connection.is_handshaking() {
        connection.complete_io(&mut socket).expect("a handshake");
    }
    connection.peer_certificates().expect("a chain")[0].to_vec()
}

/// Takes any certificate: the tests look at it themselves.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
