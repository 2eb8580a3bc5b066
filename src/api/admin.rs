//! The administrators' listener: `/metrics`, `/healthz`, `/readyz` for whoever reaches it, `/v1/admin` for
//! administrators with a token.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;

use super::Api;
use super::access::RoleName;
use super::calls::answer;
use super::problem::{Kind, Problem};
use super::routes::{OpenTo, Route, Verb};
use crate::engine::health::{Health, Stage};
use crate::engine::reload::{self, Reloads};
use crate::metrics::{self, Exposition};

/// How long reading the configuration may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// What the administrators' listener shows and asks.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The metrics.
    pub metrics: Exposition,
    /// How the daemon is.
    pub health: Health,
    /// Who reads the configuration again.
    pub reloads: Reloads,
}

/// The routes of `[admin] listen`.
pub(super) const ROUTES: &[Route] = &[
    Route { verb: Verb::Get, path: "/metrics", open_to: OpenTo::Everybody, serve: || get(show_metrics) },
    Route { verb: Verb::Get, path: "/healthz", open_to: OpenTo::Everybody, serve: || get(show_health) },
    Route { verb: Verb::Get, path: "/readyz", open_to: OpenTo::Everybody, serve: || get(show_readiness) },
    Route {
        verb: Verb::Post,
        path: "/v1/admin/reload",
        open_to: OpenTo::Roles(&[RoleName::Administrator]),
        serve: || post(reload),
    },
];

async fn show_metrics(State(api): State<Api>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], api.admin().metrics.text())
}

/// 200 while the loop comes round and every part lives, else 503: a reason to replace the process.
async fn show_health(State(api): State<Api>) -> impl IntoResponse {
    let health = &api.admin().health;
    self::health(health.alive(), health.stage())
}

const fn health(alive: bool, stage: Stage) -> (StatusCode, &'static str) {
    match (alive, stage) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "hung\n"),
        (true, Stage::Degraded) => (StatusCode::SERVICE_UNAVAILABLE, "degraded\n"),
        (true, Stage::Starting | Stage::Ready | Stage::Draining) => (StatusCode::OK, "alive\n"),
    }
}

async fn show_readiness(State(api): State<Api>) -> impl IntoResponse {
    let health = &api.admin().health;
    readiness(health.stage(), health.outbox())
}

/// 200 while new calls are taken. Voice first: a disk that refuses is told, and no reason to send calls elsewhere.
fn readiness(stage: Stage, outbox: Option<&'static str>) -> (StatusCode, String) {
    let code = match stage {
        Stage::Ready => StatusCode::OK,
        Stage::Starting | Stage::Draining | Stage::Degraded => StatusCode::SERVICE_UNAVAILABLE,
    };
    let outbox = outbox.map(|condition| format!("outbox: {condition}\n")).unwrap_or_default();
    (code, format!("{}\n{outbox}", stage.as_str()))
}

/// A refused configuration: a problem with every place.
#[derive(Debug, Serialize)]
struct RefusedBody {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'static str,
    right: &'static str,
    problems: Vec<reload::Problem>,
}

/// Reads the configuration again: all of it is used, or nothing of it.
async fn reload(State(api): State<Api>) -> Result<Response, Problem> {
    let right = "the same again in a moment";
    let asked = api.admin().reloads.ask();
    let asked = asked.map_err(|error| Problem::new(Kind::Busy, error.to_string(), right).retry_after(1))?;
    match answer(asked, PATIENCE).await? {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(refused) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let body = RefusedBody {
                kind: "urn:lianxian:problem:unprocessable",
                title: "The configuration is refused",
                status: status.as_u16(),
                detail: "the old configuration stays in use, whole",
                right: "a configuration without problems: lianxian check tells the same",
                problems: refused.problems,
            };
            let kind = HeaderValue::from_static("application/problem+json");
            Ok((status, [(header::CONTENT_TYPE, kind)], Json(body)).into_response())
        }
    }
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

    #[test]
    fn a_disk_that_refuses_is_told_and_calls_are_taken_all_the_same() {
        assert_eq!(readiness(Stage::Ready, Some("disk_full")), (StatusCode::OK, "ready\noutbox: disk_full\n".into()));
        assert_eq!(readiness(Stage::Ready, None), (StatusCode::OK, "ready\n".into()));
        assert_eq!(readiness(Stage::Draining, None).0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
