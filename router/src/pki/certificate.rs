//! What a certificate says, read from its bytes. Pure; nothing here trusts it.

use ring::digest;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;

use super::fault::Fault;
use super::name::{Cluster, Peer};

/// Certificates in one file, at most: an authority and those before and after it.
pub const CERTIFICATES_MAX: usize = 8;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub role: Role,
    /// Who it says signed it, with nothing in it that a terminal would obey.
    pub issuer: String,
    /// Serial number, big-endian.
    pub serial: Vec<u8>,
    /// The first second at which it is good.
    pub begins: UnixTime,
    /// The last second.
    pub ends: UnixTime,
    /// SHA-256 of its DER.
    pub sha256: [u8; 32],
}

/// Whose a certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The authority of a cluster: names in the certificates that it signs must be below the cluster's.
    Authority(Cluster),
    /// An authority for names of any kind, not made by `ringway pki init`.
    ForeignAuthority,
    /// A node.
    Node(Peer),
    /// None of ours; why.
    Foreign(Fault),
}

impl Certificate {
    /// Reads DER.
    ///
    /// # Errors
    /// [`Fault::BadCertificate`].
    pub fn read(der: &[u8]) -> Result<Self, Fault> {
        let (rest, x509) = X509Certificate::from_der(der).map_err(|_| Fault::BadCertificate)?;
        if !rest.is_empty() {
            return Err(Fault::BadCertificate);
        }
        let hash = digest::digest(&digest::SHA256, der);
        Ok(Self {
            role: role(&x509),
            issuer: x509.issuer().to_string().escape_debug().to_string(),
            serial: x509.raw_serial().to_vec(),
            begins: unix(x509.validity().not_before),
            ends: unix(x509.validity().not_after),
            sha256: hash.as_ref().try_into().expect("SHA-256 has 32 bytes"),
        })
    }

    /// Whether it is good at this time.
    ///
    /// # Errors
    /// [`Fault::Expired`], [`Fault::NotYetValid`].
    pub fn good_at(&self, now: UnixTime) -> Result<(), Fault> {
        if now > self.ends {
            return Err(Fault::Expired(self.ends));
        }
        if now < self.begins {
            return Err(Fault::NotYetValid(self.begins));
        }
        Ok(())
    }
}

/// The certificates in a PEM text; other things in it are passed over.
///
/// # Errors
/// [`Fault::FileEmpty`], [`Fault::BadPem`], [`Fault::NoCertificate`], [`Fault::TooManyCertificates`].
pub fn of_pem(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Fault> {
    if text.trim_ascii().is_empty() {
        return Err(Fault::FileEmpty);
    }
    let mut all = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(text) {
        if all.len() == CERTIFICATES_MAX {
            return Err(Fault::TooManyCertificates(CERTIFICATES_MAX));
        }
        all.push(certificate.map_err(|error| match error {
            pem::Error::NoItemsFound => Fault::NoCertificate,
            _ => Fault::BadPem,
        })?);
    }
    if all.is_empty() { Err(Fault::NoCertificate) } else { Ok(all) }
}

/// The node that a certificate names. Whether to believe it is the verifier's to say.
///
/// # Errors
/// [`Fault::BadCertificate`], [`Fault::NoName`], [`Fault::ManyNames`].
pub fn peer(der: &[u8]) -> Result<Peer, Fault> {
    match Certificate::read(der)?.role {
        Role::Node(peer) => Ok(peer),
        Role::Foreign(fault) => Err(fault),
        Role::Authority(_) | Role::ForeignAuthority => Err(Fault::NoName),
    }
}

/// A time for people, in UTC.
#[must_use]
pub fn date(time: UnixTime) -> String {
    let seconds = time.as_secs();
    let Some(time) = i64::try_from(seconds).ok().and_then(|seconds| ASN1Time::from_timestamp(seconds).ok())
    else {
        return format!("second {seconds} of 1970");
    };
    let time = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

fn role(x509: &X509Certificate<'_>) -> Role {
    if x509.is_ca() {
        return constrained(x509).map_or(Role::ForeignAuthority, Role::Authority);
    }
    let names = match x509.subject_alternative_name() {
        Ok(Some(extension)) => &extension.value.general_names,
        Ok(None) => return Role::Foreign(Fault::NoName),
        Err(_) => return Role::Foreign(Fault::BadCertificate),
    };
    match names.as_slice() {
        [GeneralName::DNSName(name)] => Peer::of_name(name).map_or(Role::Foreign(Fault::NoName), Role::Node),
        [] | [_] => Role::Foreign(Fault::NoName),
        many => Role::Foreign(Fault::ManyNames(many.len())),
    }
}

/// The one cluster that an authority may name.
fn constrained(x509: &X509Certificate<'_>) -> Option<Cluster> {
    let constraints = x509.name_constraints().ok()??;
    match constraints.value.permitted_subtrees.as_deref()? {
        [only] => match only.base {
            GeneralName::DNSName(domain) => Cluster::of_domain(domain),
            _ => None,
        },
        _ => None,
    }
}

fn unix(time: ASN1Time) -> UnixTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}
