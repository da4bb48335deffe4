//! What must hold between keys, and what production refuses to run without.

use std::net::SocketAddr;

use ringway_protocol::token::jwt::KEYS_MAX;
use ringway_protocol::websocket::handshake::OriginPolicy;

use super::apply::Loaded;
use super::choice::TlsMode;
use super::list::Shards;
use super::raw::Fault;
use super::value::Value;

/// Every reason why a node must not run with this.
#[must_use]
pub fn check(loaded: &Loaded, dev: bool) -> Vec<Fault> {
    let mut checks = Checks { loaded, faults: Vec::new() };
    checks.addresses(dev);
    checks.tls(dev);
    checks.identity(dev);
    checks.origins();
    checks.bounds();
    checks.log();
    checks.namespaces();
    super::cluster_check::check(loaded, &mut checks.faults);
    checks.faults
}

struct Checks<'a> {
    loaded: &'a Loaded,
    faults: Vec<Fault>,
}

impl Checks<'_> {
    /// A fault of what stands at this key.
    fn fault(&mut self, section: &str, key: &str, what: impl Into<String>) {
        self.faults.push(Fault::at(&self.loaded.origin(section, key), what));
    }

    fn addresses(&mut self, dev: bool) {
        let config = &self.loaded.config;
        for (section, key, addresses) in [
            ("clients", "listen", &config.clients.listen),
            ("tls", "listen", &config.tls.listen),
            ("quic", "listen", &config.quic.listen),
            ("http", "listen", &config.http.listen),
        ] {
            if addresses.0.is_empty() && !matches!(section, "tls" | "quic") {
                self.fault(section, key, format!("{section}.{key} is empty: name an address to listen on"));
            }
            for address in addresses.0.iter().filter(|address| dev && !address.ip().is_loopback()) {
                let what = format!("{section}.{key} = \"{address}\": --dev serves loopback only");
                self.fault(section, key, format!("{what}; use 127.0.0.1, or run without --dev"));
            }
        }
        let doors: Vec<&SocketAddr> = config.clients.listen.0.iter().chain(&config.tls.listen.0).collect();
        for address in config.http.listen.0.iter().filter(|address| address.port() != 0) {
            if doors.contains(&address) {
                self.fault(
                    "http",
                    "listen",
                    format!("http.listen = \"{address}\": clients listen there already; choose another port"),
                );
            }
        }
    }

    fn tls(&mut self, dev: bool) {
        let config = &self.loaded.config;
        let tls = &config.tls;
        let open = config.clients.listen.0.iter().find(|address| !address.ip().is_loopback());
        match tls.mode {
            TlsMode::On => {
                for (key, file) in [("certificate_file", &tls.certificate_file), ("key_file", &tls.key_file)]
                {
                    if file.0.is_none() {
                        let mend =
                            "set it, or say tls.mode = \"off\" where something before Ringway ends TLS";
                        self.fault("tls", key, format!("tls.mode = \"on\" needs tls.{key}: {mend}"));
                    }
                }
                if let Some(open) = open.filter(|_| !tls.listen.0.is_empty()) {
                    let mend = "keep it on loopback, or say tls.mode = \"off\"";
                    let what = "is not encrypted while tls.listen is set";
                    self.fault("clients", "listen", format!("clients.listen = \"{open}\" {what}: {mend}"));
                }
            }
            TlsMode::Off if !self.loaded.config.quic.listen.0.is_empty() && !dev => {
                let mend = "empty it, or say tls.mode = \"on\" with certificate and key";
                self.fault("quic", "listen", format!("quic.listen is set and tls.mode is \"off\": {mend}"));
            }
            TlsMode::Off if !tls.listen.0.is_empty() && !dev => {
                let mend = "empty it, or say tls.mode = \"on\"";
                self.fault("tls", "listen", format!("tls.listen is set and tls.mode is \"off\": {mend}"));
            }
            TlsMode::Off => {}
            TlsMode::SelfSigned if !dev => {
                let mend = "use --dev, or tls.mode = \"on\" with certificate and key";
                self.fault("tls", "mode", format!("tls.mode = \"self-signed\" is for development: {mend}"));
            }
            TlsMode::SelfSigned => {}
        }
    }

    fn identity(&mut self, dev: bool) {
        let config = &self.loaded.config;
        let keys = config.tokens.key_files.0.len();
        if keys == 0 && !config.clients.anonymous {
            let mend = "set tokens.key_files, or clients.anonymous = true";
            self.fault("tokens", "key_files", format!("no client could come in: {mend}"));
        }
        if keys > KEYS_MAX {
            self.fault(
                "tokens",
                "key_files",
                format!("tokens.key_files names {keys} files: at most {KEYS_MAX}"),
            );
        }
        let open = config.http.listen.0.iter().find(|address| !address.ip().is_loopback());
        if let Some(open) = open.filter(|_| config.http.token_file.0.is_none() && !dev) {
            let mend = "set http.token_file, or listen on 127.0.0.1";
            self.fault(
                "http",
                "listen",
                format!("http.listen = \"{open}\" is not loopback and the API has no token: {mend}"),
            );
        }
    }

    fn origins(&mut self) {
        for origin in &self.loaded.config.clients.origins.0 {
            if let Err(bad) = OriginPolicy::new([origin]) {
                self.fault("clients", "origins", format!("clients.origins: {bad}"));
            }
        }
        for host in &self.loaded.config.http.hosts.0 {
            let plain = host.chars().all(|symbol| {
                symbol.is_ascii_alphanumeric() || matches!(symbol, '.' | '-' | ':' | '[' | ']')
            });
            if host.is_empty() || !plain {
                let mend = "write it like \"ringway.internal\" or \"ringway.internal:7480\"";
                self.fault("http", "hosts", format!("http.hosts: {host:?} is no host name: {mend}"));
            }
        }
    }

    fn bounds(&mut self) {
        let config = &self.loaded.config;
        let (limits, frame) = (&config.limits, config.clients.frame_bytes_max);
        if limits.outbox_bytes_max.0 < 2 * frame.0 {
            let what =
                format!("limits.outbox_bytes_max = {} can't hold two frames", limits.outbox_bytes_max.show());
            let mend = format!(
                "of clients.frame_bytes_max = {}: raise it to {} or more",
                frame.show(),
                super::value::Size(2 * frame.0).show()
            );
            self.fault("limits", "outbox_bytes_max", format!("{what} {mend}"));
        }
        if limits.shard_bytes_max < limits.outbox_bytes_max {
            let what = "limits.shard_bytes_max is less than limits.outbox_bytes_max: raise it";
            self.fault("limits", "shard_bytes_max", what);
        }
        if let Shards::Count(shards) = config.node.shards {
            let cores = config.node.cores.0.len();
            if cores != 0 && cores < usize::from(shards) {
                let what = format!("node.shards = {shards} and node.cores names {cores}");
                self.fault(
                    "node",
                    "shards",
                    format!("{what}: name one core for each shard, or set node.shards = \"auto\""),
                );
            }
        }
    }

    fn log(&mut self) {
        let filter = &self.loaded.config.log.filter;
        if tracing_subscriber::EnvFilter::builder().parse(filter).is_err() {
            let mend = "write it like \"info\" or \"info,ringway=debug\"";
            self.fault("log", "filter", format!("log.filter = {filter:?} is no filter: {mend}"));
        }
    }

    fn namespaces(&mut self) {
        for (name, keys) in &self.loaded.config.namespaces {
            if !(keys.reliable || keys.latest || keys.unreliable) {
                let section = format!("namespaces.{name}");
                self.fault(
                    &section,
                    "reliable",
                    format!("{section} has no lane: set reliable, latest or unreliable to true"),
                );
            }
        }
    }
}
