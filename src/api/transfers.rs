//! `/v1/calls/{call}/transfers`: handing a caller over, looking how far it is, giving it up.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::Api;
use super::access::{Client, Role};
use super::body::Strict;
use super::calls::{answer, find, refused, unheard};
use super::events::trigger;
use super::idempotency::{Key, fingerprint};
use super::named::{Named, NamedTransfer};
use super::problem::{Kind, Problem, ProblemBody};
use super::shape::TransferOutcome;
use crate::base::calendar::rfc3339;
use crate::base::ids::{CallId, TransferId};
use crate::base::pii::Pii;
use crate::call::command::{self, Accepted, By, CallSelector, Command, Particulars, Reply};
use crate::call::record::TransferRecord;
use crate::engine::handle::Moment;

// === What is asked ===

/// What a transfer is asked for with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferRequest {
    /// The hotline: `110`, `12345`, ..
    to: String,
    /// How; only `one_click` is offered.
    #[serde(default)]
    mode: Mode,
    /// Where the matter is: a code, name or alias of `regions.csv`.
    territory: Option<String>,
    /// The row of the catalogue of matters.
    category: Option<Category>,
    /// 1 (特别重大) to 4 (一般).
    event_level: Option<u8>,
    /// How urgent the matter is.
    urgency: Option<Urgency>,
    /// 涉众, 涉稳, 涉访, 危及人身财产, 先期处置, 滋扰, 重复来电.
    #[serde(default)]
    flags: Vec<String>,
    /// The matter (诉求) in the agent's words.
    summary: Option<String>,
    /// Whether the citizen asked for confidentiality.
    #[serde(default)]
    confidential: bool,
}

/// How a call is transferred.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// 一键转接.
    #[default]
    OneClick,
    /// 通话转.
    Consult,
    /// 三方通话.
    ThreeWay,
}

/// How urgent a matter is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Urgency {
    /// 非紧急.
    Normal,
    /// 紧急.
    Urgent,
}

/// A row of a catalogue of matters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Category {
    /// The code of the row.
    code: String,
}

/// The flags of a matter.
const FLAGS: [&str; 7] = ["涉众", "涉稳", "涉访", "危及人身财产", "先期处置", "滋扰", "重复来电"];
/// The longest summary, in characters.
const LONGEST_SUMMARY: usize = 2_000;
/// The longest name of a hotline, a territory or a category, in characters.
const LONGEST_NAME: usize = 64;

impl TransferRequest {
    fn command(self, by: By) -> Result<Command, Problem> {
        let wrong = |detail: &str, right: String| Err(Problem::new(Kind::Unprocessable, detail, right));
        let names = [Some(&self.to), self.territory.as_ref(), self.category.as_ref().map(|category| &category.code)];
        if names.into_iter().flatten().any(|name| name.is_empty() || name.chars().count() > LONGEST_NAME) {
            return wrong("to, territory or category is empty or too long", format!("1 to {LONGEST_NAME} characters"));
        }
        if self.event_level.is_some_and(|level| !(1..=4).contains(&level)) {
            return wrong("event_level is out of its range", "1 (特别重大) to 4 (一般)".to_owned());
        }
        if self.flags.len() > FLAGS.len() || self.flags.iter().any(|flag| !FLAGS.contains(&flag.as_str())) {
            return wrong("a flag is not known", FLAGS.join(", "));
        }
        if self.summary.as_ref().is_some_and(|summary| summary.chars().count() > LONGEST_SUMMARY) {
            return wrong("the summary is too long", format!("at most {LONGEST_SUMMARY} characters"));
        }
        let particulars = Particulars {
            category: self.category.map(|category| category.code),
            event_level: self.event_level,
            urgency: self.urgency.map(|urgency| match urgency {
                Urgency::Normal => command::Urgency::Normal,
                Urgency::Urgent => command::Urgency::Urgent,
            }),
            flags: self.flags,
            summary: self.summary.map(Pii::new),
            confidential: self.confidential,
        };
        let mode = match self.mode {
            Mode::OneClick => command::Mode::OneClick,
            Mode::Consult => command::Mode::Consult,
            Mode::ThreeWay => command::Mode::ThreeWay,
        };
        let (to, territory) = (self.to, self.territory);
        Ok(Command::Transfer { to, mode, territory, particulars: Box::new(particulars), by })
    }
}

/// An agent commands its own call; everybody else has been let in for all of them.
fn by(client: &Client) -> By {
    match &client.role {
        Role::Agent(agent) => By::Agent(agent.clone()),
        Role::Supervisor | Role::Administrator | Role::System => By::Console,
    }
}

// === What is answered ===

/// One transfer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Transfer {
    /// Its id.
    id: String,
    /// The call.
    call: String,
    /// The hotline that it goes to.
    to: String,
    /// The hotline that had the call.
    from: String,
    /// By what it was asked for: `refer`, `feature_code`, `command`, `replaces` or `new_invite`.
    trigger: &'static str,
    /// The territory whose targets are called, if the hotline has territories.
    #[serde(skip_serializing_if = "Option::is_none")]
    territory: Option<Territory>,
    /// How far it is, or how it ended.
    #[serde(flatten)]
    outcome: TransferOutcome,
    /// When it was asked for, RFC 3339.
    requested: String,
    /// When a target answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// The legs of those who were dialled for it, in order.
    attempts: Vec<String>,
}

/// A territory (属地).
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Territory {
    /// Its code.
    code: String,
    /// Its name with those of its parents.
    name: String,
}

