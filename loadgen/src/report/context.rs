//! Where, when and against what a run took place: what a reader of its report has to know. Process view.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// What is known of a run beside its numbers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Context {
    /// The load generator and its version.
    pub tool: String,
    /// When it began, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// The command that repeats it.
    pub command: Vec<String>,
    /// Name of the scenario file, or of the scenario.
    pub name: String,
    /// The scenario file's sentence.
    pub about: Option<String>,
    /// The run did all it was asked to, over all the time.
    pub complete: bool,
    /// Why it did not.
    pub incomplete_because: Option<String>,
    /// The server's address as asked for.
    pub url: String,
    /// What clients speak.
    pub protocol: String,
    /// The server's process, if it is known.
    pub server: Option<Server>,
    /// This host.
    pub machine: Machine,
    /// Processes of clients.
    pub processes: u16,
    /// Threads of each.
    pub threads: u16,
    /// Cores that the clients' threads are pinned to, or may use.
    pub client_cores: String,
}

/// A server's process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Its number.
    pub pid: u32,
    /// Its file, without directories.
    pub executable: String,
    /// Its version, where that is known.
    pub version: Option<String>,
    /// Its command.
    pub command: Vec<String>,
    /// Its threads.
    pub threads: usize,
    /// Cores that it may use.
    pub cores: String,
}

/// A host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Its name.
    pub host: String,
    /// The processor's.
    pub cpu: String,
    /// Cores that are on.
    pub cores: usize,
    /// Memory in KiB.
    pub memory_kib: u64,
    /// The kernel's release.
    pub kernel: String,
    /// Frequency governor of the first core, where there is one.
    pub governor: Option<String>,
    /// It is a guest of another.
    #[serde(rename = "virtual")]
    pub is_virtual: bool,
}

impl Context {
    /// Of a run that begins now.
    #[must_use]
    pub fn now() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            tool: concat!("ringway-load ", env!("CARGO_PKG_VERSION")).to_owned(),
            started_unix_ms: since_1970.as_millis() as u64,
            complete: true,
            machine: Machine::this(),
            ..Self::default()
        }
    }
}

impl Server {
    /// Looks at a process; `None` when there is none, or it may not be looked at.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let at = |file: &str| format!("/proc/{pid}/{file}");
        let arguments = fs::read(at("cmdline")).ok()?;
        let words = arguments.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        let command: Vec<String> = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let status = fs::read_to_string(at("status")).ok()?;
        // The threads' own masks: a server that pins its threads leaves its main thread free.
        let masks = fs::read_dir(at("task")).ok()?.flatten().filter_map(|task| {
            let status = fs::read_to_string(task.path().join("status")).ok()?;
            Some(field(&status, "Cpus_allowed_list:")?.to_owned())
        });
        let masks: BTreeSet<String> = masks.collect();
        let executable = field(&status, "Name:")?.to_owned();
        Some(Self {
            pid,
            // Nobody else's program is started to be asked.
            version: (executable == "ringway").then(|| version(pid)).flatten(),
            executable,
            command,
            threads: field(&status, "Threads:")?.parse().ok()?,
            cores: masks.into_iter().collect::<Vec<_>>().join(" and "),
        })
    }
}

impl Machine {
    /// This host.
    #[must_use]
    pub fn this() -> Self {
        let text = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned());
        let cpus = text("/proc/cpuinfo").unwrap_or_default();
        let first = |name: &str| cpus.lines().find(|line| line.starts_with(name))?.split_once(": ");
        let flags = first("flags").map_or("", |(_, flags)| flags);
        let memory = text("/proc/meminfo").unwrap_or_default();
        let memory = field(&memory, "MemTotal:").and_then(|kib| kib.split_whitespace().next()?.parse().ok());
        Self {
            host: text("/proc/sys/kernel/hostname").unwrap_or_default(),
            cpu: first("model name").map_or_else(String::new, |(_, model)| model.trim().to_owned()),
            cores: cpus.lines().filter(|line| line.starts_with("processor")).count(),
            memory_kib: memory.unwrap_or(0),
            kernel: text("/proc/sys/kernel/osrelease").unwrap_or_default(),
            governor: text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").ok(),
            is_virtual: flags.split(' ').any(|flag| flag == "hypervisor"),
        }
    }
}

/// What a Ringway says of itself.
fn version(pid: u32) -> Option<String> {
    let output =
        Command::new(format!("/proc/{pid}/exe")).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().filter(|_| output.status.success()).map(str::to_owned)
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_and_this_process_are_described() {
        let machine = Machine::this();
        assert!(machine.cores > 0 && machine.memory_kib > 0 && !machine.kernel.is_empty(), "{machine:?}");
        let server = Server::of(std::process::id()).unwrap();
        assert!(server.threads > 0 && !server.command.is_empty() && !server.cores.is_empty(), "{server:?}");
        assert_eq!(Server::of(u32::MAX), None);
    }
}
