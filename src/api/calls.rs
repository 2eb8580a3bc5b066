//! `GET /v1/calls` and `GET /v1/calls/{call}`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::Api;
use super::access::{Client, Numbers, Role};
use super::events::priority;
use super::named::Named;
use super::problem::{Kind, Problem, ProblemBody};
use super::shape::Party;
use super::transfers::Transfer;
use crate::base::calendar::rfc3339;
use crate::base::ids::AgentId;
use crate::base::pii::Pii;
use crate::call::command::{CallSelector, Refusal};
use crate::call::record::Who;
use crate::engine::handle::{Moment, Shown, Unheard};
use crate::sip::fact::Peer;
use crate::switch::view::CallView;

/// Calls in one answer if nothing else is asked for, and at most.
const PAGE: (usize, usize) = (100, 1_000);
/// How long the loop may take to show a call.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// One call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Call {
    /// Its id.
    id: String,
    /// The hotline that was dialled.
    hotline: String,
    /// How urgent it is: `normal` or `emergency`.
    priority: &'static str,
    /// Its state, in a word.
    state: &'static str,
    /// Who calls: masked, unless the token is entitled and this call was asked for by its name.
    caller: String,
    /// When it arrived, RFC 3339.
    arrived: String,
    /// Its legs, those being released included.
    legs: Vec<Leg>,
    /// Its transfers, in the order in which they were asked for.
    transfers: Vec<Transfer>,
}

/// One party's side of a call.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Leg {
    /// Its id.
    leg: String,
    /// Who is on it.
    party: Party,
    /// How far it is, in a word.
    phase: &'static str,
}

/// Some calls.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Calls {
    /// By id.
    calls: Vec<Call>,
    /// The `after` of the next page, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Call {
    fn of(view: &CallView, at: &Moment, caller: String) -> Self {
        let leg = |leg: &crate::switch::view::LegView| Leg {
            leg: leg.leg.to_string(),
            party: Party::of(&leg.who),
            phase: leg.phase,
        };
        let transfers = view.transfers.iter().map(|transfer| Transfer::of(view.call, transfer, at));
        Self {
            id: view.call.to_string(),
            hotline: view.hotline.to_string(),
            priority: priority(view.priority),
            state: view.state,
            caller,
            arrived: rfc3339(at.wall_of(view.arrived)),
            legs: view.legs.iter().map(leg).collect(),
            transfers: transfers.collect(),
        }
    }
}

/// Which calls.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// At most so many, 1 to 1000; 100 without it.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// The calls that there are; an agent sees those that it is in.
#[utoipa::path(
    get,
    path = "/v1/calls",
    params(Page),
    responses(
        (status = 200, body = Calls),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(client): Extension<Client>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Calls>, Problem> {
    let right = || format!("GET /v1/calls?limit=1..{}&after=ID", PAGE.1);
    let Query(page) = page.map_err(|error| Problem::new(Kind::Malformed, error.to_string(), right()))?;
    let limit = page.limit.unwrap_or(PAGE.0);
    if !(1..=PAGE.1).contains(&limit) {
        return Err(Problem::new(Kind::Malformed, "the limit is out of its range", right()));
    }
    let picture = api.handle().picture().await.map_err(unheard)?;
    let after = page.after.unwrap_or_default();
    // Ids are written in a fixed number of digits: their order as text is their order as numbers, and the view's.
    let visible = picture.view.calls.iter().filter(|view| may_see(&client, view));
    let mut rest = visible.skip_while(|view| view.call.to_string() <= after);
    let some: Vec<&CallView> = rest.by_ref().take(limit).collect();
    let next = rest.next().and_then(|_| some.last()).map(|last| last.call.to_string());
    let calls = some.into_iter().map(|view| Call::of(view, &picture.at, view.caller.to_string())).collect();
    Ok(Json(Calls { calls, next }))
}

/// One call.
#[utoipa::path(
    get,
    path = "/v1/calls/{call}",
    params(("call" = String, Path, description = "The id, or `sip:CALL-ID`, `agent:NUMBER`, `caller:NUMBER`")),
    responses(
        (status = 200, body = Call),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    Extension(client): Extension<Client>,
    named: Named,
) -> Result<Json<Call>, Problem> {
    let Shown { call, at } = find(&api, &client, named.call).await?;
    let caller = match client.numbers {
        Numbers::Masked => call.caller.to_string(),
        Numbers::Whole => reveal(&client, &call),
    };
    Ok(Json(Call::of(&call, &at, caller)))
}

/// Whoever reads a number whole is written down.
fn reveal(client: &Client, view: &CallView) -> String {
    let (client, role, call) = (&client.name, client.role.name().as_str(), view.call);
    tracing::info!(event = "number_read", %client, role, %call);
    Pii::reveal(&view.caller).to_owned()
}

/// The call of that name, if the client may see it; what it may not see is not there.
pub(super) async fn find(api: &Api, client: &Client, which: CallSelector) -> Result<Shown, Problem> {
    let shown = api.handle().show(which).map_err(unheard)?;
    let shown = answer(shown, PATIENCE).await?.map_err(|refusal| refused(client, refusal))?;
    if may_see(client, &shown.call) { Ok(shown) } else { Err(no_such_call()) }
}

/// Waits for the loop's answer.
pub(super) async fn answer<T>(answer: oneshot::Receiver<T>, patience: std::time::Duration) -> Result<T, Problem> {
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(unheard(Unheard::Gone)),
        Err(_) => Err(Problem::new(Kind::TimedOut, "the daemon did not answer in time", "the same again in a moment")),
    }
}

