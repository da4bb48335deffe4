//! SIGHUP: the configuration is loaded again from the same sources and takes effect whole, or nothing changes.

use std::time::Duration;

use tracing::{error, info, warn};

use super::Control;
use crate::config::apply::Loaded;
use crate::config::reload::Reload;
use crate::config::resolve::{Boot, Resolved, resolve};
use crate::config::secret::hex;
use crate::config::{Fault, check};
use crate::logs::Logs;
use crate::pki::Held;

/// Loads configurations again.
pub struct Reloader {
    /// Gives the configuration as its sources say now.
    pub load: Box<dyn Fn() -> Result<Loaded, Vec<Fault>> + Send>,
    /// What is in force.
    pub loaded: Loaded,
    /// What the process started with.
    pub boot: Boot,
    /// The logs.
    pub logs: Logs,
    /// What this node shows on its links to other nodes, if it has any.
    pub links: Option<Held>,
}

impl Reloader {
    /// Loads, compares, checks, and lets everything that may change take effect.
    ///
    /// # Errors
    /// Every fault; nothing has changed then.
    pub async fn reload(&mut self, control: &Control) -> Result<Reload, Vec<Fault>> {
        let reload = Reload::between(&self.loaded, (self.load)()?);
        // The old values of keys that need a restart stay: the mixture must make sense, too.
        let faults = check::check(&reload.loaded, self.boot.dev);
        if !faults.is_empty() {
            return Err(faults);
        }
        let resolved = resolve(&reload.loaded, &self.boot)?;
        if let Some(links) = &mut self.links {
            for warning in links.reload().map_err(|bad| vec![Fault::whole(bad.to_string())])? {
                warn!(%warning, "a certificate of the links");
            }
            if control.node().link_credentials(links.current()).is_err() {
                return Err(vec![Fault::whole(
                    "a shard did not take the new certificate of the links; reload again",
                )]);
            }
        }
        take_effect(control, &resolved).await?;
        self.logs.change(&resolved.config.log.filter, resolved.config.log.sampled_per_s);
        self.loaded = reload.loaded.clone();
        Ok(reload)
    }

    /// Reloads and says in the log what came of it.
    pub(super) async fn reload_and_tell(&mut self, control: &Control) {
        match self.reload(control).await {
            Ok(reload) => {
                for change in &reload.changed {
                    info!(%change, "configuration changed");
                }
                for kept in &reload.kept {
                    warn!(change = %kept, "configuration not changed: this key needs a restart");
                }
                info!(
                    changed = reload.changed.len(),
                    need_restart = reload.kept.len(),
                    "configuration reloaded, files read again"
                );
            }
            Err(faults) => {
                for fault in &faults {
                    error!(%fault, "configuration refused");
                }
                error!(faults = faults.len(), "configuration not reloaded: nothing has changed");
            }
        }
    }

    /// Makes and uses a new certificate of development before the old one ends.
    pub(super) async fn renew(&mut self, control: &Control) {
        let renewed = match resolve(&self.loaded, &self.boot) {
            Ok(resolved) => take_effect(control, &resolved).await.map(|()| resolved.certificate_sha256),
            Err(faults) => Err(faults),
        };
        match renewed {
            Ok(hash) => {
                let sha256 = hash.as_ref().map(|hash| hex(hash));
                info!(sha256, "a new self-signed certificate is in use");
            }
            Err(faults) => faults.iter().for_each(|fault| error!(%fault, "the certificate was not renewed")),
        }
    }
}

async fn take_effect(control: &Control, resolved: &Resolved) -> Result<(), Vec<Fault>> {
    // Said again to all shards until each has room for it: the last word is the same everywhere.
    for _ in 0..500 {
        if control.node().reload(&resolved.node).is_ok() {
            control.set_hot(resolved);
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(vec![Fault::whole("a shard did not take the new settings in 5 s; reload again")])
}
