//! `POST /api/v1/disconnect`: closes one session, or all of a user: `{"user": "ada"}` or `{"session": "01f2…"}`, with
//! an optional `code` (4000 to 4499, 4000 if absent) and `reason`.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::Response;
use ringway_protocol::{CloseCode, ErrorCode, SessionId};
use serde::Deserialize;
use serde_json::json;

use super::super::Control;
use super::super::answer::{good, refused};
use super::{answered, whole};
use crate::node::Whom;

/// Longest reason: what fits beside the code in a WebSocket close frame (RFC 6455 §5.5).
const REASON_BYTES_MAX: usize = 123;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    user: Option<String>,
    session: Option<String>,
    code: Option<u16>,
    #[serde(default)]
    reason: String,
}

pub(in super::super) async fn disconnect(
    State(control): State<Control>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    run(&control, body).await.unwrap_or_else(|refusal| *refusal)
}

async fn run(control: &Control, body: Result<Bytes, BytesRejection>) -> Result<Response, Box<Response>> {
    let (whom, code, reason) =
        parse(&whole(body)?).map_err(|what| Box::new(refused(ErrorCode::BadField, what)))?;
    let count = answered(control.node().disconnect(&whom, code, &reason)).await?;
    Ok(good(StatusCode::OK, &json!({ "disconnected": count })))
}

fn parse(body: &[u8]) -> Result<(Whom, u16, String), String> {
    let body: Body = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let whom = match (body.user, body.session) {
        (Some(user), None) => Whom::User(user.into()),
        (None, Some(session)) => {
            let id = Some(session.as_str()).filter(|text| text.len() == 16 && !text.starts_with('+'));
            let id = id.and_then(|text| u64::from_str_radix(text, 16).ok());
            Whom::Session(SessionId(id.ok_or("session: must be 16 hex digits")?))
        }
        _ => return Err("name a user or a session, and not both".into()),
    };
    let code = body.code.unwrap_or(CloseCode::Disconnected.number());
    if !(4000..=4499).contains(&code) {
        return Err("code: must be from 4000 to 4499".into());
    }
    if body.reason.len() > REASON_BYTES_MAX {
        return Err(format!("reason: at most {REASON_BYTES_MAX} bytes"));
    }
    Ok((whom, code, body.reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_target_a_code_of_the_operator_s_and_a_short_reason() {
        assert_eq!(parse(br#"{"user":"ada"}"#), Ok((Whom::User("ada".into()), 4000, String::new())));
        assert_eq!(
            parse(br#"{"session":"00000000000000ff","code":4499,"reason":"bye"}"#),
            Ok((Whom::Session(SessionId(255)), 4499, "bye".into()))
        );
        let long = format!(r#"{{"user":"a","reason":"{}"}}"#, "x".repeat(124));
        for wrong in [
            "{}",
            "[]",
            r#"{"user":"a","session":"00000000000000ff"}"#,
            r#"{"session":"ff"}"#,
            r#"{"session":"+0000000000000ff"}"#,
            r#"{"user":"a","code":3000}"#,
            r#"{"user":"a","code":4500}"#,
            r#"{"user":"a","codes":4000}"#,
            &long,
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
