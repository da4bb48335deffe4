//! What a transport can't do is said before anything begins.

mod support;

use support::plan_at;

fn refused(url: &str, arguments: &str) -> String {
    match ringway_load::scenario::run(&plan_at(url, arguments)) {
        Ok(_) => panic!("{arguments}: it ran"),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn json_is_for_websocket_only() {
    for scenario in ["fanout", "connect", "resume-storm", "slow-reader", "game"] {
        for (url, format) in [("quic://127.0.0.1:1", "json"), ("https://127.0.0.1:1/v1", "mixed")] {
            let fault = refused(url, &format!("{scenario} --format {format}"));
            assert!(fault.contains("JSON"), "{scenario}: {fault}");
        }
    }
}

#[test]
fn echo_and_resets_are_for_websocket_only() {
    for arguments in ["echo --transport quic", "echo --transport wt", "connect --reset --transport quic"] {
        let fault = refused("ws://127.0.0.1:1/v1", arguments);
        assert!(fault.contains("over WebSocket only"), "{fault}");
    }
}

#[test]
fn a_certificate_from_elsewhere_is_not_believed_unasked() {
    let fault = refused("quic://192.0.2.1:7400", "fanout");
    assert!(fault.contains("--insecure"), "{fault}");
}
