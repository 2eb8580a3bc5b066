//! `sip-profiles/NAME.toml`: how one kind of peer behaves.

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use crate::routing::profile::RtpSource;

/// `sip-profiles/NAME.toml`: how one kind of peer behaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileFile {
    /// What kind of peer it describes, for people.
    #[serde(default)]
    pub description: String,
    /// Whose RTP is accepted.
    pub rtp_source: RtpSource,
    /// Where its media may live; the trunk's signalling networks if not given.
    pub media_networks: Option<Spanned<Vec<IpNet>>>,
    /// With `rtp_source = "learn"`: how long after a new SDP a source may be learned, in milliseconds.
    pub learn_window_ms: Option<Spanned<u32>>,
}
