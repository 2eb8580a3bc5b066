//! What may stand in the files: one file here for each of theirs.
//!
//! Decides: which keys exist, their types and what they default to; the doc comment of a row is what operators read.
//! Invariants: a value that a later check may complain about carries its place (`Spanned`); unknown keys are refused.
//! Does not do: checks (`config/check`), or the translation to the folders' settings (`config/settings`).

mod agents;
mod hotlines;
mod lianxian;
mod profile;
mod trunks;

use serde::Deserialize;

pub(super) use agents::Ha1Keys;
pub use agents::{AgentEntry, AgentsFile, GroupEntry};
pub use hotlines::{HotlineEntry, HotlinesFile, StepEntry};
pub use lianxian::{
    AdminSection, LimitsSection, ListenEntry, LogLevel, LogSection, MainFile, MediaSection, SipSection,
    SoftphonesSection,
};
pub use profile::ProfileFile;
pub use trunks::{TrunkEntry, TrunksFile};

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportKey {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

mod defaults {
    use toml::Spanned;

    use super::TransportKey;
    use crate::sip::auth::Algorithm;

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
