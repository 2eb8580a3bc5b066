//! The endpoint: our SIP element as one value. Bytes and the time go in; bytes, facts and a deadline come out.
//!
//! Decides: who is answered at all, which transaction and leg a message belongs to, which refusal a request earns.
//! Invariants: unknown sources meet silence and a counter; nothing is sent anywhere but to the source of a request, to
//! a registered flow, or to a configured trunk (V49); a dialog is bound to its peer (V47); whoever has not proved itself
//! gets answers without state and of bounded length (V10, V36); every leg and transaction ends by itself.
//! Does not do: routing, media, sockets. What a leg does with a method is in `verb`.
//!
//! The switch calls one method, then drains [`Endpoint::poll_transmit`] and [`Endpoint::poll_event`].

#![warn(clippy::wildcard_enum_match_arm)]

pub mod admission;
pub mod body;
pub mod core;
pub mod ended;
mod former;
mod identity;
mod inbound;
mod invite;
mod probe;
mod reconfigure;
mod replaces;
mod reply;
mod response;
mod screening;
pub mod settings;
pub mod voice;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use self::admission::Admission;
use self::core::Core;
use self::ended::Ended;
pub use self::settings::{Limits, Listener, Reading, Settings, Transfers, TrunkAccess, Urgent};
use self::voice::Voice;
use super::auth::Authenticator;
use super::dialog::mint::Mint;
use super::fact::{Event, Failure, LegFact, Observation, Peer};
use super::flow::{ConnectionId, Flow, FlowFailure};
use super::order::{LegOrder, OutgoingInvite};
use super::registrar::Registrar;
use super::transaction::entry::Transaction;
use super::transaction::table::{Owner, Transactions, What};
use super::verb::{Input, Leg};
use crate::base::entropy::Entropy;
use crate::base::ids::{AgentId, LegId};
use crate::base::time::Instant;
use crate::base::timer::DeadlineQueue;

/// Our SIP element.
#[derive(Debug)]
pub struct Endpoint {
    core: Core,
    legs: HashMap<LegId, Leg>,
    by_tag: HashMap<Bytes, LegId>,
    by_connection: BTreeSet<(ConnectionId, LegId)>,
    /// Legs of softphones whose stream has closed.
    stranded: BTreeSet<(AgentId, LegId)>,
    deadlines: DeadlineQueue<LegId>,
    ended: Ended,
    authenticator: Authenticator,
    registrar: Registrar,
    last_leg: u64,
    transmits: VecDeque<Transmit>,
    disconnects: VecDeque<Flow>,
}

/// A message to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub flow: Flow,
    /// The message.
    pub message: Bytes,
    /// What becomes of the flow.
    pub then: Then,
}

impl fmt::Debug for Transmit {
    /// A message holds a citizen's number: its length is enough (rule 18).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.message.len();
        f.debug_struct("Transmit").field("flow", &self.flow).field("bytes", &bytes).field("then", &self.then).finish()
    }
}

/// What becomes of a flow after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It stays.
    Keep,
    /// A stream is closed: where its next message begins is not known.
    Close,
}

/// A leg as data: everything that the endpoint needs to go on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegCheckpoint {
    leg: Leg,
    transactions: Vec<Transaction>,
}

/// How much there is of everything, for leak checks (I9, I10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Legs.
    pub legs: usize,
    /// Transactions that are under way, or repeat what they have to.
    pub transactions: usize,
    /// INVITEs of ours that were given up and are only remembered, in case of a late answer.
    pub given_up: usize,
    /// Armed timers of legs and of transactions that are not only remembered.
    pub timers: usize,
    /// Contacts of registered softphones.
    pub contacts: usize,
    /// Ended dialogs that are still remembered.
    pub ended_dialogs: usize,
    /// The latest deadline of all timers of legs and transactions.
    pub latest_timer: Option<Instant>,
}

