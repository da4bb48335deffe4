//! Reports into files: whole or not at all. Process view.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::Value;

/// Writes a file so that it is never seen half written: what was there stays if anything fails. `-` is standard output.
///
/// # Errors
/// A sentence that names the file and what the system said.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let refused = |fault: io::Error| format!("{} was not written: {fault}", path.display());
    if path == Path::new("-") {
        return io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()).map_err(refused);
    }
    // A device or a pipe has no halves, and can't be replaced.
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return fs::write(path, bytes).map_err(refused);
    }
    let name = path.file_name().ok_or_else(|| format!("{} names no file", path.display()))?;
    let beside = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&beside, path)).map_err(|fault| {
        let _ = fs::remove_file(&beside);
        refused(fault)
    })
}

/// A document as people can read it, too.
#[must_use]
pub fn pretty(document: &Value) -> Vec<u8> {
    // A `Value` always has a text.
    let mut text = serde_json::to_vec_pretty(document).unwrap_or_default();
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_or_left_alone() {
        let folder = std::env::temp_dir().join(format!("ringway-load-output-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("report.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let fault = write(&folder.join("missing/report.json"), b"three").unwrap_err();
        assert!(fault.contains("missing/report.json was not written"), "{fault}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_full_disk_is_told() {
        let fault = write(Path::new("/dev/full"), b"report").unwrap_err();
        assert!(fault.contains("/dev/full was not written"), "{fault}");
    }
}
