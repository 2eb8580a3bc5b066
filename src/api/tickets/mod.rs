//! `/v1/tickets`: the built-in ticket store - taking events, showing records.
//!
//! An agent sees the records that name its own number (工号), always masked. Supervisors and systems see every record;
//! a token with `numbers = "whole"` reads them whole, as they were written, and each such reading is logged.

pub(crate) mod csv;
mod export;
mod question;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Api;
use super::access::{Client, Numbers, Role};
use super::body::Strict;
use super::problem::{Kind, Problem, ProblemBody};
use crate::store::tickets::{Away, Filter, Kept, NotTaken, Posted, Reader, Taken};
use crate::tickets::ids::TicketId;
use crate::tickets::seal::Broken;
use question::{Form, Question};

/// The largest event, in bytes.
pub(super) const LARGEST: usize = 256 * 1024;
/// Readers of everything at a time.
pub(super) const EXPORTS: usize = 2;
/// Records in one answer if nothing else is asked for.
const PAGE: usize = 100;
/// Records in one answer at most: one less than the store gives, so that it can be seen whether there are more.
const LARGEST_PAGE: usize = Reader::PAGE - 1;

// === What is answered ===

/// One record, or one event of it: `linkage-ticket/1`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub(super) struct Ticket(Box<RawValue>);

/// Some records.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Tickets {
    /// Each as it stands, the latest first.
    tickets: Vec<Ticket>,
    /// The `after` of the next page, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The events of one record.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct TicketEvents {
    /// Each is the record as it stood with it, in order.
    events: Vec<Ticket>,
    /// The `after` of the next page, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// What is kept now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Receipt {
    /// The record.
    ticket_id: String,
    /// The event.
    event_id: String,
    /// Its number within the record.
    seq: u64,
}

// === Taking ===

/// Takes one event of one record.
///
/// The record's events come in the order of their `seq`, and each continues the hash chain of the one before. An event
/// that is sent again has no further effect: its `event_id` is its idempotency key.
#[utoipa::path(
    post,
    path = "/v1/tickets",
    params(("Idempotency-Key" = Option<String>, Header, description = "The `event_id`, if it is sent at all")),
    request_body(content = Object, description = "`linkage-ticket/1`, at most 256 KiB"),
    responses(
        (status = 201, description = "It is kept", body = Receipt, headers(("Location" = String))),
        (status = 200, description = "It was kept already", body = Receipt, headers(("Location" = String))),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(super) async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Strict<Box<RawValue>, LARGEST>,
) -> Result<Response, Problem> {
    let wrong = |detail: String| Problem::new(Kind::Unprocessable, detail, "a whole linkage-ticket/1");
    let event = Posted::read(body.value.get().to_owned()).map_err(|error| wrong(error.to_string()))?;
    let (ticket_id, event_id) = (event.ticket.ticket_id.to_string(), event.ticket.event_id.to_string());
    let same = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(event_id.as_bytes());
    if !headers.get_all("Idempotency-Key").iter().all(same) {
        return Err(Problem::new(Kind::Unprocessable, "the Idempotency-Key is not the event_id", "the event_id"));
    }
    let seq = event.ticket.seq;
    let status = match api.tickets().take(event).await.map_err(|reason| not_taken(&reason))? {
        Taken::New => StatusCode::CREATED,
        Taken::Again => StatusCode::OK,
    };
    let location = HeaderValue::from_str(&format!("/v1/tickets/{ticket_id}"));
    let location = location.expect("hexadecimal digits, a dash and slashes are fit for a header");
    let receipt = Receipt { ticket_id, event_id, seq };
    Ok((status, [(header::LOCATION, location)], Json(receipt)).into_response())
}

fn not_taken(reason: &NotTaken) -> Problem {
    let conflict = |right: &str| Problem::new(Kind::Conflict, reason.to_string(), right);
    match reason {
        NotTaken::Conflict => conflict("one event_id for one event"),
        NotTaken::Broken(Broken::Gap { expected, .. }) => {
            conflict("the events of a ticket one after the other").expected_seq(*expected)
        }
        NotTaken::Broken(Broken::NotItsPredecessor) => conflict("the prev_hash that is the hash of the event before"),
        NotTaken::Broken(Broken::NoTicket | Broken::AnotherTicket | Broken::Changed) => {
            Problem::new(Kind::Unprocessable, reason.to_string(), "the event as it was sealed, byte for byte")
        }
        NotTaken::Away(away) => gone(*away),
    }
}

/// The store cannot be asked at present.
fn gone(away: Away) -> Problem {
    Problem::new(Kind::Busy, away.to_string(), "the same again in a moment").retry_after(1)
}

// === Showing ===

