//! `GET /v1/trunks`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::calls::unheard;
use super::problem::{Problem, ProblemBody};
use crate::base::calendar::rfc3339;
use crate::routing::config::PeerClass;
use crate::switch::view::{GatewayView, TrunkView};

/// One trunk.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Trunk {
    /// Its name.
    trunk: String,
    /// `carrier`, `pbx` or `linkage`.
    class: &'static str,
    /// Whether any of its gateways is believed to work; also true of a trunk that only calls us.
    up: bool,
    /// Legs that came in over it.
    legs_in: u32,
    /// Legs that go out over it.
    legs_out: u32,
    /// How many legs it may carry.
    limit: u32,
    /// When something was last heard from there, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    heard: Option<String>,
    /// Its gateways.
    gateways: Vec<Gateway>,
}

/// One gateway of a trunk.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Gateway {
    /// Where it is.
    address: String,
    /// `up`, `down` or `half_open`: asked again, not yet believed.
    state: &'static str,
    /// Since when, RFC 3339.
    since: String,
    /// When it was last heard, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    heard: Option<String>,
}

/// Every trunk, in the order of the configuration.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Trunks {
    /// The trunks.
    trunks: Vec<Trunk>,
}

/// The trunks, their load and their gateways' health.
#[utoipa::path(
    get,
    path = "/v1/trunks",
    responses(
        (status = 200, body = Trunks),
        (status = "default", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(super) async fn list(State(api): State<Api>) -> Result<Json<Trunks>, Problem> {
    let picture = api.handle().picture().await.map_err(unheard)?;
    let time = |instant| rfc3339(picture.at.wall_of(instant));
    let gateway = |view: &GatewayView| Gateway {
        address: view.address.to_string(),
        state: view.state,
        since: time(view.since),
        heard: view.heard.map(time),
    };
    let trunk = |view: &TrunkView| Trunk {
        trunk: view.trunk.to_string(),
        class: class(view.class),
        up: view.up,
        legs_in: view.legs_in,
        legs_out: view.legs_out,
        limit: view.limit,
        heard: view.heard.map(time),
        gateways: view.gateways.iter().map(gateway).collect(),
    };
    Ok(Json(Trunks { trunks: picture.view.trunks.iter().map(trunk).collect() }))
}

const fn class(class: PeerClass) -> &'static str {
    match class {
        PeerClass::Carrier => "carrier",
        PeerClass::Pbx => "pbx",
        PeerClass::Linkage => "linkage",
    }
}
