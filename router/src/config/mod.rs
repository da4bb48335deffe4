//! The configuration: `ringway.toml`, the environment, flags, in that order of precedence, over the defaults and the
//! profile of `--dev`.
//!
//! Node view. Each key is declared once ([`keys`], [`namespace`]); everything is parsed and everything is validated
//! before anything is used; faults are told all at once, each with its place and how to mend it. What the rest of the
//! program gets is typed and checked: nothing behind this door looks at text again.

pub mod apply;
pub mod certificate;
pub mod check;
pub mod choice;
pub mod cluster;
pub mod cluster_check;
pub mod cluster_files;
pub mod declare;
pub mod dev;
pub mod document;
pub mod environment;
pub mod file;
pub mod keys;
pub mod list;
pub mod namespace;
pub mod number;
pub mod raw;
pub mod reload;
pub mod resolve;
pub mod secret;
pub mod suggest;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod value;

use std::collections::BTreeMap;

use declare::Section;
use namespace::NamespaceKeys;
pub use raw::{Assignment, Fault, KeyPath, Origin, Raw};

/// Every key's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[node]`
    pub node: keys::Node,
    /// `[clients]`
    pub clients: keys::Clients,
    /// `[tls]`
    pub tls: keys::Tls,
    /// `[quic]`
    pub quic: keys::Quic,
    /// `[tokens]`
    pub tokens: keys::Tokens,
    /// `[http]`
    pub http: keys::Http,
    /// `[limits]`
    pub limits: keys::Limits,
    /// `[cluster]`
    pub cluster: keys::Cluster,
    /// `[links]`
    pub links: keys::Links,
    /// `[drain]`
    pub drain: keys::Drain,
    /// `[log]`
    pub log: keys::Log,
    /// `[namespaces.NAME]`; `default` is always there.
    pub namespaces: BTreeMap<String, NamespaceKeys>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            node: keys::Node::default(),
            clients: keys::Clients::default(),
            tls: keys::Tls::default(),
            quic: keys::Quic::default(),
            tokens: keys::Tokens::default(),
            http: keys::Http::default(),
            limits: keys::Limits::default(),
            cluster: keys::Cluster::default(),
            links: keys::Links::default(),
            drain: keys::Drain::default(),
            log: keys::Log::default(),
            namespaces: BTreeMap::from([("default".to_string(), NamespaceKeys::default())]),
        }
    }
}

impl Config {
    /// The sections by name, in the order in which they are shown.
    #[must_use]
    pub fn sections(&self) -> Vec<(String, &dyn Section)> {
        let mut out: Vec<(String, &dyn Section)> = vec![
            ("node".into(), &self.node),
            ("clients".into(), &self.clients),
            ("tls".into(), &self.tls),
            ("quic".into(), &self.quic),
            ("tokens".into(), &self.tokens),
            ("http".into(), &self.http),
            ("limits".into(), &self.limits),
            ("cluster".into(), &self.cluster),
            ("links".into(), &self.links),
            ("drain".into(), &self.drain),
            ("log".into(), &self.log),
        ];
        let namespaces = self.namespaces.iter();
        out.extend(namespaces.map(|(name, keys)| (format!("namespaces.{name}"), keys as &dyn Section)));
        out
    }

    /// A section by name; a namespace that is not there yet is made.
    fn section_mut(&mut self, name: &str) -> Option<&mut dyn Section> {
        Some(match name {
            "node" => &mut self.node,
            "clients" => &mut self.clients,
            "tls" => &mut self.tls,
            "quic" => &mut self.quic,
            "tokens" => &mut self.tokens,
            "http" => &mut self.http,
            "limits" => &mut self.limits,
            "cluster" => &mut self.cluster,
            "links" => &mut self.links,
            "drain" => &mut self.drain,
            "log" => &mut self.log,
            _ => {
                let namespace = name.strip_prefix("namespaces.")?;
                if !ringway_protocol::room::is_namespace(namespace) {
                    return None;
                }
                self.namespaces.entry(namespace.to_string()).or_default()
            }
        })
    }
}
