//! `sip-profiles/NAME.toml`: how one kind of peer behaves.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Placed;
use crate::routing::profile::RtpSource;

/// `sip-profiles/NAME.toml`: how one kind of peer behaves.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileFile {
    /// What kind of peer it describes, for people.
    #[serde(default)]
    pub description: String,
    /// Whose RTP is accepted.
    #[schemars(schema_with = "super::words::rtp_source")]
    pub rtp_source: RtpSource,
    /// Where its media may live; the trunk's signalling networks if not given.
    #[schemars(with = "Vec<String>")]
    pub media_networks: Option<Placed<Vec<IpNet>>>,
    /// With `rtp_source = "learn"`: how long after a new SDP a source may be learned, in milliseconds.
    pub learn_window_ms: Option<Placed<u32>>,
}
