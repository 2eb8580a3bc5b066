//! HTTP for administrators: `/metrics`, `/healthz`, `/readyz`.
//!
//! Decides: paths, status codes and bodies.
//! Invariants: it runs on a thread of its own and only reads, so that no request touches a call; it takes no input but
//! the path; it is bound to loopback (the configuration refuses anything else).
//! Does not do: the agents' and tickets' API.

use std::net::TcpListener;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::engine::health::{Health, Stage};
use crate::metrics::{self, Exposition};

/// What the administrators' listener shows.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The metrics.
    pub metrics: Exposition,
    /// How the daemon is.
    pub health: Health,
}

/// Serves on `listener` until the process ends. Call it on a thread of its own.
pub fn serve(listener: TcpListener, admin: Admin) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(event = "admin_failed", %error);
            return;
        }
    };
    let served = runtime.block_on(async {
        listener.set_nonblocking(true)?;
        axum::serve(tokio::net::TcpListener::from_std(listener)?, routes(admin)).await
    });
    if let Err(error) = served {
        tracing::error!(event = "admin_failed", %error);
    }
}

fn routes(admin: Admin) -> Router {
    Router::new()
        .route("/metrics", get(show_metrics))
        .route("/healthz", get(show_health))
        .route("/readyz", get(show_readiness))
        .with_state(admin)
}

async fn show_metrics(State(admin): State<Admin>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], admin.metrics.text())
}

/// 200 while the loop comes round and every part lives, else 503: a reason to replace the process.
async fn show_health(State(admin): State<Admin>) -> impl IntoResponse {
    health(admin.health.alive(), admin.health.stage())
}

const fn health(alive: bool, stage: Stage) -> (StatusCode, &'static str) {
    match (alive, stage) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "hung\n"),
        (true, Stage::Degraded) => (StatusCode::SERVICE_UNAVAILABLE, "degraded\n"),
        (true, Stage::Starting | Stage::Ready | Stage::Draining) => (StatusCode::OK, "alive\n"),
    }
}

/// 200 while new calls are taken.
async fn show_readiness(State(admin): State<Admin>) -> impl IntoResponse {
    let stage = admin.health.stage();
    let code = match stage {
        Stage::Ready => StatusCode::OK,
        Stage::Starting | Stage::Draining | Stage::Degraded => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, format!("{}\n", stage.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A daemon whose media thread has died takes calls, and must be replaced all the same.
    #[test]
    fn a_hung_loop_and_a_dead_part_are_reasons_to_replace_the_process() {
        assert_eq!(health(true, Stage::Ready).0, StatusCode::OK);
        assert_eq!(health(true, Stage::Draining).0, StatusCode::OK);
        assert_eq!(health(true, Stage::Degraded).0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(health(false, Stage::Ready).0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
