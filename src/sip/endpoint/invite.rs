//! A new INVITE: the limits it meets, and the leg it starts.

use super::identity::speaks_for;
use super::reply::Arrival;
use super::{Endpoint, Then, body};
use crate::base::time::Instant;
use crate::sip::fact::{Event, IncomingInvite, Peer, Urgency};
use crate::sip::message::{Name, Request, Response};
use crate::sip::transaction::key::ServerKey;
use crate::sip::verb::Leg;

/// Max-Forwards of a request that says none (RFC 3261 8.1.1.6).
const DEFAULT_MAX_FORWARDS: u8 = 70;

impl Endpoint {
    /// A new INVITE of an admitted peer.
    pub(super) fn on_invite(&mut self, now: Instant, arrival: &Arrival, key: ServerKey, peer: Peer, request: &Request) {
        if let Peer::Softphone(agent) = &peer
            && !speaks_for(request, agent)
        {
            self.silence(arrival.flow, "foreign_from");
            return self.reply(arrival, request, 403);
        }
        let urgency = self.core.admission.urgency(&peer, request);
        if !self.has_room_for_invite(&peer, urgency) {
            return self.refuse_without_state(arrival, request);
        }
        if !self.fits(self.legs.len(), self.core.limits.legs, urgency) || !self.core.admission.take(now, &peer, urgency)
        {
            return self.refuse_with_state(now, arrival, key, peer, request);
        }
        let replaces = match self.replaced_by(arrival, &peer, request) {
            Ok(replaces) => replaces,
            Err(code) => return self.reply(arrival, request, code),
        };
        let tx = self.open(now, arrival, key, peer.clone(), request);
        // RFC 3261 17.2.1: at once, because what follows may take longer than 200 ms.
        self.core.respond(now, tx, &Response::new(100, request));
        let id = self.number_leg();
        let Some(leg) = Leg::called(&mut self.core, now, id, peer.clone(), arrival.flow, tx, request) else {
            let mut response = Response::new(400, request);
            self.tag_without_state(&mut response);
            self.core.respond(now, tx, &response);
            return;
        };
        self.keep(leg);
        let max_forwards = request.headers.max_forwards().ok().flatten().unwrap_or(DEFAULT_MAX_FORWARDS);
        let incoming = IncomingInvite {
            leg: id,
            peer,
            flow: arrival.flow,
            request: request.clone(),
            offer: body::session_description(&request.headers, &request.body),
            max_forwards: max_forwards.saturating_sub(1),
            replaces,
            urgency,
        };
        self.core.events.push_back(Event::Incoming(Box::new(incoming)));
    }

    /// Whether there are transactions left for one more INVITE of this peer.
    fn has_room_for_invite(&self, peer: &Peer, urgency: Urgency) -> bool {
        let limits = &self.core.limits;
        self.fits(self.core.transactions.len(), limits.transactions, urgency)
            && self.fits(self.core.transactions.open_of(peer), limits.open_invites_per_peer, urgency)
    }

    /// Whether one more fits: a part of every limit is for the urgent ones (I39).
    fn fits(&self, now: usize, limit: usize, urgency: Urgency) -> bool {
        let kept_back = self.core.admission.kept_back(u32::try_from(limit).unwrap_or(u32::MAX), urgency);
        now < limit.saturating_sub(usize::try_from(kept_back).unwrap_or(limit))
    }

    /// Whether no more state may be kept for anybody.
    pub(super) fn is_full(&self) -> bool {
        self.core.transactions.len() >= self.core.limits.transactions
    }

    /// A refusal that a repetition of the request gets again, whatever has become free meanwhile (RFC 3261 17.2.1).
    fn refuse_with_state(&mut self, now: Instant, arrival: &Arrival, key: ServerKey, peer: Peer, request: &Request) {
        self.silence(arrival.flow, "overload");
        let tx = self.open(now, arrival, key, peer, request);
        let mut response = self.overloaded(request);
        self.tag_without_state(&mut response);
        self.core.respond(now, tx, &response);
    }

    /// A refusal that leaves nothing behind, where there is no room for more (V50).
    pub(super) fn refuse_without_state(&mut self, arrival: &Arrival, request: &Request) {
        self.silence(arrival.flow, "overload");
        let response = self.overloaded(request);
        self.reply_with(arrival, response, Then::Keep);
    }

    fn overloaded(&self, request: &Request) -> Response {
        let mut response = Response::new(503, request);
        response.headers.push(Name::RetryAfter, self.core.limits.retry_after.as_secs().to_string());
        response
    }
}
