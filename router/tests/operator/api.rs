//! The HTTP door: who may call, what is refused with which number, what publish and disconnect do.

use serde_json::json;

use crate::client::Client;
use crate::process::Node;

#[test]
fn the_api_wants_its_token_and_nothing_else_will_do() {
    let node = Node::dev(&[]);
    let publish =
        |header: &[&str]| node.http("POST", "/api/v1/publish", header, r#"{"room":"chat:a","text":"x"}"#);
    let good = format!("Authorization: Bearer {}", node.token);
    assert_eq!(publish(&[&good]).0, 200);
    let longer = format!("{good}0");
    let shorter = good[..good.len() - 1].to_string();
    for (header, code) in [
        (&[][..], 200),
        (&["Authorization: Basic dXNlcjpwYXNz"][..], 200),
        (&["Authorization: Bearer"][..], 200),
        (&["Authorization: Bearer wrong"][..], 201),
        (&[longer.as_str()][..], 201),
        (&[shorter.as_str()][..], 201),
    ] {
        let (status, body) = publish(header);
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, body["code"].as_u64()), (401, Some(code)), "{header:?}");
    }
    // Also for what is not there: nobody learns the paths.
    assert_eq!(node.http("POST", "/api/v1/nothing", &[], "").0, 401);
}

#[test]
fn a_closed_api_says_how_to_open_it() {
    let scratch = crate::process::Scratch::new();
    let state = scratch.0.join("state").display().to_string();
    let file = scratch.write(
        "ringway.toml",
        &format!(
            "[node]\nshards = 1\nstate_dir = \"{state}\"\n[clients]\nlisten = \"127.0.0.1:0\"\nanonymous = true\n\
             [tls]\nmode = \"off\"\n[http]\nlisten = \"127.0.0.1:0\"\n"
        ),
    );
    let node = Node::with(&file);
    let (status, body) = node.http("POST", "/api/v1/publish", &["Authorization: Bearer x"], "{}");
    assert_eq!(status, 403);
    assert!(body.contains("set http.token_file"), "{body}");
    assert_eq!(node.get("/demo").0, 404, "no demo in production");
}

#[test]
fn a_page_that_points_its_own_name_here_is_turned_away() {
    let node = Node::dev(&["--set", "http.hosts=ringway.internal"]);
    let port = node.http.port();
    for path in ["/", "/demo", "/metrics", "/livez", "/readyz", "/api/v1/publish", "/nothing"] {
        for host in ["evil.test", "evil.test:7480", "localhost.evil.test", ""] {
            let (status, body) = node.http("GET", path, &[&format!("Host: {host}")], "");
            assert_eq!(status, 421, "{path} {host}: {body}");
        }
    }
    for host in [
        "localhost".to_string(),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
        "ringway.internal".into(),
    ] {
        assert_eq!(node.http("GET", "/livez", &[&format!("Host: {host}")], "").0, 200, "{host}");
    }
}

#[test]
fn what_is_published_reaches_a_member_and_is_answered_with_its_place() {
    let node = Node::dev(&[]);
    let mut client = Client::connect(node.clients[0], None);
    assert_eq!(client.join("chat:api")["type"], "joined");
    let (status, answer) = node.api("/api/v1/publish", r#"{"room":"chat:api","data":{"n":1},"user":"shop"}"#);
    assert_eq!(
        (status, answer["offset"].as_u64(), answer["duplicate"].as_bool()),
        (200, Some(1), Some(false))
    );
    assert_eq!(answer["epoch"].as_str().map(str::len), Some(16));
    let message = client.read_type("message");
    assert_eq!(message["data"], json!({ "n": 1 }));
    assert_eq!(message["from"], json!({ "user": "shop", "session": "0000000000000000" }));

    let (_, answer) =
        node.api("/api/v1/publish", r#"{"room":"chat:api","lane":"latest","key":"k","text":"v"}"#);
    assert_eq!(answer["version"].as_str().map(str::len), Some(16), "{answer}");
    let once = r#"{"room":"chat:api","msg_id":"order-1","text":"once"}"#;
    let (_, first) = node.api("/api/v1/publish", once);
    let again = format!(
        r#"{{"room":"chat:api","msg_id":"order-1","text":"once","retry":{{"epoch":{},"offset":1}}}}"#,
        first["epoch"]
    );
    let (_, second) = node.api("/api/v1/publish", &again);
    assert_eq!((&second["offset"], &second["duplicate"]), (&first["offset"], &json!(true)), "{second}");
}

#[test]
fn what_can_t_be_published_is_refused_with_the_wire_s_numbers() {
    let node = Node::dev(&["--set", "http.body_bytes_max=2KiB"]);
    let large = format!(r#"{{"room":"chat:a","text":"{}"}}"#, "x".repeat(3_000));
    for (body, status, code) in [
        ("", 400, 100),
        ("[]", 400, 100),
        ("{}", 400, 102),
        (r#"{"room":"","text":"x"}"#, 400, 400),
        (r#"{"room":"nowhere:a","text":"x"}"#, 404, 401),
        (r#"{"room":"chat:a"}"#, 400, 410),
        (r#"{"room":"chat:a","data":{"open":}"#, 400, 100),
        (r#"{"room":"chat:a","text":"x","lane":"fast"}"#, 400, 102),
        (r#"{"room":"chat:a","text":"x","key":"k"}"#, 400, 406),
        (r#"{"room":"chat:a","text":"x","user":""}"#, 400, 102),
        (&large, 413, 500),
    ] {
        let (got, answer) = node.api("/api/v1/publish", body);
        assert_eq!((got, answer["code"].as_u64()), (status, Some(code)), "{body:.60}: {answer}");
        assert!(answer["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
    }
    assert_eq!(node.get("/nothing").0, 404);
    assert_eq!(
        node.http("GET", "/api/v1/publish", &[&format!("Authorization: Bearer {}", node.token)], "").0,
        405
    );
}

#[test]
fn a_session_or_all_of_a_user_are_disconnected_with_the_operator_s_code() {
    let mut node = Node::dev(&[]);
    let mut one = Client::connect(node.clients[0], None);
    let mut two = Client::connect(node.clients[0], None);
    let session = one.welcome["session"].as_str().unwrap().to_string();
    let (status, answer) =
        node.api("/api/v1/disconnect", &format!(r#"{{"session":"{session}","code":4123,"reason":"spam"}}"#));
    assert_eq!((status, answer), (200, json!({ "disconnected": 1 })));
    assert_eq!(one.read_type("closing")["reason"], "spam");
    assert_eq!(one.close_code(), 4123);
    let line = node.said("session closed");
    assert_eq!((line["code"].as_u64(), line["reason"].as_str()), (Some(4123), Some("spam")), "{line}");
    assert_eq!(line["session"].as_str(), Some(session.as_str()));

    let user = two.welcome["user"].as_str().unwrap();
    let (_, answer) = node.api("/api/v1/disconnect", &json!({ "user": user }).to_string());
    assert_eq!(answer, json!({ "disconnected": 1 }));
    assert_eq!(two.close_code(), 4000);
    assert_eq!(node.api("/api/v1/disconnect", r#"{"user":"nobody"}"#).1, json!({ "disconnected": 0 }));
    assert_eq!(node.api("/api/v1/disconnect", r#"{"user":"a","code":3000}"#).0, 400);
}
