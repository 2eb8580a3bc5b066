//! Requests that arrive: from bytes to the leg that they belong to.

use bytes::Bytes;

use super::admission::Source;
use super::identity::Sender;
use super::reply::{Arrival, Standing};
use super::{Endpoint, Reading, Then, screening};
use crate::base::ids::LegId;
use crate::base::time::Instant;
use crate::sip::fact::{Observation, Peer};
use crate::sip::flow::{Flow, Transport};
use crate::sip::message::{Message, Method, Name, Request, Response};
use crate::sip::transaction::key::ServerKey;
use crate::sip::transaction::table::{Fate, Opening, Owner, TxId};
use crate::sip::verb::{self, Input};
use crate::sip::wire::{self, Broken, Defect};

impl Endpoint {
    /// One datagram, or one framed message of a stream, has arrived.
    pub fn receive(&mut self, now: Instant, flow: Flow, bytes: Bytes) {
        let size = bytes.len();
        self.core.admission.expire(now);
        if self.core.admission.source(flow.remote.ip()) == Source::Unknown {
            // Not even parsed: silence costs least and reflects nothing (V10, V18, V36).
            return self.turn_away(flow);
        }
        match wire::parse(bytes, &self.core.limits.message) {
            Ok(Message::Request(request)) => self.on_request(now, flow, request, size),
            Ok(Message::Response(response)) => self.on_response(now, flow, response),
            Err(broken) => self.on_broken(flow, broken, size),
        }
        self.settle(now);
    }

    /// A stream sent something that cannot be framed.
    pub fn receive_broken(&mut self, now: Instant, flow: Flow, broken: Broken) {
        if self.core.admission.source(flow.remote.ip()) == Source::Unknown {
            return self.turn_away(flow);
        }
        self.on_broken(flow, broken, usize::MAX / 2);
        self.settle(now);
    }

    /// Nobody we know: no answer, and on a stream no place among the connections either (V12).
    fn turn_away(&mut self, flow: Flow) {
        self.silence(flow, "unknown_source");
        if flow.connection.is_some() {
            self.disconnects.push_back(flow);
        }
    }

    fn on_broken(&mut self, flow: Flow, broken: Broken, size: usize) {
        if broken.reason == Defect::KeepAlive {
            return;
        }
        self.core.observe(Observation::ParseError { reason: broken.reason.as_str() });
        let Some(mut response) = broken.answer else { return };
        let Some(mut arrival) = Arrival::stamp(&mut response.headers, flow, size) else { return };
        arrival.standing = self.standing(&flow);
        let then = if broken.close && flow.transport == Transport::Tcp { Then::Close } else { Then::Keep };
        self.reply_with(&arrival, *response, then);
    }

    fn standing(&self, flow: &Flow) -> Standing {
        if self.proven(flow).is_some() { Standing::Proven } else { Standing::Unproven }
    }

    fn on_request(&mut self, now: Instant, flow: Flow, mut request: Request, size: usize) {
        self.core.observe(Observation::Request { method: request.method.label(), inbound: true });
        let Some(mut arrival) = Arrival::stamp(&mut request.headers, flow, size) else { return };
        let Some(key) = ServerKey::of(&request) else { return };
        // Outside of the trunks what is malformed is told so (RFC 4475), not asked for a proof, which costs us more.
        let source = self.core.admission.source(flow.remote.ip());
        if source == Source::Softphones && !self.is_well_formed(&arrival, &request) {
            return;
        }
        let peer = match self.identify(now, &mut arrival, &key, &request) {
            Sender::Peer(peer) => peer,
            Sender::Stranger if source == Source::Former => return self.silence(flow, "unknown_source"),
            Sender::Stranger => return self.on_stranger(&arrival, &request),
            Sender::Refused => return,
        };
        match self.core.transactions.receive_request(now, &key, &request, &peer) {
            Fate::Absorbed => return,
            Fate::Foreign => return self.silence(flow, "wrong_source"),
            Fate::Merged => return self.reply(&arrival, &request, 482),
            Fate::Fresh => {}
        }
        if request.method == Method::Ack {
            return self.on_ack(now, flow, &peer, &request);
        }
        if request.method == Method::Cancel {
            return self.on_cancel(now, &arrival, key, &peer, &request);
        }
        if !self.is_acceptable(&arrival, &request, self.reading(&peer)) {
            return;
        }
        match request.headers.to().ok().and_then(|to| to.tag().cloned()) {
            Some(tag) => self.on_request_inside(now, &arrival, key, &peer, &request, &tag),
            None => self.on_request_outside(now, &arrival, key, peer, &request),
        }
    }

