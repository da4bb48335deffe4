//! `/metrics`: the node's figures for Prometheus, copied out of the shards at the moment of asking.

mod cluster;
mod links;
mod node;
mod process;
mod quic;
mod shard;
mod text;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use ringway_protocol::ErrorCode;

use super::answer::refused;
use super::{Asked, Control};
use text::Page;

/// How long shards may take to copy their figures.
const SNAPSHOT_MAX: std::time::Duration = std::time::Duration::from_secs(2);

pub(super) async fn metrics(State(control): State<Control>) -> Response {
    let answer = tokio::time::timeout(SNAPSHOT_MAX, control.node().snapshot()).await;
    let Ok(Ok(snapshot)) = answer else {
        return refused(ErrorCode::Unavailable, "a shard did not tell its figures in time");
    };
    let mut page = Page::default();
    let about = node::About {
        runtime: control.node().runtime().name(),
        name: &control.hot().name,
        shards: control.node().shards(),
        draining: control.asked() != Asked::Nothing,
        started: control.0.started,
    };
    node::write(&mut page, &about);
    shard::write(&mut page, &snapshot);
    if let Some(cluster) = control.cluster()
        && let Ok(look) = cluster.look().await
    {
        cluster::write(&mut page, &look);
    }
    process::write(&mut page);
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], page.finish()).into_response()
}
