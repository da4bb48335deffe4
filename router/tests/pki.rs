//! `ringway pki` as operators meet it: the real binary in a directory of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ringway::pki::{Held, Paths, Peer};

/// A directory that goes away with its test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("ringway-pki-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).expect("the temporary directory takes files");
        Self(path)
    }

    /// Runs `ringway pki …` here.
    fn pki(&self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringway"));
        command.arg("pki").args(arguments.split(' ')).env_clear().current_dir(&self.0);
        command.output().expect("the binary starts")
    }

    /// Runs it and wants it to work; what it said.
    fn good(&self, arguments: &str) -> String {
        let output = self.pki(arguments);
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Runs it and wants this exit code; what it said on stderr.
    fn bad(&self, code: i32, arguments: &str) -> String {
        let output = self.pki(arguments);
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(code), "{arguments}: {told}");
        told
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn paths(&self, node: &str) -> Paths {
        let pem = self.path(node);
        Paths { authority: self.path("ca/ca.pem"), certificate: pem.clone(), key: pem }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("it is there")
}

#[test]
fn an_authority_is_made_once_and_its_key_is_its_owners() {
    let scratch = Scratch::new();
    let said = scratch.good("init --dir ca --cluster game");
    assert!(said.contains("The authority of cluster game, good until "), "{said}");
    assert!(said.contains("ringway pki issue --dir ca --node 1"), "{said}");
    let [key, certificate] = ["ca/ca.key", "ca/ca.pem"].map(|name| scratch.path(name));
    assert_eq!([mode(&scratch.path("ca")), mode(&key), mode(&certificate)], [0o700, 0o600, 0o644]);

    let before = [text(&key), text(&certificate)];
    let told = scratch.bad(2, "init --dir ca --cluster game");
    assert!(
        told.starts_with("ringway: ca/ca.pem is there already: an authority is never overwritten"),
        "{told}"
    );
    std::fs::remove_file(&certificate).unwrap();
    let told = scratch.bad(2, "init --dir ca --cluster game");
    assert!(told.starts_with("ringway: ca/ca.key is there already"), "{told}");
    assert_eq!(text(&key), before[0]);
}

#[test]
fn names_and_numbers_that_are_none_are_refused() {
    let scratch = Scratch::new();
    for name in ["Game", "a.b", "a_b", "-a", &"a".repeat(64)] {
        let told = scratch.bad(2, &format!("init --dir ca --cluster={name}"));
        assert!(told.contains("is no name of a cluster: write 1 to 63 lower-case letters"), "{told}");
    }
    assert!(scratch.bad(2, "init --dir ca --cluster game --days 0").contains("--days"));
    assert!(!scratch.path("ca").exists());
    scratch.good("init --dir ca --cluster game");
    for node in ["x", "-1", "18446744073709551616"] {
        assert!(scratch.bad(2, &format!("issue --dir ca --node={node}")).contains("--node"));
    }
}

#[test]
fn what_is_issued_loads_and_says_who_it_is() {
    let scratch = Scratch::new();
    scratch.good("init --dir ca --cluster game");
    let said = scratch.good("issue --dir ca --node 3 --out node");
    assert!(said.starts_with("node/node-3.pem: node 3 of cluster game, with a new private key, good until "));
    let pem = scratch.path("node/node-3.pem");
    assert_eq!([mode(&scratch.path("node")), mode(&pem)], [0o700, 0o600]);
    let clock = Arc::new(rustls::time_provider::DefaultTimeProvider);
    let expected = Peer::of_name("node-3.game.ringway.internal").unwrap();
    let (mut held, warnings) = Held::load(scratch.paths("node/node-3.pem"), Some(&expected), clock).unwrap();
    assert_eq!(warnings, []);

    let before = text(&pem);
    let told = scratch.bad(2, "issue --dir ca --node 3 --out node");
    assert_eq!(told, "ringway: node/node-3.pem is there already: --replace renews it\n");
    assert_eq!(text(&pem), before);
    let serial = held.current().certificate.serial.clone();
    scratch.good("issue --dir ca --node 3 --out node --replace");
    assert_eq!(held.reload(), Ok(vec![]));
    assert_ne!(held.current().certificate.serial, serial);
    assert_eq!(mode(&pem), 0o600);
}

#[test]
fn an_authority_that_is_not_whole_or_would_end_first_issues_nothing() {
    let scratch = Scratch::new();
    let told = scratch.bad(2, "issue --dir ca --node 1");
    assert!(told.starts_with("ringway: ca/ca.pem: there is no such file (pki 100, file_missing)"), "{told}");
    scratch.good("init --dir ca --cluster game --days 30");
    let told = scratch.bad(2, "issue --dir ca --node 1");
    assert!(told.starts_with("ringway: node 1 gets no certificate: the certificate would outlive"), "{told}");
    assert!(told.contains("give --days a smaller number"), "{told}");
    scratch.good("issue --dir ca --node 1 --days 30");
    scratch.good("init --dir other --cluster game");
    std::fs::copy(scratch.path("other/ca.key"), scratch.path("ca/ca.key")).unwrap();
    let told = scratch.bad(2, "issue --dir ca --node 2 --days 30");
    assert!(told.starts_with("ringway: ca/ca.key: it is not the key of ca.pem beside it"), "{told}");
    std::fs::write(scratch.path("ca/ca.key"), "").unwrap();
    let told = scratch.bad(2, "issue --dir ca --node 2 --days 30");
    assert!(told.starts_with("ringway: ca/ca.key: it is empty"), "{told}");
    assert!(!scratch.path("ca/node-2.pem").exists());
}

#[test]
fn show_says_what_is_in_a_file_and_never_the_key() {
    let scratch = Scratch::new();
    scratch.good("init --dir ca --cluster game");
    scratch.good("issue --dir ca --node 3");
    scratch.good("issue --dir ca --node 4 --days 13");
    let said = scratch.good("show --ca ca/ca.pem ca/ca.pem ca/node-3.pem");
    for line in [
        "authority of cluster game",
        "cluster      game",
        "node         3",
        "issuer       O=Ringway, CN=game",
    ] {
        assert!(said.contains(line), "{said}");
    }
    for field in ["good from", "good until", "serial", "SHA-256"] {
        assert_eq!(said.matches(field).count(), 2, "{said}");
    }
    assert!(!said.contains("PRIVATE") && !said.contains("BEGIN"), "{said}");
    let soon = scratch.bad(0, "show ca/node-4.pem");
    assert!(soon.starts_with("ringway: warning: the certificate in ca/node-4.pem ends on "), "{soon}");
}

#[test]
fn show_ends_with_1_for_what_is_none_of_ours_and_with_2_for_no_certificate() {
    let scratch = Scratch::new();
    scratch.good("init --dir ca --cluster game");
    scratch.good("init --dir other --cluster game");
    scratch.good("issue --dir other --node 3");
    let told = scratch.bad(1, "show --ca ca/ca.pem other/node-3.pem");
    assert!(
        told.starts_with("ringway: other/node-3.pem: the certificate was signed by another authority"),
        "{told}"
    );
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    std::fs::write(scratch.path("door.pem"), made.cert.pem()).unwrap();
    assert!(scratch.bad(1, "show door.pem").contains("(pki 205, no_name)"));
    let mut params = rcgen::CertificateParams::new(["node-1.game.ringway.internal".to_string()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 2);
    let ended = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    std::fs::write(scratch.path("ended.pem"), ended.pem()).unwrap();
    let told = scratch.bad(1, "show ended.pem");
    assert!(told.contains("the certificate ended on 2020-01-02 00:00:00 UTC (pki 203, expired)"), "{told}");
    assert!(scratch.bad(2, "show ca/ca.key").contains("(pki 105, no_certificate)"));
    assert!(scratch.bad(2, "show none.pem").contains("(pki 100, file_missing)"));
    assert!(scratch.bad(2, "show ca").contains("it is no regular file (pki 101, file_unreadable)"));
}
