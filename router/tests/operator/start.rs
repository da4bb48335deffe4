//! What keeps a node from starting is said in one line that names the place and the remedy, with exit code 2.

use std::net::TcpListener;

use crate::process::{Node, Scratch, refused, ringway, run};

/// Enough for a start on free ports, without TLS; the rest is each test's.
fn free<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [
        &[
            "serve",
            "--dev",
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--tls",
            "off",
            "--shards",
            "1",
        ],
        more,
    ]
    .concat()
}

#[test]
fn a_port_that_is_taken_is_named_with_a_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let told = refused(&["serve", "--dev", "--tls", "off", "--listen", "127.0.0.1:0", "--http", &address]);
    assert!(
        told.contains(&format!("can't listen on {address} for HTTP")) && told.contains("ss -ltnp"),
        "{told}"
    );
    assert_eq!(told.lines().filter(|line| line.starts_with("ringway: ")).count(), 1, "{told}");
    let told = refused(&["serve", "--dev", "--tls", "off", "--http", "127.0.0.1:0", "--listen", &address]);
    assert!(
        told.contains(&format!("can't listen on {address}")) && told.contains("another process"),
        "{told}"
    );
}

#[test]
fn a_file_that_is_missing_or_wrong_is_named_with_its_line() {
    let scratch = Scratch::new();
    assert_eq!(
        refused(&["serve", "--config", "/nonexistent/ringway.toml"]),
        "ringway: can't read the configuration /nonexistent/ringway.toml: No such file or directory (os error 2); check --config\n"
    );
    let file = scratch.write("ringway.toml", "[clients]\nlistne = \"0.0.0.0:7400\"\n");
    assert_eq!(
        refused(&["serve", "--config", &file]),
        format!("ringway: {file}:2: unknown key clients.listne: did you mean listen?\n")
    );
    assert_eq!(refused(&["config", "check", "--config", &file]), refused(&["serve", "--config", &file]));
}

#[test]
fn files_that_the_configuration_names_are_read_before_anything_starts() {
    let scratch = Scratch::new();
    let short = scratch.write("short.key", "too short\n");
    let file = scratch.write(
        "ringway.toml",
        &format!(
            "[tls]\ncertificate_file = \"/nonexistent/chain.pem\"\nkey_file = \"/nonexistent/key.pem\"\n\
             [tokens]\nkey_files = \"{short}\"\n[http]\ntoken_file = \"/nonexistent/api.token\"\n"
        ),
    );
    let told = refused(&["config", "check", "--config", &file]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert!(
        lines[0].contains("ringway.toml:5: tokens.key_files: the secret in")
            && lines[0].contains("openssl rand"),
        "{told}"
    );
    assert!(
        lines[1].contains("ringway.toml:7: http.token_file: can't read /nonexistent/api.token"),
        "{told}"
    );
    assert!(
        lines[2].contains("ringway.toml:2: tls.certificate_file: can't read /nonexistent/chain.pem"),
        "{told}"
    );
}

#[test]
fn without_configuration_production_does_not_start() {
    let output = ringway(&["serve"]).current_dir("/").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("tls.mode = \"on\" needs tls.certificate_file"), "{told}");
    assert!(told.contains("no client could come in: set tokens.key_files"), "{told}");
}

#[test]
fn a_flag_that_is_wrong_is_named() {
    let told = refused(&free(&["--set", "sessions_max"]));
    assert_eq!(
        told,
        "ringway: --set: \"sessions_max\" is no SECTION.KEY=VALUE, as in limits.sessions_max=1000\n"
    );
    let told = refused(&["serve", "--dev", "--shards", "many"]);
    assert_eq!(
        told,
        "ringway: --shards: node.shards = \"many\": must be \"auto\" or a number from 1 to 256\n"
    );
    let told = refused(&["serve", "--dev", "--listen", "0.0.0.0:7400"]);
    assert!(
        told.contains("--listen: clients.listen = \"0.0.0.0:7400\": --dev serves loopback only"),
        "{told}"
    );
}

#[test]
fn a_state_directory_that_can_t_be_made_is_named() {
    let scratch = Scratch::new();
    let file = scratch.write("file", "");
    let told = refused(&free(&["--state-dir", &format!("{file}/state")]));
    assert!(told.contains("can't make the state directory") && told.contains("set node.state_dir"), "{told}");
}

#[test]
fn a_core_that_is_not_ours_is_named() {
    let told = refused(&free(&["--cores", "1023"]));
    assert!(told.contains("can't run a shard on CPU 1023"), "{told}");
}

#[test]
fn the_epoll_runtime_serves_as_well() {
    let node = Node::dev(&["--runtime", "epoll"]);
    assert_eq!(node.get("/readyz"), (200, "ready\n".into()));
    assert!(node.get("/metrics").1.contains("runtime=\"epoll\""));
    assert!(crate::client::Client::connect(node.clients[0], None).welcome["session"].is_string());
}

#[test]
fn what_show_prints_is_what_is_in_force_and_no_secret() {
    let scratch = Scratch::new();
    let secret = "0123456789abcdef0123456789abcdef";
    let key = scratch.write("token.key", secret);
    let file = scratch.write("ringway.toml", &format!("[tokens]\nkey_files = \"{key}\"\n"));
    let output = run(&["config", "show", "--config", &file, "--set", "drain.delay=7s"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains(&format!("key_files = \"{key}\"  # {file}:2")), "{told}");
    assert!(told.contains("delay = \"7s\"  # --set"), "{told}");
    assert!(!told.contains(secret));
}

#[test]
fn help_has_examples_for_every_command() {
    for command in [
        &["--help"][..],
        &["serve", "--help"],
        &["config", "check", "--help"],
        &["config", "show", "--help"],
        &["token", "--help"],
        &["drain", "--help"],
    ] {
        let told = String::from_utf8(run(command).stdout).unwrap();
        assert!(told.contains("Example"), "{command:?}: {told}");
    }
    assert!(String::from_utf8(run(&["version"]).stdout).unwrap().starts_with("ringway "));
}
