//! A running `ringway serve`, its log as it comes, and HTTP to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::patient::Patient;

/// Longer than anything here takes on a busy machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The binary, with nothing of our environment but the path.
pub(crate) fn ringway(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringway"));
    command.args(arguments).env_clear().current_dir("/");
    command
}

/// Runs to the end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    ringway(arguments).output().expect("the binary starts")
}

/// A run that must be refused: exit code 2 and what stderr said.
pub(crate) fn refused(arguments: &[&str]) -> String {
    let child =
        ringway(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let (done, timer) = channel::<()>();
    let id = child.id() as i32;
    // One that serves instead would be waited for for ever.
    let guard = std::thread::spawn(move || {
        if timer.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            // SAFETY: a signal to a child of ours that was not waited for.
            unsafe { libc::kill(id, libc::SIGKILL) };
        }
    });
    let output = child.wait_with_output().expect("a child of ours");
    drop(done);
    guard.join().expect("the guard ends");
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{told}");
    told
}

/// A directory that goes away with its test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique =
            format!("ringway-operator-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).expect("the temporary directory takes files");
        Self(path)
    }

    /// Writes a file and gives its path as an argument.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("the scratch directory takes files");
        path.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A node.
pub(crate) struct Node {
    child: Child,
    log: Receiver<String>,
    pub(crate) clients: Vec<SocketAddr>,
    pub(crate) http: SocketAddr,
    pub(crate) token: String,
}

impl Node {
    /// A development node on free ports, without TLS.
    pub(crate) fn dev(more: &[&str]) -> Self {
        let free = [
            "serve",
            "--dev",
            "--shards",
            "1",
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--tls",
            "off",
        ];
        Self::start(&[&free, more].concat())
    }

    /// A node with a configuration file.
    pub(crate) fn with(file: &str) -> Self {
        Self::start(&["serve", "--config", file])
    }

    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = ringway(arguments);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let (sender, log) = channel();
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let token = sent_token(&mut child, arguments);
        let mut node = Self { child, log, clients: Vec::new(), http: ([127, 0, 0, 1], 0).into(), token };
        let serving = node.said("serving");
        let addresses = |field: &str| -> Vec<SocketAddr> {
            let text = serving[field].as_str().expect("addresses");
            text.split(' ').map(|address| address.parse().expect("an address")).collect()
        };
        node.clients = addresses("clients");
        node.http = addresses("http")[0];
        node
    }

    /// Waits for a log line with this message.
    pub(crate) fn said(&mut self, message: &str) -> Value {
        self.said_before(message).0
    }

    /// Waits for a log line with this message; also gives the lines before it.
    pub(crate) fn said_before(&mut self, message: &str) -> (Value, Vec<Value>) {
        let mut before = Vec::new();
        loop {
            let line =
                self.log.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{message:?} after {before:#?}"));
            let line: Value = serde_json::from_str(&line).unwrap_or(Value::String(line));
            if line["message"].as_str().is_some_and(|said| said.contains(message)) {
                return (line, before);
            }
            before.push(line);
        }
    }

    /// Has the configuration read again, waits until it is in force, and gives the lines that were logged meanwhile.
    pub(crate) fn reload(&mut self) -> Vec<Value> {
        self.signal(libc::SIGHUP);
        let (_, lines) = self.said_before("configuration reloaded");
        // A shard takes orders in their order, but clients' commands in between: an answer says that all have taken it. Where
        // they are too busy for one, there is a 503.
        let begun = Instant::now();
        while self.get("/metrics").0 != 200 {
            assert!(begun.elapsed() < PATIENCE, "the shards take no order");
        }
        lines
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: a signal to a child of ours that was not waited for.
        let done = unsafe { libc::kill(self.child.id() as i32, signal) };
        assert_eq!(done, 0);
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("a child of ours")
    }

    /// One request: status and body.
    pub(crate) fn http(&self, method: &str, path: &str, headers: &[&str], body: &str) -> (u16, String) {
        let host = format!("Host: {}", self.http);
        let headers = if headers.iter().any(|header| header.starts_with("Host:")) {
            headers.to_vec()
        } else {
            [&[host.as_str()], headers].concat()
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            headers.join("\r\n"),
            body.len()
        );
        let mut stream = Patient::connect(self.http, PATIENCE).expect("HTTP listens");
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head[9..12].parse().expect("a status"), body.to_string())
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.http("GET", path, &[], "")
    }

    /// A request to the API with its token.
    pub(crate) fn api(&self, path: &str, body: &str) -> (u16, Value) {
        let token = format!("Authorization: Bearer {}", self.token);
        let (status, body) = self.http("POST", path, &[&token], body);
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }
}

/// The token that a development node prints before it serves.
fn sent_token(child: &mut Child, arguments: &[&str]) -> String {
    if !arguments.contains(&"--dev") {
        return String::new();
    }
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut token = String::new();
    for line in stdout.by_ref().lines().map_while(Result::ok) {
        if let Some((_, rest)) = line.split_once("Bearer ") {
            token = rest.split('\'').next().unwrap_or_default().to_string();
        }
        if line.contains("ctrl-c") {
            break;
        }
    }
    token
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
