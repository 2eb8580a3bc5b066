//! `GET /openapi.json`: the interface in the words of OpenAPI, generated from the code.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{agents, calls, events, tickets, transfers, trunks};

/// The whole document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "lianxian",
        description = "Calls between hotlines: what there is, what happens, handing callers over, and the records of it.",
        license(name = "Apache-2.0"),
    ),
    paths(
        document,
        calls::list,
        calls::show,
        transfers::begin,
        transfers::show,
        transfers::cancel,
        tickets::create,
        tickets::list,
        tickets::show,
        tickets::events,
        events::events,
        agents::list,
        trunks::list,
    ),
    modifiers(&Token),
)]
struct Document;

/// Every route but this one asks for a bearer token.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The document as JSON.
pub(super) static TEXT: LazyLock<String> = LazyLock::new(|| {
    // Plain values are written to memory: this cannot fail.
    Document::openapi().to_pretty_json().unwrap_or_default()
});

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    responses((status = 200, description = "This document", content_type = "application/json")),
)]
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}
