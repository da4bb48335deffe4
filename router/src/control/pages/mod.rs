//! Pages for people: the status page, the demo, the protocol. Each is one file without assets of others, under a
//! content policy that lets nothing in but what carries the answer's own nonce.

use std::net::SocketAddr;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ringway_protocol::ErrorCode;

use super::Control;
use super::answer::refused_as;
use crate::config::secret::{hex, random};
use crate::demo;

const STATUS: &str = include_str!("status.html");
const PROTOCOL: &str = include_str!("../../../../docs/protocol.md");

pub(super) async fn status(State(control): State<Control>) -> Response {
    let name = control.hot().name.clone();
    let demo = if control.0.doors.demo { "" } else { "hidden" };
    page(
        STATUS,
        &[("{{name}}", &escaped(&name)), ("{{version}}", env!("CARGO_PKG_VERSION")), ("{{demo}}", demo)],
        "'self'",
    )
}

pub(super) async fn docs() -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], PROTOCOL)
        .into_response()
}

pub(super) async fn demo(State(control): State<Control>, headers: HeaderMap) -> Response {
    // The guard has checked that the host is one of ours: it has no characters that could end a policy.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let doors = control.0.doors;
    let (scheme, port) = match (doors.plain, doors.encrypted) {
        (Some(port), _) => ("ws", port),
        (None, Some(port)) => ("wss", port),
        (None, None) => {
            return refused_as(StatusCode::NOT_FOUND, ErrorCode::Unavailable, "no door for clients is open");
        }
    };
    let mut source = format!("{scheme}://{}:{port}", name_of(host));
    let url = format!("{source}/v1");
    let certificate = control.hot().certificate_sha256;
    let mut webtransport = String::new();
    if let Some(address) = doors.webtransport {
        let origin = webtransport_origin(host, address, certificate.is_some());
        webtransport = meta("ringway-webtransport", &format!("{origin}/v1"));
        source.push(' ');
        source.push_str(&origin);
    }
    if let Some(hash) = certificate.filter(|_| doors.webtransport.is_some()) {
        webtransport.push('\n');
        webtransport.push_str(&meta("ringway-certificate", &hex(&hash)));
    }
    page(&demo::WHOLE, &[("{{url}}", &escaped(&url)), ("{{webtransport}}", &webtransport)], &source)
}

/// Where a page called by this host finds WebTransport. A self-signed certificate is known by its hash, whatever the
/// name: then a door on loopback goes by its address, since browsers try `localhost` at one address only.
fn webtransport_origin(host: &str, address: SocketAddr, self_signed: bool) -> String {
    if self_signed && address.ip().is_loopback() {
        return format!("https://{address}");
    }
    format!("https://{}:{}", name_of(host), address.port())
}

fn meta(name: &str, content: &str) -> String {
    format!("<meta name=\"{name}\" content=\"{}\">", escaped(content))
}

/// A page with its places filled in and the policy that goes with it.
fn page(text: &str, places: &[(&str, &str)], connect: &str) -> Response {
    let Ok(nonce) = random::<16>() else {
        return refused_as(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal, "no random bytes");
    };
    let nonce = hex(&nonce);
    let mut text = text.replace("{{nonce}}", &nonce);
    for (place, value) in places {
        text = text.replace(place, value);
    }
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src {connect}; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let Ok(policy) = HeaderValue::from_str(&policy) else {
        return refused_as(StatusCode::BAD_REQUEST, ErrorCode::BadField, "the host is no name");
    };
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)], text).into_response()
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_finds_webtransport_where_a_browser_does() {
        let [loopback, any] = ["127.0.0.1:7400", "0.0.0.0:7400"].map(|text| text.parse().unwrap());
        assert_eq!(webtransport_origin("localhost:7480", loopback, true), "https://127.0.0.1:7400");
        assert_eq!(webtransport_origin("localhost:7480", loopback, false), "https://localhost:7400");
        assert_eq!(webtransport_origin("edge.example:7480", any, false), "https://edge.example:7400");
    }

    #[test]
    fn a_host_loses_its_port_and_keeps_its_brackets() {
        assert_eq!(name_of("[::1]:7480"), "[::1]");
        assert_eq!(name_of("[::1]"), "[::1]");
        assert_eq!(name_of("localhost:7480"), "localhost");
        assert_eq!(name_of("localhost"), "localhost");
    }
}
