//! How etcd is reached.

use std::fmt;
use std::time::Duration;

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};
use ringway_cluster::lease::Timing;

/// etcd refuses clients that ping more often than every five seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(6);
const KEEP_ALIVE_PATIENCE: Duration = Duration::from_secs(2);

/// Where etcd is and how it is talked to.
#[derive(Clone, Debug)]
pub struct EtcdOptions {
    /// URLs, like `https://10.0.0.1:2379`; without a scheme it is that of `tls`. At least one.
    pub endpoints: Vec<String>,
    /// What stands before every key: the name of the installation.
    pub prefix: String,
    /// TLS, for `https`.
    pub tls: Option<EtcdTls>,
    /// Where etcd asks for it.
    pub login: Option<Login>,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// PEM texts.
#[derive(Clone)]
pub struct EtcdTls {
    /// Whom to believe.
    pub authority: Vec<u8>,
    /// Our certificate and its key, where etcd asks for one.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for EtcdTls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EtcdTls").field("identity", &self.identity.is_some()).finish_non_exhaustive()
    }
}

/// A user of etcd.
#[derive(Clone)]
pub struct Login {
    /// Who.
    pub user: String,
    /// What only they know.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// How long an answer may take before it counts as none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a transaction.
    pub transact: Duration,
    /// For a read, and for a watch to begin.
    pub read: Duration,
}

impl Timeouts {
    /// Of leases with this timing.
    ///
    /// A transaction that an election swallows is never answered, and a renewal is not repeated before it is given up: half of
    /// what a lease has left after one beat leaves time to find out and to renew. A read is answered when the
    /// election is over, so it may take as long as a lease lasts.
    #[must_use]
    pub const fn of(timing: &Timing) -> Self {
        let left_ms = timing.held_ms().saturating_sub(timing.beat_ms);
        Self { transact: Duration::from_millis(left_ms / 2), read: Duration::from_millis(left_ms) }
    }
}

impl EtcdOptions {
    /// The key of a path.
    pub(super) fn key(&self, path: &str) -> Vec<u8> {
        format!("{}/{path}", self.prefix.trim_end_matches('/')).into_bytes()
    }

    /// The path of a key; `None` if it is not ours.
    pub(super) fn path<'a>(&self, key: &'a [u8]) -> Option<&'a str> {
        let path = key.strip_prefix(self.prefix.trim_end_matches('/').as_bytes())?.strip_prefix(b"/")?;
        std::str::from_utf8(path).ok()
    }

    pub(super) fn connect_options(&self) -> ConnectOptions {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(self.timeouts.read)
            .with_keep_alive(KEEP_ALIVE, KEEP_ALIVE_PATIENCE)
            // A member that has lost its leader says so at once instead of waiting for one.
            .with_require_leader(true)
            .with_auto_token_refresh(true);
        if let Some(tls) = &self.tls {
            let mut with = TlsOptions::new().ca_certificate(Certificate::from_pem(&tls.authority));
            if let Some((certificate, key)) = &tls.identity {
                with = with.identity(Identity::from_pem(certificate, key));
            }
            options = options.with_tls(with);
        }
        if let Some(login) = &self.login {
            options = options.with_user(&login.user, &login.password);
        }
        options
    }
}

const _: () = {
    let timeouts = Timeouts::of(&Timing::DEFAULT);
    assert!(timeouts.transact.as_millis() == 475 && timeouts.read.as_millis() == 950);
};
