//! What all legs share: names, transactions, our voice, the peers' networks, and the events that come out.

use std::collections::VecDeque;

use bytes::Bytes;

use super::admission::Admission;
use super::settings::Limits;
use super::voice::Voice;
use crate::base::time::Instant;
use crate::sip::dialog::Dialog;
use crate::sip::dialog::mint::Mint;
use crate::sip::fact::{Event, Observation, Peer};
use crate::sip::flow::{Flow, Transport};
use crate::sip::message::{Method, Name, Request, Response};
use crate::sip::transaction::key::ClientKey;
use crate::sip::transaction::table::{Owner, Transactions, TxId};
use crate::sip::transaction::timers::Timing;
use crate::sip::verb::Line;

/// The port of a SIP URI or Via that names none.
pub(super) const DEFAULT_PORT: u16 = 5060;

/// What all legs share.
#[derive(Debug)]
pub struct Core {
    /// T1, T2, T4.
    pub timing: Timing,
    /// The limits.
    pub limits: Limits,
    /// What we say of ourselves.
    pub voice: Voice,
    /// Fresh names and chance.
    pub mint: Mint,
    /// Every transaction.
    pub transactions: Transactions,
    /// Who may talk to us.
    pub admission: Admission,
    /// What the switch has to hear.
    pub events: VecDeque<Event>,
}

impl Core {
    /// Counts something.
    pub fn observe(&mut self, observation: Observation) {
        self.events.push_back(Event::Observed(observation));
    }

    /// Starts a transaction of ours: adds the Via and sends the request.
    pub fn start(&mut self, now: Instant, mut request: Request, flow: Flow, peer: Peer, owner: Owner) -> TxId {
        let branch = self.mint.branch();
        request.headers.insert_first(Name::Via, self.voice.via(&flow, &branch));
        let key = ClientKey { branch, method: request.method.clone() };
        self.observe(Observation::Request { method: request.method.label(), inbound: false });
        self.transactions.start(now, key, request, flow, peer, owner)
    }

    /// Starts the transaction of a CANCEL, whose Via is its INVITE's (RFC 3261 9.1).
    pub fn start_cancel(&mut self, now: Instant, request: Request, flow: Flow, peer: Peer, owner: Owner) {
        let Ok(via) = request.headers.top_via() else { return };
        let Some(branch) = via.branch().cloned() else { return };
        let key = ClientKey { branch, method: Method::Cancel };
        self.observe(Observation::Request { method: request.method.label(), inbound: false });
        self.transactions.start(now, key, request, flow, peer, owner);
    }

    /// Sends the ACK of a 2xx and keeps it for the repetitions of that 2xx.
    pub fn acknowledge(&mut self, tx: TxId, dialog: &Dialog, number: u32, flow: Flow) {
        let mut ack = dialog.ack(number);
        let branch = self.mint.branch();
        ack.headers.insert_first(Name::Via, self.voice.via(&flow, &branch));
        self.observe(Observation::Request { method: Method::Ack.label(), inbound: false });
        let tag = dialog.remote_tag.clone().unwrap_or_default();
        self.transactions.acknowledge(tx, tag, flow, ack.to_bytes());
    }

    /// Sends a response within a transaction.
    pub fn respond(&mut self, now: Instant, tx: TxId, response: &Response) {
        self.observe(Observation::Response { code: response.code, inbound: false });
        self.transactions.respond(now, tx, response);
    }

    /// Where a request inside a dialog goes. A softphone is reached over the flow it came from (RFC 5626). A trunk is
    /// reached at its first route or target if that is an address in the trunk's own networks, because nothing is ever
    /// sent to an address that no administrator wrote down; else where its first message came from.
    /// The transport stays that of the first message, whatever a route or target asks for.
    pub fn route(&self, line: &Line, dialog: &Dialog) -> Flow {
        let flow = line.flow;
        let Peer::Trunk(trunk) = &line.peer else { return flow };
        let hop = dialog.next_hop();
        let Some(address) = hop.host().and_then(|host| host.ip()) else { return flow };
        if !self.admission.belongs(trunk, address) || address.is_ipv4() != flow.local.is_ipv4() {
            return flow;
        }
        let same_host = address == flow.remote.ip();
        match flow.transport {
            // A living stream to the same host carries everything (RFC 5923).
            Transport::Tcp if same_host && flow.connection.is_some() => flow,
            Transport::Tcp | Transport::Udp => {
                let port = hop.port().unwrap_or(DEFAULT_PORT);
                // A copy on the same host, because an IPv6 address may need its scope.
                let mut remote = flow.remote;
                if !same_host {
                    remote = (address, port).into();
                }
                remote.set_port(port);
                Flow { remote, connection: None, ..flow }
            }
        }
    }

    /// The bytes of a response without state, for a peer that has not proved itself: at most 1.5 times what it sent
    /// (V36), so that we are of no use for a reflection. `None` if even the bare response is too long.
    pub fn bounded(&self, response: &Response, request_bytes: usize) -> Option<Bytes> {
        let limit = request_bytes.saturating_add(request_bytes / 2);
        let wire = response.to_bytes();
        if wire.len() <= limit {
            return Some(wire);
        }
        let mut bare = response.clone();
        for name in [Name::Allow, Name::Supported, Name::Accept, Name::Server] {
            bare.headers.remove(&name);
        }
        // Of several challenges the last is the one that every telephone understands.
        let challenge = bare.headers.get_all(&Name::WwwAuthenticate).last().cloned();
        if let Some(challenge) = challenge {
            bare.headers.set(Name::WwwAuthenticate, challenge);
        }
        Some(bare.to_bytes()).filter(|wire| wire.len() <= limit)
    }
}
