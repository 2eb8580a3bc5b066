//! What a REGISTER asks for, and what is wrong with it (RFC 3261 10.3, steps 5 to 7).

use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use super::super::fact::Event;
use super::super::message::{Contacts, HeaderError, Name, NameAddr, Request, Scheme};
use super::binding::{Contact, Order};
use super::{Outcome, Settings};
use crate::base::ids::AgentId;

/// The longest contact that is kept, in bytes.
const MAX_CONTACT: usize = 1024;

/// What a REGISTER asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// To be told the bindings.
    Nothing,
    /// To remove all bindings.
    RemoveAll { order: Order },
    /// To add, refresh or remove these.
    Bind { order: Order, contacts: Vec<Contact> },
}

/// Why a REGISTER is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Refusal {
    /// To is no SIP address of record.
    #[error("To is no SIP address")]
    NoAddressOfRecord,
    /// To is somebody else's.
    #[error("To is another agent's address")]
    NotItsOwn,
    /// A header that we need is malformed.
    #[error(transparent)]
    Malformed(#[from] HeaderError),
    /// `*` without `Expires: 0`.
    #[error("`*` without Expires: 0")]
    StarAlive,
    /// More contacts than an agent may have, or a longer one than is kept, or one that is no SIP URI.
    #[error("a contact that cannot be kept")]
    Unkeepable,
    /// Shorter than we allow.
    #[error("too brief")]
    TooBrief,
    /// An older REGISTER has overtaken a newer one.
    #[error("out of order")]
    OutOfOrder,
}

impl Refusal {
    /// The answer.
    pub(super) fn outcome(&self, settings: &Settings, event: Option<Event>) -> Outcome {
        let code = match self {
            Self::NoAddressOfRecord | Self::Malformed(_) | Self::StarAlive | Self::Unkeepable => 400,
            Self::NotItsOwn => 403,
            Self::TooBrief => 423,
            Self::OutOfOrder => 500,
        };
        let headers = match self {
            Self::TooBrief => {
                vec![(Name::MinExpires, Bytes::from(settings.expires_min.as_secs().to_string()))]
            }
            Self::NoAddressOfRecord
            | Self::NotItsOwn
            | Self::Malformed(_)
            | Self::StarAlive
            | Self::Unkeepable
            | Self::OutOfOrder => Vec::new(),
        };
        Outcome { code, headers, event }
    }
}

/// Reads a REGISTER of `agent`.
pub(super) fn read(request: &Request, agent: &AgentId, settings: &Settings) -> Result<Change, Refusal> {
    let to = request.headers.to()?.uri;
    if !is_sip(to.scheme()) {
        return Err(Refusal::NoAddressOfRecord);
    }
    // Whatever the domain: an agent's number is one of a kind here, and telephones write our address or our name.
    if to.user().as_deref() != Some(agent.as_str().as_bytes()) {
        return Err(Refusal::NotItsOwn);
    }
    let order = Order { call_id: request.headers.call_id()?, cseq: request.headers.cseq()?.number };
    match request.headers.contacts_or_star()? {
        Contacts::Star if request.headers.expires() == Some(0) => Ok(Change::RemoveAll { order }),
        Contacts::Star => Err(Refusal::StarAlive),
        Contacts::List(list) if list.is_empty() => Ok(Change::Nothing),
        Contacts::List(list) if list.len() > settings.contacts_max => Err(Refusal::Unkeepable),
        Contacts::List(list) => {
            let read = |address| contact(address, request.headers.expires(), settings);
            Ok(Change::Bind { order, contacts: list.into_iter().map(read).collect::<Result<_, _>>()? })
        }
    }
}

fn contact(mut address: NameAddr, header: Option<u32>, settings: &Settings) -> Result<Contact, Refusal> {
    if !is_sip(address.uri.scheme()) || address.uri.host().is_none() {
        return Err(Refusal::Unkeepable);
    }
    let own = address.params.get("expires").map(|value| value.map(|digits| seconds(digits)));
    let preference = address.params.value("q").map_or(1000, |text| thousandths(text));
    address.params.remove("expires");
    if address.to_bytes().len() > MAX_CONTACT {
        return Err(Refusal::Unkeepable);
    }
    let asked = match (own, header) {
        // RFC 3261 10.2.1.1: a malformed expires parameter counts as 3600.
        (Some(seconds), _) => Some(seconds.flatten().unwrap_or(3600)),
        (None, header) => header,
    };
    let asked = asked.map_or(settings.expires_default, |seconds| Duration::from_secs(u64::from(seconds)));
    if !asked.is_zero() && asked < settings.expires_min {
        return Err(Refusal::TooBrief);
    }
    Ok(Contact { address, lifetime: asked.min(settings.expires_max), preference })
}

fn is_sip(scheme: &Scheme) -> bool {
    match scheme {
        Scheme::Sip | Scheme::Sips => true,
        Scheme::Tel | Scheme::Other(_) => false,
    }
}

/// A number of seconds; what is too large for the type is the largest (RFC 3261 20.19). `None` if it is no number.
fn seconds(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(std::str::from_utf8(digits).ok()?.parse().unwrap_or(u32::MAX))
}

/// A q-value: `1`, `0.7`, `0.125`. What is none counts as 1, as if it were absent.
fn thousandths(text: &[u8]) -> u16 {
    let value = std::str::from_utf8(text).ok().and_then(|text| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
        let fraction: u16 = format!("{fraction:0<3}").parse().ok().filter(|_| digits)?;
        match (whole, fraction) {
            ("0", fraction) => Some(fraction),
            ("1", 0) => Some(1000),
            _ => None,
        }
    });
    value.unwrap_or(1000)
}
