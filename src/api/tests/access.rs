//! Who may ask for what, route by route (V33), and that the list of routes is the whole truth.

use std::collections::BTreeSet;

use axum::http::StatusCode;

use super::house::House;
use crate::api::problem::Kind;
use crate::api::routes::OpenTo;
use crate::api::{admin, openapi, routes};

/// Every route: method, path as asked for, then who may: agent 1001, supervisor, administrator, system.
const WHO_MAY: [(&str, &str, [bool; 4]); 13] = [
    ("GET", "/v1/calls", [true, true, false, true]),
    ("GET", "/v1/calls/00000000000000000000000000000001", [true, true, false, true]),
    ("POST", "/v1/calls/00000000000000000000000000000001/transfers", [true, true, false, true]),
    ("GET", "/v1/calls/agent:1001/transfers/00000000000000000000000000000007", [true, true, false, true]),
    ("DELETE", "/v1/calls/agent:1001/transfers/00000000000000000000000000000007", [true, true, false, true]),
    ("GET", "/v1/agents", [true, true, true, true]),
    ("GET", "/v1/trunks", [false, true, true, true]),
    ("GET", "/v1/events?after=x", [true, true, false, true]),
    ("GET", "/v1/tickets", [true, true, false, true]),
    ("POST", "/v1/tickets", [false, false, false, true]),
    ("GET", "/v1/tickets/00000000000000000000000000000001-0", [true, true, false, true]),
    ("GET", "/v1/tickets/00000000000000000000000000000001-0/events", [true, true, false, true]),
    ("POST", "/v1/admin/reload", [false, false, false, false]),
];

const CLIENTS: [&str; 4] = ["agent-1001", "supervisor", "administrator", "system"];

#[tokio::test]
async fn v33_each_route_is_open_to_its_roles_and_to_nobody_else() {
    for (method, path, may) in WHO_MAY {
        // Each route in a house of its own: strangers may not ask often.
        let house = House::new();
        let stranger = house.ask("", method, path, None).await;
        let wrong = house.ask("not-a-token", method, path, None).await;
        if path.starts_with("/v1/admin") {
            assert_eq!(stranger.problem(), "not-found", "an administrators' route is not on this listener");
            continue;
        }
        assert_eq!(stranger.problem(), "unauthorized", "{method} {path}");
        assert!(stranger.headers.contains_key("www-authenticate"));
        assert_eq!(wrong.problem(), "unauthorized", "{method} {path}");
        for (client, may) in CLIENTS.iter().zip(may) {
            let answer = house.ask(client, method, path, None).await;
            let refused = matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
            assert_eq!(!refused, may, "{client} {method} {path}: {answer:?}");
            if !may {
                assert_eq!(answer.problem(), "forbidden");
            }
        }
    }
}

#[tokio::test]
async fn only_an_administrator_may_reload_and_only_on_the_administrators_listener() {
    let mut house = House::new();
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_ne!(house.ask_admin("", "GET", path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(house.ask("administrator", "GET", path, None).await.problem(), "not-found", "{path}");
    }
    assert_eq!(house.ask_admin("", "POST", "/v1/admin/reload").await.problem(), "unauthorized");
    for client in ["agent-1001", "supervisor", "system"] {
        assert_eq!(house.ask_admin(client, "POST", "/v1/admin/reload").await.problem(), "forbidden", "{client}");
    }
    for path in ["/v1/calls", "/v1/events", "/openapi.json"] {
        assert_eq!(house.ask_admin("supervisor", "GET", path).await.problem(), "not-found", "{path}");
    }
    let reader = async {
        house.reloads.recv().await.unwrap().answer.send(Ok(())).unwrap();
    };
    let routes = house.admin.clone();
    let asked = async {
        let request = super::house::request("administrator", "POST", "/v1/admin/reload", None);
        tower::ServiceExt::oneshot(routes, request).await.unwrap()
    };
    let ((), answer) = tokio::join!(reader, asked);
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

#[test]
fn the_documentation_names_every_route_and_no_other() {
    let document: serde_json::Value = serde_json::from_str(&openapi::TEXT).unwrap();
    let documented: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, verbs)| verbs.as_object().unwrap().keys().map(|verb| (verb.to_uppercase(), path.clone())))
        .collect();
    let served: BTreeSet<(String, String)> =
        routes::ROUTES.iter().map(|route| (route.verb.as_str().to_owned(), route.path.to_owned())).collect();
    assert_eq!(documented, served);
    for (path, verbs) in document["paths"].as_object().unwrap() {
        for (verb, operation) in verbs.as_object().unwrap() {
            let open = path == "/openapi.json";
            assert_eq!(operation["security"].is_null(), open, "{verb} {path} asks for a token");
            assert!(operation["summary"].is_string(), "{verb} {path} is described");
        }
    }
}

