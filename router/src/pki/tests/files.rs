//! Files: read with a bound, reloaded whole or not at all.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use crate::config::testing::Scratch;
use crate::pki::fault::{Bad, Fault, Part};
use crate::pki::files::{self, FILE_BYTES_MAX, Paths, Warning};
use crate::pki::held::Held;
use crate::pki::issue::Made;
use crate::pki::testing::{DAY, NOW, clock, issued, made_authority, meet, node, time};

/// A node's directory, with what was issued in it.
struct Site {
    scratch: Scratch,
    authority: Made,
    paths: Paths,
}

impl Site {
    fn new(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let [authority, pem] = ["ca.pem", "node.pem"].map(|file| scratch.path.join(file));
        let paths = Paths { authority, certificate: pem.clone(), key: pem };
        let site = Self { scratch, authority: made_authority("game"), paths };
        files::create(&site.paths.authority, site.authority.certificate.as_bytes(), 0o644).unwrap();
        site.put(&issued(&site.authority, 1));
        site
    }

    fn put(&self, made: &Made) {
        let text = format!("{}{}", made.certificate, made.key);
        files::replace(&self.paths.certificate, text.as_bytes()).unwrap();
    }

    fn load(&self, at: u64) -> Result<(Held, Vec<Warning>), Bad> {
        Held::load(self.paths.clone(), Some(&node("game", 1)), clock(at))
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_reload_swaps_and_a_bad_one_keeps_what_was_there() {
    let site = Site::new("pki-reload");
    let (mut held, warnings) = site.load(NOW).unwrap();
    assert_eq!(warnings, []);
    let first = Arc::clone(held.current());
    site.put(&issued(&site.authority, 1));
    assert_eq!(held.reload(), Ok(vec![]));
    let second = Arc::clone(held.current());
    assert_ne!(first.certificate.sha256, second.certificate.sha256);
    // A link that is being made with the old ones still comes about.
    assert_eq!(meet(&first, &second, &node("game", 1)).listener, Ok(node("game", 1)));

    let other = made_authority("game");
    for (made, fault) in [
        (issued(&other, 1), Fault::WrongAuthority),
        (issued(&site.authority, 2), Fault::WrongNode { expected: node("game", 1), found: node("game", 2) }),
    ] {
        site.put(&made);
        let path = Some(site.paths.certificate.clone());
        assert_eq!(held.reload(), Err(Bad { part: Part::Certificate, path, fault }));
        assert!(Arc::ptr_eq(held.current(), &second));
    }
    std::fs::remove_file(&site.paths.authority).unwrap();
    assert_eq!(held.reload().unwrap_err().fault, Fault::FileMissing);
    assert!(Arc::ptr_eq(held.current(), &second));
}

#[test]
fn no_reload_meets_half_of_a_renewal() {
    let site = Site::new("pki-race");
    let (mut held, _) = site.load(NOW).unwrap();
    let both = [issued(&site.authority, 1), issued(&site.authority, 1)];
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (0..50).for_each(|turn| site.put(&both[turn % 2])));
        while !writer.is_finished() {
            assert_eq!(held.reload(), Ok(vec![]));
        }
    });
}

#[test]
fn a_node_does_not_start_with_the_certificate_of_another() {
    let site = Site::new("pki-other");
    for (expected, name) in [(node("game", 2), "wrong_node"), (node("other", 1), "wrong_cluster")] {
        let bad = Held::load(site.paths.clone(), Some(&expected), clock(NOW)).unwrap_err();
        assert_eq!(bad.fault.name(), name);
        assert!(bad.to_string().starts_with("the node's certificate in /"), "{bad}");
    }
    assert!(Held::load(site.paths.clone(), None, clock(NOW)).is_ok());
}

#[test]
fn certificate_and_key_may_be_apart() {
    let site = Site::new("pki-apart");
    let made = issued(&site.authority, 1);
    let [certificate, key] = ["tls.crt", "tls.key"].map(|file| site.scratch.path.join(file));
    files::create(&certificate, made.certificate.as_bytes(), 0o644).unwrap();
    files::create(&key, issued(&site.authority, 1).key.as_bytes(), 0o600).unwrap();
    let paths = Paths { authority: site.paths.authority.clone(), certificate, key };
    let bad = Held::load(paths.clone(), None, clock(NOW)).unwrap_err();
    assert_eq!(bad, Bad { part: Part::Key, path: Some(paths.key.clone()), fault: Fault::KeyMismatch });
    files::replace(&paths.key, made.key.as_bytes()).unwrap();
    assert_eq!(Held::load(paths, None, clock(NOW)).unwrap().1, []);
}

#[test]
fn an_open_key_and_an_end_that_is_near_are_warned_of() {
    let site = Site::new("pki-warn");
    let path = site.paths.certificate.clone();
    for (mode, open) in [(0o600, false), (0o400, false), (0o640, false), (0o644, true), (0o660, true)] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        let expected =
            if open { vec![Warning::OpenPermissions { path: path.clone(), mode }] } else { vec![] };
        assert_eq!(site.load(NOW).unwrap().1, expected);
    }
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(site.load(NOW + 76 * DAY).unwrap().1, []);
    let ends = time(NOW + 90 * DAY);
    assert_eq!(site.load(NOW + 76 * DAY + 1).unwrap().1, [Warning::EndsSoon { path, ends }]);
}

#[test]
fn what_is_no_small_file_is_not_read() {
    let scratch = Scratch::new("pki-read");
    let large = scratch.path.join("large");
    std::fs::write(&large, vec![b'a'; FILE_BYTES_MAX]).unwrap();
    assert_eq!(files::read(&large).unwrap().bytes.len(), FILE_BYTES_MAX);
    std::fs::write(&large, vec![b'a'; FILE_BYTES_MAX + 1]).unwrap();
    assert_eq!(files::read(&large).unwrap_err(), Fault::FileTooLarge(FILE_BYTES_MAX));
    // 1 TiB of nothing takes no disk, and no memory.
    std::fs::File::create(&large).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(files::read(&large).unwrap_err(), Fault::FileTooLarge(FILE_BYTES_MAX));
    assert_eq!(files::read(&scratch.path.join("none")).unwrap_err(), Fault::FileMissing);
    for odd in [scratch.path.as_path(), Path::new("/dev/zero"), Path::new("/dev/null")] {
        assert_eq!(files::read(odd).unwrap_err().name(), "file_unreadable", "{odd:?}");
    }
}

#[test]
fn a_file_is_made_once_and_replaced_whole() {
    let scratch = Scratch::new("pki-write");
    let path = scratch.path.join("file");
    files::create(&path, b"one", 0o600).unwrap();
    assert_eq!(files::create(&path, b"two", 0o600).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), b"one");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o664)).unwrap();
    files::replace(&path, b"three").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"three");
    assert_eq!(mode(&path), 0o640);
    files::replace(&scratch.path.join("new"), b"four").unwrap();
    assert_eq!(mode(&scratch.path.join("new")), 0o600);
    assert_eq!(std::fs::read_dir(&scratch.path).unwrap().count(), 2, "nothing else is left behind");
}
