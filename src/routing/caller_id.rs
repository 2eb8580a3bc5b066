//! Whose number is shown (携号): which of a peer's claims about the caller is believed.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::chain::{self, Hop};
use super::claims::{Claim, Claims, PrivacyWords};
use super::config::Trust;
use super::profile::{CallerFrom, Inbound};
use crate::base::ids::AgentId;
use crate::base::number::{Form, Number};
use crate::base::pii::Pii;

/// The longest display name that is passed on, in bytes.
const MAX_DISPLAY: usize = 128;

/// The caller's identity: set once, where the call comes in, and owned by the call, never by a leg (trap T21).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerId {
    /// The number as the network wrote it. Empty if the network gave none.
    pub number: Pii,
    /// The same, normalised.
    pub normal: Number,
    /// The name, as its bytes came.
    pub display: Option<DisplayName>,
    /// Whether everybody may see it.
    pub presentation: Presentation,
    /// What the caller asked for in words.
    pub privacy: PrivacyWords,
    /// Who vouches for it.
    pub source: Source,
    /// The numbers through which the call came to us, the number called first standing first (trap T56).
    pub chain: Vec<Hop>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// P-Asserted-Identity of a trusted trunk (RFC 3325).
    Asserted,
    /// P-Preferred-Identity of a trusted trunk.
    Preferred,
    /// Remote-Party-ID of a trusted trunk.
    RemoteParty,
    /// Diversion of a trusted trunk: the telephone that forwards.
    Diversion,
    /// From: the peer's word.
    From,
    /// The softphone's digest: the agent's own number.
    Registered,
}

impl CallerId {
    /// What is believed of `claims` when they come over a trunk. `area` is the trunk's area code.
    ///
    /// Inside the trust domain the sources are asked in the profile's order, and the first that gives a number is
    /// believed; of two values of one header (sip: and tel:, RFC 3325 9.1) the one that can be dialled. Outside it only
    /// From is looked at: everything else is as if it were not there (I23, V17).
    pub fn over_trunk(claims: &Claims, inbound: &Inbound, trust: Trust, area: Option<&str>) -> Self {
        let from = [CallerFrom::From];
        let (order, chain) = match trust {
            Trust::Trusted => (inbound.caller_from.as_slice(), chain::read(&claims.diversions, &claims.history, area)),
            Trust::Untrusted => (from.as_slice(), Vec::new()),
        };
        let found = order.iter().find_map(|source| candidate(claims, *source));
        let (claim, source) = found.unwrap_or((&claims.from, Source::From));
        let number = claim.number().unwrap_or_default();
        // The name `Anonymous` of a From that withholds is nobody's name.
        let name_of_from = claims.from.display.as_ref().filter(|_| !claims.from.is_anonymous());
        let private_party = source == Source::RemoteParty && claims.remote_party.iter().any(|party| party.private);
        let restricted = claims.privacy.withhold() || claims.from.is_anonymous() || private_party;
        Self {
            number: Pii::new(number),
            normal: Number::parse(number, area),
            display: claim
                .display
                .as_ref()
                .filter(|_| !claim.is_anonymous())
                .or(name_of_from)
                .cloned()
                .and_then(DisplayName::new),
            presentation: if restricted { Presentation::Restricted } else { Presentation::Allowed },
            privacy: claims.privacy.clone(),
            source,
            chain,
        }
    }

    /// The identity of a registered softphone: its agent's number, whatever it claims (V17).
    pub fn of_agent(agent: &AgentId) -> Self {
        Self { source: Source::Registered, ..Self::plain(agent.as_str()) }
    }

    /// A number that everybody may see, as a trusted network would have asserted it: for a dry run.
    pub fn plain(number: &str) -> Self {
        Self {
            number: Pii::new(number),
            normal: Number::parse(number, None),
            display: None,
            presentation: Presentation::Allowed,
            privacy: PrivacyWords::default(),
            source: Source::Asserted,
            chain: Vec::new(),
        }
    }

    /// Whether a text is this caller's number, however a network writes it; `area` is the area code of whoever says it.
    pub fn is_called(&self, text: &str, area: Option<&str>) -> bool {
        let normal = Number::parse(text, area);
        normal.form() != Form::Withheld && (self.number.reveal() == text || self.normal == normal)
    }

    /// Whether a peer with that trust may see the number (I22).
    pub fn visible_to(&self, trust: Trust) -> bool {
        match (self.presentation, trust) {
            (Presentation::Allowed, _) | (Presentation::Restricted, Trust::Trusted) => !self.number.reveal().is_empty(),
            (Presentation::Restricted, Trust::Untrusted) => false,
        }
    }
}

/// What one source says, if it says a number.
fn candidate(claims: &Claims, source: CallerFrom) -> Option<(&Claim, Source)> {
    match source {
        CallerFrom::Pai => Some((best(claims.asserted.iter())?, Source::Asserted)),
        CallerFrom::Ppi => Some((best(claims.preferred.iter())?, Source::Preferred)),
        CallerFrom::Rpid => Some((best(claims.remote_party.iter().map(|party| &party.claim))?, Source::RemoteParty)),
        CallerFrom::From => Some((best(std::iter::once(&claims.from))?, Source::From)),
        CallerFrom::Diversion => {
            Some((best(claims.diversions.iter().take(1).map(|diversion| &diversion.by))?, Source::Diversion))
        }
    }
}

fn best<'a>(claims: impl Iterator<Item = &'a Claim>) -> Option<&'a Claim> {
    let claims: Vec<&Claim> = claims.filter(|claim| claim.number().is_some()).collect();
    claims.iter().find(|claim| claim.is_dialable()).or_else(|| claims.first()).copied()
}
