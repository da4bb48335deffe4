//! `/api/v1`: what a back end or an operator may do. One file per verb.

mod cluster;
mod disconnect;
mod drain;
mod publish;

use std::future::Future;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use ringway_protocol::ErrorCode;

use super::answer::refused;
use crate::node::Gone;

pub(super) use cluster::{cluster_map, cluster_nodes, cluster_status};
pub(super) use disconnect::disconnect;
pub(super) use drain::drain;
pub(super) use publish::publish;

/// How long shards may take over an order before the caller is told to try again.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What the body came to.
fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Box<Response>> {
    body.map_err(|_| {
        Box::new(refused(ErrorCode::FrameTooLarge, "the body is larger than http.body_bytes_max"))
    })
}

/// Waits for the shards, but not for ever.
async fn answered<T>(answer: impl Future<Output = Result<T, Gone>>) -> Result<T, Box<Response>> {
    match tokio::time::timeout(ANSWER_MAX, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(gone)) => Err(Box::new(refused(ErrorCode::Unavailable, gone.to_string()))),
        Err(_) => Err(Box::new(refused(ErrorCode::Unavailable, "the shard did not answer in 5 s"))),
    }
}
