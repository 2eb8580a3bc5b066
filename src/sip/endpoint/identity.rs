//! Who sent a request: a trunk by its network, a softphone by its digest, its stream or its dialog.

use bytes::Bytes;

use super::admission::Source;
use super::reply::{Arrival, Standing};
use super::{Endpoint, Then};
use crate::base::ids::{AgentId, LegId};
use crate::base::time::Instant;
use crate::sip::auth::{Because, Verdict};
use crate::sip::fact::{Observation, Peer};
use crate::sip::flow::{Flow, Transport};
use crate::sip::message::{Method, Name, Request, Response};
use crate::sip::transaction::key::ServerKey;

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// A peer that has proved itself.
    Peer(Peer),
    /// Somebody in the softphones' networks: gets answers without state, and no call.
    Stranger,
    /// Nobody to go on with: answered, or met by silence.
    Refused,
}

impl Endpoint {
    /// Who sent a request that arrived over `flow`, as far as that needs no answer.
    pub(super) fn identify(
        &mut self,
        now: Instant,
        arrival: &mut Arrival,
        key: &ServerKey,
        request: &Request,
    ) -> Sender {
        let sender = self.recognise(now, arrival, key, request);
        if let Sender::Peer(_) = sender {
            arrival.standing = Standing::Proven;
        }
        sender
    }

    /// The peer at the other end of a flow, where the flow alone proves it.
    pub(super) fn proven(&self, flow: &Flow) -> Option<Peer> {
        match self.core.admission.source(flow.remote.ip()) {
            Source::Trunk(trunk) => Some(Peer::Trunk(trunk)),
            // An address can be forged on UDP; a stream cannot.
            Source::Softphones if flow.transport == Transport::Tcp => {
                self.registrar.flow_owner(flow).cloned().map(Peer::Softphone)
            }
            Source::Softphones | Source::Former | Source::Unknown => None,
        }
    }

    fn recognise(&mut self, now: Instant, arrival: &Arrival, key: &ServerKey, request: &Request) -> Sender {
        let flow = &arrival.flow;
        if let Some(peer) = self.core.transactions.peer_of(key, flow) {
            return Sender::Peer(peer);
        }
        if request.method != Method::Register
            && let Some(peer) = self.proven(flow)
        {
            return Sender::Peer(peer);
        }
        let inside = request.headers.to().ok().and_then(|to| to.tag().cloned());
        match (&request.method, inside) {
            // The name of the transaction is 64 random bits of the softphone's own, from the same host.
            (Method::Cancel, _) => match self.core.transactions.peer_of(&key.clone().of_cancelled(), flow) {
                Some(peer) => Sender::Peer(peer),
                None => Sender::Stranger,
            },
            (Method::Register, _) | (Method::Invite, None) => self.demand_proof(now, arrival, request),
            (_, Some(tag)) => self.by_dialog(now, arrival, request, &tag),
            (_, None) => Sender::Stranger,
        }
    }

    /// Inside a dialog its tags, 128 random bits, and the flow that the softphone is registered over are proof enough.
    /// A softphone that comes over another flow, as after a broken connection, proves itself anew.
    fn by_dialog(&mut self, now: Instant, arrival: &Arrival, request: &Request, tag: &Bytes) -> Sender {
        let flow = &arrival.flow;
        let leg = self.by_tag.get(tag).and_then(|id| self.legs.get(id));
        let owner = leg.map(|leg| &leg.line.peer).or_else(|| self.ended.peer_of(tag));
        let agent = match owner {
            Some(Peer::Softphone(agent)) => agent,
            // The trunk is gone by a reload, its dialog is not.
            Some(Peer::Trunk(trunk)) if self.core.admission.belongs(trunk, flow.remote.ip()) => {
                return Sender::Peer(Peer::Trunk(trunk.clone()));
            }
            Some(Peer::Trunk(_)) | None => return Sender::Stranger,
        };
        if leg.is_some_and(|leg| leg.line.flow == *flow) || self.registrar.is_registered_over(flow, agent) {
            return Sender::Peer(Peer::Softphone(agent.clone()));
        }
        if request.method == Method::Ack {
            self.silence(*flow, "wrong_source");
            return Sender::Refused;
        }
        let owner = agent.clone();
        match self.demand_proof(now, arrival, request) {
            Sender::Peer(Peer::Softphone(agent)) if agent != owner => {
                self.silence(arrival.flow, "wrong_source");
                Sender::Refused
            }
            sender @ (Sender::Peer(_) | Sender::Stranger | Sender::Refused) => sender,
        }
    }

