//! What may stand in the files. A value that a later check may complain about carries its place (`Spanned`).

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use crate::routing::config::{PeerClass, Priority, Trust};
use crate::sip::auth::Algorithm;

// === config/lianxian.toml ===

/// `lianxian.toml`: the daemon itself.
#[derive(Clone, Debug, Deserialize)]
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
    /// The administrators' listener.
    #[serde(default)]
    pub admin: AdminSection,
    /// The log.
    #[serde(default)]
    pub log: LogSection,
    /// Where the other files are.
    #[serde(default)]
    pub(super) files: FilesSection,
}

/// `[sip]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipSection {
    /// The realm of our digest challenges and the host name in our URIs.
    pub realm: Spanned<String>,
    /// What we listen on.
    pub listen: Spanned<Vec<ListenEntry>>,
}

/// `[[sip.listen]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenEntry {
    /// The transport protocol.
    pub transport: TransportKey,
    /// The address to bind.
    pub address: Spanned<SocketAddr>,
    /// The address that peers are told; needed if `address` is a wildcard or behind a translator.
    pub advertise: Option<Spanned<SocketAddr>>,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportKey {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

/// `[softphones]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftphonesSection {
    /// Networks from which softphones may register; others get no answer at all.
    pub networks: Spanned<Vec<IpNet>>,
    /// Their SIP profile.
    #[serde(default = "defaults::softphone_profile")]
    pub profile: Spanned<String>,
    /// The digest algorithms that are offered, the preferred one first.
    #[serde(default = "defaults::digest")]
    pub digest: Spanned<Vec<Algorithm>>,
    /// The shortest registration that is accepted, in seconds.
    #[serde(default = "defaults::min_expires_s")]
    pub min_expires_s: Spanned<u32>,
    /// The registration given to a softphone that asks for none, in seconds.
    #[serde(default = "defaults::default_expires_s")]
    pub default_expires_s: Spanned<u32>,
    /// The longest registration that is given, in seconds.
    #[serde(default = "defaults::max_expires_s")]
    pub max_expires_s: Spanned<u32>,
}

/// `[media]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaSection {
    /// The address that media sockets are bound to, and our address in SDP.
    pub address: Spanned<IpAddr>,
    /// Our address in SDP, if peers see us under another one.
    pub advertise: Option<Spanned<IpAddr>>,
    /// The IPv6 address of media, for peers that signal over IPv6; `address` is IPv4 then.
    pub ipv6_address: Option<Spanned<IpAddr>>,
    /// The first RTP port, even.
    #[serde(default = "defaults::first_port")]
    pub first_port: Spanned<u16>,
    /// The last port, odd: the RTCP port of the last pair.
    #[serde(default = "defaults::last_port")]
    pub last_port: Spanned<u16>,
    /// Threads that carry sound; 0 takes one for two processors.
    #[serde(default = "defaults::workers")]
    pub workers: Spanned<u16>,
    /// The folder of WAV prompts, relative to this file.
    #[serde(default = "defaults::prompts")]
    pub prompts: Spanned<String>,
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    /// Calls at a time.
    pub calls: Spanned<u32>,
    /// Calls of the above that only emergency hotlines may use.
    pub emergency_reserve: Spanned<u32>,
    /// Stream connections at a time.
    pub connections: Spanned<u32>,
    /// Stream connections of one address at a time.
    pub connections_per_address: Spanned<u32>,
}

/// `[admin]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminSection {
    /// Where `/metrics`, `/healthz` and `/readyz` are served: a loopback address.
    pub listen: Spanned<SocketAddr>,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: LogLevel,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
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
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FilesSection {
    pub(super) trunks: Spanned<String>,
    pub(super) hotlines: Spanned<String>,
    pub(super) agents: Spanned<String>,
    pub(super) profiles: Spanned<String>,
}

// === config/trunks.toml ===

/// `trunks.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunksFile {
    /// The trunks.
    #[serde(default)]
    pub trunk: Vec<TrunkEntry>,
}

/// `[[trunk]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkEntry {
    /// Its id, used in routes, metrics and records.
    pub id: Spanned<String>,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// What kind of peer it is.
    #[serde(default)]
    pub class: PeerClass,
    /// Its SIP profile.
    #[serde(default = "defaults::trunk_profile")]
    pub profile: Spanned<String>,
    /// The source addresses that are this trunk.
    pub networks: Spanned<Vec<IpNet>>,
    /// The transport of requests to it.
    #[serde(default = "defaults::udp")]
    pub transport: TransportKey,
    /// Where requests to it go, the first first.
    #[serde(default)]
    pub next_hops: Vec<Spanned<SocketAddr>>,
    /// Whether its asserted identities are believed, and ours are told to it (RFC 3325).
    #[serde(default)]
    pub trust: Trust,
    /// Calls at a time.
    #[serde(default = "defaults::trunk_calls")]
    pub calls: Spanned<u32>,
    /// New calls a second, beyond which it is answered 503.
    #[serde(default = "defaults::invites_per_s")]
    pub invites_per_s: Spanned<u32>,
}

