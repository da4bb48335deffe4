//! The cluster's secrets of a node that is alone: made at its first start, kept in `cluster.key` in the state
//! directory (mode 0600), or in memory where there is no such directory.
//!
//! `handles` keys the rooms' handles; `resume` makes and checks resume tokens: the first seals, a second one still opens,
//! so that they can be rotated by hand.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ringway_protocol::ClusterKey;

use super::secret::{hex, random, read, unhex};

const FILE: &str = "cluster.key";

/// What a cluster's nodes share.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterSecrets {
    /// Keys the rooms' handles.
    pub handles: ClusterKey,
    /// Resume secrets.
    pub resume: Vec<[u8; 32]>,
}

impl std::fmt::Debug for ClusterSecrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ClusterSecrets(…)")
    }
}

impl ClusterSecrets {
    /// New ones, in memory.
    ///
    /// # Errors
    /// The operating system has no random bytes.
    pub fn random() -> Result<Self, String> {
        let fail = |error| format!("the operating system gives no random bytes: {error}");
        Ok(Self { handles: ClusterKey(random().map_err(fail)?), resume: vec![random().map_err(fail)?] })
    }

    /// Those of the directory; makes both at the first start.
    ///
    /// # Errors
    /// What is wrong with directory or file, and how to mend it.
    pub fn of_directory(directory: &Path) -> Result<Self, String> {
        let path = directory.join(FILE);
        if path.exists() {
            return Self::load(&path);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
            let mend = "make it and give it to the user that Ringway runs as, or set node.state_dir";
            format!("can't make the state directory {}: {error}; {mend}", directory.display())
        })?;
        let made = Self::random()?;
        match made.store(&path) {
            Ok(()) => Ok(made),
            // Another process was faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::load(&path),
            Err(error) => Err(format!(
                "can't write {}: {error}; give the directory to the user that Ringway runs as, or set node.state_dir",
                path.display()
            )),
        }
    }

    fn load(path: &Path) -> Result<Self, String> {
        let text = String::from_utf8(read(path)?).map_err(|_| malformed(path))?;
        let mode = path.metadata().map(|data| data.permissions().mode()).unwrap_or(0o600);
        if mode & 0o077 != 0 {
            let path = path.display();
            return Err(format!("{path} can be read by others than its owner: chmod 600 {path}"));
        }
        let table: toml::Table = text.parse().map_err(|_| malformed(path))?;
        let handles = table.get("handles").and_then(toml::Value::as_str).and_then(unhex);
        let resume = table
            .get("resume")
            .and_then(toml::Value::as_array)
            .map(|items| items.iter().map(|item| item.as_str().and_then(unhex)).collect::<Option<Vec<_>>>());
        match (handles, resume.flatten()) {
            (Some(handles), Some(resume)) if (1..=2).contains(&resume.len()) => {
                Ok(Self { handles: ClusterKey(handles), resume })
            }
            _ => Err(malformed(path)),
        }
    }

    fn store(&self, path: &Path) -> std::io::Result<()> {
        let resume: Vec<String> = self.resume.iter().map(|secret| format!("\"{}\"", hex(secret))).collect();
        let text = format!(
            "# Ringway's cluster secrets. Whoever has them can forge resume tokens.\nhandles = \"{}\"\nresume = [{}]\n",
            hex(&self.handles.0),
            resume.join(", ")
        );
        // Written beside and moved: a crash leaves no half of a key.
        let beside = path.with_extension(format!("new-{}", std::process::id()));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        let stored = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        let stored = stored.and_then(|()| std::fs::hard_link(&beside, path));
        let _ = std::fs::remove_file(&beside);
        stored
    }
}

fn malformed(path: &Path) -> String {
    format!(
        "{} is no cluster key file (handles = 32 hex digits, resume = a list of one or two times 64 hex digits): restore it, or delete it to start a new one, which ends all sessions",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::Scratch;

    #[test]
    fn the_key_is_made_once_and_is_its_owner_s_alone() {
        let scratch = Scratch::new("cluster-key");
        let directory = scratch.path.join("state");
        let first = ClusterSecrets::of_directory(&directory).unwrap();
        assert_eq!(ClusterSecrets::of_directory(&directory).unwrap(), first);
        let mode = directory.join(FILE).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_cut_short_is_refused() {
        let scratch = Scratch::new("cluster-key-bad");
        ClusterSecrets::of_directory(&scratch.path).unwrap();
        let path = scratch.path.join(FILE);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let fault = ClusterSecrets::of_directory(&scratch.path).unwrap_err();
        assert!(fault.contains("chmod 600"), "{fault}");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(&path, "handles = \"00\"\n").unwrap();
        let fault = ClusterSecrets::of_directory(&scratch.path).unwrap_err();
        assert!(fault.contains("is no cluster key file"), "{fault}");
    }
}
