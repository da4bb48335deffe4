//! `POST /api/v1/drain`: empty the node and end the process, as SIGTERM does. Answers at once.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::super::answer::good;
use super::super::{Asked, Control};

pub(in super::super) async fn drain(State(control): State<Control>) -> Response {
    let already = control.asked() != Asked::Nothing;
    control.ask(Asked::Drain);
    good(StatusCode::ACCEPTED, &json!({ "draining": true, "already": already }))
}
