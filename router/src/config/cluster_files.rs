//! The files of a cluster's node: what it shows on its links, and how it is known to etcd.

use std::sync::Arc;

use rustls::time_provider::DefaultTimeProvider;

use super::apply::Loaded;
use super::choice::CoordinatorKind;
use super::raw::Fault;
use super::secret::{Secret, read};
use crate::cluster::etcd::{EtcdTls, Login};
use crate::pki::{Held, Part, Paths, Warning};

/// What was read.
#[derive(Debug)]
pub struct ClusterFiles {
    /// What the node shows on its links, and whom it believes there.
    pub links: Held,
    /// What about the files works and should not stay so.
    pub warnings: Vec<Warning>,
    /// TLS to etcd.
    pub tls: Option<EtcdTls>,
    /// The user of etcd.
    pub login: Option<Login>,
}

/// Reads the files; `None` for a node that is alone.
///
/// # Errors
/// Every file that can't be used.
pub fn read_cluster_files(loaded: &Loaded) -> Result<Option<ClusterFiles>, Vec<Fault>> {
    let (cluster, links) = (&loaded.config.cluster, &loaded.config.links);
    if cluster.coordinator == CoordinatorKind::None {
        return Ok(None);
    }
    let mut faults = Vec::new();
    let mut keep = |section: &str, key: &str, what: String| {
        faults.push(Fault::at(&loaded.origin(section, key), format!("{section}.{key}: {what}")));
    };
    let held = match (&links.certificate_file.0, &links.ca_file.0) {
        (Some(certificate), Some(authority)) => {
            let paths = Paths {
                authority: authority.clone(),
                certificate: certificate.clone(),
                key: links.key_file.0.clone().unwrap_or_else(|| certificate.clone()),
            };
            let held = Held::load(paths, None, Arc::new(DefaultTimeProvider));
            let key = |part| match part {
                Part::Authority => "ca_file",
                Part::Key if links.key_file.0.is_some() => "key_file",
                Part::Certificate | Part::Key => "certificate_file",
            };
            held.map_err(|bad| keep("links", key(bad.part), bad.to_string())).ok()
        }
        _ => None,
    };
    let mut text = |key: &str, path: &Option<std::path::PathBuf>| {
        path.as_deref().and_then(|path| read(path).map_err(|what| keep("cluster", key, what)).ok())
    };
    let authority = text("etcd_ca_file", &cluster.etcd_ca_file.0);
    let certificate = text("etcd_certificate_file", &cluster.etcd_certificate_file.0);
    let key = text("etcd_key_file", &cluster.etcd_key_file.0);
    let login = cluster.password_file.0.as_deref().and_then(|path| {
        let secret = Secret::read(path, 1).map_err(|what| keep("cluster", "password_file", what)).ok()?;
        let password = String::from_utf8(secret.shared().to_vec());
        let password =
            password.map_err(|_| keep("cluster", "password_file", "it is no UTF-8".into())).ok()?;
        Some(Login { user: cluster.user.clone(), password })
    });
    match held {
        Some((links, warnings)) if faults.is_empty() => {
            let tls = authority.map(|authority| EtcdTls { authority, identity: certificate.zip(key) });
            Ok(Some(ClusterFiles { links, warnings, tls, login }))
        }
        _ => Err(faults),
    }
}