    fn reading(&self, peer: &Peer) -> Reading {
        match peer {
            Peer::Trunk(trunk) => self.core.admission.reading(trunk),
            Peer::Softphone(_) => Reading::Strict,
        }
    }

    /// Whether a request says nothing that earns it a refusal; if not, it has been refused.
    fn is_acceptable(&mut self, arrival: &Arrival, request: &Request, reading: Reading) -> bool {
        if reading == Reading::Strict && !self.is_well_formed(arrival, request) {
            return false;
        }
        if let Err(response) = screening::screen(request, &self.core.mint) {
            self.reply_with(arrival, *response, Then::Keep);
            return false;
        }
        true
    }

    /// Whether a request has no defect at all; if it has, it has been refused.
    fn is_well_formed(&mut self, arrival: &Arrival, request: &Request) -> bool {
        let Err(broken) = wire::validate(request) else { return true };
        self.core.observe(Observation::ParseError { reason: broken.reason.as_str() });
        if let Some(response) = broken.answer {
            self.reply_with(arrival, *response, Then::Keep);
        }
        false
    }

    /// Somebody in the softphones' networks who has proved nothing: an answer without state, or silence where a dialog
    /// or a transaction of somebody else is meant (V47).
    fn on_stranger(&mut self, arrival: &Arrival, request: &Request) {
        if matches!(request.method, Method::Ack) {
            return;
        }
        let tag = request.headers.to().ok().and_then(|to| to.tag().cloned());
        if tag.is_some_and(|tag| self.by_tag.contains_key(&tag) || self.ended.peer_of(&tag).is_some()) {
            return self.silence(arrival.flow, "wrong_source");
        }
        if request.method == Method::Cancel || request.headers.to().is_ok_and(|to| to.tag().is_some()) {
            return self.reply(arrival, request, 481);
        }
        if self.is_acceptable(arrival, request, Reading::Strict) {
            match request.method {
                // What only somebody whom we know may ask (V19, V20).
                Method::Refer | Method::Notify => self.reply(arrival, request, 403),
                Method::Invite
                | Method::Ack
                | Method::Bye
                | Method::Cancel
                | Method::Options
                | Method::Register
                | Method::Prack
                | Method::Update
                | Method::Info
                | Method::Subscribe
                | Method::Message
                | Method::Publish
                | Method::Other(_) => self.answer_outside(arrival, request),
            }
        }
    }

    fn on_ack(&mut self, now: Instant, flow: Flow, peer: &Peer, request: &Request) {
        let tag = request.headers.to().ok().and_then(|to| to.tag().cloned());
        let Some(leg) = tag.and_then(|tag| self.by_tag.get(&tag).copied()) else {
            // The ACK of an answer without state, or of a dialog that is over: never answered (I2).
            return;
        };
        if !self.may_speak(leg, peer, &flow) {
            return self.silence(flow, "wrong_source");
        }
        if self.legs.get(&leg).is_some_and(|leg| leg.matches(request)) {
            self.drive(now, leg, Input::Ack(request));
        }
    }

    /// RFC 3261 9.2. The CANCEL must come from the peer whose INVITE it names (V47).
    fn on_cancel(&mut self, now: Instant, arrival: &Arrival, key: ServerKey, peer: &Peer, request: &Request) {
        let Some((invite, owner, inviter)) = self.core.transactions.cancelled_by(&key) else {
            return self.reply(arrival, request, 481);
        };
        if !self.is_same_party(&inviter.clone(), peer, &arrival.flow) {
            return self.silence(arrival.flow, "wrong_source");
        }
        let tx = self.open(now, arrival, key, peer.clone(), request);
        let mut response = Response::new(200, request);
        let leg = match owner {
            Owner::Leg(leg) => Some(leg),
            Owner::Probe(_) | Owner::Nobody => None,
        };
        if let Some(leg) = leg.and_then(|leg| self.legs.get(&leg)) {
            verb::context::tag(&mut response, &leg.line.local_tag);
        }
        self.tag_without_state(&mut response);
        self.core.respond(now, tx, &response);
        if let Some(leg) = leg {
            self.drive(now, leg, Input::Cancelled { invite, cause: request.headers.reason() });
        }
    }

