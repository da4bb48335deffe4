//! `/livez`: the control thread runs. `/readyz`: shards accept clients and nobody asked them to stop.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Asked, Control};

pub(super) async fn livez() -> &'static str {
    "alive\n"
}

pub(super) async fn readyz(State(control): State<Control>) -> Response {
    match control.asked() {
        Asked::Nothing => "ready\n".into_response(),
        Asked::Drain | Asked::Stop => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
    }
}
