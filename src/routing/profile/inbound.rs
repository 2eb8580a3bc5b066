//! How a kind of peer tells us who calls.

use serde::{Deserialize, Serialize};

/// `[inbound]` of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inbound {
    /// Where the caller's number is looked for, in this order. All but `from` are believed of a trusted trunk only.
    pub caller_from: Vec<CallerFrom>,
}

impl Default for Inbound {
    fn default() -> Self {
        Self { caller_from: vec![CallerFrom::Pai, CallerFrom::From] }
    }
}

/// A header that names the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerFrom {
    /// P-Asserted-Identity (RFC 3325).
    Pai,
    /// From.
    From,
    /// Remote-Party-ID of the calling party (draft-ietf-sip-privacy-04).
    Rpid,
    /// P-Preferred-Identity (RFC 3325).
    Ppi,
    /// The topmost Diversion (RFC 5806): gateways that put the number of the telephone that forwards there.
    Diversion,
}
