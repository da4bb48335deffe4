//! What must hold between the keys of a cluster.

use std::net::SocketAddr;

use ringway_cluster::record::ADDRESSES_BYTES_MAX;

use super::apply::Loaded;
use super::choice::CoordinatorKind;
use super::raw::Fault;
use super::value::Value;

/// Most members of etcd that can be named.
const ENDPOINTS_MAX: usize = 16;
/// Longest prefix of keys.
const PREFIX_BYTES_MAX: usize = 128;

/// Adds every reason why a node must not run with this.
pub(super) fn check(loaded: &Loaded, faults: &mut Vec<Fault>) {
    let mut fault = |section: &str, key: &str, what: String| {
        faults.push(Fault::at(&loaded.origin(section, key), what));
    };
    let config = &loaded.config;
    let (cluster, links) = (&config.cluster, &config.links);
    if cluster.coordinator == CoordinatorKind::None {
        if !cluster.endpoints.0.is_empty() {
            let mend = "say cluster.coordinator = \"etcd\", or empty it";
            fault(
                "cluster",
                "endpoints",
                format!("cluster.endpoints is set and cluster.coordinator is \"none\": {mend}"),
            );
        }
        for (name, _) in config.namespaces.iter().filter(|(_, keys)| keys.replicas > 1) {
            let section = format!("namespaces.{name}");
            let what =
                format!("{section}.replicas = 2 needs a second node and cluster.coordinator is \"none\"");
            fault(
                &section,
                "replicas",
                format!("{what}: set it to 1, or say cluster.coordinator = \"etcd\""),
            );
        }
        return;
    }
    if config.node.state_dir.0.is_none() {
        let what = "a node of a cluster must remember its map over a restart: set node.state_dir";
        fault("node", "state_dir", what.into());
    }
    endpoints(loaded, &mut fault);
    for (key, file, what) in [
        ("certificate_file", &links.certificate_file, "the node-N.pem of `ringway pki issue`"),
        ("ca_file", &links.ca_file, "the ca.pem of `ringway pki init`"),
    ] {
        if file.0.is_none() {
            let what = format!("cluster.coordinator = \"etcd\" needs links.{key}: set it to {what}");
            fault("links", key, what);
        }
    }
    addresses(loaded, &mut fault);
    let (beat, ttl, margin) = (cluster.beat, cluster.ttl, cluster.margin);
    if ttl.0.saturating_sub(margin.0) <= 2 * beat.0 {
        let what = format!(
            "cluster.ttl = {} less cluster.margin = {} is not more than two of cluster.beat = {}",
            ttl.show(),
            margin.show(),
            beat.show()
        );
        fault(
            "cluster",
            "ttl",
            format!("{what}: one lost renewal would end a lease; raise ttl or lower beat"),
        );
    }
}

