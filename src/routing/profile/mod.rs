//! How one kind of peer behaves: a file of `sip-profiles/`.
//!
//! Decides: which knobs there are, and what they are when nobody turns them.
//! Invariants: a profile holds what is the same for every peer of a kind; what belongs to one trunk (its numbers, its
//! domain, its trust) stands in `trunks.toml`.
//! Does not do: anything. [`super::caller_id`] reads [`Inbound`], [`super::recipe`] reads [`Outbound`].

mod inbound;
mod outbound;

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::base::ids::ProfileId;

pub use inbound::{CallerFrom, Inbound};
pub use outbound::{
    AgentsShow, Asserted, DivertingNumber, FromShows, Names, NumberForm, Outbound, UriForm, WithheldFrom,
};

/// One kind of peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The file's name without `.toml`.
    pub id: ProfileId,
    /// Whose packets are accepted (V3).
    #[serde(default)]
    pub rtp_source: RtpSource,
    /// Where its media may live (V25): no RTP is ever sent outside. Empty: the networks of the trunk's signalling, and
    /// for softphones any unicast address but our own machine's.
    #[serde(default)]
    pub media_networks: Vec<IpNet>,
    /// How long after a new SDP a source may be learned, for `rtp_source = "learn"`, in milliseconds.
    #[serde(default = "learn_window_ms")]
    pub learn_window_ms: u32,
    /// Whether its keys are listened for in the voice where it agreed to no telephone-events.
    #[serde(default)]
    pub inband_keys: bool,
    /// What it is told of a transfer that it asked for by REFER.
    #[serde(default)]
    pub refer_reports: ReferReports,
    /// How it tells us who calls.
    #[serde(default)]
    pub inbound: Inbound,
    /// How we tell it who calls.
    #[serde(default)]
    pub outbound: Outbound,
}

const fn learn_window_ms() -> u32 {
    3_000
}

impl Profile {
    /// A profile with every default.
    pub fn named(id: &str) -> Self {
        Self {
            id: ProfileId::from(id),
            rtp_source: RtpSource::default(),
            media_networks: Vec::new(),
            learn_window_ms: learn_window_ms(),
            inband_keys: false,
            refer_reports: ReferReports::default(),
            inbound: Inbound::default(),
            outbound: Outbound::default(),
        }
    }
}

/// What a telephone is told of a transfer that it asked for by REFER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferReports {
    /// Progress and outcome, as they happen (RFC 3515).
    #[default]
    AsItHappens,
    /// `200 OK` right behind our 202, and nothing more: telephones that mishandle progress (trap T43). It says nothing
    /// about the outcome, and the call is kept all the same until the target has answered.
    SuccessAtOnce,
}

/// Whose packets a leg accepts (V3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RtpSource {
    /// Exactly the signalled address and port.
    Sdp,
    /// The signalled address, any port.
    #[default]
    SameHost,
    /// Any address in the media networks.
    Networks,
    /// The first plausible source after each new SDP, then only that one.
    Learn,
}

/// Whether `address` lies in one of `networks`, an IPv4 address mapped into IPv6 counting as IPv4.
pub fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}
