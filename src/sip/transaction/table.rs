//! All transactions of the endpoint: found by key, owned by a leg or by nobody, bounded per peer.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::client::Client;
use super::client_invite::{ClientInput, ClientInvite};
use super::entry::{Acks, Effects, Input, Part, Transaction, ack_of_refusal, scene};
use super::key::{ClientKey, MergeKey, ServerKey};
use super::machine::{Class, Effect};
use super::server::Server;
use super::server_invite::{ServerInput, ServerInvite};
use super::timers::{Timer, Timing};
use crate::base::ids::LegId;
use crate::base::time::Instant;
use crate::base::timer::{DeadlineQueue, TimerTable};
use crate::sip::fact::{Peer, ProbeId};
use crate::sip::flow::{Flow, FlowFailure};
use crate::sip::message::{Method, Request, Response};

/// A transaction, numbered from 1 upward and never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TxId(pub u64);

/// Who hears of a transaction's fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Owner {
    /// A leg.
    Leg(LegId),
    /// Whoever asked whether a gateway is alive.
    Probe(ProbeId),
    /// Nobody any more: the transaction only repeats what it has to.
    Nobody,
}

/// What happened to a transaction.
#[derive(Clone, Debug)]
pub struct News {
    /// Which one.
    pub id: TxId,
    /// Whose it is.
    pub owner: Owner,
    /// What happened.
    pub what: What,
}

/// What happened to a transaction.
#[derive(Clone, Debug)]
pub enum What {
    /// A response to our request that its user must see.
    Response(Box<Response>),
    /// Our request had no final response in time, or our non-2xx no ACK.
    TimedOut,
    /// The transport failed.
    TransportFailed,
    /// Our non-2xx to an INVITE was ACKed.
    Settled,
}

/// What is to be done with a request that has just arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A repetition, or the ACK of a non-2xx: done.
    Absorbed,
    /// It belongs to no transaction: a new request, or the ACK of a 2xx.
    Fresh,
    /// The same request over another path: 482 (RFC 3261 8.2.2.2).
    Merged,
    /// It has the key of a transaction of somebody else.
    Foreign,
}

/// Every transaction.
#[derive(Clone, Debug)]
pub struct Transactions {
    timing: Timing,
    last_id: u64,
    entries: HashMap<TxId, Transaction>,
    servers: HashMap<ServerKey, TxId>,
    clients: HashMap<ClientKey, TxId>,
    merges: HashMap<MergeKey, TxId>,
    by_leg: BTreeSet<(LegId, TxId)>,
    by_remote: BTreeSet<(SocketAddr, TxId)>,
    open_by_peer: HashMap<Peer, usize>,
    deadlines: DeadlineQueue<TxId>,
    sends: VecDeque<(Flow, Bytes)>,
    news: VecDeque<News>,
    repetitions: u64,
}

/// A request of the peer for which a transaction is to be opened.
#[derive(Debug)]
pub struct Opening<'a> {
    /// Its key.
    pub key: ServerKey,
    /// The request.
    pub request: &'a Request,
    /// Where the response goes (RFC 3261 18.2.2, RFC 3581).
    pub flow: Flow,
    /// Where it goes instead when the stream has been closed: received address and sent-by port.
    pub fallback: SocketAddr,
    /// Who sent it.
    pub peer: Peer,
}

