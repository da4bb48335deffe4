//! Asking a running node through its HTTP door.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use crate::config::secret::Secret;

use super::typed::Sources;
use super::{Plan, Refusal, variables};

/// Where a token may come from that is in no file: the one that `--dev` prints.
const TOKEN: &str = "RINGWAY_API_TOKEN";
const PATIENCE: Duration = Duration::from_secs(5);
/// The map of a cluster is the largest answer: 4,096 entries of some 200 bytes.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A node's door.
pub(super) struct Door {
    pub(super) address: SocketAddr,
    token: String,
}

impl Door {
    /// As the arguments and the configuration say.
    pub(super) fn of(
        sources: &Sources,
        http: Option<&String>,
        token_file: Option<&PathBuf>,
    ) -> Result<Self, Refusal> {
        let config = Plan::of(sources)?.parse(variables())?.config;
        let address = match http {
            Some(text) => {
                text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next()).ok_or_else(|| {
                    Refusal::new(format!("--http {text:?} is no address: write it like 127.0.0.1:7480"))
                })?
            }
            None => *config
                .http
                .listen
                .0
                .first()
                .ok_or_else(|| Refusal::new("http.listen is empty: give --http"))?,
        };
        let token = match (token_file.or(config.http.token_file.0.as_ref()), std::env::var(TOKEN)) {
            (Some(path), _) => {
                String::from_utf8_lossy(&Secret::read(path, 1).map_err(Refusal::new)?.shared()).into_owned()
            }
            (None, Ok(token)) => token,
            (None, Err(_)) => {
                let mend = format!("give --token-file, set http.token_file, or {TOKEN}");
                return Err(Refusal::new(format!("there is no API token: {mend}")));
            }
        };
        Ok(Self { address, token })
    }

    /// One request, one answer: the body of the status that was expected.
    pub(super) fn ask(&self, method: &str, path: &str, expected: u16) -> Result<String, Refusal> {
        let address = self.address;
        match self.request(method, path) {
            Ok((status, body)) if status == expected => Ok(body),
            Ok((status, body)) => Err(Refusal::new(format!("{address} refused ({status}): {}", body.trim()))),
            Err(error) => Err(Refusal::new(format!(
                "can't reach {address}: {error}; is the node running, and is --http right?"
            ))),
        }
    }

    fn request(&self, method: &str, path: &str) -> std::io::Result<(u16, String)> {
        let Self { address, token } = self;
        let mut stream = TcpStream::connect_timeout(address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other("it does not speak HTTP"))?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok((status, body.to_string()))
    }
}
