//! Two nodes meet, in memory.

use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::pki::credentials::{ALPN, Credentials, Texts};
use crate::pki::fault::{Fault, Part};
use crate::pki::issue::Made;
use crate::pki::testing::{
    DAY, Met, NOW, clock, cluster, credentials, issued, made_authority, meet, node, shake, time,
};

/// Two nodes of one cluster, 1 and 2.
fn pair() -> (Made, Credentials, Credentials) {
    let authority = made_authority("game");
    let [one, two] = [1, 2].map(|number| credentials(&authority, &issued(&authority, number), NOW).unwrap());
    (authority, one, two)
}

/// A client that shows this and believes the authority of its peers, but asks for no fault of its own.
fn forger(template: &Credentials, chain: &str, key: &str) -> Arc<rustls::ClientConfig> {
    let mut config = (*template.client).clone();
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let signing = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let shown = rustls::sign::CertifiedKey::new(chain, signing);
    config.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(shown));
    Arc::new(config)
}

/// A certificate by the key of an authority for whatever names, as only somebody with that key can make it.
fn signed_by_key(authority: &Made, names: &[&str], usages: &[ExtendedKeyUsagePurpose]) -> (String, String) {
    let names = names.iter().map(|name| SanType::DnsName((*name).try_into().unwrap()));
    signed_for(authority, names.collect(), usages)
}

fn signed_for(authority: &Made, names: Vec<SanType>, usages: &[ExtendedKeyUsagePurpose]) -> (String, String) {
    let der = CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap();
    let issuer = Issuer::from_ca_cert_der(&der, KeyPair::from_pem(&authority.key).unwrap()).unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = usages.to_vec();
    params.subject_alt_names = names;
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
}

const BOTH: [ExtendedKeyUsagePurpose; 2] =
    [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];

/// What the listener says of somebody who dials with this.
fn told_of(listener: &Credentials, dialler: &Credentials, (chain, key): &(String, String)) -> Fault {
    let client = forger(dialler, chain, key);
    shake(&client, &listener.server, listener.identity.server_name()).1.unwrap_err()
}

#[test]
fn two_nodes_of_one_authority_know_each_other() {
    let (_, one, two) = pair();
    let met = meet(&one, &two, &node("game", 2));
    assert_eq!(met, Met { dialler: Ok(node("game", 2)), listener: Ok(node("game", 1)) });
}

#[test]
fn a_link_is_tls_1_3_with_its_own_protocol_and_is_never_resumed() {
    let (_, one, two) = pair();
    for _ in 0..2 {
        let (client, server) = shake(&one.client, &two.server, two.identity.server_name());
        let (client, server) = (client.unwrap(), server.unwrap());
        assert_eq!(client.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
        assert_eq!([client.alpn_protocol(), server.alpn_protocol()], [Some(ALPN); 2]);
        assert_eq!(server.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
    let mut other = (*one.client).clone();
    other.alpn_protocols = vec![b"ringway/1".to_vec()];
    let (_, server) = shake(&Arc::new(other), &two.server, two.identity.server_name());
    assert_eq!(server.unwrap_err().name(), "no_protocol");
}

#[test]
fn a_node_of_another_authority_is_refused_by_both() {
    let (_, one, two) = pair();
    let other = made_authority("game");
    let stranger = credentials(&other, &issued(&other, 1), NOW).unwrap();
    assert_eq!(meet(&stranger, &two, &node("game", 2)).dialler, Err(Fault::WrongAuthority));
    assert_eq!(meet(&one, &stranger, &node("game", 1)).dialler, Err(Fault::WrongAuthority));
    let shown = issued(&other, 1);
    assert_eq!(told_of(&two, &one, &(shown.certificate, shown.key)), Fault::WrongAuthority);
}

#[test]
fn who_dials_node_3_and_meets_node_2_is_told_so() {
    let (_, one, two) = pair();
    let met = meet(&one, &two, &node("game", 3));
    assert_eq!(met.dialler, Err(Fault::WrongNode { expected: node("game", 3), found: node("game", 2) }));
    assert_eq!(met.listener.unwrap_err().name(), "refused_by_peer");
}

#[test]
fn an_authority_can_sign_for_its_own_cluster_alone() {
    let (authority, one, two) = pair();
    let foreign = signed_by_key(&authority, &["node-1.other.ringway.internal"], &BOTH);
    let told = Fault::WrongCluster { expected: cluster("game"), found: cluster("other") };
    assert_eq!(told_of(&two, &one, &foreign), told);
    // And as its own node it does not even start.
    let made = Made { certificate: foreign.0, key: foreign.1, ends: authority.ends };
    let bad = credentials(&authority, &made, NOW).unwrap_err();
    assert_eq!(bad.part, Part::Certificate);
}

#[test]
fn an_authority_is_good_for_no_web_site_wherever_it_is_believed() {
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    let authority = made_authority("game");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let anybody = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    for (name, good) in [
        ("www.game.ringway.internal", true),
        ("www.example.com", false),
        ("www.other.ringway.internal", false),
        ("10.0.0.1", false),
        ("fd00::1", false),
    ] {
        let san = match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.try_into().unwrap()),
        };
        let (chain, _) = signed_for(&authority, vec![san], &BOTH);
        let der = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
        let asked = name.try_into().unwrap();
        let verified = anybody.verify_server_cert(&der, &[], &asked, &[], time(NOW));
        assert_eq!(verified.is_ok(), good, "{name}: {verified:?}");
    }
}

#[test]
fn an_authority_without_constraints_lets_nobody_from_one_cluster_into_another() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().pem();
    let everybodys = Made { certificate, key: key.serialize_pem(), ends: time(NOW + DAY) };
    let of = |name: &str| {
        let (certificate, key) = signed_by_key(&everybodys, &[name], &BOTH);
        credentials(&everybodys, &Made { certificate, key, ends: everybodys.ends }, NOW).unwrap()
    };
    let [one, two, other] =
        ["node-1.game.ringway.internal", "node-2.game.ringway.internal", "node-1.other.ringway.internal"]
            .map(of);
    assert_eq!(meet(&one, &two, &node("game", 2)).listener, Ok(node("game", 1)));
    let told = Fault::WrongCluster { expected: cluster("game"), found: cluster("other") };
    // In the handshake, before anybody asks who it was.
    let (_, server) = shake(&other.client, &two.server, two.identity.server_name());
    assert_eq!(server.unwrap_err(), told);
    let told = Fault::WrongCluster { expected: cluster("game"), found: cluster("other") };
    assert_eq!(meet(&one, &other, &node("game", 1)).dialler, Err(told));
}