/// Why the loop could not be asked.
pub(super) fn unheard(why: Unheard) -> Problem {
    let right = "the same again in a moment";
    Problem::new(Kind::Busy, why.to_string(), right).retry_after(1)
}

/// Whether the client may see a call.
fn may_see(client: &Client, view: &CallView) -> bool {
    match &client.role {
        Role::Supervisor | Role::System => true,
        Role::Administrator => false,
        Role::Agent(agent) => view.legs.iter().any(|leg| agent_on(&leg.who) == Some(agent)),
    }
}

const fn agent_on(who: &Who) -> Option<&AgentId> {
    match who {
        Who::Agent(agent) | Who::Caller(Peer::Softphone(agent)) => Some(agent),
        Who::Caller(Peer::Trunk(_)) | Who::Trunk { .. } => None,
    }
}

fn no_such_call() -> Problem {
    Problem::new(Kind::NotFound, "there is no such call", "a call of /v1/calls; a call that is over is not listed")
}

/// What the switch refused, in terms of HTTP. To an agent every call but its own does not exist.
pub(super) fn refused(client: &Client, refusal: Refusal) -> Problem {
    let conflict = |right: &str| Problem::new(Kind::Conflict, refusal.to_string(), right);
    let wrong = |right: &str| Problem::new(Kind::Unprocessable, refusal.to_string(), right);
    match (refusal, &client.role) {
        (Refusal::NoSuchCall | Refusal::NotYourCall, _) | (Refusal::Ambiguous, Role::Agent(_)) => no_such_call(),
        (Refusal::Ambiguous, Role::Supervisor | Role::System | Role::Administrator) => {
            Problem::new(Kind::Ambiguous, refusal.to_string(), "the id of one of them, from /v1/calls")
        }
        (Refusal::NoSuchTransfer, _) => {
            Problem::new(Kind::NotFound, refusal.to_string(), "a transfer of the call that is under way")
        }
        (Refusal::NotTalking, _) => conflict("a call in which an agent talks with the caller"),
        (Refusal::TransferInProgress, _) => conflict("one transfer at a time: wait for its end, or cancel it"),
        (Refusal::AlreadyAnswered, _) => conflict("a transfer can be cancelled until its target answers"),
        (Refusal::NobodyNow, _) => conflict("the same within the hours of a target"),
        (Refusal::TooManyTransfers, _) => conflict("the caller's next call may be transferred again"),
        (Refusal::Quarantined, _) => conflict("hang up and let the caller call again"),
        (Refusal::NothingToJoin, _) => conflict("two calls of one agent, one of which the agent has begun"),
        (Refusal::NotConfigured, _) => wrong("the number of a hotline in hotlines.toml"),
        (Refusal::SameHotline, _) => wrong("another hotline than the one that has the call"),
        (Refusal::UnknownTerritory, _) => wrong("a code, name or alias of regions.csv"),
        (Refusal::ModeNotSupported, _) => wrong("\"mode\": \"one_click\""),
    }
}
