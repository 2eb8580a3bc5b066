//! What every request passes before its handler: room, identity, rate, role; and afterwards the clock and the count.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Api;
use super::access::Client;
use super::problem::{Kind, Problem};
use super::routes::{self, OpenTo, Route, Verb};

/// Requests at a time, of each listener. A stream of events counts only until it has begun.
const REQUESTS: usize = 64;
/// The gate of one listener.
#[derive(Clone)]
pub(super) struct Gate {
    api: Api,
    routes: &'static [Route],
    room: Arc<Semaphore>,
}

impl Gate {
    /// A gate in front of these routes.
    pub(super) fn new(api: &Api, routes: &'static [Route]) -> Self {
        Self { api: api.clone(), routes, room: Arc::new(Semaphore::new(REQUESTS)) }
    }
}

/// Lets a request through, or says why not. What has no route passes to the fallbacks, which refuse it.
pub(super) async fn pass(
    State(gate): State<Gate>,
    path: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let Gate { api, routes, room } = gate;
    let route = path.as_ref().and_then(|path| routes::find(routes, request.method(), path.as_str()));
    let label = route.map_or("none", |route| route.path);
    let verb = route.map_or("none", |route| route.verb.as_str());
    let response = match admit(&api, &room, route, &mut request) {
        Ok(_room) => match tokio::time::timeout(api.patience().request, next.run(request)).await {
            Ok(response) => response,
            Err(_) => {
                let detail = "the request took too long";
                Problem::new(Kind::TimedOut, detail, "a complete body at once; then try again").into_response()
            }
        },
        Err(problem) => problem.into_response(),
    };
    api.metrics().answered(label, verb, response.status().as_u16());
    response
}

/// The room of a request that is being served.
type Room = OwnedSemaphorePermit;

fn admit(
    api: &Api,
    room: &Arc<Semaphore>,
    route: Option<&'static Route>,
    request: &mut Request,
) -> Result<Room, Problem> {
    let room = Arc::clone(room).try_acquire_owned().map_err(|_| {
        Problem::new(Kind::Busy, "too many requests are being served", "the same again in a moment").retry_after(1)
    })?;
    let Some(route) = route else { return Ok(room) };
    let roles = match route.open_to {
        OpenTo::Everybody => return Ok(room),
        OpenTo::Roles(roles) => roles,
    };
    let client = api.access().admit(api.handle().now(), request.headers())?;
    if !roles.contains(&client.role.name()) {
        let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let detail = format!("a token of role {} may not do this", client.role.name().as_str());
        return Err(Problem::new(Kind::Forbidden, detail, format!("a token of role {}", names.join(", "))));
    }
    note(route, &client);
    request.extensions_mut().insert(client);
    Ok(room)
}

/// Whoever changes something is written down: by the name of the token, never by the token, and without the path,
/// which may carry a number.
fn note(route: &Route, client: &Client) {
    match route.verb {
        Verb::Get => {}
        Verb::Post | Verb::Delete => {
            let (client, role, verb) = (&client.name, client.role.name().as_str(), route.verb.as_str());
            tracing::info!(event = "http_command", %client, role, verb, route = route.path);
        }
    }
}
