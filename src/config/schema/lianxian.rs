//! `lianxian.toml`: the daemon itself.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HttpSection, TicketStoreEntry, TransportKey, defaults};
use crate::config::Placed;
use crate::sip::auth::Algorithm;

/// `lianxian.toml`: the daemon itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MainFile {
    /// Signalling.
    pub sip: SipSection,
    /// Softphones that register here.
    pub softphones: SoftphonesSection,
    /// Sound.
    pub media: MediaSection,
    /// Limits.
    #[serde(default)]
    pub limits: LimitsSection,
    /// The interface for desks and other systems; without it there is none.
    pub http: Option<HttpSection>,
    /// Other systems that get the records of calls.
    #[serde(default)]
    pub ticket_store: Vec<TicketStoreEntry>,
    /// The administrators' listener.
    #[serde(default)]
    pub admin: AdminSection,
    /// What is kept on disk.
    #[serde(default)]
    pub store: StoreSection,
    /// The log.
    #[serde(default)]
    pub log: LogSection,
    /// Where the other files are.
    #[serde(default)]
    pub(in crate::config) files: FilesSection,
}

/// `[sip]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SipSection {
    /// The realm of our digest challenges.
    pub realm: Placed<String>,
    /// The host part of the URIs that we write: a name, or an address that peers know us by. Not given: the realm.
    pub host: Option<Placed<String>>,
    /// What we listen on.
    pub listen: Placed<Vec<ListenEntry>>,
}

/// `[[sip.listen]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenEntry {
    /// The transport protocol.
    pub transport: TransportKey,
    /// The address to bind.
    pub address: Placed<SocketAddr>,
    /// The address that peers are told; needed if `address` is a wildcard or behind a translator.
    pub advertise: Option<Placed<SocketAddr>>,
}

/// `[softphones]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftphonesSection {
    /// Networks from which softphones may register; others get no answer at all.
    #[schemars(with = "Vec<String>")]
    pub networks: Placed<Vec<IpNet>>,
    /// Their SIP profile.
    #[serde(default = "defaults::softphone_profile")]
    pub profile: Placed<String>,
    /// The digest algorithms that are offered, the preferred one first.
    #[serde(default = "defaults::digest")]
    #[schemars(schema_with = "super::words::algorithms")]
    pub digest: Placed<Vec<Algorithm>>,
    /// The shortest registration that is accepted, in seconds.
    #[serde(default = "defaults::min_expires_s")]
    pub min_expires_s: Placed<u32>,
    /// The registration given to a softphone that asks for none, in seconds.
    #[serde(default = "defaults::default_expires_s")]
    pub default_expires_s: Placed<u32>,
    /// The longest registration that is given, in seconds.
    #[serde(default = "defaults::max_expires_s")]
    pub max_expires_s: Placed<u32>,
}

/// `[media]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaSection {
    /// The address that media sockets are bound to, and our address in SDP.
    pub address: Placed<IpAddr>,
    /// Our address in SDP, if peers see us under another one.
    pub advertise: Option<Placed<IpAddr>>,
    /// The IPv6 address of media, for peers that signal over IPv6; `address` is IPv4 then.
    pub ipv6_address: Option<Placed<IpAddr>>,
    /// The first RTP port, even.
    #[serde(default = "defaults::first_port")]
    pub first_port: Placed<u16>,
    /// The last port, odd: the RTCP port of the last pair.
    #[serde(default = "defaults::last_port")]
    pub last_port: Placed<u16>,
    /// Threads that carry sound; 0 takes one for two processors.
    #[serde(default = "defaults::workers")]
    pub workers: Placed<u16>,
    /// The folder of WAV prompts, relative to this file.
    #[serde(default = "defaults::prompts")]
    pub prompts: Placed<String>,
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    /// Calls at a time.
    pub calls: Placed<u32>,
    /// Calls of the above that only emergency hotlines may use.
    pub emergency_reserve: Placed<u32>,
    /// Stream connections at a time.
    pub connections: Placed<u32>,
    /// Stream connections of one address at a time.
    pub connections_per_address: Placed<u32>,
    /// How long calls may go on after SIGTERM, in seconds; those that are left then are hung up.
    pub shutdown_s: Placed<u32>,
}

/// `[admin]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdminSection {
    /// Where `/metrics`, `/healthz`, `/readyz` and `/v1/admin` are served: a loopback address.
    pub listen: Placed<SocketAddr>,
}

/// `[store]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSection {
    /// The folder of the databases, relative to this file. It is made if it is not there, and one daemon at a time has it.
    pub folder: Placed<String>,
    /// Space that is kept on the disk for the outbox, in MB: given up when the disk is full. 0 keeps none.
    pub ballast_mb: Placed<u32>,
    /// Entries that wait in memory while the disk takes none. Further ones are lost, which is counted.
    pub waiting_entries: Placed<u32>,
    /// How long events that a ticket store has taken, and the facts of calls, are kept, in days. What no ticket store
    /// has taken never expires.
    pub keep_days: Placed<u32>,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: Placed<LogLevel>,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Only errors.
    Error,
    /// And warnings.
    Warn,
    /// And what happened to calls.
    Info,
    /// And every message's outline.
    Debug,
    /// And everything.
    Trace,
}

/// `[files]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct FilesSection {
    /// The trunks, relative to this file.
    pub(in crate::config) trunks: Placed<String>,
    /// The hotlines, relative to this file.
    pub(in crate::config) hotlines: Placed<String>,
    /// Groups and agents, relative to this file.
    pub(in crate::config) agents: Placed<String>,
    /// The folder of SIP profiles, relative to this file.
    pub(in crate::config) profiles: Placed<String>,
    /// The territories, relative to this file; territories.toml if there is one.
    pub(in crate::config) territories: Option<Placed<String>>,
    /// The table of regions, relative to this file; regions.csv if there is one.
    pub(in crate::config) regions: Option<Placed<String>>,
    /// The codes that regions had, relative to this file; regions-old.csv if there is one.
    pub(in crate::config) former_regions: Option<Placed<String>>,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            calls: defaults::nowhere(2_000),
            emergency_reserve: defaults::nowhere(200),
            connections: defaults::nowhere(4_000),
            connections_per_address: defaults::nowhere(64),
            shutdown_s: defaults::nowhere(30),
        }
    }
}

impl Default for AdminSection {
    fn default() -> Self {
        Self { listen: defaults::nowhere(SocketAddr::from(([127, 0, 0, 1], 9464))) }
    }
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            folder: defaults::nowhere("data".to_owned()),
            ballast_mb: defaults::nowhere(64),
            waiting_entries: defaults::nowhere(20_000),
            keep_days: defaults::nowhere(400),
        }
    }
}

impl Default for LogSection {
    fn default() -> Self {
        Self { level: defaults::nowhere(LogLevel::Info) }
    }
}

impl Default for FilesSection {
    fn default() -> Self {
        Self {
            trunks: defaults::nowhere("trunks.toml".to_owned()),
            hotlines: defaults::nowhere("hotlines.toml".to_owned()),
            agents: defaults::nowhere("agents.toml".to_owned()),
            profiles: defaults::nowhere("../sip-profiles".to_owned()),
            territories: None,
            regions: None,
            former_regions: None,
        }
    }
}