/// The records that there are, the latest first; an agent sees those that name its own number, masked.
///
/// With `format=csv` or `format=ndjson` all of them come in one answer, without pages.
#[utoipa::path(
    get,
    path = "/v1/tickets",
    params(Question),
    responses(
        (status = 200, content(
            (Tickets = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")
        )),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(client): Extension<Client>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(question) = question.map_err(|error| question::malformed(error.body_text()))?;
    let asked = question.read()?;
    let Some(filter) = within_sight(&client, asked.filter) else {
        return Ok(Json(Tickets { tickets: Vec::new(), next: None }).into_response());
    };
    if filter.number.is_some() {
        let (client, role) = (&client.name, client.role.name().as_str());
        tracing::info!(event = "number_searched", %client, role);
    }
    match asked.form {
        Form::Json => {
            let limit = asked.limit.unwrap_or(PAGE);
            let reader = api.tickets().reader().map_err(gone)?;
            let mut kept = reader.list(&filter, asked.after, limit.saturating_add(1)).await.map_err(gone)?;
            let more = kept.len() > limit;
            kept.truncate(limit);
            let next = kept.last().filter(|_| more).map(|last| last.ticket.ticket_id.to_string());
            Ok(Json(Tickets { tickets: shown(&client, &kept), next }).into_response())
        }
        form @ (Form::Csv | Form::Ndjson) => export::stream(&api, client, filter, form),
    }
}

/// One record as it stands.
#[utoipa::path(
    get,
    path = "/v1/tickets/{ticket}",
    params(("ticket" = String, Path, description = "The `ticket_id`")),
    responses(
        (status = 200, body = Ticket, description = "`linkage-ticket/1`"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(super) async fn show(
    State(api): State<Api>,
    Extension(client): Extension<Client>,
    ticket: Result<Path<TicketId>, PathRejection>,
) -> Result<Json<Ticket>, Problem> {
    let kept = one(&api, &client, named(ticket)?).await?;
    shown(&client, &[kept]).pop().map(Json).ok_or_else(no_such_ticket)
}

/// Which events of a record.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// The `next` of the page before: events with a higher `seq` follow.
    after: Option<u64>,
}

/// What has happened to one record, in its order.
#[utoipa::path(
    get,
    path = "/v1/tickets/{ticket}/events",
    params(("ticket" = String, Path, description = "The `ticket_id`"), Since),
    responses(
        (status = 200, body = TicketEvents),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(super) async fn events(
    State(api): State<Api>,
    Extension(client): Extension<Client>,
    ticket: Result<Path<TicketId>, PathRejection>,
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Json<TicketEvents>, Problem> {
    let right = "GET /v1/tickets/{ticket}/events?after=SEQ";
    let Query(since) = since.map_err(|error| Problem::new(Kind::Malformed, error.body_text(), right))?;
    let stands = one(&api, &client, named(ticket)?).await?.ticket;
    let reader = api.tickets().reader().map_err(gone)?;
    let kept = reader.timeline(stands.ticket_id, since.after.unwrap_or_default()).await.map_err(gone)?;
    let next = kept.last().map(|last| last.ticket.seq).filter(|last| *last < stands.seq);
    Ok(Json(TicketEvents { events: shown(&client, &kept), next }))
}

/// The name of a record in a path.
fn named(ticket: Result<Path<TicketId>, PathRejection>) -> Result<TicketId, Problem> {
    let right = "32 hexadecimal digits, a dash, and the record's number";
    match ticket {
        Ok(Path(ticket)) => Ok(ticket),
        Err(_) => Err(Problem::new(Kind::Malformed, "the name of the ticket cannot be read", right)),
    }
}

/// The record of that name, if the client may see it; what it may not see is not there.
async fn one(api: &Api, client: &Client, ticket: TicketId) -> Result<Kept, Problem> {
    let wanted = Filter { ticket: Some(ticket), ..Filter::default() };
    let filter = within_sight(client, wanted).ok_or_else(no_such_ticket)?;
    let reader = api.tickets().reader().map_err(gone)?;
    reader.list(&filter, None, 1).await.map_err(gone)?.pop().ok_or_else(no_such_ticket)
}

fn no_such_ticket() -> Problem {
    Problem::new(Kind::NotFound, "there is no such ticket", "a ticket of /v1/tickets")
}

/// The filter, narrowed to what the client may see; none if it asks for what it may not.
fn within_sight(client: &Client, filter: Filter) -> Option<Filter> {
    match &client.role {
        Role::Supervisor | Role::System => Some(filter),
        Role::Administrator => None,
        Role::Agent(own) if filter.agent.as_ref().is_none_or(|agent| agent == own) => {
            Some(Filter { agent: Some(own.clone()), ..filter })
        }
        Role::Agent(_) => None,
    }
}

/// How the client sees numbers in tickets.
const fn sight(client: &Client) -> Numbers {
    match &client.role {
        Role::Supervisor | Role::System => client.numbers,
        Role::Administrator | Role::Agent(_) => Numbers::Masked,
    }
}

/// The tickets as the client may see them.
fn shown(client: &Client, kept: &[Kept]) -> Vec<Ticket> {
    let text = |kept: &Kept| match sight(client) {
        Numbers::Masked => serde_json::value::to_raw_value(&kept.ticket.masked()),
        Numbers::Whole => RawValue::from_string(kept.text.clone()),
    };
    note_reading(client, kept);
    // What is kept is JSON: none is left out.
    kept.iter().filter_map(|kept| text(kept).ok().map(Ticket)).collect()
}

/// Whoever reads numbers whole is written down.
fn note_reading(client: &Client, kept: &[Kept]) {
    if let (Numbers::Whole, Some(first)) = (sight(client), kept.first()) {
        let (client, role, ticket) = (&client.name, client.role.name().as_str(), first.ticket.ticket_id);
        tracing::info!(event = "numbers_read", %client, role, tickets = kept.len(), first = %ticket);
    }
}