/// A route that the table above does not know is a route whose roles nobody has thought about.
#[test]
fn every_route_is_in_the_table_of_roles() {
    let written = |path: &str| {
        let path = path.split('?').next().unwrap();
        let parts = path.split('/').map(|part| match part {
            part if part.len() == 32 && part.ends_with('7') => "{transfer}",
            part if part.len() == 34 && part.contains('-') => "{ticket}",
            part if part.len() == 32 || part.contains(':') => "{call}",
            part => part,
        });
        parts.collect::<Vec<_>>().join("/")
    };
    let table: BTreeSet<(String, String)> =
        WHO_MAY.iter().map(|(method, path, _)| ((*method).to_owned(), written(path))).collect();
    let open = ["/openapi.json", "/metrics", "/healthz", "/readyz"];
    let routes = routes::ROUTES.iter().chain(admin::ROUTES).filter(|route| !open.contains(&route.path));
    let served: BTreeSet<(String, String)> =
        routes.map(|route| (route.verb.as_str().to_owned(), route.path.to_owned())).collect();
    assert_eq!(table, served);
}

#[tokio::test]
async fn every_error_is_a_problem_that_says_what_would_be_right() {
    let house = House::new();
    let ask = async |method: &str, path: &str, body: Option<&str>| {
        house.ask("supervisor", method, path, body).await.problem()
    };
    assert_eq!(ask("GET", "/", None).await, "not-found");
    assert_eq!(ask("PUT", "/v1/calls", None).await, "method-not-allowed");
    assert_eq!(ask("GET", "/v1/calls?limit=0", None).await, "malformed");
    assert_eq!(ask("GET", "/v1/calls?colour=red", None).await, "malformed");
    assert_eq!(ask("GET", "/v1/calls/tel:110", None).await, "malformed");
    assert_eq!(ask("GET", "/v1/calls/%ff", None).await, "malformed");
    assert_eq!(ask("GET", "/v1/calls/caller:13900009999", None).await, "not-found");
    assert_eq!(ask("GET", "/v1/calls/caller:13900001111", None).await, "ambiguous");
    let transfers = "/v1/calls/agent:1001/transfers";
    assert_eq!(ask("POST", transfers, None).await, "unsupported-media-type");
    assert_eq!(ask("POST", transfers, Some("{")).await, "malformed");
    assert_eq!(ask("POST", transfers, Some("{}")).await, "unprocessable");
    assert_eq!(ask("POST", transfers, Some(r#"{"to":"110","colour":"red"}"#)).await, "unprocessable");
    assert_eq!(ask("POST", transfers, Some(r#"{"to":"110","event_level":5}"#)).await, "unprocessable");
    assert_eq!(ask("POST", transfers, Some(r#"{"to":"110","flags":["x"]}"#)).await, "unprocessable");
    let large = format!(r#"{{"to":"110","summary":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(ask("POST", transfers, Some(&large)).await, "too-large");
    assert_eq!(ask("GET", "/v1/calls/agent:1001/transfers/x", None).await, "malformed");
    assert_eq!(ask("GET", "/v1/calls/agent:1001/transfers/00000000000000000000000000000008", None).await, "not-found");
}

#[tokio::test]
async fn a_token_that_asks_too_often_is_told_when_to_come_back() {
    let house = House::new();
    let mut refused = 0;
    for _ in 0..300 {
        let answer = house.ask("system", "GET", "/v1/calls", None).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.problem(), "too-many-requests");
            assert!(answer.headers.contains_key("retry-after"));
            refused += 1;
        }
    }
    assert!(refused > 0);
    assert_eq!(house.ask("supervisor", "GET", "/v1/calls", None).await.status, StatusCode::OK, "the others go on");
}

/// `docs/http.md` lists each route with its roles, each event and each kind of problem.
#[test]
fn the_guide_lists_every_route_event_and_problem() {
    let guide = include_str!("../../../docs/http.md");
    for route in routes::ROUTES.iter().chain(admin::ROUTES) {
        let roles = match route.open_to {
            OpenTo::Everybody => "everybody".to_owned(),
            OpenTo::Roles(roles) => roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", "),
        };
        let line = format!("| {} | `{}` | {roles} |", route.verb.as_str(), route.path);
        assert!(guide.contains(&line), "docs/http.md has no line {line}");
    }
    let document: serde_json::Value = serde_json::from_str(&openapi::TEXT).unwrap();
    let kinds = document["components"]["schemas"]["Kind"].to_string();
    let types: BTreeSet<&str> =
        kinds.split('"').filter(|word| word.contains('.') && word.bytes().all(is_of_a_type)).collect();
    assert!(types.len() > 25, "the events of the documentation: {types:?}");
    for one in types.into_iter().chain(["gap", "cut"]) {
        assert!(guide.contains(&format!("`{one}`")), "docs/http.md does not tell of {one}");
    }
    for kind in Kind::ALL {
        let (slug, _, status) = kind.words();
        let line = format!("| `{slug}` | {} |", status.as_u16());
        assert!(guide.contains(&line), "docs/http.md has no line {line}");
    }
}

const fn is_of_a_type(byte: u8) -> bool {
    byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_')
}