impl Transactions {
    /// No transactions yet.
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            last_id: 0,
            entries: HashMap::new(),
            servers: HashMap::new(),
            clients: HashMap::new(),
            merges: HashMap::new(),
            by_leg: BTreeSet::new(),
            by_remote: BTreeSet::new(),
            open_by_peer: HashMap::new(),
            deadlines: DeadlineQueue::default(),
            sends: VecDeque::new(),
            news: VecDeque::new(),
            repetitions: 0,
        }
    }

    /// Matches a request that arrived from `peer`.
    pub fn receive_request(&mut self, now: Instant, key: &ServerKey, request: &Request, peer: &Peer) -> Fate {
        let Some(&id) = self.servers.get(key) else {
            let merged = MergeKey::of(request).is_some_and(|merge| self.merges.contains_key(&merge));
            return if merged && request.method != Method::Ack { Fate::Merged } else { Fate::Fresh };
        };
        if self.entries.get(&id).is_some_and(|entry| entry.peer != *peer) {
            return Fate::Foreign;
        }
        let input = if request.method == Method::Ack { ServerInput::Acknowledged } else { ServerInput::Repeated };
        let effects = self.drive(now, id, Input::Server(input));
        let passed = effects.contains(&Effect::Deliver);
        self.carry_out(id, &effects, None);
        if passed { Fate::Fresh } else { Fate::Absorbed }
    }

    /// Opens the transaction of a fresh request, owned by nobody yet.
    pub fn open(&mut self, now: Instant, opening: Opening<'_>) -> TxId {
        let id = self.number();
        let merge = MergeKey::of(opening.request);
        if let Some(merge) = &merge {
            self.merges.insert(merge.clone(), id);
        }
        self.servers.insert(opening.key.clone(), id);
        let mut timers = TimerTable::default();
        let (key, fallback, wire) = (opening.key, opening.fallback, Bytes::new());
        let part = if opening.request.method == Method::Invite {
            Part::ServerInvite { key, merge, fallback, machine: ServerInvite::Proceeding, wire }
        } else {
            timers.set(Timer::J, now + self.timing.patience());
            Part::Server { key, merge, fallback, machine: Server::Trying, wire }
        };
        let entry = Transaction { id, owner: Owner::Nobody, peer: opening.peer, flow: opening.flow, timers, part };
        self.insert(entry);
        id
    }

    /// Sends a response within a transaction. Nothing happens if the transaction is over.
    pub fn respond(&mut self, now: Instant, id: TxId, response: &Response) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let class = Class::of(response.code);
        match &mut entry.part {
            Part::ServerInvite { wire, machine, .. } => {
                if matches!(machine, ServerInvite::Proceeding | ServerInvite::Accepted) {
                    *wire = response.to_bytes();
                }
            }
            Part::Server { wire, machine, .. } => {
                if matches!(machine, Server::Trying) {
                    *wire = response.to_bytes();
                }
            }
            Part::ClientInvite { .. } | Part::Client { .. } => return,
        }
        let effects = self.drive(now, id, Input::Server(ServerInput::Respond(class)));
        self.carry_out(id, &effects, None);
    }

    /// Sends the 2xx of an accepted INVITE again, as the dialog asks until the ACK (RFC 3261 13.3.1.4).
    pub fn repeat_success(&mut self, now: Instant, id: TxId) {
        let effects = self.drive(now, id, Input::Server(ServerInput::Respond(Class::Success)));
        self.repetitions += u64::from(!effects.is_empty());
        self.carry_out(id, &effects, None);
    }

    /// Starts a transaction of ours. The request is complete, its top Via carries a branch of ours.
    pub fn start(
        &mut self,
        now: Instant,
        key: ClientKey,
        request: Request,
        flow: Flow,
        peer: Peer,
        owner: Owner,
    ) -> TxId {
        let id = self.number();
        let wire = request.to_bytes();
        let mut timers = TimerTable::default();
        let mut scene = scene(now, self.timing, flow, &mut timers);
        let (part, effects) = if request.method == Method::Invite {
            let machine = ClientInvite::start(&mut scene);
            let effects = scene.effects;
            let request = Box::new(request);
            (Part::ClientInvite { key: key.clone(), machine, request, wire, acks: Acks::new() }, effects)
        } else {
            let machine = Client::start(&mut scene);
            (Part::Client { key: key.clone(), machine, wire }, scene.effects)
        };
        self.clients.insert(key, id);
        self.insert(Transaction { id, owner, peer, flow, timers, part });
        self.carry_out(id, &effects, None);
        id
    }

    /// Matches a response that arrived. Says whether it belonged to a transaction of a peer that `admits` accepts.
    pub fn receive_response(
        &mut self,
        now: Instant,
        response: Response,
        admits: impl Fn(&Peer, &Flow) -> bool,
    ) -> bool {
        let Some(id) = ClientKey::of(&response).and_then(|key| self.clients.get(&key).copied()) else { return false };
        let Some(entry) = self.entries.get(&id) else { return false };
        if !admits(&entry.peer, &entry.flow) {
            return false;
        }
        if !entry.is_echoed_by(&response) {
            return true;
        }
        let class = Class::of(response.code);
        if class == Class::Success && self.repeat_ack(id, &response) {
            return true;
        }
        let effects = self.drive(now, id, Input::Client(ClientInput::Response(class)));
        self.carry_out(id, &effects, Some(response));
        true
    }

    /// Keeps and sends the ACK of a 2xx; the same 2xx again gets the same ACK again.
    pub fn acknowledge(&mut self, id: TxId, to_tag: Bytes, flow: Flow, wire: Bytes) {
        self.sends.push_back((flow, wire.clone()));
        if let Some(Transaction { part: Part::ClientInvite { acks, .. }, .. }) = self.entries.get_mut(&id) {
            acks.push((to_tag, flow, wire));
        }
    }

    /// How many dialogs have answered an INVITE of ours.
    pub fn forks(&self, id: TxId) -> usize {
        match self.entries.get(&id) {
            Some(Transaction { part: Part::ClientInvite { acks, .. }, .. }) => acks.len(),
            Some(_) | None => 0,
        }
    }

    /// An INVITE of ours.
    pub fn invited(&self, id: TxId) -> Option<&Request> {
        match self.entries.get(&id) {
            Some(Transaction { part: Part::ClientInvite { request, .. }, .. }) => Some(request),
            Some(_) | None => None,
        }
    }

    /// The INVITE of a client transaction that has no final response yet, with its branch: what a CANCEL is made of.
    pub fn cancellable(&self, id: TxId) -> Option<&Request> {
        match &self.entries.get(&id)?.part {
            Part::ClientInvite { machine: ClientInvite::Calling(_) | ClientInvite::Proceeding, request, .. } => {
                Some(request)
            }
            Part::ClientInvite { .. } | Part::Client { .. } | Part::ServerInvite { .. } | Part::Server { .. } => None,
        }
    }

    /// An INVITE of ours that was given up and has a first provisional response since: what a late CANCEL is made of.
    pub fn recalled(&self, id: TxId) -> Option<&Request> {
        match &self.entries.get(&id)?.part {
            Part::ClientInvite { machine: ClientInvite::Recalled, request, .. } => Some(request),
            Part::ClientInvite { .. } | Part::Client { .. } | Part::ServerInvite { .. } | Part::Server { .. } => None,
        }
    }

    /// The transaction of the INVITE that a CANCEL with this key means, with its owner and its peer.
    pub fn cancelled_by(&self, key: &ServerKey) -> Option<(TxId, Owner, &Peer)> {
        let id = *self.servers.get(&key.clone().of_cancelled())?;
        let entry = self.entries.get(&id)?;
        Some((id, entry.owner, &entry.peer))
    }

    /// Who started the transaction with this key, if it did so from the same host: its repetitions need no new proof.
    pub fn peer_of(&self, key: &ServerKey, flow: &Flow) -> Option<Peer> {
        let entry = self.entries.get(self.servers.get(key)?)?;
        (entry.flow.remote.ip() == flow.remote.ip()).then(|| entry.peer.clone())
    }

    /// Over which flow a transaction runs, and with whom.
    pub fn path_of(&self, id: TxId) -> Option<(Flow, Peer)> {
        self.entries.get(&id).map(|entry| (entry.flow, entry.peer.clone()))
    }

    /// Gives a transaction to a leg.
    pub fn give(&mut self, id: TxId, leg: LegId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.owner = Owner::Leg(leg);
            self.by_leg.insert((leg, id));
        }
    }

    /// Gives up an INVITE of ours whose CANCEL brought no final response (RFC 3261 9.1). It is remembered for another
    /// 64*T1. As each took 64*T1 to get here, there are never more of them than there may be legs.
    pub fn abandon(&mut self, now: Instant, id: TxId) {
        let effects = self.drive(now, id, Input::Client(ClientInput::Abandoned));
        self.carry_out(id, &effects, None);
    }

    /// A leg is over: its transactions go on for nobody. An INVITE of ours that rings has no timer of its own, so that it
    /// gets one now.
    pub fn disown(&mut self, now: Instant, leg: LegId) {
        for id in self.of_leg(leg) {
            self.by_leg.remove(&(leg, id));
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            entry.owner = Owner::Nobody;
            if let Part::ClientInvite { machine: ClientInvite::Proceeding, .. } = &entry.part {
                entry.timers.set(Timer::B, now + self.timing.patience());
                self.deadlines.set(&id, entry.timers.next_timeout());
            }
        }
    }

    /// A flow carries nothing any more.
    pub fn flow_failed(&mut self, now: Instant, flow: &Flow, failure: FlowFailure) {
        let range = (flow.remote, TxId(0))..=(flow.remote, TxId(u64::MAX));
        let affected: Vec<TxId> = self.by_remote.range(range).map(|(_, id)| *id).collect();
        for id in affected {
            if self.entries.get(&id).is_some_and(|entry| entry.flow == *flow) {
                self.one_flow_failed(now, id, failure);
            }
        }
    }

    /// A softphone is reached over another flow from now on: what waits for it is sent again there.
    pub fn follow(&mut self, leg: LegId, flow: Flow) {
        for id in self.of_leg(leg) {
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            if !entry.waits_for_peer() || entry.flow.connection.is_some() {
                continue;
            }
            self.by_remote.remove(&(entry.flow.remote, id));
            entry.flow = flow;
            self.by_remote.insert((flow.remote, id));
            self.sends.push_back((flow, entry.wire().clone()));
            self.repetitions += 1;
        }
    }

    /// Fires what is due; one timer a call. Returns false when nothing was.
    pub fn expire(&mut self, now: Instant) -> bool {
        let Some(id) = self.deadlines.expire(now) else { return false };
        let Some(timer) = self.entries.get_mut(&id).and_then(|entry| entry.timers.expire(now)) else { return true };
        let input = Input::Timer(timer);
        let effects = self.drive(now, id, input);
        self.repetitions += u64::from(effects.contains(&Effect::Transmit));
        self.carry_out(id, &effects, None);
        true
    }

    /// The earliest deadline.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.next_timeout()
    }

    /// The next message to be sent.
    pub fn poll_send(&mut self) -> Option<(Flow, Bytes)> {
        self.sends.pop_front()
    }

    /// The next news.
    pub fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// How many messages were repeated since this was last asked.
    pub fn take_repetitions(&mut self) -> u64 {
        std::mem::take(&mut self.repetitions)
    }

    /// How many INVITE transactions of this peer are unanswered or refused without an ACK yet (V50).
    pub fn open_of(&self, peer: &Peer) -> usize {
        self.open_by_peer.get(peer).copied().unwrap_or(0)
    }

    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many INVITEs of ours were given up and are only remembered.
    pub fn given_up(&self) -> usize {
        self.entries.values().filter(|entry| entry.is_given_up()).count()
    }

    /// How many timers are armed, but for those that end a memory, and the latest of their deadlines (invariant I10).
    pub fn timers(&self) -> (usize, Option<Instant>) {
        let under_way = || self.entries.values().filter(|entry| !entry.is_given_up());
        let all = || under_way().flat_map(|entry| entry.timers.iter());
        (all().count(), all().map(|(_, deadline)| deadline).max())
    }

    /// Copies the transactions of a leg.
    pub fn export(&self, leg: LegId) -> Vec<Transaction> {
        self.of_leg(leg).iter().filter_map(|id| self.entries.get(id).cloned()).collect()
    }

    /// Forgets the transactions of a leg without a word to anybody.
    pub fn drop_leg(&mut self, leg: LegId) {
        for id in self.of_leg(leg) {
            self.remove(id);
        }
    }

    /// Takes back what [`Transactions::export`] gave out.
    pub fn import(&mut self, transactions: Vec<Transaction>) {
        for entry in transactions {
            self.last_id = self.last_id.max(entry.id.0);
            match &entry.part {
                Part::ClientInvite { key, .. } | Part::Client { key, .. } => {
                    self.clients.insert(key.clone(), entry.id);
                }
                Part::ServerInvite { key, merge, .. } | Part::Server { key, merge, .. } => {
                    self.servers.insert(key.clone(), entry.id);
                    if let Some(merge) = merge {
                        self.merges.insert(merge.clone(), entry.id);
                    }
                }
            }
            self.insert(entry);
        }
    }

    fn of_leg(&self, leg: LegId) -> SmallVec<[TxId; 8]> {
        self.by_leg.range((leg, TxId(0))..=(leg, TxId(u64::MAX))).map(|(_, id)| *id).collect()
    }

    fn number(&mut self) -> TxId {
        self.last_id += 1;
        TxId(self.last_id)
    }

    fn insert(&mut self, entry: Transaction) {
        let id = entry.id;
        if let Owner::Leg(leg) = entry.owner {
            self.by_leg.insert((leg, id));
        }
        self.by_remote.insert((entry.flow.remote, id));
        if entry.is_open() {
            *self.open_by_peer.entry(entry.peer.clone()).or_default() += 1;
        }
        self.deadlines.set(&id, entry.timers.next_timeout());
        self.entries.insert(id, entry);
    }

    fn remove(&mut self, id: TxId) {
        let Some(entry) = self.entries.remove(&id) else { return };
        if let Owner::Leg(leg) = entry.owner {
            self.by_leg.remove(&(leg, id));
        }
        self.by_remote.remove(&(entry.flow.remote, id));
        if entry.is_open() {
            self.close_one(&entry.peer);
        }
        self.deadlines.set(&id, None);
        match entry.part {
            Part::ClientInvite { key, .. } | Part::Client { key, .. } => {
                self.clients.remove(&key);
            }
            Part::ServerInvite { key, merge, .. } | Part::Server { key, merge, .. } => {
                self.servers.remove(&key);
                if let Some(merge) = merge
                    && self.merges.get(&merge) == Some(&id)
                {
                    self.merges.remove(&merge);
                }
            }
        }
    }

    fn close_one(&mut self, peer: &Peer) {
        if let Some(count) = self.open_by_peer.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                self.open_by_peer.remove(peer);
            }
        }
    }

    /// Runs the machine of a transaction on one input.
    fn drive(&mut self, now: Instant, id: TxId, input: Input) -> Effects {
        let timing = self.timing;
        let Some(entry) = self.entries.get_mut(&id) else { return Effects::new() };
        let was_open = entry.is_open();
        let effects = entry.drive(now, timing, input);
        let (is_open, over, deadline) = (entry.is_open(), entry.is_over(), entry.timers.next_timeout());
        if was_open && !is_open {
            let peer = entry.peer.clone();
            self.close_one(&peer);
        }
        if !over {
            self.deadlines.set(&id, deadline);
        }
        effects
    }

    /// Does what a machine asked for, then forgets the transaction if it is over.
    fn carry_out(&mut self, id: TxId, effects: &[Effect], at_hand: Option<Response>) {
        let Some(entry) = self.entries.get(&id) else { return };
        let mut at_hand = at_hand;
        for effect in effects {
            let what = match effect {
                Effect::Transmit => {
                    if !entry.wire().is_empty() {
                        self.sends.push_back((entry.flow, entry.wire().clone()));
                    }
                    continue;
                }
                Effect::Acknowledge => {
                    if let (Part::ClientInvite { request, .. }, Some(response)) = (&entry.part, &at_hand) {
                        self.sends.push_back((entry.flow, ack_of_refusal(request, response).to_bytes()));
                    }
                    continue;
                }
                Effect::Deliver => match at_hand.take() {
                    Some(response) => What::Response(Box::new(response)),
                    None => continue,
                },
                Effect::Settled => What::Settled,
                Effect::TimedOut => What::TimedOut,
                Effect::TransportFailed => What::TransportFailed,
            };
            self.news.push_back(News { id, owner: entry.owner, what });
        }
        if entry.is_over() {
            self.remove(id);
        }
    }

    fn repeat_ack(&mut self, id: TxId, response: &Response) -> bool {
        let Some(Transaction { part: Part::ClientInvite { acks, .. }, .. }) = self.entries.get(&id) else {
            return false;
        };
        // A peer of RFC 2543 has no tag, and no forks.
        let tag = response.headers.to().ok().and_then(|to| to.tag().cloned()).unwrap_or_default();
        let Some((_, flow, wire)) = acks.iter().find(|(known, _, _)| *known == tag) else { return false };
        self.sends.push_back((*flow, wire.clone()));
        self.repetitions += 1;
        true
    }

    fn one_flow_failed(&mut self, now: Instant, id: TxId, failure: FlowFailure) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let was_stream = entry.flow.connection.is_some();
        let input = match &entry.part {
            // The peer has said its last word and still waits for our answer to it.
            Part::ServerInvite { .. } | Part::Server { .. } if failure == FlowFailure::HalfClosed => return,
            // RFC 3261 18.2.2: when the stream is gone, the response goes to the received address and sent-by port.
            Part::ServerInvite { fallback, .. } | Part::Server { fallback, .. } if was_stream => {
                let moved = Flow { remote: *fallback, connection: None, ..entry.flow };
                self.by_remote.remove(&(entry.flow.remote, id));
                entry.flow = moved;
                self.by_remote.insert((moved.remote, id));
                return;
            }
            _ if entry.waits_for_peer() => {
                entry.flow.connection = None;
                return;
            }
            _ if !entry.is_hit_by(failure) => return,
            Part::ClientInvite { .. } | Part::Client { .. } => Input::Client(ClientInput::TransportFailed),
            Part::ServerInvite { .. } | Part::Server { .. } => Input::Server(ServerInput::TransportFailed),
        };
        let effects = self.drive(now, id, input);
        self.carry_out(id, &effects, None);
    }
}
