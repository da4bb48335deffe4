//! From checked values to what the rest of the program is given: files read, secrets at hand, types of the node and
//! the core. Also what a reload makes of a new configuration.

use std::sync::Arc;

use ringway_core::Settings;
use ringway_core::settings::Limits;
use ringway_protocol::token::SECRET_BYTES_MIN;
use ringway_protocol::websocket::handshake::OriginPolicy;

use crate::node::{
    DoorSettings, FlushChoice, Listen, NodeSettings, QuicOptions, RuntimeChoice, ShardPlan, SpinChoice,
    TokenSettings,
};

use super::apply::Loaded;
use super::choice::{Flush, Runtime, TlsMode};
use super::cluster::ClusterSecrets;
use super::list::{Shards, Spin};
use super::raw::Fault;
use super::secret::Secret;
use super::{Config, certificate};

/// Shortest token of the API.
const API_TOKEN_BYTES_MIN: usize = 16;

/// What lives as long as the process and is in no file that a reload reads.
#[derive(Debug)]
pub struct Boot {
    /// Development mode.
    pub dev: bool,
    /// The cluster's secrets.
    pub cluster: ClusterSecrets,
    /// The API token of a development node whose configuration names none.
    pub api_token: Option<Secret>,
}

impl Boot {
    /// Reads or makes what a process starts with.
    ///
    /// # Errors
    /// What is wrong with the state directory.
    pub fn of(loaded: &Loaded, dev: bool, api_token: Option<Secret>) -> Result<Self, Vec<Fault>> {
        let cluster = match &loaded.config.node.state_dir.0 {
            Some(directory) => ClusterSecrets::of_directory(directory),
            None => ClusterSecrets::random(),
        };
        let cluster = cluster.map_err(|what| vec![Fault::at(&loaded.origin("node", "state_dir"), what)])?;
        Ok(Self { dev, cluster, api_token })
    }
}

/// What a reload may change.
#[derive(Clone)]
pub struct Resolved {
    /// For the shards.
    pub node: NodeSettings,
    /// Opens the API; `None`: it is closed.
    pub api_token: Option<Secret>,
    /// SHA-256 of the certificate, where no authority vouches for it.
    pub certificate_sha256: Option<[u8; 32]>,
    /// The values as they are.
    pub config: Config,
}

/// Reads every file and makes the settings of the parts.
///
/// # Errors
/// Every file that can't be used.
pub fn resolve(loaded: &Loaded, boot: &Boot) -> Result<Resolved, Vec<Fault>> {
    let files = files(loaded)?;
    let config = &loaded.config;
    let (tls, certificate_sha256) = match config.tls.mode {
        TlsMode::Off => (None, None),
        TlsMode::On => (files.tls, None),
        TlsMode::SelfSigned => {
            let made = certificate::self_signed()
                .map_err(|what| vec![Fault::at(&loaded.origin("tls", "mode"), what)])?;
            (Some(made.tls), Some(made.sha256))
        }
    };
    let tokens = TokenSettings {
        anonymous: config.clients.anonymous,
        jwt_secrets: files.token_keys.iter().map(Secret::shared).collect(),
        audience: Some(config.tokens.audience.clone()).filter(|audience| !audience.is_empty()),
        leeway_s: config.tokens.leeway.as_ms().div_ceil(1_000),
        resume_secrets: boot.cluster.resume.clone(),
        resume_ttl_ms: config.tokens.resume_ttl.as_ms(),
    };
    let node = NodeSettings { core: Arc::new(core(config)), door: Arc::new(door(config, tokens)), tls };
    let api_token = files.api_token.or_else(|| boot.api_token.clone());
    Ok(Resolved { node, api_token, certificate_sha256, config: config.clone() })
}

struct Files {
    tls: Option<Arc<rustls::ServerConfig>>,
    token_keys: Vec<Secret>,
    api_token: Option<Secret>,
}

