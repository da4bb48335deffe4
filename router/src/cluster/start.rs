//! From the configuration to a running driver: who this node is, which cluster it is in, what it remembers.
//!
//! A node is who its certificate says; the state directory keeps that number (`node-id`), so that a directory copied to another
//! node is told at once. A cluster is whoever shares `cluster.key`: its id is a digest of that key, so that a node with another key,
//! for which every room would have another handle, is refused by the coordinator instead of splitting rooms in silence.

use std::path::{Path, PathBuf};

use ring::digest;
use ringway_cluster::NodeId;
use ringway_cluster::lease::Timing;
use ringway_cluster::member::Config;
use ringway_cluster::record::ClusterId;

use super::driver::{DriverOptions, driver, recall};
use super::etcd::{Etcd, EtcdOptions, Timeouts};
use super::{Consumer, Handle, Lease};
use crate::config::Fault;
use crate::config::apply::Loaded;
use crate::config::cluster::ClusterSecrets;
use crate::config::cluster_check::advertised;
use crate::config::cluster_files::ClusterFiles;
use crate::pki::{Held, files};
use crate::shard::clock::Clock;

const NODE_FILE: &str = "node-id";
const STARTS_FILE: &str = "starts";

/// What a node starts its part of the cluster with.
pub struct Setup {
    config: Config,
    etcd: EtcdOptions,
    state_dir: PathBuf,
    /// Which start of the node this is.
    pub incarnation: u64,
    lease: Lease,
}

impl Setup {
    /// Of a configuration that was checked and its files; with what the node shows on its links.
    ///
    /// # Errors
    /// What is wrong with the state directory, or between it and the configuration.
    pub fn new(
        loaded: &Loaded,
        files: ClusterFiles,
        secrets: &ClusterSecrets,
        raise_terms: bool,
    ) -> Result<(Self, Held), Vec<Fault>> {
        let keys = &loaded.config.cluster;
        let at_state_dir = |what: String| vec![Fault::at(&loaded.origin("node", "state_dir"), what)];
        let Some(state_dir) = loaded.config.node.state_dir.0.clone() else {
            return Err(at_state_dir("a node of a cluster must remember its map: set node.state_dir".into()));
        };
        let named = files.links.current().identity.node.0;
        if let Some(number) = keys.node.0.filter(|number| *number != named) {
            let what = format!("cluster.node = {number}, but links.certificate_file is of node {named}");
            let mend = "set it to \"auto\", or give this node its own certificate";
            return Err(vec![Fault::at(&loaded.origin("cluster", "node"), format!("{what}: {mend}"))]);
        }
        own(&state_dir, named).map_err(at_state_dir)?;
        let cluster = cluster_id(secrets);
        let remembered = recall(&state_dir).map_err(at_state_dir)?;
        if let Some(other) = remembered.as_ref().map(|kept| kept.cluster).filter(|other| *other != cluster) {
            return Err(at_state_dir(format!(
                "{} holds the map of cluster {other}, and its cluster.key is that of cluster {cluster}: restore the key, or empty the \
                 directory and copy the cluster.key of the cluster to join",
                state_dir.display()
            )));
        }
        let timing = Timing {
            beat_ms: keys.beat.as_ms(),
            ttl_ms: keys.ttl.as_ms(),
            margin_ms: keys.margin.as_ms(),
            // Two renewals fit into it.
            grace_ms: 2 * keys.beat.as_ms(),
        };
        let config = Config {
            node: NodeId(named),
            cluster,
            weight: keys.weight,
            addresses: advertised(loaded),
            replicas: loaded.config.namespaces.values().map(|keys| keys.replicas).max().unwrap_or(1),
            timing,
            alone: false,
            remembered,
            raise_terms,
        };
        let etcd = EtcdOptions {
            endpoints: keys.endpoints.0.iter().map(|url| url.trim_end_matches('/').to_string()).collect(),
            prefix: keys.prefix.clone(),
            tls: files.tls,
            login: files.login,
            timeouts: Timeouts::of(&timing),
        };
        let incarnation = started(&state_dir).map_err(at_state_dir)?;
        Ok((Self { config, etcd, state_dir, incarnation, lease: Lease::none(timing.margin_ms) }, files.links))
    }

    /// Which node it is.
    #[must_use]
    pub const fn node(&self) -> NodeId {
        self.config.node
    }

    /// Which cluster it is of.
    #[must_use]
    pub const fn cluster(&self) -> ClusterId {
        self.config.cluster
    }

    /// Until when it may speak for its slots: nothing before the driver starts.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.lease.clone()
    }

    /// Starts coordinator and driver; `consumer` is made with the handle that is also returned.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start<C: Consumer + Send + 'static>(self, consumer: impl FnOnce(Handle) -> C) -> Handle {
        let etcd = Etcd::new(self.etcd);
        let wake = etcd.wake();
        let options = DriverOptions {
            config: self.config,
            coordinator: Box::new(etcd),
            wake,
            state_dir: self.state_dir,
            clock: Clock::monotonic,
            lease: self.lease,
        };
        let (driver, handle) = driver(options, consumer);
        tokio::spawn(driver.run());
        handle
    }
}

/// The cluster of whoever has this key.
#[must_use]
pub fn cluster_id(secrets: &ClusterSecrets) -> ClusterId {
    let text = [b"ringway cluster id\0".as_slice(), &secrets.handles.0].concat();
    let digest = digest::digest(&digest::SHA256, &text);
    let first = digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes");
    ClusterId(u64::from_be_bytes(*first))
}

/// Writes down whose directory this is, or finds that it is another's.
fn own(directory: &Path, node: u64) -> Result<(), String> {
    let path = directory.join(NODE_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().parse() == Ok(node) => Ok(()),
        Ok(text) => Err(format!(
            "{} is the state of node {}, and this is node {node}: give this node a directory of its own (a copied one carries the other's map), \
             or its own certificate",
            directory.display(),
            text.trim()
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            files::replace(&path, format!("{node}\n").as_bytes()).map_err(|error| {
                format!(
                    "can't write {}: {error}; let the user that Ringway runs as write there",
                    path.display()
                )
            })
        }
        Err(error) => Err(format!("can't read {}: {error}; check the file", path.display())),
    }
}

/// Counts this start.
fn started(directory: &Path) -> Result<u64, String> {
    let path = directory.join(STARTS_FILE);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(|_| {
            format!("{} does not hold a number: write one that is higher than any before", path.display())
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0_u64,
        Err(error) => return Err(format!("can't read {}: {error}; check the file", path.display())),
    };
    let now = before.saturating_add(1);
    files::replace(&path, format!("{now}\n").as_bytes())
        .map_err(|error| format!("can't write {}: {error}", path.display()))?;
    Ok(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::Scratch;

    #[test]
    fn a_cluster_is_whoever_shares_the_key() {
        let (one, other) = (ClusterSecrets::random().unwrap(), ClusterSecrets::random().unwrap());
        let rotated = ClusterSecrets { resume: other.resume.clone(), ..one.clone() };
        assert_eq!(cluster_id(&one), cluster_id(&rotated), "resume secrets may be rotated");
        assert_ne!(cluster_id(&one), cluster_id(&other));
    }

    #[test]
    fn a_copied_state_directory_is_told() {
        let scratch = Scratch::new("node-id");
        own(&scratch.path, 3).unwrap();
        own(&scratch.path, 3).unwrap();
        let told = own(&scratch.path, 4).unwrap_err();
        assert!(told.contains("is the state of node 3, and this is node 4"), "{told}");
    }
}
