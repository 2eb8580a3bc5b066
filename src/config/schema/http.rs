//! `[http]` of `lianxian.toml`: the interface for desks and other systems.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::defaults;
use crate::config::Placed;

/// `[http]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpSection {
    /// Where `/v1` is served: a loopback address.
    #[serde(default = "defaults::http_listen")]
    pub listen: Placed<SocketAddr>,
    /// Who may ask; nobody without a token.
    #[serde(default)]
    pub token: Vec<TokenEntry>,
}

/// `[[http.token]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// The client's name, for the log.
    pub name: Placed<String>,
    /// What it may do.
    pub role: RoleKey,
    /// The agent whose desk it is; only with role `agent`.
    pub agent: Option<Placed<String>>,
    /// Whether it may read citizens' numbers whole, one call at a time; every reading is logged.
    #[serde(default)]
    pub numbers: NumbersKey,
    /// `"${NAME}"`: the token is the environment variable NAME.
    pub(in crate::config) secret: Option<Placed<String>>,
    /// The token is the first line of this file, relative to `lianxian.toml`.
    pub(in crate::config) secret_file: Option<Placed<String>>,
    /// SHA-256 of the token: 64 hexadecimal digits.
    pub(in crate::config) sha256: Option<Placed<String>>,
}

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleKey {
    /// An agent's desk: the agent's own calls.
    Agent,
    /// Every call.
    Supervisor,
    /// The daemon and no call; also `POST /v1/admin/reload` on the administrators' listener.
    Administrator,
    /// Another system, such as a CTI server: every call.
    System,
}

/// How citizens' numbers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumbersKey {
    /// `139****1111`.
    #[default]
    Masked,
    /// Whole, where one call is asked for by its name.
    Whole,
}