#[test]
fn a_certificate_for_clients_of_the_door_is_none_for_links() {
    let (authority, one, two) = pair();
    let door = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let shown = (door.cert.pem(), door.signing_key.serialize_pem());
    assert_eq!(told_of(&two, &one, &shown), Fault::WrongAuthority);
    let usages = [ExtendedKeyUsagePurpose::ServerAuth];
    let server_only = signed_by_key(&authority, &["node-1.game.ringway.internal"], &usages);
    assert_eq!(told_of(&two, &one, &server_only), Fault::WrongPurpose);
    let nobody = signed_by_key(&authority, &["www.game.ringway.internal"], &BOTH);
    assert_eq!(told_of(&two, &one, &nobody), Fault::NoName);
    let nameless = signed_by_key(&authority, &[], &BOTH);
    assert_eq!(told_of(&two, &one, &nameless), Fault::NoName);
}

#[test]
fn a_certificate_with_two_names_is_nobodys() {
    let (authority, one, two) = pair();
    let names = ["node-1.game.ringway.internal", "node-3.game.ringway.internal"];
    let twofold = signed_by_key(&authority, &names, &BOTH);
    assert_eq!(told_of(&two, &one, &twofold), Fault::ManyNames(2));
    // A dialler believes a name that is among them, and then asks who it is.
    let shown = CertificateDer::from_pem_slice(twofold.0.as_bytes()).unwrap();
    assert_eq!(one.peer(&[shown]), Err(Fault::ManyNames(2)));
    assert_eq!(one.peer(&[]), Err(Fault::NoCertificateShown));
}

#[test]
fn who_shows_no_certificate_is_refused() {
    let (authority, _, two) = pair();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_details(provider, clock(NOW))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    let (_, server) = shake(&Arc::new(config), &two.server, two.identity.server_name());
    assert_eq!(server.unwrap_err(), Fault::NoCertificateShown);
}

#[test]
fn a_certificate_that_ended_while_the_node_ran_is_refused() {
    let (authority, one, _) = pair();
    let now = NOW + 91 * DAY;
    let renewed = {
        let read = crate::pki::issue::Authority::read(
            authority.certificate.as_bytes(),
            authority.key.as_bytes(),
            time(now),
        );
        let made = read.unwrap().issue(crate::pki::NodeNumber(2), 90, time(now)).unwrap();
        credentials(&authority, &made, now).unwrap()
    };
    let ended = time(NOW + 90 * DAY);
    // The one whose clock stands in the past thinks that the other is early.
    let met = meet(&one, &renewed, &node("game", 2));
    assert_eq!(met.dialler.unwrap_err().name(), "not_yet_valid");
    let old = issued(&authority, 1);
    assert_eq!(told_of(&renewed, &renewed, &(old.certificate, old.key)), Fault::Expired(ended));
}

#[test]
fn two_authorities_are_believed_while_one_follows_the_other() {
    let (old, one, _) = pair();
    let new = made_authority("game");
    let both = format!("{}{}", new.certificate, old.certificate);
    let made = issued(&new, 2);
    let with = |made: &Made| {
        let texts = Texts {
            authority: both.as_bytes(),
            certificate: made.certificate.as_bytes(),
            key: made.key.as_bytes(),
        };
        Credentials::new(texts, clock(NOW)).unwrap()
    };
    let two = with(&made);
    let moved = with(&issued(&old, 1));
    assert_eq!(meet(&moved, &two, &node("game", 2)).listener, Ok(node("game", 1)));
    assert_eq!(meet(&one, &two, &node("game", 2)).dialler, Err(Fault::WrongAuthority));
}

#[test]
fn quic_takes_both_configurations() {
    use quinn_proto::crypto::rustls::{QuicClientConfig, QuicServerConfig};
    let (_, one, two) = pair();
    assert!(QuicServerConfig::try_from(Arc::clone(&two.server)).is_ok());
    assert!(QuicClientConfig::try_from(Arc::clone(&one.client)).is_ok());
}
