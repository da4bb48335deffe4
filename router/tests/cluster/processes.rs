//! Three processes, as an operator starts them: certificates by `ringway pki`, one `cluster.key`, and what `ringway cluster` says of them.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use ringway::cluster::driver::{MapEntry, NodeLook, Status};

use super::servers::{Servers, free_ports};
use super::support::{DEADLINE, Scratch, until};

fn ringway(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringway"));
    command.args(arguments).env_clear().current_dir("/");
    command
}

fn told(arguments: &[&str]) -> Output {
    ringway(arguments).output().unwrap()
}

struct Process {
    name: String,
    child: Child,
    config: String,
    http: u16,
    log: PathBuf,
}

impl Process {
    fn start(number: usize, config: String, http: u16, scratch: &Scratch) -> Self {
        let path = scratch.0.join(format!("log{number}"));
        let log = File::options().create(true).append(true).open(&path).unwrap();
        let mut command = ringway(&["serve", "--config", &config]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { name: number.to_string(), child, config, http, log: path }
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
    }
    let key = format!("handles = \"{}\"\nresume = [\"{}\"]\n", "0a".repeat(16), "0b".repeat(32));
    let mut file =
        File::options().write(true).create_new(true).mode(0o600).open(state.join("cluster.key")).unwrap();
    file.write_all(key.as_bytes()).unwrap();
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

/// Waits until all slots are owned, and by these nodes alone. Who has how many is not asked: a consumer without rooms has no slots to
/// transfer, so that nodes which come late get none.
async fn all_owned_by(asked: &Process, names: &[&str]) -> Vec<MapEntry> {
    let end = Instant::now() + DEADLINE;
    loop {
        let map: Vec<MapEntry> = serde_json::from_str(&asked.cluster("map", "json").1).unwrap_or_default();
        let good = |entry: &MapEntry| entry.owner.as_deref().is_some_and(|owner| names.contains(&owner));
        if map.len() == 4_096 && map.iter().all(good) {
            return map;
        }
        if Instant::now() >= end {
            let (status, nodes) = (asked.cluster("status", "table").1, asked.cluster("nodes", "table").1);
            let log = std::fs::read_to_string(&asked.log).unwrap_or_default();
            panic!("not all slots are owned by {names:?}\n{status}\n{nodes}\n{log}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Takes the process that owns the first slot.
fn owner_of_the_first(map: &[MapEntry], nodes: &mut Vec<Process>) -> Process {
    let owner = map[0].owner.as_deref().unwrap();
    let index = nodes.iter().position(|node| node.name == owner).unwrap();
    nodes.remove(index)
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
        nodes.push(Process::start(number, config, http, &scratch));
    }
    until("all are up and ready", async || {
        nodes.iter().all(|node| {
            node.get("/readyz").is_some_and(|(status, _)| status == 200)
                && node.status().is_some_and(|status| status.nodes_up == 3)
        })
    })
    .await;
    let map = all_owned_by(&nodes[0], &["1", "2", "3"]).await;
    let status = nodes[1].status().unwrap();
    assert_eq!((status.node.as_str(), status.state.as_str(), status.slots_vacant), ("2", "up", 0));
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

    let mut killed = owner_of_the_first(&map, &mut nodes);
    killed.child.kill().unwrap();
    let left: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
    let map = all_owned_by(&nodes[0], &[&left[0], &left[1]]).await;
    let (_, page) = nodes[0].get("/metrics").unwrap();
    assert!(page.contains("ringway_cluster_failover_seconds_count 1\n"), "{page}");

    // A stopped one says that it leaves: nobody has to find out by its silence.
    let mut stopped = owner_of_the_first(&map, &mut nodes);
    // SAFETY: a signal to a child of ours that was not waited for.
    unsafe { libc::kill(i32::try_from(stopped.child.id()).unwrap(), libc::SIGTERM) };
    assert!(stopped.child.wait().unwrap().success());
    all_owned_by(&nodes[0], &[&nodes[0].name]).await;
    let known: Vec<NodeLook> = serde_json::from_str(&nodes[0].cluster("nodes", "json").1).unwrap();
    let gone = known.iter().find(|node| node.node == stopped.name).unwrap();
    assert_eq!((gone.state.as_str(), gone.flaps), ("dead", 0), "it was not declared dead, it left");

    // Another key is another cluster: refused, and said by command, probe and log.
    let state = scratch.0.join(format!("state{}", killed.name));
    std::fs::remove_file(state.join("cluster.key")).unwrap();
    std::fs::remove_file(state.join("cluster-map.bin")).unwrap();
    let number = killed.name.parse().unwrap();
    let stranger = Process::start(number, killed.config.clone(), killed.http, &scratch);
    until("it is refused", async || {
        let fault = stranger.status().and_then(|status| status.fault);
        fault.is_some_and(|fault| fault.name == "wrong_cluster")
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
    let node = Process::start(1, config.display().to_string(), http, &scratch);
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
