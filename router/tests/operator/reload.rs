//! SIGHUP: all or nothing, and everything that changed or could not is named.

use serde_json::Value;

use crate::client::Client;
use crate::process::{Node, Scratch};

/// A production node's files.
pub(crate) struct Site {
    pub(crate) scratch: Scratch,
    pub(crate) file: String,
}

impl Site {
    /// A production node's files, with these lines added to sections.
    pub(crate) fn new(rest: &str) -> Self {
        let scratch = Scratch::new();
        scratch.write("api.token", "the first api token");
        let file = scratch.0.join("ringway.toml").display().to_string();
        let site = Self { scratch, file };
        site.write("[tls]\nmode = \"off\"\n", rest);
        site
    }

    pub(crate) fn write(&self, tls: &str, rest: &str) {
        let here = self.scratch.0.display();
        self.scratch.write(
            "ringway.toml",
            &format!(
                "[node]\nstate_dir = \"{here}/state\"\nshards = 1\n[http]\nlisten = \"127.0.0.1:0\"\ntoken_file = \"{here}/api.token\"\n\
                 {tls}[clients]\nlisten = \"127.0.0.1:0\"\n{rest}"
            ),
        );
    }
}

fn fields<'a>(lines: &'a [Value], message: &str, field: &str) -> Vec<&'a str> {
    let named =
        lines.iter().filter(|line| line["message"].as_str().is_some_and(|said| said.contains(message)));
    named.map(|line| line[field].as_str().expect("text")).collect()
}

#[test]
fn hot_keys_take_effect_and_cold_ones_are_named_and_kept() {
    let site = Site::new("anonymous = true\n[namespaces.chat]\njoin = \"anyone\"\n");
    let mut node = Node::with(&site.file);
    let mut client = Client::connect(node.clients[0], None);
    assert_eq!(client.join("chat:a")["type"], "joined");
    assert_eq!(client.join("news:a")["code"], 401);

    site.write("[tls]\nmode = \"off\"\n", "anonymous = true\necho = true\n[namespaces.chat]\njoin = \"users\"\n[namespaces.news]\njoin = \"anyone\"\n");
    let lines = node.reload();
    assert_eq!(
        fields(&lines, "configuration changed", "change"),
        ["namespaces.chat.join: \"anyone\" → \"users\"", "namespaces.news is new"]
    );
    assert_eq!(fields(&lines, "this key needs a restart", "change"), ["clients.echo: false → true"]);
    assert_eq!(client.join("chat:b")["code"], 300);
    assert_eq!(client.join("news:a")["type"], "joined");
}

#[test]
fn one_mistake_and_nothing_changes() {
    let site = Site::new("anonymous = true\n[namespaces.chat]\njoin = \"anyone\"\n");
    let mut node = Node::with(&site.file);
    let mut client = Client::connect(node.clients[0], None);
    let api = |node: &Node, token: &str| {
        let header = format!("Authorization: Bearer {token}");
        node.http("POST", "/api/v1/disconnect", &[&header], r#"{"user":"nobody"}"#).0
    };
    assert_eq!(api(&node, "the first api token"), 200);

    site.scratch.write("api.token", "the second api token");
    site.write(
        "[tls]\nmode = \"off\"\n",
        "anonymous = true\n[namespaces.chat]\njoin = \"users\"\npublihs = \"users\"\n",
    );
    node.signal(libc::SIGHUP);
    let (_, lines) = node.said_before("nothing has changed");
    assert_eq!(
        fields(&lines, "configuration refused", "fault"),
        [format!("{}:14: unknown key namespaces.chat.publihs: did you mean publish?", site.file)]
    );
    assert_eq!(client.join("chat:a")["type"], "joined");
    assert_eq!((api(&node, "the first api token"), api(&node, "the second api token")), (200, 401));

    site.write("[tls]\nmode = \"off\"\n", "anonymous = true\n[namespaces.chat]\njoin = \"users\"\n");
    node.reload();
    assert_eq!((api(&node, "the first api token"), api(&node, "the second api token")), (401, 200));
    assert_eq!(client.join("chat:b")["code"], 300);
}
