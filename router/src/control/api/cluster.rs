//! `GET /api/v1/cluster`, `…/map`, `…/nodes`: what this node sees of its cluster.

use std::future::Future;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ringway_protocol::ErrorCode;
use serde::Serialize;
use serde_json::json;

use super::super::Control;
use super::super::answer::{good, refused, refused_as};
use crate::cluster::Handle;
use crate::cluster::driver::Busy;

/// How this node stands; `{"state": "alone"}` where there is no cluster.
pub(in super::super) async fn cluster_status(State(control): State<Control>) -> Response {
    match control.cluster() {
        None => good(StatusCode::OK, &json!({ "state": "alone" })),
        Some(cluster) => told(async { cluster.look().await.map(|look| look.status) }).await,
    }
}

/// The map, an array of 4,096 entries.
pub(in super::super) async fn cluster_map(State(control): State<Control>) -> Response {
    match member(&control) {
        Ok(cluster) => told(cluster.map()).await,
        Err(refusal) => *refusal,
    }
}

/// The nodes, an array.
pub(in super::super) async fn cluster_nodes(State(control): State<Control>) -> Response {
    match member(&control) {
        Ok(cluster) => told(cluster.nodes()).await,
        Err(refusal) => *refusal,
    }
}

fn member(control: &Control) -> Result<&Handle, Box<Response>> {
    control.cluster().ok_or_else(|| {
        let what = "this node is alone: cluster.coordinator is \"none\"";
        Box::new(refused_as(StatusCode::NOT_FOUND, ErrorCode::UnknownType, what))
    })
}

async fn told<T: Serialize>(answer: impl Future<Output = Result<T, Busy>>) -> Response {
    match answer.await.map(|value| serde_json::to_value(value)) {
        Ok(Ok(value)) => good(StatusCode::OK, &value),
        Ok(Err(error)) => refused(ErrorCode::Internal, error.to_string()),
        Err(busy) => refused(ErrorCode::Unavailable, busy.to_string()),
    }
}
