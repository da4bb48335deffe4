//! `/livez`: the control thread runs. `/readyz`: shards accept clients, nobody asked them to stop, and in a cluster the node is up and
//! holds its lease.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Asked, Control};
use crate::cluster::Handle;
use crate::cluster::driver::Readiness;

pub(super) async fn livez() -> &'static str {
    "alive\n"
}

pub(super) async fn readyz(State(control): State<Control>) -> Response {
    match control.asked() {
        Asked::Nothing => match control.cluster().map(Handle::readiness) {
            None | Some(Readiness::Ready) => "ready\n".into_response(),
            Some(Readiness::NotReady(why)) => {
                (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
            }
        },
        Asked::Drain | Asked::Stop => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
    }
}
