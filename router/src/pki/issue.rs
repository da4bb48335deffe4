//! Makes authorities and certificates of nodes: ECDSA P-256 all over. Pure but for the keys, which come of the system's
//! random bytes.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls::pki_types::UnixTime;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificate::{self, Certificate, Role};
use super::fault::{Bad, Fault, Part};
use super::name::{Cluster, NodeNumber, Peer};

/// Days that anything may be good, at most.
pub const DAYS_MAX: u32 = 36_500;

/// How far into the past a certificate begins: clocks of hosts differ.
const SKEW_SECONDS: u64 = 3_600;
const DAY_SECONDS: u64 = 86_400;

/// A certificate and its key, as PEM.
pub struct Made {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
    /// When the certificate ends.
    pub ends: UnixTime,
}

/// Makes an authority that can sign for nodes of this cluster and for no other DNS name or address (name
/// constraints, RFC 5280 section 4.2.1.10), nor make a further authority.
///
/// # Errors
/// The system has no random bytes; its words.
pub fn authority(cluster: &Cluster, days: u32, now: UnixTime) -> Result<Made, String> {
    let mut params = params(cluster.as_str());
    let (begins, ends) = validity(days, now);
    params.not_before = at(begins).into();
    params.not_after = at(ends).into();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName(cluster.domain())],
        // What is not named is not constrained: an address would be.
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ],
    });
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| error.to_string())?;
    let certificate = params.self_signed(&key).map_err(|error| error.to_string())?;
    Ok(Made { certificate: certificate.pem(), key: key.serialize_pem(), ends })
}

/// An authority read back.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    cluster: Cluster,
    begins: UnixTime,
    ends: UnixTime,
}

impl Authority {
    /// Reads what [`authority`] made: certificate and key, as PEM.
    ///
    /// # Errors
    /// What is wrong with which of them; [`Part::Key`] is the authority's here. One that has ended can't sign.
    pub fn read(certificate: &[u8], key: &[u8], now: UnixTime) -> Result<Self, Bad> {
        let bad = |fault| Part::Authority.bad(fault);
        // The first one signs; others in the file are those that it follows.
        let der = certificate::of_pem(certificate).map_err(bad)?.swap_remove(0);
        let told = Certificate::read(&der).map_err(bad)?;
        let Role::Authority(cluster) = told.role.clone() else { return Err(bad(Fault::NotAuthority)) };
        told.good_at(now).map_err(bad)?;
        let key = std::str::from_utf8(key).map_err(|_| Part::Key.bad(Fault::BadPem))?;
        if key.trim().is_empty() {
            return Err(Part::Key.bad(Fault::FileEmpty));
        }
        let key = KeyPair::from_pem(key).map_err(|error| {
            Part::Key.bad(match error {
                rcgen::Error::PemError(_) => Fault::NoKey,
                _ => Fault::BadKey,
            })
        })?;
        let (_, x509) = X509Certificate::from_der(&der).map_err(|_| bad(Fault::BadCertificate))?;
        if key.public_key_raw() != &*x509.public_key().subject_public_key.data {
            return Err(Part::Key.bad(Fault::KeyMismatch));
        }
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|_| bad(Fault::BadCertificate))?;
        Ok(Self { issuer, cluster, begins: told.begins, ends: told.ends })
    }

    /// Its cluster.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Makes a key and a certificate for a node, good for both ends of its links. No certificate of the authority goes with
    /// it: the other side has that.
    ///
    /// # Errors
    /// [`Fault::OutlivesAuthority`]; [`Fault::Refused`] when the system has no random bytes.
    pub fn issue(&self, node: NodeNumber, days: u32, now: UnixTime) -> Result<Made, Fault> {
        let peer = Peer { cluster: self.cluster.clone(), node };
        let (begins, ends) = validity(days, now);
        if ends > self.ends {
            return Err(Fault::OutlivesAuthority(self.ends));
        }
        let refused = |error: rcgen::Error| Fault::Refused(error.to_string());
        let mut params = params(&format!("node-{node}"));
        params.not_before = at(begins.max(self.begins)).into();
        params.not_after = at(ends).into();
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names = vec![SanType::DnsName(peer.name().try_into().map_err(refused)?)];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(refused)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(refused)?;
        Ok(Made { certificate: certificate.pem(), key: key.serialize_pem(), ends })
    }
}

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Ringway");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// First and last second of something that is good for so many days from now.
fn validity(days: u32, now: UnixTime) -> (UnixTime, UnixTime) {
    let now = now.as_secs().min(SECONDS_MAX);
    let seconds = u64::from(days.min(DAYS_MAX)) * DAY_SECONDS;
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    (at(now.saturating_sub(SKEW_SECONDS)), at(now + seconds))
}

/// The year 9000: certificates end with the year 9999, and a clock may be anywhere.
const SECONDS_MAX: u64 = 7_030 * 365 * DAY_SECONDS;

fn at(time: UnixTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs())
}