impl Transfer {
    pub(super) fn of(call: CallId, record: &TransferRecord, at: &Moment) -> Self {
        let time = |instant| rfc3339(at.wall_of(instant));
        let territory = record.decision.territory.as_ref();
        Self {
            id: record.id.to_string(),
            call: call.to_string(),
            to: record.decision.hotline.to_string(),
            from: record.from.to_string(),
            trigger: trigger(record.trigger),
            territory: territory
                .map(|located| Territory { code: located.code.to_string(), name: located.name.clone() }),
            outcome: TransferOutcome::of(record),
            requested: time(record.requested),
            answered: record.answered.map(time),
            ended: record.ended.map(|(ended, _)| time(ended)),
            attempts: record.attempts.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Hands the caller over.
///
/// The answer says that the transfer has begun, not that it has succeeded: that is told by `/v1/events` and by the
/// transfer itself. With an `Idempotency-Key` the same request may be sent again for 24 h and has its effect once.
#[utoipa::path(
    post,
    path = "/v1/calls/{call}/transfers",
    params(
        ("call" = String, Path, description = "The id, or `sip:CALL-ID`, `agent:NUMBER`, `caller:NUMBER`"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 printable characters, new for each transfer"),
    ),
    request_body = TransferRequest,
    responses(
        (status = 202, description = "It has begun", body = Transfer, headers(("Location" = String))),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(super) async fn begin(
    State(api): State<Api>,
    Extension(client): Extension<Client>,
    named: Named,
    headers: HeaderMap,
    body: Strict<TransferRequest>,
) -> Result<Response, Problem> {
    let patience = api.patience().command;
    let key = Key::of(&client, &headers)?;
    let print = fingerprint(named.written.reveal(), &body.bytes);
    let command = body.value.command(by(&client))?;
    let ask = || api.handle().order(named.call, command).map_err(unheard);
    let reply = match key {
        None => command_answer(ask()?, patience).await?,
        Some(key) => api.repetitions().once(api.handle().now(), key, print, ask, patience).await?,
    };
    begun(&api, &client, reply).await
}

/// Waits for the switch's answer to a command without a key.
async fn command_answer(reply: oneshot::Receiver<Reply>, patience: Duration) -> Result<Reply, Problem> {
    answer(reply, patience).await.map_err(|problem| match problem.status() {
        StatusCode::GATEWAY_TIMEOUT => late(),
        _ => problem,
    })
}

/// The switch did not answer in time: nobody knows what becomes of the command.
pub(super) fn late() -> Problem {
    let detail = "the daemon did not answer in time; the command may still have its effect";
    Problem::new(Kind::TimedOut, detail, "send an Idempotency-Key and repeat with the same one: the effect comes once")
}

async fn begun(api: &Api, client: &Client, reply: Reply) -> Result<Response, Problem> {
    let (Accepted::Transfer { call, transfer } | Accepted::Cancelled { call, transfer }) =
        reply.map_err(|refusal| refused(client, refusal))?;
    let location = format!("/v1/calls/{call}/transfers/{transfer}");
    let location = HeaderValue::from_str(&location).expect("hexadecimal digits and slashes are fit for a header");
    let headers = [(header::LOCATION, location)];
    // A call that is over by now has only its name left.
    match shown(api, client, CallSelector::Id(call), transfer).await {
        Ok(body) => Ok((StatusCode::ACCEPTED, headers, Json(body)).into_response()),
        Err(_) => Ok((StatusCode::ACCEPTED, headers).into_response()),
    }
}

async fn shown(api: &Api, client: &Client, call: CallSelector, transfer: TransferId) -> Result<Transfer, Problem> {
    let shown = find(api, client, call).await?;
    let record = shown.call.transfers.iter().find(|record| record.id == transfer);
    let right = "a transfer of /v1/calls/{call}";
    let record = record.ok_or_else(|| Problem::new(Kind::NotFound, "the call has no such transfer", right))?;
    Ok(Transfer::of(shown.call.call, record, &shown.at))
}

/// How far a transfer is.
#[utoipa::path(
    get,
    path = "/v1/calls/{call}/transfers/{transfer}",
    params(
        ("call" = String, Path, description = "The id, or `sip:CALL-ID`, `agent:NUMBER`, `caller:NUMBER`"),
        ("transfer" = String, Path, description = "The id of the transfer"),
    ),
    responses(
        (status = 200, body = Transfer),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    Extension(client): Extension<Client>,
    named: NamedTransfer,
) -> Result<Json<Transfer>, Problem> {
    shown(&api, &client, named.call, named.transfer).await.map(Json)
}

/// Gives a transfer up before its target answers (取消转接): caller and agent go on.
#[utoipa::path(
    delete,
    path = "/v1/calls/{call}/transfers/{transfer}",
    params(
        ("call" = String, Path, description = "The id, or `sip:CALL-ID`, `agent:NUMBER`, `caller:NUMBER`"),
        ("transfer" = String, Path, description = "The id of the transfer"),
    ),
    responses(
        (status = 204, description = "It has been given up"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(super) async fn cancel(
    State(api): State<Api>,
    Extension(client): Extension<Client>,
    named: NamedTransfer,
) -> Result<StatusCode, Problem> {
    let command = Command::CancelTransfer { transfer: named.transfer, by: by(&client) };
    let reply = api.handle().order(named.call, command).map_err(unheard)?;
    match command_answer(reply, api.patience().command).await? {
        Ok(Accepted::Cancelled { .. } | Accepted::Transfer { .. }) => Ok(StatusCode::NO_CONTENT),
        Err(refusal) => Err(refused(&client, refusal)),
    }
}
