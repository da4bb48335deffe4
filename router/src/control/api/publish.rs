//! `POST /api/v1/publish`: one event for a room, with the fields of the wire's `publish`, plus `user` (in whose name;
//! `api` if absent). Checked by the wire's own decoder: what a client may not say, a back end may not either.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::Response;
use ringway_protocol::codec::JsonDecoder;
use ringway_protocol::event::Place;
use ringway_protocol::limit::USER_BYTES_MAX;
use ringway_protocol::{Command, ErrorCode};
use serde::Deserialize;
use serde_json::json;

use super::super::Control;
use super::super::answer::{good, refused};
use super::{answered, whole};
use crate::node::PublishOrder;

/// In whose name the API publishes, unless the caller says.
const USER: &str = "api";

pub(in super::super) async fn publish(
    State(control): State<Control>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    run(&control, body).await.unwrap_or_else(|refusal| *refusal)
}

async fn run(control: &Control, body: Result<Bytes, BytesRejection>) -> Result<Response, Box<Response>> {
    let order = order(&whole(body)?)?;
    let room = order.room.clone();
    let published = answered(control.node().publish(order)).await?;
    let published = published.map_err(|code| Box::new(refused(code, "")))?;
    let mut value =
        json!({ "room": room, "epoch": published.epoch.to_string(), "duplicate": published.duplicate });
    match published.place {
        Place::Offset(offset) => value["offset"] = json!(offset.0),
        Place::Version(version) => value["version"] = json!(version.to_string()),
    }
    Ok(good(StatusCode::OK, &value))
}

/// What only this door knows.
#[derive(Deserialize)]
struct Extra<'a> {
    #[serde(rename = "type", default)]
    kind: Option<serde::de::IgnoredAny>,
    #[serde(borrow, default)]
    user: Option<std::borrow::Cow<'a, str>>,
}

fn order(body: &[u8]) -> Result<PublishOrder, Box<Response>> {
    let no_object = |error: serde_json::Error| Box::new(refused(ErrorCode::BadFrame, error.to_string()));
    let extra: Extra<'_> = serde_json::from_slice(body).map_err(no_object)?;
    let user = extra.user.as_deref().unwrap_or(USER);
    if user.is_empty() || user.len() > USER_BYTES_MAX || user.chars().any(char::is_control) {
        let what = format!("user: must be 1 to {USER_BYTES_MAX} bytes without control characters");
        return Err(Box::new(refused(ErrorCode::BadField, what)));
    }
    // The type is what the path says; the decoder wants to see it.
    let mut typed = Vec::new();
    if extra.kind.is_none() {
        let inside = body.trim_ascii_start().strip_prefix(b"{").unwrap_or(body).trim_ascii_start();
        let comma: &[u8] = if inside.starts_with(b"}") { b"" } else { b"," };
        typed = [b"{\"type\":\"publish\"", comma, inside].concat();
    }
    let text = if extra.kind.is_none() { typed.as_slice() } else { body };
    let mut decoder = JsonDecoder::new();
    let command = decoder.command(text).map_err(|error| Box::new(refused(error.code, error.to_string())))?;
    let Command::Publish(publish) = command else {
        return Err(Box::new(refused(ErrorCode::BadField, "type: must be publish, or absent")));
    };
    Ok(PublishOrder {
        room: publish.room.as_str().into(),
        user: user.into(),
        lane: publish.lane,
        key: publish.key.map(String::from),
        msg_id: publish.msg_id.map(Vec::from),
        retry: publish.retry,
        body_kind: publish.body.kind,
        body: publish.body.bytes.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringway_protocol::{BodyKind, Lane};

    #[test]
    fn the_wire_s_fields_are_taken_with_and_without_the_type() {
        for text in [
            &br#"{"room":"chat:a","lane":"latest","key":"k","data":{"x":[1]},"user":"ada"}"#[..],
            br#" { "type":"publish", "room":"chat:a","lane":"latest","key":"k","data":{"x":[1]},"user":"ada"}"#,
        ] {
            let order = order(text).map_err(|_| "refused").unwrap();
            assert_eq!((order.room.as_str(), &*order.user, order.key.as_deref()), ("chat:a", "ada", Some("k")));
            assert_eq!((order.lane, order.body_kind, order.body.as_slice()), (Lane::Latest, BodyKind::Json, &br#"{"x":[1]}"#[..]));
        }
    }

    #[test]
    fn what_the_wire_refuses_this_door_refuses() {
        let deep = format!(r#"{{"room":"a","data":{}{}}}"#, "[".repeat(40), "]".repeat(40));
        for text in [
            "",
            "[]",
            "{",
            "{}",
            "null",
            r#"{"room":"a\u0001b","text":"x"}"#,
            r#"{"room":"a","text":"x","bytes":"AA=="}"#,
            r#"{"room":"a","room":"b","text":"x"}"#,
            r#"{"type":"join","room":"a"}"#,
            r#"{"room":"a","text":"x","user":""}"#,
            r#"{"room":"a","text":"x","lane":"fast"}"#,
            r#"{"type":"publish","type":"publish","room":"a"}"#,
            &deep,
        ] {
            assert!(order(text.as_bytes()).is_err(), "{text}");
        }
    }
}