    /// Asks for digest credentials, or takes them (RFC 3261 22, RFC 8760). No state is kept for who has proved nothing.
    fn demand_proof(&mut self, now: Instant, arrival: &Arrival, request: &Request) -> Sender {
        let source = arrival.flow.remote.ip().to_canonical();
        // A trunk does not register, and its calls need no digest.
        if self.core.admission.source(source) != Source::Softphones {
            let trunk = self.proven(&arrival.flow);
            let Some(trunk) = trunk else {
                // Its calls that are up are served; it is told that no other one is (F28).
                self.silence(arrival.flow, "unknown_source");
                if request.method == Method::Invite {
                    self.reply(arrival, request, 403);
                }
                return Sender::Refused;
            };
            return Sender::Peer(trunk);
        }
        match self.authenticator.verify(now, request, source) {
            Verdict::Granted(agent) => return self.in_own_name(arrival, request, agent),
            Verdict::Absent => self.challenge(now, arrival, request, Because::NoCredentials),
            Verdict::Stale => self.challenge(now, arrival, request, Because::StaleNonce),
            Verdict::Denied => {
                self.silence(arrival.flow, "wrong_credentials");
                self.reply(arrival, request, 403);
            }
            Verdict::LockedOut { retry_after } => {
                self.silence(arrival.flow, "locked_out");
                let mut response = Response::new(403, request);
                response.headers.push(Name::RetryAfter, retry_after.as_secs().max(1).to_string());
                self.reply_with(arrival, response, Then::Keep);
            }
        }
        Sender::Refused
    }

    /// A softphone speaks in its own name only (V19, CVE-2025-47779).
    fn in_own_name(&mut self, arrival: &Arrival, request: &Request, agent: AgentId) -> Sender {
        // Inside a dialog, From is what the dialog was made with; its tags say whose it is.
        let inside = request.headers.to().is_ok_and(|to| to.tag().is_some());
        if inside || speaks_for(request, &agent) {
            return Sender::Peer(Peer::Softphone(agent));
        }
        self.silence(arrival.flow, "foreign_from");
        self.reply(arrival, request, 403);
        Sender::Refused
    }

    fn challenge(&mut self, now: Instant, arrival: &Arrival, request: &Request, because: Because) {
        let source = arrival.flow.remote.ip().to_canonical();
        let mut response = Response::new(401, request);
        for value in self.authenticator.challenge(now, source, because) {
            response.headers.push(Name::WwwAuthenticate, value);
        }
        self.reply_with(arrival, response, Then::Keep);
    }

    /// A REGISTER of a softphone that has proved itself.
    pub(super) fn on_register(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        key: ServerKey,
        agent: &AgentId,
        request: &Request,
    ) {
        let peer = Peer::Softphone(agent.clone());
        if !self.has_room(now, &peer) {
            return self.refuse_without_state(arrival, request);
        }
        let tx = self.open(now, arrival, key, peer, request);
        let outcome = self.registrar.register(now, agent, request, arrival.flow);
        let mut response = Response::new(outcome.code, request);
        self.tag_without_state(&mut response);
        for (name, value) in outcome.headers {
            response.headers.push(name, value);
        }
        self.core.respond(now, tx, &response);
        self.core.events.extend(outcome.event);
        if self.registrar.is_registered_over(&arrival.flow, agent) {
            self.take_along(agent, arrival.flow);
        }
    }

    /// The legs of a softphone that lost their stream go on over the one it has registered over (RFC 5626, F22).
    fn take_along(&mut self, agent: &AgentId, flow: Flow) {
        let range = (agent.clone(), LegId(0))..=(agent.clone(), LegId(u64::MAX));
        let stranded: Vec<LegId> = self.stranded.range(range).map(|(_, leg)| *leg).collect();
        for leg in stranded {
            self.stranded.remove(&(agent.clone(), leg));
            self.move_flow(leg, flow);
        }
    }

    /// Counts a refusal for the audit.
    pub(super) fn silence(&mut self, flow: Flow, reason: &'static str) {
        self.core.observe(Observation::Refused { flow, reason });
    }
}

/// Whether the From of a request names this agent.
pub(super) fn speaks_for(request: &Request, agent: &AgentId) -> bool {
    let user = request.headers.from().ok().and_then(|from| from.uri.user());
    user.is_some_and(|user| user == agent.as_str().as_bytes())
}