// === config/hotlines.toml ===

/// `hotlines.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotlinesFile {
    /// The hotlines.
    #[serde(default)]
    pub hotline: Vec<HotlineEntry>,
}

/// `[[hotline]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotlineEntry {
    /// The number people dial.
    pub number: Spanned<String>,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// Whether it may use the emergency reserve.
    #[serde(default)]
    pub priority: Priority,
    /// 200 and music while waiting, instead of 180 until a person answers.
    #[serde(default)]
    pub answer_on_queue: bool,
    /// How long each party rings, in seconds.
    #[serde(default = "defaults::ring_timeout_s")]
    pub ring_timeout_s: Spanned<u16>,
    /// Who is called, in order, round after round.
    pub plan: Spanned<Vec<Spanned<StepEntry>>>,
}

/// A step of a plan: either a group, or a number on a trunk.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepEntry {
    /// A group of agents: the longest idle first.
    pub group: Option<Spanned<String>>,
    /// A trunk.
    pub trunk: Option<Spanned<String>>,
    /// The number called on the trunk.
    pub number: Option<Spanned<String>>,
}

// === config/agents.toml ===

/// `agents.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentsFile {
    /// The groups.
    #[serde(default)]
    pub group: Vec<GroupEntry>,
    /// The agents.
    #[serde(default)]
    pub agent: Vec<AgentEntry>,
}

/// `[[group]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    /// Its id.
    pub id: Spanned<String>,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
}

/// `[[agent]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentEntry {
    /// The operator's number (工号): the user name of the softphone.
    pub number: Spanned<String>,
    /// The operator's name.
    #[serde(default)]
    pub name: String,
    /// The groups.
    pub groups: Vec<Spanned<String>>,
    /// `"${NAME}"`: the password is the environment variable NAME.
    pub(super) secret: Option<Spanned<String>>,
    /// The password is the first line of this file, relative to `lianxian.toml`.
    pub(super) secret_file: Option<Spanned<String>>,
    /// The digests of `user:realm:password`.
    pub(super) ha1: Option<Spanned<Ha1Keys>>,
}

/// `ha1 = { md5 = "..", sha256 = ".." }`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ha1Keys {
    pub(super) md5: Option<Spanned<String>>,
    pub(super) sha256: Option<Spanned<String>>,
}

impl std::fmt::Debug for Ha1Keys {
    /// A digest is as good as the password here.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ha1Keys(..)")
    }
}

// === Defaults ===

mod defaults {
    use toml::Spanned;

    use super::{Algorithm, TransportKey};

    /// A default stands nowhere: its place is the start of the file.
    pub(super) fn nowhere<T>(value: T) -> Spanned<T> {
        Spanned::new(0..0, value)
    }

    pub(super) fn softphone_profile() -> Spanned<String> {
        nowhere("softphone".to_owned())
    }

    pub(super) fn trunk_profile() -> Spanned<String> {
        nowhere("generic".to_owned())
    }

    pub(super) fn digest() -> Spanned<Vec<Algorithm>> {
        nowhere(vec![Algorithm::Sha256, Algorithm::Md5])
    }

    pub(super) fn min_expires_s() -> Spanned<u32> {
        nowhere(60)
    }

    pub(super) fn default_expires_s() -> Spanned<u32> {
        nowhere(300)
    }

    pub(super) fn max_expires_s() -> Spanned<u32> {
        nowhere(3600)
    }

    pub(super) fn first_port() -> Spanned<u16> {
        nowhere(20_000)
    }

    pub(super) fn last_port() -> Spanned<u16> {
        nowhere(29_999)
    }

    pub(super) fn workers() -> Spanned<u16> {
        nowhere(0)
    }

    pub(super) fn prompts() -> Spanned<String> {
        nowhere("../prompts".to_owned())
    }

    pub(super) fn udp() -> TransportKey {
        TransportKey::Udp
    }

    pub(super) fn trunk_calls() -> Spanned<u32> {
        nowhere(500)
    }

    pub(super) fn invites_per_s() -> Spanned<u32> {
        nowhere(50)
    }

    pub(super) fn ring_timeout_s() -> Spanned<u16> {
        nowhere(20)
    }
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            calls: defaults::nowhere(2_000),
            emergency_reserve: defaults::nowhere(200),
            connections: defaults::nowhere(4_000),
            connections_per_address: defaults::nowhere(64),
        }
    }
}

impl Default for AdminSection {
    fn default() -> Self {
        Self { listen: defaults::nowhere(SocketAddr::from(([127, 0, 0, 1], 9464))) }
    }
}

impl Default for LogSection {
    fn default() -> Self {
        Self { level: LogLevel::Info }
    }
}

impl Default for FilesSection {
    fn default() -> Self {
        Self {
            trunks: defaults::nowhere("trunks.toml".to_owned()),
            hotlines: defaults::nowhere("hotlines.toml".to_owned()),
            agents: defaults::nowhere("agents.toml".to_owned()),
            profiles: defaults::nowhere("../sip-profiles".to_owned()),
        }
    }
}
