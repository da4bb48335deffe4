//! What can be wrong with certificates, keys and the other side: each fault has a number, a name, and how to mend it. Pure.
//!
//! 100–199: a file; 200–299: what a certificate or key says; 300–399: a handshake with another node.

use std::fmt;
use std::path::PathBuf;

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, InconsistentKeys};

use super::certificate::date;
use super::name::{Cluster, Peer};

/// Which of the three that a node is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The certificate of the authority.
    Authority,
    /// The node's own certificate.
    Certificate,
    /// The node's private key.
    Key,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no such file.
    FileMissing,
    /// The system does not give the file; its words.
    FileUnreadable(String),
    /// The file is larger than any of its kind; the bytes that are allowed.
    FileTooLarge(usize),
    /// The file is empty.
    FileEmpty,
    /// The PEM in it is broken.
    BadPem,
    /// No certificate is in it.
    NoCertificate,
    /// More certificates are in it than are taken; how many are.
    TooManyCertificates(usize),
    /// No private key is in it.
    NoKey,
    /// A certificate in it can't be read.
    BadCertificate,
    /// The key is of a kind that can't be used.
    BadKey,

    /// The key is not the one of the certificate.
    KeyMismatch,
    /// The certificate may not sign others.
    NotAuthority,
    /// The certificate was signed by another authority.
    WrongAuthority,
    /// The certificate has ended; when.
    Expired(UnixTime),
    /// The certificate is not good yet; when it begins.
    NotYetValid(UnixTime),
    /// The certificate has no name of our form.
    NoName,
    /// The certificate has more than one name; how many.
    ManyNames(usize),
    /// The certificate is not for both ends of a link.
    WrongPurpose,
    /// The certificate is of another cluster.
    WrongCluster {
        /// Which it should be.
        expected: Cluster,
        /// Which it is.
        found: Cluster,
    },
    /// The certificate is of another node.
    WrongNode {
        /// Which it should be.
        expected: Peer,
        /// Which it is.
        found: Peer,
    },
    /// The certificate would outlive the authority; when that ends.
    OutlivesAuthority(UnixTime),

    /// The other side showed no certificate.
    NoCertificateShown,
    /// The other side refused us; its alert.
    RefusedByPeer(String),
    /// The two sides have no protocol in common; what rustls says.
    NoProtocol(String),
    /// Anything else that rustls refuses; its words.
    Refused(String),
}

impl Fault {
    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u16 {
        self.row().0
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.row().1
    }

    /// What to do about it.
    #[must_use]
    pub const fn mend(&self) -> &'static str {
        self.row().2
    }

    const fn row(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::FileMissing => (100, "file_missing", "check the path"),
            Self::FileUnreadable(_) => (
                101,
                "file_unreadable",
                "let the user that Ringway runs as read it, and check that it is a file",
            ),
            Self::FileTooLarge(_) => (102, "file_too_large", "check that it is the right file"),
            Self::FileEmpty => (103, "file_empty", "copy it anew from where it was made"),
            Self::BadPem => (104, "bad_pem", "copy it anew: its text is damaged or cut"),
            Self::NoCertificate => (
                105,
                "no_certificate",
                "it must have -----BEGIN CERTIFICATE----- in it: check that it is the right file",
            ),
            Self::TooManyCertificates(_) => (106, "too_many_certificates", "keep those that are in use"),
            Self::NoKey => (
                107,
                "no_key",
                "it must have -----BEGIN PRIVATE KEY----- in it, without a passphrase: check that it is the right file",
            ),
            Self::BadCertificate => (108, "bad_certificate", "copy it anew, or issue it anew"),
            Self::BadKey => (109, "bad_key", "use a key of ECDSA P-256, as `ringway pki issue` makes it"),
            Self::KeyMismatch => (200, "key_mismatch", "take certificate and key from one issue"),
            Self::NotAuthority => (201, "not_authority", "take the ca.pem that `ringway pki init` made"),
            Self::WrongAuthority => (
                202,
                "wrong_authority",
                "give all nodes the ca.pem of one authority, and certificates that it issued",
            ),
            Self::Expired(_) => (
                203,
                "expired",
                "renew it (`ringway pki issue --replace`, or a new authority), and check the clocks",
            ),
            Self::NotYetValid(_) => (204, "not_yet_valid", "check the clocks of both hosts"),
            Self::NoName => {
                (205, "no_name", "take a certificate that `ringway pki issue` made: this one names no node")
            }
            Self::ManyNames(_) => (206, "many_names", "issue a certificate for each node, with its one name"),
            Self::WrongPurpose => {
                (207, "wrong_purpose", "take a certificate that `ringway pki issue` made, for both ends")
            }
            Self::WrongCluster { .. } => {
                (208, "wrong_cluster", "check the cluster's name, and which node the address belongs to")
            }
            Self::WrongNode { .. } => {
                (209, "wrong_node", "check the node's number, and which node the address belongs to")
            }
            Self::OutlivesAuthority(_) => {
                (210, "outlives_authority", "give --days a smaller number, or make a new authority")
            }
            Self::NoCertificateShown => {
                (300, "no_certificate_shown", "give the other side a certificate of this cluster")
            }
            Self::RefusedByPeer(_) => (301, "refused_by_peer", "its log says why"),
            Self::NoProtocol(_) => {
                (302, "no_protocol", "check that the address is one for links, of a node of this version")
            }
            Self::Refused(_) => (303, "refused", "compare both sides with `ringway pki show`"),
        }
    }

    /// What a failed handshake means.
    #[must_use]
    pub fn of_handshake(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(what) => Self::of_certificate(what),
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Self::KeyMismatch,
            rustls::Error::NoCertificatesPresented => Self::NoCertificateShown,
            rustls::Error::AlertReceived(alert) => Self::RefusedByPeer(format!("{alert:?}")),
            rustls::Error::NoApplicationProtocol
            | rustls::Error::PeerIncompatible(_)
            | rustls::Error::InappropriateMessage { .. }
            | rustls::Error::InvalidMessage(_) => Self::NoProtocol(error.to_string()),
            other => Self::Refused(other.to_string()),
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::BadEncoding => Self::BadCertificate,
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired(*not_after),
            CertificateError::NotValidYetContext { not_before, .. } => Self::NotYetValid(*not_before),
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::WrongAuthority,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::WrongPurpose
            }
            CertificateError::NotValidForNameContext { expected, presented } => {
                let asked = expected.to_str();
                // rustls prints a presented name as `DnsName("…")`.
                let found =
                    presented.iter().find_map(|text| Peer::of_name(text.split('"').nth(1).unwrap_or(text)));
                match (Peer::of_name(&asked), found) {
                    (Some(expected), Some(found)) => found.must_be(&expected).err().unwrap_or(Self::NoName),
                    _ => Self::NoName,
                }
            }
            CertificateError::Other(other) => {
                other.0.downcast_ref::<Self>().cloned().unwrap_or_else(|| Self::Refused(error.to_string()))
            }
            other => Self::Refused(other.to_string()),
        }
    }
}

