//! The disk: certificates and keys read with a bound, written whole, and what about a file deserves a warning. Blocks; for
//! the control thread and the command line only.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustls::pki_types::UnixTime;

use super::certificate::date;
use super::fault::Fault;

/// Bytes of a file, at most: eight certificates and a key have less than a quarter of it.
pub const FILE_BYTES_MAX: usize = 64 * 1024;
/// Days before the end of a certificate from which on it is said.
pub const WARNING_DAYS: u64 = 14;

/// Where a node's three texts are. `certificate` and `key` may be one file, which is then read once: it can't change
/// between the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The authority's certificate, `ca.pem`.
    pub authority: PathBuf,
    /// The node's certificate, `node-N.pem`.
    pub certificate: PathBuf,
    /// The node's private key: `node-N.pem` too, if `ringway pki issue` made it.
    pub key: PathBuf,
}

/// What works and should not stay so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A file with a private key that others than its owner and group can read, or others than its owner write.
    OpenPermissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A certificate that ends within [`WARNING_DAYS`].
    EndsSoon {
        /// The file.
        path: PathBuf,
        /// When.
        ends: UnixTime,
    },
}

impl Warning {
    /// That a certificate ends soon, if it does.
    #[must_use]
    pub fn ends_soon(path: &Path, ends: UnixTime, now: UnixTime) -> Option<Self> {
        let soon = ends.as_secs() < now.as_secs().saturating_add(WARNING_DAYS * 86_400);
        soon.then(|| Self::EndsSoon { path: path.to_owned(), ends })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenPermissions { path, mode } => write!(
                formatter,
                "{0} holds a private key and has mode {mode:04o}: give it to the user that Ringway runs as, and chmod 600 {0}",
                path.display()
            ),
            Self::EndsSoon { path, ends } => {
                write!(formatter, "the certificate in {} ends on {}: renew it", path.display(), date(*ends))
            }
        }
    }
}

/// A file that was read.
#[derive(Debug)]
pub struct Content {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
}

/// Reads a file of at most [`FILE_BYTES_MAX`].
///
/// # Errors
/// [`Fault::FileMissing`], [`Fault::FileUnreadable`], [`Fault::FileTooLarge`].
pub fn read(path: &Path) -> Result<Content, Fault> {
    let fault = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Fault::FileMissing,
        _ => Fault::FileUnreadable(error.to_string()),
    };
    // Opening a pipe would wait for its writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(fault)?;
    let metadata = file.metadata().map_err(fault)?;
    if !metadata.is_file() {
        return Err(Fault::FileUnreadable("it is no regular file".into()));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(fault)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Fault::FileTooLarge(FILE_BYTES_MAX));
    }
    Ok(Content { bytes, mode: metadata.permissions().mode() & 0o7777 })
}

/// Whether a file with a key is open to those whom it does not concern. A group may read it: that is how a key of root's is
/// lent to a service.
#[must_use]
pub fn too_open(path: &Path, mode: u32) -> Option<Warning> {
    (mode & 0o027 != 0).then(|| Warning::OpenPermissions { path: path.to_owned(), mode })
}

/// Writes a file that was not there, to the disk; gone again if that fails.
///
/// # Errors
/// The system's; `AlreadyExists` leaves what is there untouched.
pub fn create(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    // The mode at creation is cut by the umask, and a key must never have been readable: narrow first, then as asked.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file
        .write_all(text)
        .and_then(|()| file.set_permissions(PermissionsExt::from_mode(mode)))
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_parent(path));
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written
}

/// Puts a file in the place of another, or where none is: a reader sees the old one whole or the new one whole. Owner, group and
/// what the group may read stay as they were.
///
/// # Errors
/// The system's; the old one then stays.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let temporary = path.with_file_name(name);
    let (mode, owner) = match std::fs::metadata(path) {
        Ok(old) => (0o600 | old.mode() & 0o040, Some((old.uid(), old.gid()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (0o600, None),
        Err(error) => return Err(error),
    };
    // One that was cut off, with the same process id, may have left its own.
    let _ = std::fs::remove_file(&temporary);
    create(&temporary, text, 0o600)?;
    let done = own(&temporary, owner)
        .and_then(|()| std::fs::set_permissions(&temporary, PermissionsExt::from_mode(mode)))
        .and_then(|()| std::fs::rename(&temporary, path))
        .and_then(|()| sync_parent(path));
    if done.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    done
}

/// Gives a file to the owner of the one that it replaces.
fn own(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    let now = std::fs::metadata(path)?;
    match owner {
        Some((uid, gid)) if (uid, gid) != (now.uid(), now.gid()) => {
            std::os::unix::fs::chown(path, Some(uid), Some(gid))
        }
        _ => Ok(()),
    }
}

/// A name is on the disk when its directory is.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}
