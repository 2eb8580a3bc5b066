//! Answers: where they go (RFC 3261 18.2, RFC 3581), and those that leave no state behind.

use std::net::SocketAddr;

use bytes::Bytes;

use super::core::DEFAULT_PORT;
use super::{Endpoint, Then, Transmit};
use crate::sip::fact::Observation;
use crate::sip::flow::{Flow, Transport};
use crate::sip::message::{Headers, Name, Request, Response};

/// Where a request came from, and where its response goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// The flow it came over.
    pub(super) flow: Flow,
    /// Where the response goes: always to the source host (V49).
    pub(super) back: Flow,
    /// Where it goes when a stream has been closed: source host and sent-by port.
    pub(super) fallback: SocketAddr,
    /// How many bytes the request had.
    pub(super) bytes: usize,
    /// Whether the sender has proved who it is.
    pub(super) standing: Standing,
}

/// Whether a sender has proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has.
    Proven,
    /// It has not: answers are bounded by the length of the request (V36).
    Unproven,
}

impl Arrival {
    /// Stamps the top Via with what we saw, and works out the way back. `None` without a Via.
    pub(super) fn stamp(headers: &mut Headers, flow: Flow, bytes: usize) -> Option<Self> {
        let mut via = headers.top_via().ok()?;
        let source = flow.remote.ip().to_canonical();
        let port = via.port.unwrap_or(DEFAULT_PORT);
        let asks = via.rport().is_some();
        let elsewhere = via.host.ip().is_none_or(|host| host.to_canonical() != source);
        if asks || elsewhere {
            via.params.set("received", Some(Bytes::from(source.to_string())));
        }
        if asks {
            via.params.set("rport", Some(Bytes::from(flow.remote.port().to_string())));
        }
        if asks || elsewhere {
            headers.remove_first_value(&Name::Via);
            headers.insert_first(Name::Via, via.to_bytes());
        }
        // A copy, because an IPv6 address may need its scope.
        let mut fallback = flow.remote;
        fallback.set_port(port);
        let back = match flow.transport {
            Transport::Tcp => flow,
            Transport::Udp if asks => flow,
            Transport::Udp => Flow { remote: fallback, ..flow },
        };
        Some(Self { flow, back, fallback, bytes, standing: Standing::Unproven })
    }
}

impl Endpoint {
    /// Answers without state. A repetition of the request gets the same again, tag included (RFC 3261 8.2.7).
    pub(super) fn reply(&mut self, arrival: &Arrival, request: &Request, code: u16) {
        let response = Response::new(code, request);
        self.reply_with(arrival, response, Then::Keep);
    }

    /// Answers without state with a response that is complete but for the tag.
    pub(super) fn reply_with(&mut self, arrival: &Arrival, mut response: Response, then: Then) {
        self.tag_without_state(&mut response);
        let wire = match (arrival.standing, arrival.flow.transport) {
            // A stream's source cannot be forged, so that it reflects nothing.
            (Standing::Proven, _) | (Standing::Unproven, Transport::Tcp) => Some(response.to_bytes()),
            (Standing::Unproven, Transport::Udp) => self.core.bounded(&response, arrival.bytes),
        };
        let Some(message) = wire else {
            return self.core.observe(Observation::Refused { flow: arrival.flow, reason: "would_amplify" });
        };
        self.core.observe(Observation::Response { code: response.code, inbound: false });
        self.transmits.push_back(Transmit { flow: arrival.back, message, then });
    }

    pub(super) fn tag_without_state(&self, response: &mut Response) {
        let Ok(mut to) = response.headers.to() else { return };
        if to.tag().is_some() {
            return;
        }
        let mut seed = response.headers.call_id().unwrap_or_default().to_vec();
        if let Ok(via) = response.headers.top_via() {
            seed.extend_from_slice(via.branch().map_or(&[][..], |branch| branch));
        }
        to.set_tag(self.core.mint.stateless_tag(&seed));
        response.headers.set(Name::To, to.to_bytes());
    }
}
