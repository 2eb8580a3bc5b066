//! `trunks.toml`: the peers that are known by their source address.

use std::net::SocketAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{TransportKey, defaults};
use crate::config::Placed;
use crate::routing::config::{CorrelateBy, PeerClass, Trust};

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
    /// Where requests to it go: addresses that are tried in the order in which they stand, or rows with a priority and a
    /// weight (RFC 2782).
    #[serde(default)]
    pub next_hops: Vec<Placed<NextHop>>,
    /// How often each next hop is asked by OPTIONS whether it works, in seconds; 0: never.
    #[serde(default = "defaults::options_interval_s")]
    pub options_interval_s: Placed<u32>,
    /// Whether its asserted identities are believed, and ours are told to it (RFC 3325).
    #[serde(default)]
    #[schemars(schema_with = "super::words::trust")]
    pub trust: Trust,
    /// Calls at a time.
    #[serde(default = "defaults::trunk_calls")]
    pub calls: Placed<u32>,
    /// How many of them only calls to emergency hotlines may use; without it a tenth.
    pub emergency_reserve: Option<Placed<u32>>,
    /// The Resource-Priority (RFC 4412) of emergency calls, such as `esnet.0`: written on ours, and honoured on those of a
    /// trusted trunk. Without it none is written and none is honoured.
    pub resource_priority: Option<Placed<String>>,
    /// New calls a second in each direction: beyond it the trunk is answered 503, and our calls go another way.
    #[serde(default = "defaults::invites_per_s")]
    pub invites_per_s: Placed<u32>,
    /// Our own number on this trunk: shown where its profile asks for it, or after the caller's was refused.
    pub number: Option<Placed<String>>,
    /// Our area code there, with or without its 0: it completes numbers of seven or eight digits.
    pub area_code: Option<Placed<String>>,
    /// The SIP domain of our numbers there and of those that we call; not given: our realm, and the peer's address.
    pub domain: Option<Placed<String>>,
    /// The code of the region (属地) whose calls it brings.
    pub region: Option<Placed<String>>,
    /// How a new call of this PBX to another hotline is found to belong to a call that it has with us; looked at in this
    /// order. Not given: such a call is one of its own.
    #[schemars(schema_with = "super::words::correlate")]
    pub correlate: Option<Placed<Vec<CorrelateBy>>>,
    /// The header of such a call that bears our linkage id, or the Call-ID of our INVITE.
    pub correlation_header: Option<Placed<String>>,
    /// The header that bears the agent's number (工号), in such a call and, where the trunk is trusted, in a REFER; not
    /// given: the number that the PBX shows.
    pub agent_header: Option<Placed<String>>,
    /// What numbers called over it mean. 110, 区号+110 and +86区号110 need no row when `area_code` is given.
    #[serde(default)]
    pub called: Vec<CalledEntry>,
}

/// A number called over a trunk: the hotline and the region that it means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalledEntry {
    /// The number: 0898110, +86898110 and 86898110 are one.
    pub number: Placed<String>,
    /// The number of the hotline that is meant.
    pub hotline: Placed<String>,
    /// The code of the region that is called, if the number says it.
    pub region: Option<Placed<String>>,
}

/// A next hop: `"ADDRESS:PORT"`, or a row.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "\"ADDRESS:PORT\" or { address = \"ADDRESS:PORT\", priority = 1, weight = 1 }")]
pub enum NextHop {
    /// An address; its place in the list is its priority.
    Address(SocketAddr),
    /// An address with a priority and a weight.
    Row(NextHopRow),
}

/// A next hop with a priority and a weight.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextHopRow {
    /// Where it is.
    pub address: SocketAddr,
    /// A lower one is tried first.
    #[serde(default)]
    pub priority: u16,
    /// Its share among those of the same priority.
    #[serde(default = "defaults::weight")]
    pub weight: u16,
}

impl NextHop {
    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        match self {
            Self::Address(address) | Self::Row(NextHopRow { address, .. }) => *address,
        }
    }
}