impl Peer {
    /// Whether it is the one that it should be.
    ///
    /// # Errors
    /// [`Fault::WrongCluster`], else [`Fault::WrongNode`].
    pub fn must_be(&self, expected: &Self) -> Result<(), Fault> {
        self.must_be_of(&expected.cluster)?;
        if self.node != expected.node {
            return Err(Fault::WrongNode { expected: expected.clone(), found: self.clone() });
        }
        Ok(())
    }

    /// Whether it is in this cluster.
    ///
    /// # Errors
    /// [`Fault::WrongCluster`].
    pub fn must_be_of(&self, expected: &Cluster) -> Result<(), Fault> {
        if self.cluster == *expected {
            return Ok(());
        }
        Err(Fault::WrongCluster { expected: expected.clone(), found: self.cluster.clone() })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileMissing => write!(formatter, "there is no such file")?,
            Self::FileUnreadable(why) => write!(formatter, "it can't be read: {why}")?,
            Self::FileTooLarge(bytes_max) => write!(formatter, "it has more than {bytes_max} bytes")?,
            Self::FileEmpty => write!(formatter, "it is empty")?,
            Self::BadPem => write!(formatter, "it is not PEM")?,
            Self::NoCertificate => write!(formatter, "no certificate is in it")?,
            Self::TooManyCertificates(most) => write!(formatter, "more than {most} certificates are in it")?,
            Self::NoKey => write!(formatter, "no private key is in it")?,
            Self::BadCertificate => write!(formatter, "the certificate can't be read")?,
            Self::BadKey => write!(formatter, "the private key can't be used")?,
            Self::KeyMismatch => write!(formatter, "the private key is not the one of the certificate")?,
            Self::NotAuthority => write!(formatter, "the certificate is not the one of an authority")?,
            Self::WrongAuthority => write!(formatter, "the certificate was signed by another authority")?,
            Self::Expired(at) => write!(formatter, "the certificate ended on {}", date(*at))?,
            Self::NotYetValid(at) => write!(formatter, "the certificate begins on {}", date(*at))?,
            Self::NoName => {
                write!(formatter, "the certificate has no name like node-3.CLUSTER.ringway.internal")?
            }
            Self::ManyNames(count) => write!(formatter, "the certificate has {count} names instead of one")?,
            Self::WrongPurpose => write!(formatter, "the certificate is not for clients and servers both")?,
            Self::WrongCluster { expected, found } => {
                write!(formatter, "the certificate is of cluster {found} and not of {expected}")?;
            }
            Self::WrongNode { expected, found } => {
                write!(formatter, "the certificate is of {found} and not of {expected}")?;
            }
            Self::OutlivesAuthority(at) => {
                write!(
                    formatter,
                    "the certificate would outlive the authority, which ends on {}",
                    date(*at)
                )?;
            }
            Self::NoCertificateShown => write!(formatter, "the other side showed no certificate")?,
            Self::RefusedByPeer(alert) => write!(formatter, "the other side refused this node ({alert})")?,
            Self::NoProtocol(why) => write!(formatter, "the other side does not speak as links do: {why}")?,
            Self::Refused(why) => write!(formatter, "the certificate is refused: {why}")?,
        }
        write!(formatter, " (pki {}, {}); {}", self.number(), self.name(), self.mend())
    }
}

impl std::error::Error for Fault {}

/// A fault and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// In which of the three.
    pub part: Part,
    /// The file, when it came from one.
    pub path: Option<PathBuf>,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for Bad {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.part {
            Part::Authority => "the authority's certificate",
            Part::Certificate => "the node's certificate",
            Part::Key => "the node's key",
        };
        match &self.path {
            Some(path) => write!(formatter, "{what} in {}: {}", path.display(), self.fault),
            None => write!(formatter, "{what}: {}", self.fault),
        }
    }
}

impl std::error::Error for Bad {}

impl Part {
    /// A fault in this part.
    pub(super) fn bad(self, fault: Fault) -> Bad {
        Bad { part: self, path: None, fault }
    }
}
