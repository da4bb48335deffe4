//! What is served where.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post};
use ringway_protocol::ErrorCode;

use super::answer::refused_as;
use super::{Control, api, guard, health, metrics, pages};

/// The whole door.
pub fn router(control: Control) -> Router {
    let doors = control.0.doors;
    let api = Router::new()
        .route("/publish", post(api::publish))
        .route("/disconnect", post(api::disconnect))
        .route("/drain", post(api::drain))
        .route("/cluster", get(api::cluster_status))
        .route("/cluster/map", get(api::cluster_map))
        .route("/cluster/nodes", get(api::cluster_nodes))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(doors.body_bytes_max))
        .layer(from_fn_with_state(control.clone(), guard::bearer));
    let mut pages = Router::new()
        .route("/", get(pages::status))
        .route("/docs", get(pages::docs))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics));
    if doors.demo {
        pages = pages.route("/demo", get(pages::demo));
    }
    pages
        .nest("/api/v1", api)
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(control.clone(), guard::host))
        .layer(map_response(sober))
        .with_state(control)
}

async fn nothing_here() -> Response {
    refused_as(
        StatusCode::NOT_FOUND,
        ErrorCode::UnknownType,
        "there is nothing here: see / for what there is",
    )
}

async fn wrong_method() -> Response {
    refused_as(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::UnknownType, "this path has another method")
}

/// What every answer says to browsers.
async fn sober(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
