//! Members of etcd as child processes.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringway::cluster::etcd::{Etcd, EtcdOptions, EtcdTls, Login, Timeouts};
use ringway_cluster::lease::Timing;

use super::support::until;

/// One at a time: each test has up to three members of etcd and three nodes on what may be two cores.
static TURN: Mutex<()> = Mutex::new(());

/// A running etcd. Ends, with its data, when it is dropped.
pub(crate) struct Servers {
    members: Vec<Server>,
    directory: PathBuf,
    scheme: &'static str,
    tls: Option<EtcdTls>,
    _turn: MutexGuard<'static, ()>,
}

struct Server {
    child: Option<Child>,
    arguments: Vec<String>,
    log: PathBuf,
    client: u16,
}

/// How a member speaks to its clients.
pub(crate) struct Encrypted {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
    /// What a client shows.
    pub(crate) client: (String, String),
}

impl Servers {
    /// So many members that answer; `None` where there is no etcd.
    pub(crate) async fn start(count: usize) -> Option<Self> {
        Self::start_with(count, None).await
    }

    pub(crate) async fn start_with(count: usize, encrypted: Option<Encrypted>) -> Option<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        if Command::new("etcd").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
        {
            // Past the harness, which keeps what a test prints to itself.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: there is no `etcd` on PATH; Debian's package is etcd-server"
            );
            return None;
        }
        // A port that was free a moment ago may be taken by now: then others.
        let mut last = String::new();
        let mut turn = Some(turn);
        for _ in 0..3 {
            let mut servers = Self::spawn(count, encrypted.as_ref(), turn.take().expect("given back below"));
            match servers.answer().await {
                Ok(()) => return Some(servers),
                Err(why) => {
                    last = why;
                    drop(servers);
                    turn = Some(TURN.lock().unwrap_or_else(PoisonError::into_inner));
                }
            }
        }
        panic!("etcd does not start: {last}");
    }

    fn spawn(count: usize, encrypted: Option<&Encrypted>, turn: MutexGuard<'static, ()>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("ringway-etcd-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&directory).unwrap();
        let scheme = if encrypted.is_some() { "https" } else { "http" };
        let ports = free_ports(2 * count);
        let peer = |index: usize| format!("http://127.0.0.1:{}", ports[2 * index + 1]);
        let all: Vec<String> = (0..count).map(|index| format!("m{index}={}", peer(index))).collect();
        let mut tls = None;
        let mut more = Vec::new();
        if let Some(encrypted) = encrypted {
            let file = |name: &str, text: &str| {
                let path = directory.join(name);
                std::fs::write(&path, text).unwrap();
                path.display().to_string()
            };
            more = vec![
                "--client-cert-auth".into(),
                "--trusted-ca-file".into(),
                file("ca.pem", &encrypted.authority),
                "--cert-file".into(),
                file("server.pem", &encrypted.certificate),
                "--key-file".into(),
                file("server.key", &encrypted.key),
            ];
            tls = Some(EtcdTls {
                authority: encrypted.authority.clone().into_bytes(),
                identity: Some((
                    encrypted.client.0.clone().into_bytes(),
                    encrypted.client.1.clone().into_bytes(),
                )),
            });
        }
        let member = |index: usize| {
            let client = ports[2 * index];
            let url = format!("{scheme}://127.0.0.1:{client}");
            let arguments = [
                ("--name", format!("m{index}")),
                ("--data-dir", directory.join(format!("data{index}")).display().to_string()),
                ("--listen-client-urls", url.clone()),
                ("--advertise-client-urls", url),
                ("--listen-peer-urls", peer(index)),
                ("--initial-advertise-peer-urls", peer(index)),
                ("--initial-cluster", all.join(",")),
                ("--initial-cluster-token", directory.display().to_string()),
                ("--heartbeat-interval", "50".into()),
                ("--election-timeout", "500".into()),
                ("--logger", "zap".into()),
            ];
            let arguments = arguments.into_iter().flat_map(|(name, value)| [name.to_string(), value]);
            Server {
                child: None,
                arguments: arguments.chain(more.iter().cloned()).collect(),
                log: directory.join(format!("log{index}")),
                client,
            }
        };
        let members: Vec<Server> = (0..count).map(member).collect();
        let mut servers = Self { members, directory, scheme, tls, _turn: turn };
        (0..count).for_each(|index| servers.revive(index));
        servers
    }

    /// Starts a member, or starts it again on its data.
    pub(crate) fn revive(&mut self, index: usize) {
        let member = &mut self.members[index];
        let log = File::options().create(true).append(true).open(&member.log).unwrap();
        let child = Command::new("etcd")
            .args(&member.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        member.child = Some(child);
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self, index: usize) {
        if let Some(mut child) = self.members[index].child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn kill_all(&mut self) {
        (0..self.members.len()).for_each(|index| self.kill(index));
    }

    /// Everything is lost: the members begin anew, on the ports that they had.
    pub(crate) async fn wipe(&mut self) {
        self.kill_all();
        for index in 0..self.members.len() {
            std::fs::remove_dir_all(self.directory.join(format!("data{index}"))).unwrap();
            self.revive(index);
        }
        self.answer().await.unwrap();
    }

    /// Which member leads.
    pub(crate) async fn leader(&self) -> usize {
        let mut found = None;
        until("etcd has a leader", async || {
            for (index, member) in self.members.iter().enumerate() {
                let Ok(mut client) = etcd_client::Client::connect([self.url(member)], self.connect()).await
                else {
                    continue;
                };
                if let Ok(status) = client.status().await
                    && status.header().is_some_and(|header| header.member_id() == status.leader())
                {
                    found = Some(index);
                }
            }
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    /// A client of etcd's own for what an operator would do.
    pub(crate) async fn client(&self) -> etcd_client::Client {
        let urls: Vec<String> = self.members.iter().map(|member| self.url(member)).collect();
        etcd_client::Client::connect(urls, self.connect()).await.unwrap()
    }

    /// How the engine reaches it; each prefix is an installation of its own.
    pub(crate) fn options(&self, prefix: &str) -> EtcdOptions {
        EtcdOptions {
            endpoints: self.urls(),
            prefix: prefix.into(),
            tls: self.tls.clone(),
            login: None,
            timeouts: Timeouts::of(&Timing::DEFAULT),
        }
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.members.iter().map(|member| self.url(member)).collect()
    }

    pub(crate) fn engine(&self, prefix: &str) -> Etcd {
        Etcd::new(self.options(prefix))
    }

    /// One that waits for as long as a busy host may keep etcd from answering, where nothing else does.
    pub(crate) fn patient(&self, prefix: &str) -> Etcd {
        let wait = Duration::from_secs(30);
        Etcd::new(EtcdOptions { timeouts: Timeouts { transact: wait, read: wait }, ..self.options(prefix) })
    }

    pub(crate) fn engine_of(&self, prefix: &str, user: &str, password: &str) -> Etcd {
        let login = Some(Login { user: user.into(), password: password.into() });
        Etcd::new(EtcdOptions { login, ..self.options(prefix) })
    }

    fn url(&self, member: &Server) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, member.client)
    }

    fn connect(&self) -> Option<etcd_client::ConnectOptions> {
        let mut options = etcd_client::ConnectOptions::new().with_timeout(Duration::from_secs(2));
        if let Some(tls) = &self.tls {
            let (certificate, key) = tls.identity.as_ref().unwrap();
            let with = etcd_client::TlsOptions::new()
                .ca_certificate(etcd_client::Certificate::from_pem(&tls.authority))
                .identity(etcd_client::Identity::from_pem(certificate, key));
            options = options.with_tls(with);
        }
        Some(options)
    }

    /// Waits until each member answers a read of the whole.
    async fn answer(&mut self) -> Result<(), String> {
        for index in 0..self.members.len() {
            let url = self.url(&self.members[index]);
            let connect = self.connect();
            let member = &mut self.members[index];
            let mut ended = false;
            until("etcd answers", async || {
                if matches!(member.child.as_mut().map(Child::try_wait), Some(Ok(Some(_))) | None) {
                    ended = true;
                    return true;
                }
                match etcd_client::Client::connect([url.clone()], connect.clone()).await {
                    Ok(mut client) => client.get("x", None).await.is_ok(),
                    Err(_) => false,
                }
            })
            .await;
            if ended {
                return Err(last_lines(&member.log));
            }
        }
        Ok(())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.kill_all();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Different ports that nobody listens on now.
pub(crate) fn free_ports(count: usize) -> Vec<u16> {
    let taken: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    taken.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

fn last_lines(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
