//! Whose connection it is, when proxies stand in front.

use core::net::{IpAddr, SocketAddr};

/// The client's address: the peer's, unless the peer is a trusted proxy; then the last hop of `X-Forwarded-For` that
/// is not a trusted proxy itself. What stands left of the first hop that is not trusted, or is no address, may be the
/// client's invention and is ignored.
pub fn client_address<'a>(
    peer: IpAddr,
    hops: impl DoubleEndedIterator<Item = &'a str>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> IpAddr {
    let mut client = peer;
    for hop in hops.rev() {
        if !is_trusted(client) {
            break;
        }
        let Some(address) = parse(hop) else { break };
        client = address;
    }
    client.to_canonical()
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn parse(hop: &str) -> Option<IpAddr> {
    if let Ok(address) = hop.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(address) = hop.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, hops: &[&str]) -> String {
        let is_trusted = |address: IpAddr| match address.to_canonical() {
            IpAddr::V4(address) => address.octets()[0] == 10,
            IpAddr::V6(_) => false,
        };
        client_address(peer.parse().unwrap(), hops.iter().copied(), is_trusted).to_string()
    }

    #[test]
    fn an_untrusted_peer_can_t_claim_to_be_somebody_else() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn the_last_untrusted_hop_before_trusted_proxies_is_the_client() {
        assert_eq!(client("10.0.0.1", &["203.0.113.9", "198.51.100.7", "10.0.0.2"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.3"]), "10.0.0.3");
    }

    #[test]
    fn a_hop_that_is_no_address_ends_the_search() {
        assert_eq!(client("10.0.0.1", &["198.51.100.7", "unknown"]), "10.0.0.1");
    }

    #[test]
    fn ports_brackets_and_mapped_addresses_are_understood() {
        assert_eq!(client("10.0.0.1", &["198.51.100.7:4711"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(client("::ffff:10.0.0.1", &["::ffff:198.51.100.7"]), "198.51.100.7");
    }
}
