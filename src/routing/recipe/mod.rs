//! What a new leg shows of the caller (携号转接): identity and profile in, the parts of an INVITE out.
//!
//! Decides: whose number stands in From, P-Asserted-Identity, P-Preferred-Identity and Remote-Party-ID, and in which
//! form; which of Diversion, History-Info, Privacy, Referred-By, User-to-User, Call-Info and configured headers go
//! with it.
//! Invariants: the identity is the call's, so that each new leg, first dial, failover, restart or transfer, shows the
//! same number (I21, T21, T57, T59); From, P-Asserted-Identity and Remote-Party-ID name the same number unless the
//! profile asks for the trunk's own one in From (T20); a withheld number stands nowhere in what goes to an untrusted
//! trunk (I22, T9); P-Asserted-Identity follows the trust of the trunk and nothing else (T54); nothing is copied from
//! the caller's INVITE but through [`CallerId`] (I23).
//! Does not do: SIP text (the call writes it), codecs, routes. Used by the call for each leg that it dials, and by
//! `lianxian route`.

mod address;
mod context;
mod identity;
mod number;
mod trail;

use serde::{Deserialize, Serialize};

use super::caller_id::{CallerId, Presentation};
use super::config::{Subscription, Trust};
use super::decision::Referral;
use super::profile::{NumberForm, Outbound};
use crate::base::ids::{AgentId, CallId, HotlineId};
use crate::base::pii::Pii;

pub use address::{Address, Target};
pub use context::linkage_of;

/// Everything that a recipe is cooked from.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The recipe.
    pub outbound: &'a Outbound,
    /// Whether the peer is in our trust domain.
    pub trust: Trust,
    /// What the operator of the trunk has given us; empty for a softphone.
    pub subscription: &'a Subscription,
    /// Our host name.
    pub house: &'a str,
    /// Who is called.
    pub called: Called<'a>,
    /// The caller.
    pub caller: &'a CallerId,
    /// Whose number is to be shown.
    pub showing: Showing,
    /// The hotline that was dialled.
    pub hotline: &'a HotlineId,
    /// Who hands the call over, if it is handed over.
    pub referral: Option<&'a Referral>,
    /// The territory of the matter.
    pub territory: Option<&'a str>,
    /// What joins the records of both sides (`linkage_id`): the call's own id.
    pub linkage: CallId,
}

/// Who is called.
#[derive(Clone, Copy, Debug)]
pub enum Called<'a> {
    /// An agent, at the contact that the softphone registered.
    Agent(&'a AgentId),
    /// A number at a trunk.
    Number {
        /// As the configuration writes it.
        number: &'a str,
        /// The host of the trunk's next hop.
        host: &'a str,
        /// Its port.
        port: u16,
    },
}

/// Whose number a leg is to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Showing {
    /// The citizen's.
    #[default]
    Citizen,
    /// The trunk's own, after the peer has refused the citizen's ([`Outbound::refuses_number`]); the citizen's goes
    /// into the profile's extra header and into the record.
    OwnNumber,
}

/// The parts of an INVITE that a recipe decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// The Request-URI. `None`: the contact as it was registered.
    pub request_uri: Option<Target>,
    /// From, without tag.
    pub from: Address,
    /// To.
    pub to: Address,
    /// The headers, in the order in which they are written.
    pub headers: Vec<Line>,
    /// What of it the record keeps.
    pub summary: Summary,
}

/// One header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// The value of a header.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// A name and a URI.
    Address(Address),
    /// Any other text, without control characters.
    Text(String),
}

impl std::fmt::Debug for Value {
    /// Either may hold the citizen's number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Text(text) => write!(f, "<{} bytes>", text.len()),
        }
    }
}

/// What was shown to one peer: kept in the record (R2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What stood in From.
    pub shown: Shown,
    /// The number in From, as written there; prints masked. Empty if there was none.
    pub number: Pii,
    /// The headers that named the citizen's number, in their order.
    pub carried_by: Vec<String>,
}

/// What was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// The citizen's number.
    Number,
    /// The trunk's own number, because its profile asks for it.
    OwnNumber,
    /// The trunk's own number, because the peer had refused the citizen's.
    OwnNumberAfterRefusal,
    /// Nobody: the number is withheld.
    Withheld,
    /// Nobody: the network gave none.
    Unknown,
}

/// Cooks the recipe.
pub fn present(occasion: &Occasion<'_>) -> Presented {
    let who = identity::Who::of(occasion);
    let mut headers = identity::lines(occasion, who);
    headers.extend(trail::lines(occasion));
    headers.extend(context::lines(occasion, who));
    let from = identity::from(occasion, who);
    let summary = summarise(occasion, who, &from, &headers);
    Presented { request_uri: number::request_uri(occasion), from, to: number::to(occasion), headers, summary }
}

fn summarise(occasion: &Occasion<'_>, who: identity::Who, from: &Address, headers: &[Line]) -> Summary {
    let number = from.target.number();
    let citizen = number::callers(occasion);
    let names = |line: &&Line| !citizen.is_empty() && line.value.names(&citizen);
    let in_from = (!citizen.is_empty() && number == citizen).then(|| "From".to_owned());
    let carried_by = in_from.into_iter().chain(headers.iter().filter(names).map(|line| line.name.clone())).collect();
    Summary { shown: identity::shown(occasion, who, from), number: Pii::new(number), carried_by }
}

impl Value {
    /// Whether it holds this number.
    fn names(&self, number: &str) -> bool {
        match self {
            Self::Address(address) => address.target.number() == number,
            Self::Text(text) => text.contains(number),
        }
    }
}

impl Occasion<'_> {
    /// Whether the caller has asked not to be shown.
    const fn is_restricted(&self) -> bool {
        matches!(self.caller.presentation, Presentation::Restricted)
    }

    /// The host of our numbers at this peer.
    fn domain(&self) -> &str {
        self.subscription.domain.as_deref().unwrap_or(self.house)
    }

    /// The trunk's own number, written as the profile says.
    fn own_number(&self) -> Option<String> {
        let own = self.subscription.number.as_deref()?;
        Some(number::form(self, own, self.outbound.caller_number))
    }

    /// The form of called numbers.
    const fn called_form(&self) -> NumberForm {
        self.outbound.called_number
    }
}
