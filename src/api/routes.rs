//! Every path there is, with whom it is open to: the one list behind the routers, the gate, the documentation and the
//! tests.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, post};

use super::access::RoleName::{self, Administrator, Agent, Supervisor, System};
use super::gate::Gate;
use super::problem::{Kind, Problem};
use super::{Api, agents, body, calls, events, gate, openapi, tickets, transfers, trunks};

/// One path with one method.
pub(super) struct Route {
    pub(super) verb: Verb,
    pub(super) path: &'static str,
    pub(super) open_to: OpenTo,
    pub(super) serve: fn() -> MethodRouter<Api>,
}

/// The methods that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Delete,
}

impl Verb {
    /// Whether that is the method of a request. `HEAD` is answered like `GET`, without the body (RFC 9110 9.3.2).
    pub(super) fn is(self, method: &Method) -> bool {
        match self {
            Self::Get => method == Method::GET || method == Method::HEAD,
            Self::Post => method == Method::POST,
            Self::Delete => method == Method::DELETE,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenTo {
    /// Whoever reaches the listener.
    Everybody,
    /// These roles.
    Roles(&'static [RoleName]),
}

const CALLS: OpenTo = OpenTo::Roles(&[Agent, Supervisor, System]);
const HOUSE: OpenTo = OpenTo::Roles(&[Supervisor, Administrator, System]);
const ALL: OpenTo = OpenTo::Roles(&[Agent, Supervisor, Administrator, System]);

/// The routes of `[http] listen`.
pub(super) const ROUTES: &[Route] = &[
    Route { verb: Verb::Get, path: "/openapi.json", open_to: OpenTo::Everybody, serve: || get(openapi::document) },
    Route { verb: Verb::Get, path: "/v1/calls", open_to: CALLS, serve: || get(calls::list) },
    Route { verb: Verb::Get, path: "/v1/calls/{call}", open_to: CALLS, serve: || get(calls::show) },
    Route { verb: Verb::Post, path: "/v1/calls/{call}/transfers", open_to: CALLS, serve: || post(transfers::begin) },
    Route {
        verb: Verb::Get,
        path: "/v1/calls/{call}/transfers/{transfer}",
        open_to: CALLS,
        serve: || get(transfers::show),
    },
    Route {
        verb: Verb::Delete,
        path: "/v1/calls/{call}/transfers/{transfer}",
        open_to: CALLS,
        serve: || delete(transfers::cancel),
    },
    Route { verb: Verb::Get, path: "/v1/tickets", open_to: CALLS, serve: || get(tickets::list) },
    Route {
        verb: Verb::Post,
        path: "/v1/tickets",
        open_to: OpenTo::Roles(&[System]),
        serve: || post(tickets::create).layer(DefaultBodyLimit::max(tickets::LARGEST)),
    },
    Route { verb: Verb::Get, path: "/v1/tickets/{ticket}", open_to: CALLS, serve: || get(tickets::show) },
    Route { verb: Verb::Get, path: "/v1/tickets/{ticket}/events", open_to: CALLS, serve: || get(tickets::events) },
    Route { verb: Verb::Get, path: "/v1/events", open_to: CALLS, serve: || get(events::events) },
    Route { verb: Verb::Get, path: "/v1/agents", open_to: ALL, serve: || get(agents::list) },
    Route { verb: Verb::Get, path: "/v1/trunks", open_to: HOUSE, serve: || get(trunks::list) },
];

/// The route of a request, by the path as the router matched it.
pub(super) fn find(routes: &'static [Route], method: &Method, path: &str) -> Option<&'static Route> {
    routes.iter().find(|route| route.path == path && route.verb.is(method))
}

/// The router of a list of routes, behind the gate.
pub(super) fn router(routes: &'static [Route], api: &Api) -> Router {
    let add = |router: Router<Api>, route: &Route| router.route(route.path, (route.serve)());
    routes
        .iter()
        .fold(Router::new(), add)
        .method_not_allowed_fallback(move |request| not_with_this_method(routes, request))
        .fallback(nothing_here)
        .layer(DefaultBodyLimit::max(body::LARGEST))
        .layer(from_fn_with_state(Gate::new(api, routes), gate::pass))
        .with_state(api.clone())
}

async fn not_with_this_method(routes: &'static [Route], request: axum::extract::Request) -> Problem {
    let path = request.extensions().get::<axum::extract::MatchedPath>();
    let verbs: Vec<&str> = routes
        .iter()
        .filter(|route| path.is_some_and(|path| path.as_str() == route.path))
        .map(|route| route.verb.as_str())
        .collect();
    Problem::new(Kind::MethodNotAllowed, format!("{} is not offered here", request.method()), verbs.join(", "))
}

async fn nothing_here() -> Problem {
    Problem::new(Kind::NotFound, "there is nothing at this path", "a path of /openapi.json")
}