/// Reads what the configuration names: also `config check` does, so that it finds what a start would.
///
/// # Errors
/// Every file that can't be used.
pub fn check_files(loaded: &Loaded) -> Result<(), Vec<Fault>> {
    let cluster = super::cluster_files::read_cluster_files(loaded).map(drop);
    match (files(loaded).map(drop), cluster) {
        (Err(mut faults), Err(more)) => {
            faults.extend(more);
            Err(faults)
        }
        (one, other) => one.and(other),
    }
}

fn files(loaded: &Loaded) -> Result<Files, Vec<Fault>> {
    let config = &loaded.config;
    let mut faults = Vec::new();
    let mut keep = |section: &str, key: &str, what: String| {
        faults.push(Fault::at(&loaded.origin(section, key), format!("{section}.{key}: {what}")));
    };
    let mut token_keys = Vec::new();
    for path in &config.tokens.key_files.0 {
        match Secret::read(path, SECRET_BYTES_MIN) {
            Ok(key) => token_keys.push(key),
            Err(what) => keep("tokens", "key_files", what),
        }
    }
    let api_token = config.http.token_file.0.as_deref().and_then(|path| {
        Secret::read(path, API_TOKEN_BYTES_MIN).map_err(|what| keep("http", "token_file", what)).ok()
    });
    let tls = match (&config.tls.certificate_file.0, &config.tls.key_file.0) {
        (Some(chain), Some(key)) if config.tls.mode == TlsMode::On => {
            certificate::of_files(chain, key).map_err(|what| keep("tls", "certificate_file", what)).ok()
        }
        _ => None,
    };
    if faults.is_empty() { Ok(Files { tls, token_keys, api_token }) } else { Err(faults) }
}

fn core(config: &Config) -> Settings {
    let limits = &config.limits;
    Settings {
        namespaces: config.namespaces.iter().map(|(name, keys)| (name.clone(), keys.policy())).collect(),
        limits: Limits {
            frame_bytes_max: config.clients.frame_bytes_max.0 as u32,
            sessions_max: limits.sessions_max,
            rooms_max: limits.rooms_max,
            session_rooms_max: limits.session_rooms_max,
            outbox_bytes_max: limits.outbox_bytes_max.0,
            outbox_age_ms_max: limits.outbox_age_max.as_ms(),
            shard_bytes_max: limits.shard_bytes_max.0,
            work_per_s: limits.work_per_s,
            work_burst: limits.work_burst,
            refusals_max: limits.refusals_max,
        },
        node: node_name(config),
        heartbeat_ms: config.clients.heartbeat.as_ms() as u32,
    }
}

fn door(config: &Config, tokens: TokenSettings) -> DoorSettings {
    let clients = &config.clients;
    DoorSettings {
        origins: OriginPolicy::new(&clients.origins.0).expect("the origins were checked"),
        tokens,
        handshake_ms: clients.handshake_timeout.as_ms(),
        half_open_max: clients.half_open_max,
        connections_max: clients.connections_max,
        address_connections_max: clients.address_connections_max,
        trusted_proxies: clients.trusted_proxies.0.clone(),
        tcp_user_timeout_ms: clients.tcp_user_timeout.as_ms() as u32,
        tcp_unsent_bytes: clients.tcp_unsent_bytes.0 as u32,
        ..DoorSettings::default()
    }
}

