//! The namespaces by number, so that a room keeps two bytes instead of a policy.
//!
//! Numbers are given once and never reused: a namespace that a reload removed keeps its last policy for the rooms
//! that still live, and refuses newcomers.

use std::collections::BTreeMap;

use crate::settings::{Namespace, Settings};

/// Number of a namespace on this shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NamespaceId(pub(crate) u16);

/// All namespaces ever configured since the start.
pub(crate) struct Namespaces {
    by_name: BTreeMap<String, NamespaceId>,
    policies: Vec<Namespace>,
    configured: Vec<bool>,
}

impl Namespaces {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut all = Self { by_name: BTreeMap::new(), policies: Vec::new(), configured: Vec::new() };
        all.update(settings);
        all
    }

    pub(crate) fn update(&mut self, settings: &Settings) {
        self.configured.fill(false);
        for (name, policy) in &settings.namespaces {
            match self.by_name.get(name) {
                Some(id) => {
                    self.policies[id.0 as usize] = policy.clone();
                    self.configured[id.0 as usize] = true;
                }
                None if self.policies.len() < usize::from(u16::MAX) => {
                    self.by_name.insert(name.clone(), NamespaceId(self.policies.len() as u16));
                    self.policies.push(policy.clone());
                    self.configured.push(true);
                }
                None => {}
            }
        }
    }

    /// The namespace of that name, if it is configured now.
    pub(crate) fn find(&self, name: &str) -> Option<NamespaceId> {
        self.by_name.get(name).copied().filter(|id| self.configured[id.0 as usize])
    }

    pub(crate) fn policy(&self, id: NamespaceId) -> &Namespace {
        &self.policies[id.0 as usize]
    }

    /// Names in the order of their numbers.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names = vec![""; self.policies.len()];
        for (name, id) in &self.by_name {
            names[id.0 as usize] = name;
        }
        names
    }
}