impl Endpoint {
    /// An endpoint with no legs.
    pub fn new(settings: Settings, mut entropy: Entropy) -> Self {
        let secrets = entropy.fork();
        let core = Core {
            timing: settings.timing,
            limits: settings.limits.clone(),
            voice: Voice::new(&settings),
            mint: Mint::new(entropy),
            transactions: Transactions::new(settings.timing),
            admission: Admission::new(&settings),
            events: VecDeque::new(),
        };
        Self {
            core,
            legs: HashMap::new(),
            by_tag: HashMap::new(),
            by_connection: BTreeSet::new(),
            stranded: BTreeSet::new(),
            deadlines: DeadlineQueue::default(),
            ended: Ended::new(settings.limits.ended_dialogs, settings.timing.patience()),
            authenticator: Authenticator::new(settings.auth, secrets),
            registrar: Registrar::new(settings.registrar),
            last_leg: 0,
            transmits: VecDeque::new(),
            disconnects: VecDeque::new(),
        }
    }

    /// A flow carries nothing any more, or a send on it failed.
    pub fn flow_failed(&mut self, now: Instant, flow: Flow, failure: FlowFailure) {
        if let Some(connection) = flow.connection {
            let range = (connection, LegId(0))..=(connection, LegId(u64::MAX));
            let affected: Vec<LegId> = self.by_connection.range(range).map(|(_, leg)| *leg).collect();
            for id in affected {
                self.by_connection.remove(&(connection, id));
                if let Some(leg) = self.legs.get_mut(&id) {
                    leg.flow_failed(now, &flow);
                    if let Peer::Softphone(agent) = &leg.line.peer {
                        self.stranded.insert((agent.clone(), id));
                    }
                    let next = leg.next_timeout();
                    self.deadlines.set(&id, next);
                }
            }
        }
        self.core.transactions.flow_failed(now, &flow, failure);
        self.core.events.extend(self.registrar.flow_failed(&flow));
        self.settle(now);
    }