    fn on_request_inside(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        key: ServerKey,
        peer: &Peer,
        request: &Request,
        tag: &Bytes,
    ) {
        let Some(id) = self.by_tag.get(tag).copied() else {
            let foreign = self.ended.peer_of(tag).is_some_and(|owner| owner != peer);
            if foreign {
                return self.silence(arrival.flow, "wrong_source");
            }
            return self.reply(arrival, request, 481);
        };
        if !self.may_speak(id, peer, &arrival.flow) {
            return self.silence(arrival.flow, "wrong_source");
        }
        if !self.legs.get(&id).is_some_and(|leg| leg.matches(request)) {
            self.core.observe(Observation::Refused { flow: arrival.flow, reason: "wrong_dialog" });
            return self.reply(arrival, request, 481);
        }
        if request.method != Method::Bye && !self.has_room(now, peer) {
            return self.refuse_without_state(arrival, request);
        }
        self.move_flow(id, arrival.flow);
        let tx = self.open(now, arrival, key, peer.clone(), request);
        if request.method == Method::Refer {
            let asked = self.read_refer(arrival, id, request);
            return self.drive(now, id, Input::Refer { tx, request, asked });
        }
        self.drive(now, id, Input::Request { tx, request });
    }

    fn on_request_outside(&mut self, now: Instant, arrival: &Arrival, key: ServerKey, peer: Peer, request: &Request) {
        match (&request.method, &peer) {
            (Method::Invite, _) => self.on_invite(now, arrival, key, peer, request),
            (Method::Register, Peer::Softphone(agent)) => {
                let agent = agent.clone();
                self.on_register(now, arrival, key, &agent, request);
            }
            _ => self.answer_outside(arrival, request),
        }
    }

    /// Answers a request outside of any dialog that neither calls nor registers. The same answer each time, so that no
    /// state is needed.
    fn answer_outside(&mut self, arrival: &Arrival, request: &Request) {
        match request.method {
            Method::Options => {
                let response = self.core.voice.options_answer(request, &arrival.flow);
                self.reply_with(arrival, response, Then::Keep);
            }
            // A dialog is what these live in (RFC 3261 15.1.2, 3311 5.2, 6086 4.2).
            Method::Bye | Method::Update | Method::Info | Method::Prack => self.reply(arrival, request, 481),
            // A REFER without a call has nobody to move: nothing is dialled for it (V20).
            Method::Refer => self.reply(arrival, request, 603),
            Method::Notify => self.reply_with(arrival, verb::notify::refusal(request), Then::Keep),
            Method::Invite
            | Method::Register
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Ack
            | Method::Cancel
            | Method::Other(_) => {
                let mut response = Response::new(405, request);
                response.headers.push(Name::Allow, self.core.voice.allow());
                self.reply_with(arrival, response, Then::Keep);
            }
        }
    }

    /// Whether a peer is the one that a leg is bound to: the same, or a host in the networks of the leg's trunk (V47).
    /// One host may serve several trunks, so that its address alone does not name the leg's.
    fn may_speak(&self, leg: LegId, peer: &Peer, flow: &Flow) -> bool {
        let Some(leg) = self.legs.get(&leg) else { return false };
        self.is_same_party(&leg.line.peer, peer, flow)
    }

    fn is_same_party(&self, bound: &Peer, peer: &Peer, flow: &Flow) -> bool {
        bound == peer
            || match bound {
                Peer::Trunk(trunk) => self.core.admission.belongs(trunk, flow.remote.ip()),
                Peer::Softphone(_) => false,
            }
    }

    /// A peer that comes over a new stream, or a softphone over a new address, is from then on reached there (F22).
    pub(super) fn move_flow(&mut self, id: LegId, flow: Flow) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let moves = match leg.line.peer {
            Peer::Softphone(_) => true,
            Peer::Trunk(_) => flow.connection.is_some(),
        };
        if !moves || leg.line.flow == flow {
            return;
        }
        if let Some(old) = leg.line.flow.connection {
            self.by_connection.remove(&(old, id));
        }
        leg.line.flow = flow;
        self.core.transactions.follow(id, flow);
        if let Some(new) = flow.connection {
            self.by_connection.insert((new, id));
        }
    }

    /// Whether a request that is no new INVITE may leave state behind. A BYE always may: it frees more than it takes.
    pub(super) fn has_room(&mut self, now: Instant, peer: &Peer) -> bool {
        !self.is_full() && self.core.admission.take_request(now, peer)
    }

    /// Opens the transaction of a request that will be answered with state.
    pub(super) fn open(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        key: ServerKey,
        peer: Peer,
        request: &Request,
    ) -> TxId {
        let opening = Opening { key, request, flow: arrival.back, fallback: arrival.fallback, peer };
        self.core.transactions.open(now, opening)
    }
}
