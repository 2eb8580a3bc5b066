//! Whose number is shown (携号): which of a peer's claims about the caller is believed.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::config::Trust;
use crate::base::ids::AgentId;
use crate::base::pii::Pii;

/// The longest user part that is taken for a number, in bytes: a telephone number has at most 15 digits (E.164).
const MAX_NUMBER: usize = 64;

/// The longest display name that is passed on, in bytes.
const MAX_DISPLAY: usize = 128;

/// The caller's number: set once, where the call comes in, and owned by the call, never by a leg (trap T21).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerId {
    /// The number as the network wrote it. Empty if the network gave none.
    pub number: Pii,
    /// The name, as its bytes came.
    pub display: Option<DisplayName>,
    /// Whether everybody may see it.
    pub presentation: Presentation,
    /// Who vouches for it.
    pub source: Source,
}

/// A display name: any bytes (GB18030 as often as UTF-8), passed on unchanged, and personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DisplayName(Bytes);

impl DisplayName {
    /// Takes a name into custody. `None` when it is empty, too long, or would break a header line.
    pub fn new(name: Bytes) -> Option<Self> {
        let printable = !name.iter().any(|byte| matches!(byte, 0..=0x1f | 0x7f));
        (!name.is_empty() && name.len() <= MAX_DISPLAY && printable).then_some(Self(name))
    }

    /// The name's bytes, for the wire only.
    pub fn reveal(&self) -> &Bytes {
        &self.0
    }
}

impl std::fmt::Debug for DisplayName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DisplayName(****)")
    }
}

/// Whether a number may be shown (RFC 3323).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presentation {
    /// To everybody.
    #[default]
    Allowed,
    /// Only within the trust domain (I22).
    Restricted,
}

/// Who vouches for a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// P-Asserted-Identity of a trusted trunk (RFC 3325).
    Asserted,
    /// From: the peer's word.
    From,
    /// The softphone's digest: the agent's own number.
    Registered,
}

/// What an INVITE says about its caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// From.
    pub from: Claim,
    /// P-Asserted-Identity, in order: up to one sip: and one tel: URI.
    pub asserted: Vec<Claim>,
    /// Privacy.
    pub presentation: Presentation,
}

/// One name-addr.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The user part of a sip: URI or the number of a tel: URI, decoded.
    pub number: Bytes,
    /// The display name.
    pub display: Option<Bytes>,
}

impl Claim {
    fn number(&self) -> Option<&str> {
        let number = std::str::from_utf8(&self.number).ok()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '#' | '-' | '.' | '_');
        (!number.is_empty() && number.len() <= MAX_NUMBER && number.chars().all(plain)).then_some(number)
    }

    fn is_dialable(&self) -> bool {
        self.number().is_some_and(|number| {
            let digits = number.strip_prefix('+').unwrap_or(number);
            !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
        })
    }
}

impl CallerId {
    /// What is believed of `claims` when they come over a trunk.
    ///
    /// Inside the trust domain the network's assertion beats From; of two assertions the one that can be dialled.
    /// Outside it an assertion is as if it were not there (I23, V17).
    pub fn over_trunk(claims: &Claims, trust: Trust) -> Self {
        let asserted = match trust {
            Trust::Trusted => {
                claims.asserted.iter().find(|claim| claim.is_dialable()).or_else(|| claims.asserted.first())
            }
            Trust::Untrusted => None,
        };
        let (claim, source) = match asserted.filter(|claim| claim.number().is_some()) {
            Some(claim) => (claim, Source::Asserted),
            None => (&claims.from, Source::From),
        };
        Self {
            number: Pii::new(claim.number().unwrap_or_default()),
            display: claim.display.clone().or_else(|| claims.from.display.clone()).and_then(DisplayName::new),
            presentation: claims.presentation,
            source,
        }
    }

    /// The identity of a registered softphone: its agent's number, whatever it claims (V17).
    pub fn of_agent(agent: &AgentId) -> Self {
        Self {
            number: Pii::new(agent.as_str()),
            display: None,
            presentation: Presentation::Allowed,
            source: Source::Registered,
        }
    }

    /// Whether a peer with that trust may see the number (I22).
    pub fn visible_to(&self, trust: Trust) -> bool {
        match (self.presentation, trust) {
            (Presentation::Allowed, _) | (Presentation::Restricted, Trust::Trusted) => !self.number.reveal().is_empty(),
            (Presentation::Restricted, Trust::Untrusted) => false,
        }
    }
}
