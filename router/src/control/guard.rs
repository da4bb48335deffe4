//! Who may call: the `Host` header must be one of ours (a web page elsewhere that points its own name at this address,
//! DNS rebinding, is turned away), and the API wants its bearer token.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use ringway_protocol::ErrorCode;

use super::answer::refused_as;
use super::{Control, Hot};

/// Turns away whoever calls this door by a name that is not its own.
pub(super) async fn host(State(control): State<Control>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match host {
        Some(host) if is_ours(host, &control.hot().hosts) => next.run(request).await,
        _ => refused_as(
            StatusCode::MISDIRECTED_REQUEST,
            ErrorCode::BadField,
            "this is not a name of this server: add it to http.hosts",
        ),
    }
}

/// Turns away whoever does not know the API's token.
pub(super) async fn bearer(State(control): State<Control>, request: Request, next: Next) -> Response {
    match admit(&control.hot(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(response) => *response,
    }
}

fn admit(hot: &Hot, headers: &HeaderMap) -> Result<(), Box<Response>> {
    let Some(token) = &hot.api_token else {
        let mend = "the API is closed: set http.token_file";
        return Err(Box::new(refused_as(StatusCode::FORBIDDEN, ErrorCode::TokenRequired, mend)));
    };
    let given = headers.get(header::AUTHORIZATION).map(axum::http::HeaderValue::as_bytes);
    let (code, mend) = match given.map(|given| given.split_at_checked(7)) {
        Some(Some((scheme, given))) if scheme.eq_ignore_ascii_case(b"bearer ") => {
            if token.matches(given) {
                return Ok(());
            }
            (ErrorCode::TokenInvalid, "this is not the API's token")
        }
        _ => (ErrorCode::TokenRequired, "send the API's token: Authorization: Bearer …"),
    };
    let mut response = refused_as(StatusCode::UNAUTHORIZED, code, mend);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, axum::http::HeaderValue::from_static("Bearer"));
    Err(Box::new(response))
}

/// Whether a `Host` is ours: an IP address or localhost (neither can be rebound), or a configured name.
fn is_ours(host: &str, names: &[String]) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if port.is_empty() || is_port(port) => {
                return address.parse::<std::net::Ipv6Addr>().is_ok();
            }
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if is_port(&format!(":{port}")) => name,
            Some(_) => return false,
            None => host,
        },
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::Ipv4Addr>().is_ok()
        || names.iter().any(|ours| ours.eq_ignore_ascii_case(name) || ours.eq_ignore_ascii_case(host))
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_configured_names_are_ours_and_nothing_else() {
        let names = ["ringway.internal".to_string(), "edge.example:8443".to_string()];
        for host in [
            "localhost",
            "LOCALHOST:7480",
            "127.0.0.1:7480",
            "10.1.2.3",
            "[::1]:7480",
            "[::1]",
            "ringway.internal:1",
            "Ringway.Internal",
            "edge.example:8443",
        ] {
            assert!(is_ours(host, &names), "{host}");
        }
        for host in [
            "",
            "evil.test",
            "evil.test:7480",
            "localhost.evil.test",
            "127.0.0.1.evil.test",
            "[::1",
            "[evil]:1",
            "localhost:",
            "localhost:x",
            "edge.example",
            "edge.example:1",
            "[::1].evil.test",
        ] {
            assert!(!is_ours(host, &names), "{host}");
        }
    }
}
