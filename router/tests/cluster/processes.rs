//! Three processes, as an operator starts them: certificates by `ringway pki`, one `cluster.key`, and what `ringway cluster` says of them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use ringway::cluster::driver::{MapEntry, NodeLook, Status};

use super::servers::{Servers, free_ports};
use super::support::{Scratch, until};

fn ringway(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringway"));
    command.args(arguments).env_clear().current_dir("/");
    command
}

fn told(arguments: &[&str]) -> Output {
    ringway(arguments).output().unwrap()
}

struct Process {
    child: Child,
    config: String,
    http: u16,
}

impl Process {
    fn start(config: String, http: u16, log: &Path) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let mut command = ringway(&["serve", "--config", &config]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { child, config, http }
    }

    fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_string()))
    }

    /// What `ringway cluster WHAT` prints, and its exit code.
    fn cluster(&self, what: &str, format: &str) -> (Option<i32>, String) {
        let output = told(&["cluster", what, "--config", &self.config, "--format", format]);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    fn status(&self) -> Option<Status> {
        serde_json::from_str(&self.cluster("status", "json").1).ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The configuration of a node, with its certificate and the key of the cluster.
fn prepare(scratch: &Scratch, servers: &Servers, number: usize, http: u16, links: u16) -> String {
    let state = scratch.0.join(format!("state{number}"));
    std::fs::create_dir_all(&state).unwrap();
    let pki = scratch.0.join("pki");
    let directory = pki.display().to_string();
    if number == 1 {
        assert!(told(&["pki", "init", "--dir", &directory, "--cluster", "test"]).status.success());
    } else {
        std::fs::copy(scratch.0.join("state1/cluster.key"), state.join("cluster.key")).unwrap();
    }
    assert!(told(&["pki", "issue", "--dir", &directory, "--node", &number.to_string()]).status.success());
    std::fs::write(scratch.0.join("token"), "the token of the API").unwrap();
    let text = format!(
        "[node]\nstate_dir = {state:?}\nshards = 1\nruntime = \"epoll\"\n\
         [clients]\nlisten = \"127.0.0.1:0\"\nanonymous = true\n[tls]\nmode = \"off\"\n\
         [http]\nlisten = \"127.0.0.1:{http}\"\ntoken_file = {token:?}\n\
         [drain]\ndelay = \"0s\"\nspread = \"0s\"\nhandover = \"0s\"\n[log]\nformat = \"json\"\n\
         [cluster]\ncoordinator = \"etcd\"\nendpoints = {endpoints:?}\nprefix = \"processes\"\n\
         beat = \"200ms\"\nttl = \"5s\"\nmargin = \"500ms\"\n\
         [links]\nlisten = \"127.0.0.1:{links}\"\ncertificate_file = {certificate:?}\nca_file = {authority:?}\n",
        token = scratch.0.join("token"),
        endpoints = servers.urls(),
        certificate = pki.join(format!("node-{number}.pem")),
        authority = pki.join("ca.pem"),
    );
    let path = scratch.0.join(format!("node{number}.toml"));
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

async fn all_owned_by(asked: &Process, names: &[&str]) {
    let names: Vec<Option<String>> = names.iter().map(|name| Some((*name).to_string())).collect();
    until("all slots are owned by the living", async || {
        let map: Vec<MapEntry> = serde_json::from_str(&asked.cluster("map", "json").1).unwrap_or_default();
        let mut owners: Vec<Option<String>> = map.into_iter().map(|entry| entry.owner).collect();
        owners.sort();
        owners.dedup();
        owners == names
    })
    .await;
}

#[tokio::test]
async fn three_processes_one_is_killed_one_is_stopped() {
    let Some(servers) = Servers::start(1).await else { return };
    let scratch = Scratch::new();
    let ports = free_ports(6);
    let mut nodes = Vec::new();
    for number in 1..=3 {
        let (http, links) = (ports[2 * number - 2], ports[2 * number - 1]);
        let config = prepare(&scratch, &servers, number, http, links);
        let checked = told(&["config", "check", "--config", &config]);
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        nodes.push(Process::start(config, http, &scratch.0.join(format!("log{number}"))));
        // The first one makes the key.
        until("it answers", async || nodes[number - 1].get("/livez").is_some()).await;
    }
    all_owned_by(&nodes[0], &["1", "2", "3"]).await;
    until("all are ready", async || {
        nodes.iter().all(|node| node.get("/readyz").is_some_and(|(status, _)| status == 200))
    })
    .await;
    let status = nodes[1].status().unwrap();
    assert_eq!((status.node.as_str(), status.state.as_str(), status.nodes_up), ("2", "up", 3));
    let (code, table) = nodes[1].cluster("status", "table");
    assert!(code == Some(0) && table.contains("state          up\n"), "{table}");
    let (_, table) = nodes[2].cluster("nodes", "table");
    assert!(
        table.starts_with("NODE  STATE") && table.contains(&format!("127.0.0.1:{}", ports[3])),
        "{table}"
    );
    assert!(nodes[2].cluster("map", "table").1.starts_with("SLOTS"));
    let (_, page) = nodes[0].get("/metrics").unwrap();
    for line in [
        "ringway_cluster_state{state=\"up\"} 1\n",
        "ringway_cluster_nodes_up 3\n",
        "ringway_cluster_slots{role=\"vacant\"} 0\n",
    ] {
        assert!(page.contains(line), "{line} {page}");
    }

    let mut killed = nodes.pop().unwrap();
    killed.child.kill().unwrap();
    all_owned_by(&nodes[0], &["1", "2"]).await;
    let (_, page) = nodes[0].get("/metrics").unwrap();
    assert!(page.contains("ringway_cluster_failover_seconds_count 1\n"), "{page}");

    // A stopped one says that it leaves: nobody has to find out by its silence.
    let mut stopped = nodes.pop().unwrap();
    // SAFETY: a signal to a child of ours that was not waited for.
    unsafe { libc::kill(i32::try_from(stopped.child.id()).unwrap(), libc::SIGTERM) };
    assert!(stopped.child.wait().unwrap().success());
    all_owned_by(&nodes[0], &["1"]).await;
    let known: Vec<NodeLook> = serde_json::from_str(&nodes[0].cluster("nodes", "json").1).unwrap();
    let left = known.iter().find(|node| node.node == "2").unwrap();
    assert_eq!((left.state.as_str(), left.flaps), ("dead", 0), "it was not declared dead, it left");

    // Another key is another cluster: refused, and said by command, probe and log.
    std::fs::remove_file(scratch.0.join("state3/cluster.key")).unwrap();
    std::fs::remove_file(scratch.0.join("state3/cluster-map.bin")).unwrap();
    let stranger = Process::start(killed.config.clone(), killed.http, &scratch.0.join("log3"));
    until("it is refused", async || {
        stranger.status().and_then(|status| status.fault).is_some_and(|fault| fault.name == "wrong_cluster")
    })
    .await;
    assert_eq!(stranger.cluster("status", "table").0, Some(1));
    let (code, why) = stranger.get("/readyz").unwrap();
    assert!(code == 503 && why.contains("wrong_cluster"), "{why}");
}

#[tokio::test]
async fn a_node_that_is_alone_says_so_and_asks_nobody() {
    let scratch = Scratch::new();
    let http = free_ports(1)[0];
    let token = scratch.0.join("token");
    std::fs::write(&token, "the token of the API").unwrap();
    let text = format!(
        "[node]\nstate_dir = \"\"\nshards = 1\nruntime = \"epoll\"\n[clients]\nlisten = \"127.0.0.1:0\"\nanonymous = true\n\
         [tls]\nmode = \"off\"\n[http]\nlisten = \"127.0.0.1:{http}\"\ntoken_file = {token:?}\n"
    );
    let config = scratch.0.join("alone.toml");
    std::fs::write(&config, text).unwrap();
    let node = Process::start(config.display().to_string(), http, &scratch.0.join("log"));
    until("it is ready", async || node.get("/readyz").is_some_and(|(status, _)| status == 200)).await;
    assert_eq!(
        node.cluster("status", "table"),
        (Some(0), "this node is alone: cluster.coordinator is \"none\"\n".into())
    );
    assert_eq!(node.cluster("map", "table").0, Some(2));
    assert!(!node.get("/metrics").unwrap().1.contains("ringway_cluster"));
    let refused = told(&["serve", "--config", &node.config, "--raise-terms"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--raise-terms is for a node of a cluster"));
}
