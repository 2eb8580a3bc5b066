//! The two ways of listening on one path: server-sent events, and a WebSocket for whoever asks to upgrade.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use serde::Deserialize;

use super::{Event, Kind, Next, Subscription};
use crate::api::Api;
use crate::api::access::Client;
use crate::api::problem::{self, Problem, ProblemBody};
use crate::metrics::OpenStream;

/// A WebSocket that has not answered for so long is gone.
const SILENCE: Duration = Duration::from_secs(30);
/// The largest message that a client may send on a WebSocket: it has nothing to say.
const LARGEST_MESSAGE: usize = 4_096;

/// Where to go on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct From {
    /// The number of the last event that was seen; only later ones come. Without it: from now on.
    after: Option<u64>,
}

/// What happens, as it happens: server-sent events, or a WebSocket if the request asks to upgrade.
///
/// Each message is one event as JSON. Server-sent events carry the number as `id`, so that a browser resumes by
/// `Last-Event-ID`. An agent receives the events of calls that it is in.
#[utoipa::path(
    get,
    path = "/v1/events",
    params(From, ("Last-Event-ID" = Option<u64>, Header, description = "As `after`, set by a browser that resumes")),
    responses(
        (status = 200, description = "Events without end", body = Event, content_type = "text/event-stream"),
        (status = 101, description = "The same as text messages of a WebSocket"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn events(
    State(api): State<Api>,
    Extension(client): Extension<Client>,
    from: Result<Query<From>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let Query(from) = from.map_err(|error| malformed(&error.to_string()))?;
    let (mut parts, _) = request.into_parts();
    let after = match from.after {
        Some(after) => Some(after),
        None => last_event_id(&parts.headers)?,
    };
    if !parts.headers.contains_key(header::UPGRADE) {
        return Ok(server_sent(api.hub().subscribe(client, after)?, &api));
    }
    same_origin(&parts.headers)?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &api).await;
    let upgrade = upgrade.map_err(|error| malformed(&error.to_string()))?;
    let subscription = api.hub().subscribe(client, after)?;
    let counted = api.metrics().stream_opens();
    let upgrade = upgrade.max_message_size(LARGEST_MESSAGE).max_frame_size(LARGEST_MESSAGE);
    let ping = api.patience().ping;
    Ok(upgrade.on_upgrade(async move |socket| {
        speak(socket, subscription, ping).await;
        drop(counted);
    }))
}

fn malformed(detail: &str) -> Problem {
    Problem::new(problem::Kind::Malformed, detail, "GET /v1/events?after=NUMBER")
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("Last-Event-ID") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| malformed("Last-Event-ID is no number of an event"))
}

/// A page of another site may open a WebSocket to us from an operator's browser (V39): only our own pages may.
fn same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let ours = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    if ours.is_some() && ours == text(header::HOST) {
        return Ok(());
    }
    let right = "a page of this very daemon, or no Origin header";
    Err(Problem::new(problem::Kind::Forbidden, "the Origin is another site", right))
}

// === Server-sent events ===

fn server_sent(subscription: Subscription, api: &Api) -> Response {
    let counted = api.metrics().stream_opens();
    let ping = api.patience().ping;
    let lines = unfold(Some((subscription, counted)), move |state| async move {
        let (mut subscription, counted): (Subscription, OpenStream) = state?;
        Some(match subscription.next(ping).await {
            Next::Line(line) => {
                let event = sse::Event::default().id(line.seq().to_string()).data(line.json());
                (event, Some((subscription, counted)))
            }
            Next::Quiet => (sse::Event::default().comment("ping"), Some((subscription, counted))),
            // Without an id, so that the browser's resume point stays.
            Next::Cut(reason) => (sse::Event::default().data(cut(&subscription, reason)), None),
        })
    });
    let lines = futures_util::StreamExt::map(lines, Ok::<_, Infallible>);
    ([(header::CACHE_CONTROL, "no-store")], Sse::new(lines)).into_response()
}

fn cut(subscription: &Subscription, reason: &'static str) -> String {
    let at = subscription.hub.clock.wall();
    let event = Event::new(subscription.cursor, at, None, Kind::Cut { reason });
    serde_json::to_string(&event).unwrap_or_default()
}

// === WebSocket ===

/// Tells until one of both ends it.
async fn speak(mut socket: WebSocket, mut subscription: Subscription, ping: Duration) {
    let clock = subscription.hub.clock;
    let mut heard = clock.now();
    loop {
        tokio::select! {
            next = subscription.next(ping) => {
                let sent = match next {
                    Next::Line(line) => socket.send(Message::text(line.json().to_owned())).await,
                    Next::Quiet if clock.now().since(heard) > SILENCE => {
                        return close(socket, close_code::POLICY, "no answer to pings").await;
                    }
                    Next::Quiet => socket.send(Message::Ping(Default::default())).await,
                    Next::Cut(reason) => return close(socket, close_code::AGAIN, reason).await,
                };
                if sent.is_err() {
                    return;
                }
            }
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                // Nothing can be said here; it only shows that somebody is there.
                Some(Ok(_)) => heard = clock.now(),
            },
        }
    }
}

async fn close(mut socket: WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: reason.into() };
    // Whoever does not read will not read this either.
    socket.send(Message::Close(Some(frame))).await.ok();
}
