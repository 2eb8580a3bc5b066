//! `GET /v1/agents`.

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::access::{Client, Role};
use super::calls::unheard;
use super::problem::{Problem, ProblemBody};
use crate::base::calendar::rfc3339;
use crate::switch::view::{AgentState, AgentView};

/// One agent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Agent {
    /// The operator's number (工号).
    agent: String,
    /// `absent` (no softphone is registered), `idle` or `engaged`.
    state: &'static str,
    /// Since when an idle one has been idle, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// The call that an engaged one is in; administrators do not learn it.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<String>,
}

/// Every agent of the configuration, by number.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Agents {
    /// The agents.
    agents: Vec<Agent>,
}

/// The agents and what they do; an agent sees itself.
#[utoipa::path(
    get,
    path = "/v1/agents",
    responses(
        (status = 200, body = Agents),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(client): Extension<Client>,
) -> Result<Json<Agents>, Problem> {
    let picture = api.handle().picture().await.map_err(unheard)?;
    let visible = |view: &&AgentView| match &client.role {
        Role::Agent(agent) => view.agent == *agent,
        Role::Supervisor | Role::Administrator | Role::System => true,
    };
    let shows_calls = match client.role {
        Role::Agent(_) | Role::Supervisor | Role::System => true,
        Role::Administrator => false,
    };
    let agent = |view: &AgentView| {
        let plain = |state| Agent { agent: view.agent.to_string(), state, since: None, call: None };
        match view.state {
            AgentState::Absent => plain("absent"),
            AgentState::Idle(since) => Agent { since: Some(rfc3339(picture.at.wall_of(since))), ..plain("idle") },
            AgentState::Engaged(call) => Agent { call: shows_calls.then(|| call.to_string()), ..plain("engaged") },
        }
    };
    Ok(Json(Agents { agents: picture.view.agents.iter().filter(visible).map(agent).collect() }))
}
