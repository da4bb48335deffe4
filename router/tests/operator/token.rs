//! `ringway token` against a node that wants tokens.

use crate::client::Client;
use crate::process::{Node, Scratch, refused, run};

#[test]
fn a_signed_token_opens_the_door_and_carries_its_grants() {
    let scratch = Scratch::new();
    let here = scratch.0.display().to_string();
    let key = scratch.write("token.key", "0123456789abcdef0123456789abcdef\n");
    let file = scratch.write(
        "ringway.toml",
        &format!(
            "[node]\nstate_dir = \"{here}/state\"\nshards = 1\n[clients]\nlisten = \"127.0.0.1:0\"\n[tls]\nmode = \"off\"\n\
             [tokens]\nkey_files = \"{key}\"\naudience = \"edge\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
             [namespaces.club]\njoin = \"granted\"\npublish = \"granted\"\n"
        ),
    );
    let node = Node::with(&file);
    let sign = |more: &[&str]| {
        let output = run(&[&["token", "--config", &file, "--sub", "ada"], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    };
    let mut granted = Client::connect(node.clients[0], Some(&sign(&["--room", "club:*=join"])));
    assert_eq!(granted.welcome["user"], "ada");
    assert!(granted.welcome["expires"].is_u64());
    assert_eq!(granted.join("club:a")["type"], "joined");
    let mut plain = Client::connect(node.clients[0], Some(&sign(&[])));
    assert_eq!(plain.join("club:a")["code"], 300);
    assert_eq!(
        Client::connect(node.clients[0], None).welcome["code"],
        200,
        "nobody is anonymous in production"
    );
    let other = scratch.write("other.key", "ffffffffffffffffffffffffffffffff\n");
    let forged = sign(&["--key-file", &other]);
    assert_eq!(Client::connect(node.clients[0], Some(&forged)).welcome["code"], 201);
}

#[test]
fn without_a_key_there_is_no_token() {
    let told = refused(&["token", "--dev", "--sub", "ada"]);
    assert!(
        told.contains("there is no key to sign with: give --key-file, or set tokens.key_files"),
        "{told}"
    );
}