/// The node's name: as configured, else the host's.
#[must_use]
pub fn node_name(config: &Config) -> String {
    if !config.node.name.is_empty() {
        return config.node.name.clone();
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    if host.is_empty() { "ringway".into() } else { host.into() }
}

/// Where clients connect.
#[must_use]
pub fn listeners(config: &Config) -> Vec<Listen> {
    let tls = config.tls.mode != TlsMode::Off;
    let apart = !config.tls.listen.0.is_empty();
    let doors =
        config.clients.listen.0.iter().map(|address| Listen { address: *address, tls: tls && !apart });
    let encrypted =
        config.tls.listen.0.iter().filter(|_| tls).map(|address| Listen { address: *address, tls: true });
    doors.chain(encrypted).collect()
}

/// The door for clients over QUIC; without a certificate there is none (`--dev` with tls.mode = "off").
#[must_use]
pub fn quic_door(config: &Config) -> QuicOptions {
    let addresses = if config.tls.mode == TlsMode::Off { Vec::new() } else { config.quic.listen.0.clone() };
    QuicOptions { addresses, steering: config.quic.steering, congestion: config.quic.congestion }
}

/// What drives the shards.
#[must_use]
pub fn drive(config: &Config) -> (RuntimeChoice, SpinChoice, FlushChoice) {
    let runtime = match config.node.runtime {
        Runtime::Auto => RuntimeChoice::Auto,
        Runtime::IoUring => RuntimeChoice::IoUring,
        Runtime::Epoll => RuntimeChoice::Epoll,
    };
    let spin = match config.node.spin {
        Spin::Auto => SpinChoice::Auto,
        Spin::For(span) => SpinChoice::Micros(span.0 as u32),
    };
    let flush = match config.node.flush {
        Flush::Auto => FlushChoice::Auto,
        Flush::Send => FlushChoice::Send,
        Flush::Ring => FlushChoice::Ring,
    };
    (runtime, spin, flush)
}

/// How many shards, and where: `allowed` are the CPUs of the affinity mask, `quota` how many of them the control group
/// grants.
#[must_use]
pub fn shard_plan(config: &Config, allowed: &[u16], quota: Option<usize>) -> ShardPlan {
    let cores = &config.node.cores.0;
    let at_hand = if cores.is_empty() { allowed } else { cores };
    let cpus = quota.map_or(at_hand.len(), |quota| quota.min(at_hand.len())).max(1);
    let shards = match config.node.shards {
        Shards::Count(count) => usize::from(count),
        Shards::Auto if !cores.is_empty() => cores.len(),
        Shards::Auto if cpus <= 2 => cpus,
        Shards::Auto => cpus - 1,
    };
    // More shards than cores can't be pinned one to one: the scheduler places them.
    let pinned = shards <= at_hand.len() && (!cores.is_empty() || quota.is_none());
    ShardPlan((0..shards).map(|shard| pinned.then(|| usize::from(at_hand[shard]))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::list::Cores;

    fn plan(shards: Shards, cores: &[u16], allowed: &[u16], quota: Option<usize>) -> Vec<Option<usize>> {
        let mut config = Config::default();
        config.node.shards = shards;
        config.node.cores = Cores(cores.to_vec());
        shard_plan(&config, allowed, quota).0
    }

    #[test]
    fn auto_takes_all_of_two_cpus_and_leaves_one_of_more_to_the_control_thread() {
        assert_eq!(plan(Shards::Auto, &[], &[0], None), [Some(0)]);
        assert_eq!(plan(Shards::Auto, &[], &[0, 1], None), [Some(0), Some(1)]);
        assert_eq!(plan(Shards::Auto, &[], &[2, 3, 6, 7], None), [Some(2), Some(3), Some(6)]);
    }

    #[test]
    fn a_quota_below_the_mask_decides_how_many_and_pins_none() {
        assert_eq!(plan(Shards::Auto, &[], &[0, 1, 2, 3], Some(2)), [None, None]);
    }

    #[test]
    fn named_cores_are_taken_in_their_order() {
        assert_eq!(plan(Shards::Auto, &[5, 3], &[0, 1, 2, 3, 4, 5], None), [Some(5), Some(3)]);
        assert_eq!(plan(Shards::Count(1), &[5, 3], &[0, 1], None), [Some(5)]);
    }

    #[test]
    fn more_shards_than_cpus_are_left_to_the_scheduler() {
        assert_eq!(plan(Shards::Count(3), &[], &[0, 1], None), [None, None, None]);
    }
}
