//! Who is let in at the socket, before a byte is read: bounds on connections, on half-open ones, and per address.
//! Shard view: each shard holds its part of the node's bounds, as the kernel spreads connections over them.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::node::DoorSettings;

/// What one address is for the limit: an IPv4 address, or the /64 that one IPv6 host controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    V4(u32),
    V6(u64),
}

impl Origin {
    /// `None` for loopback, which has no limit: whoever is on this machine needs no connections to harm it.
    pub(crate) fn of(address: IpAddr) -> Option<Self> {
        match address.to_canonical() {
            address if address.is_loopback() => None,
            IpAddr::V4(address) => Some(Self::V4(address.to_bits())),
            IpAddr::V6(address) => Some(Self::V6((address.to_bits() >> 64) as u64)),
        }
    }
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Connections,
    HalfOpen,
    Address,
}

impl Refused {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Connections => "the shard holds as many connections as it may",
            Self::HalfOpen => "too many connections have not said hello",
            Self::Address => "the address holds as many connections as it may",
        }
    }
}

/// Counts what is in.
pub(crate) struct Admission {
    connections_max: u32,
    half_open_max: u32,
    address_max: u32,
    pub(crate) half_open: u32,
    addresses: HashMap<Origin, u32>,
}

impl Admission {
    pub(crate) fn new(door: &DoorSettings, shards: u16) -> Self {
        let mut admission = Self {
            connections_max: 0,
            half_open_max: 0,
            address_max: 0,
            half_open: 0,
            addresses: HashMap::default(),
        };
        admission.reload(door, shards);
        admission
    }

    /// New bounds; who is in stays in.
    pub(crate) fn reload(&mut self, door: &DoorSettings, shards: u16) {
        let part = |bound: u32| bound.div_ceil(u32::from(shards)).max(1);
        self.connections_max = part(door.connections_max);
        self.half_open_max = part(door.half_open_max);
        // The kernel deals connections by hash, so that one address may meet one shard more often than others.
        self.address_max = part(door.address_connections_max.saturating_mul(if shards > 1 { 2 } else { 1 }));
    }

    /// Lets a connection in beside so many others, or says why not.
    ///
    /// # Errors
    /// The bound that is reached.
    pub(crate) fn enter(&mut self, connections: usize, origin: Option<Origin>) -> Result<(), Refused> {
        if connections >= self.connections_max as usize {
            return Err(Refused::Connections);
        }
        if self.half_open >= self.half_open_max {
            return Err(Refused::HalfOpen);
        }
        self.count(origin)?;
        self.half_open += 1;
        Ok(())
    }

    /// Counts a connection for the address that it turned out to come from.
    ///
    /// # Errors
    /// The address has as many as it may.
    pub(crate) fn count(&mut self, origin: Option<Origin>) -> Result<(), Refused> {
        let Some(origin) = origin else { return Ok(()) };
        let count = self.addresses.entry(origin).or_insert(0);
        if *count >= self.address_max {
            return Err(Refused::Address);
        }
        *count += 1;
        Ok(())
    }

    /// A connection of this address is gone.
    pub(crate) fn leave(&mut self, origin: Option<Origin>, half_open: bool) {
        self.half_open -= u32::from(half_open);
        let Some(origin) = origin else { return };
        if let Some(count) = self.addresses.get_mut(&origin) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections_max: u32, half_open_max: u32, address_connections_max: u32) -> Admission {
        let door = DoorSettings {
            connections_max,
            half_open_max,
            address_connections_max,
            ..DoorSettings::default()
        };
        Admission::new(&door, 1)
    }

    fn origin(address: &str) -> Option<Origin> {
        Origin::of(address.parse().unwrap())
    }

    #[test]
    fn each_bound_refuses_by_its_name() {
        assert_eq!(admission(2, 9, 9).enter(2, None), Err(Refused::Connections));
        let mut few = admission(9, 1, 9);
        few.enter(0, None).unwrap();
        assert_eq!(few.enter(1, None), Err(Refused::HalfOpen));
        let mut one = admission(9, 9, 1);
        one.enter(0, origin("192.0.2.1")).unwrap();
        assert_eq!(one.enter(1, origin("192.0.2.1")), Err(Refused::Address));
        one.enter(1, origin("192.0.2.2")).unwrap();
        one.leave(origin("192.0.2.1"), true);
        one.enter(1, origin("192.0.2.1")).unwrap();
    }

    #[test]
    fn one_host_s_ipv6_addresses_count_as_one_and_loopback_not_at_all() {
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::ffff:1"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        assert_eq!(origin("127.0.0.9"), None);
        assert_eq!(origin("::1"), None);
    }

    #[test]
    fn an_address_that_left_leaves_no_trace() {
        let mut admission = admission(9, 9, 9);
        admission.count(origin("192.0.2.1")).unwrap();
        admission.leave(origin("192.0.2.1"), false);
        assert!(admission.addresses.is_empty());
    }
}
