//! The PROXY protocol, version 2: how a balancer that forwards bare bytes says whose they are (haproxy's
//! `proxy-protocol.txt`, §2.2). Pure.
//!
//! Only trusted proxies are listened to, and they may leave it out (HTTP proxies say `X-Forwarded-For` instead): the
//! signature can begin neither an HTTP request nor a TLS record.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const FIXED_BYTES: usize = 16;
/// Addresses and extensions; the largest address alone is 216 bytes.
const REST_BYTES_MAX: usize = 2048;

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// A header of so many bytes. `None`: the proxy speaks for itself, or of no IP address.
    Header { bytes: usize, client: Option<SocketAddr> },
    /// No header: the first bytes are the client's already.
    Absent,
    /// It can't be told yet.
    Cut,
    /// A header that breaks the rules.
    Malformed,
}

/// Looks at everything received so far.
pub(crate) fn parse(bytes: &[u8]) -> Opening {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes[..known] != SIGNATURE[..known] {
        return Opening::Absent;
    }
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED_BYTES>() else { return Opening::Cut };
    let [.., command, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if command >> 4 != 2 || command & 0xf > 1 || length > REST_BYTES_MAX {
        return Opening::Malformed;
    }
    let Some(addresses) = rest.get(..length) else { return Opening::Cut };
    let bytes = FIXED_BYTES + length;
    if command & 0xf == 0 {
        return Opening::Header { bytes, client: None };
    }
    let client = match family {
        // TCP over IPv4: source, destination, ports.
        0x11 => match addresses.first_chunk::<12>() {
            Some([a, b, c, d, _, _, _, _, high, low, ..]) => {
                let ip = IpAddr::V4(Ipv4Addr::new(*a, *b, *c, *d));
                Some(SocketAddr::new(ip, u16::from_be_bytes([*high, *low])))
            }
            None => return Opening::Malformed,
        },
        // TCP over IPv6.
        0x21 => match addresses.first_chunk::<36>() {
            Some(addresses) => {
                let (source, rest) = addresses.split_at(16);
                let ip = IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(source).unwrap_or_default()));
                Some(SocketAddr::new(ip, u16::from_be_bytes([rest[16], rest[17]])))
            }
            None => return Opening::Malformed,
        },
        _ => None,
    };
    Opening::Header { bytes, client }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend_from_slice(&[command, family]);
        bytes.extend_from_slice(&(addresses.len() as u16).to_be_bytes());
        bytes.extend_from_slice(addresses);
        bytes
    }

    #[test]
    fn the_client_s_address_is_read_and_extensions_are_skipped() {
        let bytes = header(0x21, 0x11, &[192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 80, 3, 0, 1, 9]);
        let client = Some("192.0.2.7:4660".parse().unwrap());
        assert_eq!(parse(&bytes), Opening::Header { bytes: bytes.len(), client });
        let mut addresses = vec![0x20, 1, 0xd, 0xb8];
        addresses.resize(15, 0);
        addresses.push(5);
        addresses.resize(32, 0);
        addresses.extend_from_slice(&[0x12, 0x34, 0, 80]);
        let bytes = header(0x21, 0x21, &addresses);
        let client = Some("[2001:db8::5]:4660".parse().unwrap());
        assert_eq!(parse(&bytes), Opening::Header { bytes: 52, client });
    }

    #[test]
    fn a_proxy_that_speaks_for_itself_names_nobody() {
        assert_eq!(parse(&header(0x20, 0, &[])), Opening::Header { bytes: 16, client: None });
        assert_eq!(parse(&header(0x21, 0x31, &[0; 216])), Opening::Header { bytes: 232, client: None });
    }

    #[test]
    fn every_beginning_of_a_header_is_cut_and_anything_else_is_the_client_s() {
        let bytes = header(0x21, 0x11, &[0; 12]);
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), Opening::Cut, "{end}");
        }
        assert_eq!(parse(b"GET / HTTP/1.1"), Opening::Absent);
        assert_eq!(parse(&[22, 3, 1]), Opening::Absent);
        assert_eq!(parse(b"\r\nGET"), Opening::Absent);
    }

    #[test]
    fn what_breaks_the_rules_is_refused() {
        for bytes in [
            header(0x11, 0x11, &[0; 12]),
            header(0x22, 0x11, &[0; 12]),
            header(0x21, 0x11, &[0; 11]),
            header(0x21, 0x21, &[0; 35]),
            header(0x21, 0x11, &[0; REST_BYTES_MAX + 1]),
        ] {
            assert_eq!(parse(&bytes), Opening::Malformed);
        }
    }
}
