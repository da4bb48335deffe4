//! `ringway drain`: asks the running node, through its HTTP door, to empty itself and end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use crate::config::secret::Secret;

use super::typed::Drain;
use super::{Plan, Refusal, say, variables};

/// Where a token may come from that is in no file: the one that `--dev` prints.
const TOKEN: &str = "RINGWAY_API_TOKEN";
const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Runs the command.
pub(super) fn run(typed: &Drain) -> Result<ExitCode, Refusal> {
    let config = Plan::of(&typed.sources)?.parse(variables())?.config;
    let address = match &typed.http {
        Some(text) => {
            text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next()).ok_or_else(|| {
                Refusal::new(format!("--http {text:?} is no address: write it like 127.0.0.1:7480"))
            })?
        }
        None => {
            *config.http.listen.0.first().ok_or_else(|| Refusal::new("http.listen is empty: give --http"))?
        }
    };
    let token = match (typed.token_file.as_ref().or(config.http.token_file.0.as_ref()), std::env::var(TOKEN))
    {
        (Some(path), _) => {
            String::from_utf8_lossy(&Secret::read(path, 1).map_err(Refusal::new)?.shared()).into_owned()
        }
        (None, Ok(token)) => token,
        (None, Err(_)) => {
            let mend = format!("give --token-file, set http.token_file, or {TOKEN}");
            return Err(Refusal::new(format!("there is no API token: {mend}")));
        }
    };
    match ask(address, &token) {
        Ok((202, _)) => {
            say(&format!("{address} is draining; the process ends when the last client is gone\n"));
            Ok(ExitCode::SUCCESS)
        }
        Ok((status, body)) => Err(Refusal::new(format!("{address} refused ({status}): {}", body.trim()))),
        Err(error) => Err(Refusal::new(format!(
            "can't reach {address}: {error}; is the node running, and is --http right?"
        ))),
    }
}

/// One request, one answer: its status and its body.
fn ask(address: SocketAddr, token: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST /api/v1/drain HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other("it does not speak HTTP"))?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, body.to_string()))
}
