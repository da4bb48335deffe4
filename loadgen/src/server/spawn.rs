//! A server of a run's own: started on a free port, pinned, awaited, and ended with the run, whatever happens.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::sys::{confine, signal_group};
use crate::proc_stat;

/// How long a server may take until its port is open.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it may take to end when it is told to.
const GRACE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Of its output, what is shown when it does not start.
const TAIL_BYTES: u64 = 2_000;
/// Ports that are tried.
const TRIES: usize = 64;

/// A server of a run's own; ended when dropped.
#[derive(Debug)]
pub struct Spawned {
    child: Child,
    /// What clients connect to.
    pub url: String,
    /// The process that has the port.
    pub pid: u32,
}

impl Spawned {
    /// Starts a shell's command and waits until the URL's port is open. `{port}` in both is one that is free, for TCP and
    /// UDP; `cores` is a list like `0` or `0,2-3`.
    ///
    /// # Errors
    /// A sentence: the command can't be started, ended, or opened no port; with the end of what it printed.
    pub fn start(command: &str, url: &str, cores: Option<&str>) -> Result<Self, String> {
        let mut port = String::new();
        if command.contains("{port}") || url.contains("{port}") {
            port = free_port().map_err(|fault| format!("--spawn: no free port: {fault}"))?.to_string();
        }
        let (command, url) = (command.replace("{port}", &port), url.replace("{port}", &port));
        let number = port_of(&url).ok_or_else(|| format!("--spawn: {url} names no port to wait for"))?;
        if let Some(pid) = proc_stat::listener(number) {
            return Err(format!(
                "--spawn: process {pid} has port {number} already: stop it, or write {{port}}"
            ));
        }
        let output = scratch_file().map_err(|fault| format!("--spawn: {fault}"))?;
        let mut tail = output.try_clone().map_err(|fault| format!("--spawn: {fault}"))?;
        let refused = |fault: io::Error| format!("--spawn: `{command}`: {fault}");
        let mut shell = Command::new("sh");
        // The shell gives its place to the command, so that signals and figures concern the server itself.
        shell.arg("-c").arg(format!("exec {command}")).process_group(0).stdin(Stdio::null());
        shell.stdout(output.try_clone().map_err(refused)?).stderr(output);
        let no_list = |cores: &str| format!("--server-cores: `{cores}` is no list like 0,2-3");
        let cores = cores.map(|cores| parse_cores(cores).ok_or_else(|| no_list(cores))).transpose()?;
        confine(&mut shell, cores);
        let child = shell.spawn().map_err(refused)?;
        let mut server = Self { child, url, pid: 0 };
        let began = Instant::now();
        loop {
            if let Some(pid) = proc_stat::listener(number) {
                server.pid = pid;
                return Ok(server);
            }
            let ended = server.child.try_wait().map_err(refused)?;
            if ended.is_some() || began.elapsed() > PATIENCE {
                let what = ended.map_or_else(
                    || format!("did not open port {number} within {} s", PATIENCE.as_secs()),
                    |status| format!("ended before it opened port {number} ({status})"),
                );
                return Err(format!("--spawn: `{command}` {what}{}", last_words(&mut tail)));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let told = Instant::now();
        signal_group(self.child.id(), libc::SIGTERM);
        while told.elapsed() < GRACE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        // What it started may outlive it; the group is empty otherwise.
        signal_group(self.child.id(), libc::SIGKILL);
        let _ = self.child.wait();
    }
}

/// A port that nobody has, for TCP and for UDP.
fn free_port() -> io::Result<u16> {
    for _ in 0..TRIES {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::other("ports that are free for TCP are taken for UDP"))
}

fn port_of(url: &str) -> Option<u16> {
    let rest = url.split_once("://")?.1;
    rest.split('/').next()?.rsplit_once(':')?.1.parse().ok()
}

/// `0,2-3` as 0, 2, 3.
fn parse_cores(list: &str) -> Option<Vec<usize>> {
    let mut cores = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if first > last || last >= 1024 {
            return None;
        }
        cores.extend(first..=last);
    }
    Some(cores)
}

/// A file without a name: it goes with its last handle.
fn scratch_file() -> io::Result<File> {
    let path =
        std::env::temp_dir().join(format!("ringway-load-server-{}-{:?}", std::process::id(), Instant::now()));
    let path = path.with_extension("log");
    let file = File::options().read(true).append(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

fn last_words(output: &mut File) -> String {
    let mut bytes = Vec::new();
    let length = output.seek(SeekFrom::End(0)).unwrap_or(0);
    let begun = output.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)));
    if begun.and_then(|_| output.read_to_end(&mut bytes)).is_err() || bytes.is_empty() {
        return "; it printed nothing".to_owned();
    }
    format!("; it printed:\n{}", String::from_utf8_lossy(&bytes).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_started_found_and_ended() {
        let command = "python3 -m http.server --bind 127.0.0.1 {port}";
        let server = Spawned::start(command, "ws://127.0.0.1:{port}/x", Some("0")).unwrap();
        let (pid, port) = (server.pid, port_of(&server.url).unwrap());
        assert_eq!(proc_stat::listener(port), Some(pid));
        drop(server);
        assert!(!proc_stat::lives(pid));
    }

    #[test]
    fn one_that_does_not_start_says_why() {
        let fault = Spawned::start("sh -c 'echo no such board >&2; exit 3'", "ws://127.0.0.1:{port}/", None)
            .unwrap_err();
        assert!(fault.contains("exit status: 3") && fault.contains("no such board"), "{fault}");
        let fault = Spawned::start("true", "ws://127.0.0.1/", None).unwrap_err();
        assert!(fault.contains("names no port"), "{fault}");
    }

    #[test]
    fn a_port_that_is_taken_is_told() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/", socket.local_addr().unwrap());
        let fault = Spawned::start("true", &url, None).unwrap_err();
        assert!(fault.contains(&format!("process {}", std::process::id())), "{fault}");
    }

    #[test]
    fn lists_of_cores() {
        assert_eq!(parse_cores("0,2-3"), Some(vec![0, 2, 3]));
        assert_eq!(parse_cores("3-1"), None);
        assert_eq!(parse_cores("all"), None);
    }
}