    /// Fires what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.core.transactions.expire(now) {}
        self.settle(now);
        while let Some(id) = self.deadlines.expire(now) {
            while let Some(timer) = self.legs.get_mut(&id).and_then(|leg| leg.expire(now)) {
                self.drive(now, id, Input::Timer(timer));
            }
            let next = self.legs.get(&id).and_then(Leg::next_timeout);
            self.deadlines.set(&id, next);
        }
        self.ended.expire(now);
        self.core.events.extend(self.registrar.handle_timeout(now));
        self.settle(now);
    }

    /// The earliest deadline.
    pub fn next_timeout(&self) -> Option<Instant> {
        let transactions = self.core.transactions.next_timeout();
        let (legs, ended) = (self.deadlines.next_timeout(), self.ended.next_timeout());
        [transactions, legs, ended, self.registrar.next_timeout()].into_iter().flatten().min()
    }

    /// A number for a leg that will be called: state and media name it before its INVITE is sent.
    pub fn reserve_leg(&mut self) -> LegId {
        self.number_leg()
    }

    /// Calls somebody on a leg reserved before. What becomes of it is told by the facts of the leg.
    pub fn invite(&mut self, now: Instant, invite: OutgoingInvite) {
        let id = invite.leg;
        assert!(id.0 <= self.last_leg && !self.legs.contains_key(&id), "a leg is reserved, and called once");
        // Incoming legs are admitted up to the limit; those that serve them get as much again.
        if self.legs.len() >= self.core.limits.legs.saturating_mul(2) {
            let failure = Failure { code: 503, cause: super::fact::Cause::default(), retry_after: None };
            self.core.events.push_back(Event::Leg { leg: id, fact: LegFact::Failed(failure) });
            return;
        }
        let leg = Leg::call(&mut self.core, now, id, invite);
        self.keep(leg);
        self.settle(now);
    }

    /// Gives an order to a leg.
    pub fn order(&mut self, now: Instant, leg: LegId, order: LegOrder) {
        if self.legs.contains_key(&leg) {
            self.drive(now, leg, Input::Order(order));
        } else {
            self.core.observe(Observation::Ignored { why: "an order for a leg that is over" });
            // Whoever lets a leg go waits for the last word, also when the leg's own last word was lost on the way.
            if matches!(order, LegOrder::HangUp { .. } | LegOrder::Reject { .. }) {
                self.core.events.push_back(Event::Leg { leg, fact: LegFact::Released });
            }
        }
        self.settle(now);
    }

    /// The next message to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next stream to be closed without a word: its peer is nobody we know, and would hold a place that peers need
    /// (V12). At most one for each message that was received.
    pub fn poll_disconnect(&mut self) -> Option<Flow> {
        self.disconnects.pop_front()
    }

    /// The next thing that the switch has to hear.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.core.events.pop_front()
    }

    /// The Call-ID of a leg.
    pub fn call_id(&self, leg: LegId) -> Option<&Bytes> {
        self.legs.get(&leg).map(|leg| &leg.line.call_id)
    }

    /// A copy of a leg with its transactions.
    pub fn export_leg(&self, leg: LegId) -> Option<LegCheckpoint> {
        let transactions = self.core.transactions.export(leg);
        self.legs.get(&leg).map(|leg| LegCheckpoint { leg: leg.clone(), transactions })
    }

    /// Forgets a leg and its transactions without a word to anybody, as a crash would.
    pub fn drop_leg(&mut self, leg: LegId) {
        self.core.transactions.drop_leg(leg);
        self.forget(leg);
    }

    /// Takes back a leg from its checkpoint.
    pub fn import_leg(&mut self, checkpoint: LegCheckpoint) -> LegId {
        let id = checkpoint.leg.line.id;
        self.drop_leg(id);
        self.last_leg = self.last_leg.max(id.0);
        self.core.transactions.import(checkpoint.transactions);
        self.keep(checkpoint.leg);
        id
    }

    /// How much there is of everything.
    pub fn census(&self) -> Census {
        let (timers, latest) = self.core.transactions.timers();
        let given_up = self.core.transactions.given_up();
        let of_legs = || self.legs.values().flat_map(|leg| leg.timers().map(|(_, deadline)| deadline));
        Census {
            legs: self.legs.len(),
            transactions: self.core.transactions.len().saturating_sub(given_up),
            given_up,
            timers: timers + of_legs().count(),
            contacts: self.registrar.len(),
            ended_dialogs: self.ended.count(),
            latest_timer: latest.into_iter().chain(of_legs()).max(),
        }
    }

    fn number_leg(&mut self) -> LegId {
        self.last_leg += 1;
        LegId(self.last_leg)
    }

    fn keep(&mut self, leg: Leg) {
        let id = leg.line.id;
        if let Some(connection) = leg.line.flow.connection {
            self.by_connection.insert((connection, id));
        }
        self.by_tag.insert(leg.line.local_tag.clone(), id);
        self.deadlines.set(&id, leg.next_timeout());
        self.legs.insert(id, leg);
    }

    fn forget(&mut self, id: LegId) -> Option<Leg> {
        let leg = self.legs.remove(&id)?;
        if let Some(connection) = leg.line.flow.connection {
            self.by_connection.remove(&(connection, id));
        }
        if let Peer::Softphone(agent) = &leg.line.peer {
            self.stranded.remove(&(agent.clone(), id));
        }
        self.by_tag.remove(&leg.line.local_tag);
        self.deadlines.set(&id, None);
        Some(leg)
    }

    /// Gives a leg one input, and buries it if that was its last.
    fn drive(&mut self, now: Instant, id: LegId, input: Input<'_>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.handle(&mut self.core, now, input);
        if leg.is_over() {
            self.core.transactions.disown(now, id);
            self.core.admission.over(now, id, self.core.timing.patience());
            if let Some(leg) = self.forget(id) {
                self.ended.remember(now, leg.line.local_tag, leg.line.peer);
            }
        } else {
            let next = leg.next_timeout();
            self.deadlines.set(&id, next);
        }
    }

    /// Brings the news of transactions to their legs until there are none, then queues what is to be sent.
    fn settle(&mut self, now: Instant) {
        while let Some(news) = self.core.transactions.poll_news() {
            match news.owner {
                Owner::Leg(leg) => {
                    if let What::Response(response) = &news.what {
                        self.core.observe(Observation::Response { code: response.code, inbound: true });
                    }
                    self.drive(now, leg, Input::News { tx: news.id, what: news.what });
                }
                Owner::Probe(probe) => self.on_probe_news(probe, &news.what),
                Owner::Nobody => self.orphan_news(now, news.id, news.what),
            }
        }
        while let Some((flow, message)) = self.core.transactions.poll_send() {
            self.transmits.push_back(Transmit { flow, message, then: Then::Keep });
        }
        for _ in 0..self.core.transactions.take_repetitions() {
            self.core.observe(Observation::Retransmission);
        }
    }
}
