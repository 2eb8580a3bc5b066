//! One contact of an agent.

use std::time::Duration;

use bytes::Bytes;

use super::super::fact::ContactRoute;
use super::super::flow::Flow;
use super::super::message::NameAddr;
use crate::base::time::Instant;

/// A contact as a REGISTER asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contact {
    /// Its address with all parameters, without `expires`.
    pub(super) address: NameAddr,
    /// How long it is to live; zero removes it.
    pub(super) lifetime: Duration,
    /// q in thousandths (RFC 3261 20.10).
    pub(super) preference: u16,
}

/// Which REGISTER wrote a binding: the same Call-ID must come with a higher number (RFC 3261 10.3, step 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) call_id: Bytes,
    pub(super) cseq: u32,
}

/// A contact that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) address: NameAddr,
    pub(super) preference: u16,
    pub(super) flow: Flow,
    pub(super) order: Order,
    pub(super) expires_at: Instant,
}

impl Order {
    /// Whether a REGISTER with `later` must not touch what this one wrote.
    pub(super) fn forbids(&self, later: &Self) -> bool {
        self.call_id == later.call_id && later.cseq <= self.cseq
    }
}

impl Binding {
    pub(super) fn new(contact: Contact, order: Order, now: Instant, flow: Flow) -> Self {
        Self {
            address: contact.address,
            preference: contact.preference,
            flow,
            order,
            expires_at: now + contact.lifetime,
        }
    }

    /// Whether `contact` is this binding again: an equivalent URI, or the same instance of a telephone under another
    /// address, which it has after a restart (RFC 5626 6).
    pub(super) fn is_same(&self, contact: &Contact) -> bool {
        let (ours, theirs) = (&self.address.params, &contact.address.params);
        let instance = theirs.value("+sip.instance");
        self.address.uri.equivalent(&contact.address.uri)
            || (instance.is_some()
                && ours.value("+sip.instance") == instance
                && ours.value("reg-id") == theirs.value("reg-id"))
    }

    /// The value of the Contact header that lists it, with the seconds left.
    pub(super) fn listed(&self, now: Instant) -> Bytes {
        let mut address = self.address.clone();
        // At least 1: a contact listed with 0 would read as removed (RFC 3261 10.3, step 8).
        let left = (self.expires_at - now).as_secs().max(1);
        address.params.set("expires", Some(left.to_string().into()));
        address.to_bytes()
    }

    /// How calls reach it. The escaped headers of the URI are not for us to obey.
    pub(super) fn route(&self) -> ContactRoute {
        ContactRoute { uri: self.address.uri.clone().without_headers(), flow: self.flow }
    }
}
