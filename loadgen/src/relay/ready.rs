//! When a server is ready: its ports are open, as the kernel's tables of its namespace say.

use std::fmt;
use std::fs;
use std::str::FromStr;

/// A port that a server opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    protocol: Protocol,
    number: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("`{text}` is not a port: write tcp:7400 or udp:7400");
        let (protocol, number) = text.split_once(':').ok_or_else(fault)?;
        let protocol = match protocol {
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            _ => return Err(fault()),
        };
        Ok(Self { protocol, number: number.parse().map_err(|_| fault())? })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.protocol.name(), self.number)
    }
}

impl Port {
    /// Whether somebody listens on it in the network namespace of a process.
    pub(super) fn is_open(self, process: u32) -> bool {
        let name = self.protocol.name();
        [name.to_owned(), format!("{name}6")].iter().any(|table| {
            let table = fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
            self.is_open_in(&table)
        })
    }

    fn is_open_in(self, table: &str) -> bool {
        table.lines().skip(1).any(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let (Some(local), Some(_), Some(state)) = (fields.next(), fields.next(), fields.next()) else {
                return false;
            };
            let port = local.rsplit_once(':').and_then(|(_, port)| u16::from_str_radix(port, 16).ok());
            // 0A is LISTEN; a UDP socket that has a port takes packets.
            port == Some(self.number) && (self.protocol == Protocol::Udp || state == "0A")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue\n   \
                         0: 0100007F:1CE8 00000000:0000 0A 00000000:00000000\n   \
                         1: 0100007F:1CE9 0100007F:9999 01 00000000:00000000\n   \
                         2: 00000000:1CEA 00000000:0000 07 00000000:00000000\n";

    fn open(port: &str) -> bool {
        port.parse::<Port>().unwrap().is_open_in(TABLE)
    }

    #[test]
    fn tcp_must_listen_and_udp_must_be_bound() {
        assert!(open("tcp:7400"));
        assert!(!open("tcp:7401"), "connected");
        assert!(open("udp:7402"));
        assert!(!open("udp:7403"));
    }

    #[test]
    fn a_listener_of_this_process_is_seen() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = Port { protocol: Protocol::Tcp, number: socket.local_addr().unwrap().port() };
        assert!(port.is_open(std::process::id()));
    }

    #[test]
    fn bad_ports_say_what_to_write() {
        for text in ["7400", "tcp:x", "sctp:7400", "tcp:70000"] {
            assert!(text.parse::<Port>().is_err_and(|fault| fault.contains("tcp:7400")));
        }
        assert_eq!("udp:7400".parse::<Port>().unwrap().to_string(), "udp:7400");
    }
}
