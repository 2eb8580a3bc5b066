//! What may stand in the files: one file here for each of theirs.
//!
//! Decides: which keys exist, their types and what they default to; the doc comment of a row is what operators read.
//! Invariants: a value that a later check may complain about carries its place ([`Placed`](super::Placed)); unknown keys are refused.
//! Does not do: checks (`config/check`), or the translation to the folders' settings (`config/settings`).

mod agents;
mod hotlines;
mod http;
mod lianxian;
mod mapping;
mod profile;
mod territories;
mod ticket_store;
mod trunks;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use agents::Ha1Keys;
pub use agents::{AgentEntry, AgentsFile, GroupEntry};
pub use hotlines::{FeatureCodeEntry, HotlineEntry, HotlinesFile, StepEntry};
pub use http::{HttpSection, NumbersKey, RoleKey, TokenEntry};
pub use lianxian::{
    AdminSection, LimitsSection, ListenEntry, LogLevel, LogSection, MainFile, MediaSection, SipSection,
    SoftphonesSection, StoreSection,
};
pub use mapping::{BlanksKey, MappedField, MappingFile, OneOrMore, TimeKey};
pub use profile::{InboundTable, OutboundTable, ProfileFile};
pub use territories::{RegionEntry, TargetEntry, TerritoriesFile, TerritoryEntry, ViaEntry};
pub use ticket_store::{AuthKey, ConflictKey, SuccessKey, TicketStoreEntry};
pub use trunks::{CalledEntry, NextHop, NextHopRow, TrunkEntry, TrunksFile};

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransportKey {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

mod defaults {
    use super::TransportKey;
    use crate::config::Placed;
    use crate::sip::auth::Algorithm;

    /// A default stands nowhere: its place is the start of the file.
    pub(super) fn nowhere<T>(value: T) -> Placed<T> {
        Placed::nowhere(value)
    }

    pub(super) fn http_listen() -> Placed<std::net::SocketAddr> {
        nowhere(([127, 0, 0, 1], 8080).into())
    }

    pub(super) fn softphone_profile() -> Placed<String> {
        nowhere("softphone".to_owned())
    }

    pub(super) fn trunk_profile() -> Placed<String> {
        nowhere("generic".to_owned())
    }

    pub(super) fn digest() -> Placed<Vec<Algorithm>> {
        nowhere(vec![Algorithm::Sha256, Algorithm::Md5])
    }

    pub(super) fn min_expires_s() -> Placed<u32> {
        nowhere(60)
    }

    pub(super) fn default_expires_s() -> Placed<u32> {
        nowhere(300)
    }

    pub(super) fn max_expires_s() -> Placed<u32> {
        nowhere(3600)
    }

    pub(super) fn first_port() -> Placed<u16> {
        nowhere(20_000)
    }

    pub(super) fn last_port() -> Placed<u16> {
        nowhere(29_999)
    }

    pub(super) fn workers() -> Placed<u16> {
        nowhere(0)
    }

    pub(super) fn prompts() -> Placed<String> {
        nowhere("../prompts".to_owned())
    }

    pub(super) fn udp() -> TransportKey {
        TransportKey::Udp
    }

    pub(super) fn trunk_calls() -> Placed<u32> {
        nowhere(500)
    }

    pub(super) fn options_interval_s() -> Placed<u32> {
        nowhere(5)
    }

    pub(super) const fn weight() -> u16 {
        1
    }

    pub(super) fn invites_per_s() -> Placed<u32> {
        nowhere(50)
    }

    pub(super) fn connect_timeout_s() -> Placed<u16> {
        nowhere(5)
    }

    pub(super) fn timeout_s() -> Placed<u16> {
        nowhere(30)
    }

    pub(super) fn in_flight() -> Placed<u16> {
        nowhere(8)
    }

    pub(super) fn ticket_store() -> Placed<String> {
        nowhere(crate::tickets::parcel::BUILTIN.to_owned())
    }

    pub(super) fn ring_timeout_s() -> Placed<u16> {
        nowhere(20)
    }
}
