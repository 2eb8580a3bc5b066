//! `trunks.toml`: the peers that are known by their source address.

use std::net::SocketAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{TransportKey, defaults};
use crate::config::Placed;
use crate::routing::config::{PeerClass, Trust};

/// `trunks.toml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrunksFile {
    /// The trunks.
    #[serde(default)]
    pub trunk: Vec<TrunkEntry>,
}

/// `[[trunk]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrunkEntry {
    /// Its id, used in routes, metrics and records.
    pub id: Placed<String>,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// What kind of peer it is.
    #[serde(default)]
    #[schemars(schema_with = "super::words::peer_class")]
    pub class: PeerClass,
    /// Its SIP profile.
    #[serde(default = "defaults::trunk_profile")]
    pub profile: Placed<String>,
    /// The source addresses that are this trunk.
    #[schemars(with = "Vec<String>")]
    pub networks: Placed<Vec<IpNet>>,
    /// The transport of requests to it.
    #[serde(default = "defaults::udp")]
    pub transport: TransportKey,
    /// Where requests to it go, the first first.
    #[serde(default)]
    pub next_hops: Vec<Placed<SocketAddr>>,
    /// Whether its asserted identities are believed, and ours are told to it (RFC 3325).
    #[serde(default)]
    #[schemars(schema_with = "super::words::trust")]
    pub trust: Trust,
    /// Calls at a time.
    #[serde(default = "defaults::trunk_calls")]
    pub calls: Placed<u32>,
    /// New calls a second, beyond which it is answered 503.
    #[serde(default = "defaults::invites_per_s")]
    pub invites_per_s: Placed<u32>,
    /// Our own number on this trunk: shown where its profile asks for it, or after the caller's was refused.
    pub number: Option<Placed<String>>,
    /// Our area code there, with or without its 0: it completes numbers of seven or eight digits.
    pub area_code: Option<Placed<String>>,
    /// The SIP domain of our numbers there and of those that we call; not given: our realm, and the peer's address.
    pub domain: Option<Placed<String>>,
}
