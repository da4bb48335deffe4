//! `ringway serve`: everything is read and checked, then the doors are bound, then the shards start.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use ringway_tune::{CpuSet, Host, Process, Standing, tunable};
use tracing::{debug, info, warn};

use crate::cluster::{Setup, Shards};
use crate::config::apply::Loaded;
use crate::config::cluster_files::read_cluster_files;
use crate::config::resolve::{Boot, drive, listeners, quic_door, resolve, shard_plan};
use crate::config::secret::{Secret, hex, random};
use crate::control::{self, Control, Doors, Ending, Reloader};
use crate::logs::{Logs, notice};
use crate::node::{self, ClusterOptions, NodeHandle, NodeOptions, QuicOptions, RuntimeChoice, ShardPlan};
use crate::pki::Held;

use super::typed::Serve;
use super::{Plan, Refusal, banner, host, say, variables};

/// Runs the command.
pub(super) fn run(typed: &Serve) -> Result<ExitCode, Refusal> {
    let plan = Plan::of_serve(typed)?;
    let loaded = plan.load(variables())?;
    let config = loaded.config.clone();
    let logs = Logs::start(config.log.format, &config.log.filter, config.log.sampled_per_s);

    let printed = printed_token(&loaded, plan.dev)?;
    let secret = printed.as_ref().map(|token| Secret::new(token.as_bytes()));
    let boot = Boot::of(&loaded, plan.dev, secret)?;
    let resolved = resolve(&loaded, &boot)?;
    let cluster = cluster(&loaded, &boot, typed.raise_terms)?;
    let http = control::bind(&config.http.listen.0).map_err(Refusal::new)?;
    host::raise_open_files();

    let (runtime, spin, flush) = drive(&config);
    let without_rings = matches!(runtime, RuntimeChoice::Epoll);
    let plan_of_shards = shard_plan(&config, &host::cpus_allowed(), host::cpu_quota());
    let (said, heard) = tokio::sync::mpsc::unbounded_channel();
    let part = cluster.as_ref().map(|(setup, held)| ClusterOptions {
        links: QuicOptions { addresses: config.links.listen.0.clone(), ..quic_door(&config) },
        credentials: Arc::clone(held.current()),
        incarnation: setup.incarnation,
        lease: setup.lease(),
        said,
    });
    let node = node::start(NodeOptions {
        settings: resolved.node.clone(),
        listeners: listeners(&config),
        quic: quic_door(&config),
        shards: plan_of_shards.clone(),
        runtime,
        spin,
        flush,
        rings: None,
        echo: config.clients.echo,
        cluster_key: boot.cluster.handles,
        cluster: part,
        observe: notice::observer(logs.clone()),
    })
    .map_err(|error| Refusal::new(error.to_string()))?;

    let doors = doors(&node, &loaded);
    let addresses = http.iter().map(|(address, _)| *address).collect::<Vec<_>>();
    let certificate = resolved.certificate_sha256.as_ref().map(|hash| hex(hash));
    let about = banner::About {
        doors: &doors,
        http: addresses[0],
        token: printed.as_deref(),
        certificate: certificate.as_deref(),
        node: &node,
    };
    let told = plan.dev.then(|| banner::text(&about));
    let (runtime, shards, clients) = (node.runtime().name(), node.shards(), list(node.addresses()));
    let (quic, links) = (list(node.quic_addresses()), list(node.link_addresses()));
    let file = plan.file.as_ref().map(|file| file.display().to_string());
    look_at_host(&plan_of_shards, without_rings);
    if resolved.api_token.is_none() {
        warn!("the API is closed: set http.token_file");
    }
    let control = Control::new(node, doors, &resolved);
    let load = Box::new(move || plan.load(variables()));
    let (setup, held) = cluster.unzip();
    let reloader = Reloader { load, loaded, boot, logs, links: held };
    // Not a moment earlier: whoever waits for this line may send a signal at once, and must find it handled.
    let ready = || {
        info!(runtime, shards, clients, quic, links, http = list(&addresses), file, "serving");
        if let Some(text) = told {
            say(&text);
        }
    };
    let member = setup.map(|setup| {
        let (here, control) = (setup.node(), control.clone());
        let start = move || setup.start(|handle| Shards::new(control, handle, here, heard));
        Box::new(start) as control::Member
    });
    match control::run(control, http, reloader, member, ready).map_err(Refusal::new)? {
        Ending::Drained => Ok(ExitCode::SUCCESS),
        Ending::Stopped => Ok(ExitCode::from(130)),
    }
}

/// What a node of a cluster starts with; `None` for one that is alone.
fn cluster(loaded: &Loaded, boot: &Boot, raise_terms: bool) -> Result<Option<(Setup, Held)>, Refusal> {
    let Some(files) = read_cluster_files(loaded)? else {
        if raise_terms {
            return Err(Refusal::new(
                "--raise-terms is for a node of a cluster, and cluster.coordinator is \"none\"",
            ));
        }
        return Ok(None);
    };
    for warning in &files.warnings {
        warn!(%warning, "a certificate of the links");
    }
    let (setup, held) = Setup::new(loaded, files, &boot.cluster, raise_terms)?;
    info!(node = setup.node().0, cluster = %setup.cluster(), "a node of a cluster");
    Ok(Some((setup, held)))
}

/// Says what of the host is not as these shards need it. Takes some milliseconds, and never fails.
fn look_at_host(shards: &ShardPlan, without_rings: bool) {
    let host = Host::live().seen_by(Process::Router);
    let pinned: CpuSet = shards.0.iter().flatten().filter_map(|cpu| u32::try_from(*cpu).ok()).collect();
    // Shards that the scheduler places may be on any CPU of the mask.
    let host = if pinned.is_empty() { host } else { host.with_shards(pinned) };
    let chosen = |name: &str| !(without_rings && tunable::OF_RINGS.contains(&name));
    for finding in ringway_tune::checks(&host).into_iter().filter(|finding| chosen(finding.name)) {
        match finding.standing {
            Standing::Important => warn!(%finding, "the host is not set up for this; ringway-tune explains"),
            Standing::Advice => debug!(%finding, "the host could be set up better; ringway-tune explains"),
            Standing::Good | Standing::Unknown => {}
        }
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The API token of a development node, which is made up and printed.
fn printed_token(loaded: &Loaded, dev: bool) -> Result<Option<String>, Refusal> {
    if !dev || loaded.config.http.token_file.0.is_some() {
        return Ok(None);
    }
    let bytes = random::<16>().map_err(|error| Refusal::new(format!("no random bytes: {error}")))?;
    Ok(Some(hex(&bytes)))
}

fn doors(node: &NodeHandle, loaded: &Loaded) -> Doors {
    let wanted = listeners(&loaded.config);
    let port = |tls: bool| {
        let mut pairs = wanted.iter().zip(node.addresses());
        pairs.find(|(listen, _)| listen.tls == tls).map(|(_, address)| address.port())
    };
    Doors {
        plain: port(false),
        encrypted: port(true),
        webtransport: node.quic_addresses().first().copied(),
        demo: loaded.config.http.demo,
        body_bytes_max: loaded.config.http.body_bytes_max.0 as usize,
    }
}