fn endpoints(loaded: &Loaded, fault: &mut impl FnMut(&str, &str, String)) {
    let cluster = &loaded.config.cluster;
    let count = cluster.endpoints.0.len();
    if count == 0 {
        let what = "cluster.coordinator = \"etcd\" needs cluster.endpoints: name etcd's members, like \"https://10.0.0.1:2379\"";
        fault("cluster", "endpoints", what.into());
    }
    if count > ENDPOINTS_MAX {
        fault("cluster", "endpoints", format!("cluster.endpoints names {count}: at most {ENDPOINTS_MAX}"));
    }
    let tls = cluster.etcd_ca_file.0.is_some();
    for endpoint in &cluster.endpoints.0 {
        match scheme(endpoint) {
            None => {
                let mend = "write it like \"https://10.0.0.1:2379\" or \"http://etcd-1:2379\"";
                fault(
                    "cluster",
                    "endpoints",
                    format!("cluster.endpoints: {endpoint:?} is no URL of a host and port: {mend}"),
                );
            }
            Some(true) if !tls => {
                let what =
                    format!("cluster.endpoints: {endpoint:?} is https and there is no cluster.etcd_ca_file");
                fault(
                    "cluster",
                    "etcd_ca_file",
                    format!("{what}: set it to the authority that signed etcd's certificate"),
                );
            }
            Some(false) if tls => {
                let what = format!(
                    "cluster.endpoints: {endpoint:?} is not encrypted and cluster.etcd_ca_file is set"
                );
                fault("cluster", "endpoints", format!("{what}: write https, or empty cluster.etcd_ca_file"));
            }
            Some(_) => {}
        }
    }
    let pair = |one: bool, other: bool, key: &'static str, needs: &str| {
        (one && !other).then(|| (key, format!("cluster.{needs} is set without cluster.{key}: both or none")))
    };
    let (certificate, key) = (cluster.etcd_certificate_file.0.is_some(), cluster.etcd_key_file.0.is_some());
    let (user, password) = (!cluster.user.is_empty(), cluster.password_file.0.is_some());
    let halves = [
        pair(certificate, key, "etcd_key_file", "etcd_certificate_file"),
        pair(key, certificate, "etcd_certificate_file", "etcd_key_file"),
        pair(user, password, "password_file", "user"),
        pair(password, user, "user", "password_file"),
    ];
    for (key, what) in halves.into_iter().flatten() {
        fault("cluster", key, what);
    }
    if (certificate || key) && !tls {
        let what = "cluster.etcd_certificate_file is for https, and there is no cluster.etcd_ca_file: set it";
        fault("cluster", "etcd_ca_file", what.into());
    }
    let prefix = &cluster.prefix;
    let plain = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte));
    if prefix.trim_matches('/').is_empty() || prefix.len() > PREFIX_BYTES_MAX || !plain {
        let mend = format!("use 1 to {PREFIX_BYTES_MAX} letters, digits and any of / - _ .");
        fault("cluster", "prefix", format!("cluster.prefix = {prefix:?} can't begin keys: {mend}"));
    }
}

fn addresses(loaded: &Loaded, fault: &mut impl FnMut(&str, &str, String)) {
    let links = &loaded.config.links;
    if links.listen.0.is_empty() {
        fault("links", "listen", "links.listen is empty: name an address to listen on".into());
    }
    let unreachable = |address: &&SocketAddr| address.ip().is_unspecified() || address.port() == 0;
    if links.advertise.0.is_empty()
        && let Some(address) = links.listen.0.iter().find(unreachable)
    {
        let what = format!("links.listen = \"{address}\" is no address that other nodes could dial");
        fault("links", "advertise", format!("{what}: set links.advertise, like \"10.0.0.1:7410\""));
    }
    if let Some(address) = links.advertise.0.iter().find(unreachable) {
        let what = format!("links.advertise = \"{address}\" is no address that other nodes could dial");
        fault("links", "advertise", format!("{what}: name one, like \"10.0.0.1:7410\""));
    }
    if advertised(loaded).len() > ADDRESSES_BYTES_MAX {
        let what =
            format!("links.advertise is longer than {ADDRESSES_BYTES_MAX} bytes: name fewer addresses");
        fault("links", "advertise", what);
    }
}

/// Where other nodes reach the links of this one, comma-separated.
#[must_use]
pub fn advertised(loaded: &Loaded) -> String {
    let links = &loaded.config.links;
    let addresses = if links.advertise.0.is_empty() { &links.listen.0 } else { &links.advertise.0 };
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Whether an endpoint is https; `None`: it is none.
fn scheme(endpoint: &str) -> Option<bool> {
    let (tls, rest) = match endpoint.split_once("://") {
        Some(("https", rest)) => (true, rest),
        Some(("http", rest)) => (false, rest),
        _ => return None,
    };
    let (host, port) = rest.trim_end_matches('/').rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_host = !bare.is_empty()
        && (bare.parse::<std::net::IpAddr>().is_ok()
            || bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.'));
    (is_host && port.parse::<u16>().is_ok_and(|port| port != 0)).then_some(tls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_scheme_a_host_and_a_port() {
        for (good, tls) in [
            ("http://127.0.0.1:2379", false),
            ("https://etcd-1.internal:2379", true),
            ("https://[::1]:2379/", true),
        ] {
            assert_eq!(scheme(good), Some(tls), "{good}");
        }
        for bad in [
            "",
            "etcd-1:2379",
            "http://etcd-1",
            "http://:2379",
            "ftp://a:1",
            "http://a:0",
            "http://a b:1",
            "http://a:1/x",
        ] {
            assert_eq!(scheme(bad), None, "{bad}");
        }
    }
}
