//! `lianxian.toml`: the daemon itself.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::{TransportKey, defaults};
use crate::sip::auth::Algorithm;

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
    pub(in crate::config) files: FilesSection,
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
pub(in crate::config) struct FilesSection {
    pub(in crate::config) trunks: Spanned<String>,
    pub(in crate::config) hotlines: Spanned<String>,
    pub(in crate::config) agents: Spanned<String>,
    pub(in crate::config) profiles: Spanned<String>,
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
