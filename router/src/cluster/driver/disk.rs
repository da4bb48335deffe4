//! What a node keeps of the map, on a thread that may block: written beside, synced, renamed, directory synced, one write at a time.

use std::io;
use std::path::{Path, PathBuf};

use ringway_cluster::coordinator::Revision;
use ringway_cluster::record::Remembered;
use tokio::task::JoinHandle;

use crate::pki::files;

const FILE: &str = "cluster-map.bin";

/// The file and the write on its way.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    writing: Option<JoinHandle<io::Result<Revision>>>,
}

impl Disk {
    pub(super) fn new(directory: &Path) -> Self {
        Self { path: directory.join(FILE), writing: None }
    }

    pub(super) const fn is_busy(&self) -> bool {
        self.writing.is_some()
    }

    /// Begins to write.
    pub(super) fn write(&mut self, remembered: &Remembered) {
        let (path, bytes, revision) = (self.path.clone(), remembered.encode(), remembered.revision);
        self.writing =
            Some(tokio::task::spawn_blocking(move || files::replace(&path, &bytes).map(|()| revision)));
    }

    /// What came of the write; for ever, if there is none. May be dropped and asked again.
    pub(super) async fn written(&mut self) -> io::Result<Revision> {
        let Some(writing) = &mut self.writing else { return std::future::pending().await };
        let done = writing.await;
        self.writing = None;
        done.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// What earlier runs kept; `None` at the first start.
///
/// # Errors
/// What is wrong with the file and how to mend it.
pub fn recall(directory: &Path) -> Result<Option<Remembered>, String> {
    let path = directory.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("can't read {}: {error}; check the file", path.display())),
    };
    Remembered::decode(&bytes).map(Some).map_err(|fault| {
        format!(
            "{} can't be read: {fault}; restore it. Without it this node could not tell a coordinator that lost data: delete it only if \
             the coordinator is known to be whole",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::Scratch;
    use ringway_cluster::record::ClusterId;
    use ringway_cluster::{SlotMap, Term};

    #[test]
    fn what_was_written_is_recalled_and_damage_is_told() {
        let scratch = Scratch::new("cluster-map");
        assert_eq!(recall(&scratch.path), Ok(None));
        let kept = Remembered::of(ClusterId(7), Revision(12), &SlotMap::vacant(Term(4)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut disk = Disk::new(&scratch.path);
        runtime.block_on(async {
            disk.write(&kept);
            assert!(disk.is_busy());
            assert_eq!(disk.written().await.unwrap(), Revision(12));
            assert!(!disk.is_busy());
        });
        assert_eq!(recall(&scratch.path), Ok(Some(kept)));
        std::fs::write(scratch.path.join(FILE), b"RW").unwrap();
        assert!(recall(&scratch.path).unwrap_err().contains("cluster-map.bin can't be read"));
    }

    #[test]
    fn a_directory_that_is_gone_is_an_error_and_the_next_write_may_succeed() {
        let scratch = Scratch::new("cluster-map-gone");
        let directory = scratch.path.join("state");
        let kept = Remembered::of(ClusterId(7), Revision(1), &SlotMap::vacant(Term(4)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut disk = Disk::new(&directory);
        runtime.block_on(async {
            disk.write(&kept);
            assert!(disk.written().await.is_err());
            std::fs::create_dir(&directory).unwrap();
            disk.write(&kept);
            assert!(disk.written().await.is_ok());
        });
    }
}
