//! The description of a server in a TOML file: how to start it, and how clients reach it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

/// Largest description that is read.
const BYTES_MAX: u64 = 64 * 1024;

/// A server, as `loadgen/servers/*.toml` describe some.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerFile {
    /// Of this form: 1.
    pub version: u32,
    /// What reports call it.
    pub name: String,
    /// What it is, in a sentence.
    pub about: Option<String>,
    /// What clients speak to it, as `--protocol` takes it; by default as the URL's scheme says.
    pub protocol: Option<String>,
    /// Where clients connect, with `{port}` where it is started on any free port.
    pub url: String,
    /// The command that starts it, with `{port}`, and `{dir}` for the directory of the description; none: somebody else
    /// does.
    pub spawn: Option<String>,
    /// A shell's command whose first line of output is its version.
    pub asks_version: Option<String>,
    /// How to get it where it can't be started.
    pub setup: Option<String>,
    /// More flags for the clients.
    #[serde(default)]
    pub flags: Vec<String>,
}

impl ServerFile {
    /// A server that somebody else has started, by its URL.
    #[must_use]
    pub fn running(url: &str) -> Self {
        let (version, name, url) = (1, url.to_owned(), url.to_owned());
        Self {
            version,
            name,
            about: None,
            protocol: None,
            url,
            spawn: None,
            asks_version: None,
            setup: None,
            flags: Vec::new(),
        }
    }

    /// Reads a description, or takes a URL as one.
    ///
    /// # Errors
    /// A sentence with the file's name and what is wrong in it.
    pub fn read(name: &str) -> Result<Self, String> {
        if name.contains("://") {
            return Ok(Self::running(name));
        }
        let path = Path::new(name);
        let told = |fault: &dyn std::fmt::Display| format!("{name}: {fault}");
        let bytes = fs::metadata(path).map_err(|fault| told(&fault))?.len();
        if bytes > BYTES_MAX {
            return Err(told(&"too large for the description of a server"));
        }
        let text = fs::read_to_string(path).map_err(|fault| told(&fault))?;
        let mut file: Self = toml::from_str(&text).map_err(|fault| told(&fault.to_string().trim_end()))?;
        if file.version != 1 {
            return Err(told(&format!("version {} is not known here, only 1", file.version)));
        }
        let directory = fs::canonicalize(path).ok().and_then(|path| Some(path.parent()?.to_owned()));
        let directory = directory.unwrap_or_default().display().to_string();
        for command in [&mut file.spawn, &mut file.setup, &mut file.asks_version].into_iter().flatten() {
            *command = command.replace("{dir}", &directory);
        }
        Ok(file)
    }

    /// The flags by which a scenario meets this server, started on `core` if there is one.
    #[must_use]
    pub fn flags(&self, core: Option<&str>) -> Vec<String> {
        let mut flags = vec!["--url".to_owned(), self.url.clone()];
        if let Some(protocol) = &self.protocol {
            flags.extend(["--protocol".to_owned(), protocol.clone()]);
        }
        if let Some(command) = &self.spawn {
            flags.extend(["--spawn".to_owned(), command.clone()]);
            if let Some(core) = core {
                flags.extend(["--server-cores".to_owned(), core.to_owned()]);
            }
        }
        if let Some(version) = self.version() {
            flags.extend(["--server-version".to_owned(), version]);
        }
        flags.extend(self.flags.iter().cloned());
        flags
    }

    fn version(&self) -> Option<String> {
        let command = self.asks_version.as_ref()?;
        let output = Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
    }

    /// A fault of starting it, with how to get it.
    #[must_use]
    pub fn with_setup(&self, mut fault: String) -> String {
        if let Some(setup) = &self.setup {
            let _ = write!(fault, "\nto get {}: {setup}", self.name);
        }
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_becomes_flags() {
        let text = "version = 1\nname = \"m\"\nprotocol = \"mqtt\"\nurl = \"mqtt://127.0.0.1:{port}\"\n\
                    spawn = \"mosquitto -p {port}\"\nflags = [\"--qos\", \"1\"]\n";
        let file: ServerFile = toml::from_str(text).unwrap();
        assert_eq!(
            file.flags(Some("0")).join(" "),
            "--url mqtt://127.0.0.1:{port} --protocol mqtt --spawn mosquitto -p {port} --server-cores 0 --qos 1"
        );
        assert_eq!(
            ServerFile::read("ws://127.0.0.1:1/").unwrap().flags(Some("0")).join(" "),
            "--url ws://127.0.0.1:1/"
        );
    }

    #[test]
    fn unknown_keys_and_versions_are_refused_by_name() {
        let fault = toml::from_str::<ServerFile>("version = 1\nname = \"x\"\nurl = \"x\"\nspwan = \"x\"\n")
            .unwrap_err();
        assert!(fault.to_string().contains("spwan"), "{fault}");
        assert!(ServerFile::read("/nowhere.toml").unwrap_err().contains("/nowhere.toml"));
    }
}
