//! What the world has seen on the wire, leg by leg: the ground on which the invariants judge.
//!
//! Nothing here is asked of the product. A leg is a Call-ID between the product and one party; a matter is all legs
//! that carry the same citizen's number, or those of one consultation on the citizen's behalf.

mod journal;
mod leg;
pub mod tickets;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lianxian::base::ids::{CallId, LegId, TransferId};
use lianxian::base::time::Instant;
use lianxian::call::notice::What;
use lianxian::call::record::TransferRecord;
use lianxian::media::order::Order;

use super::sip_writer::SipText;
use super::step::{Cause, Effect, Step};

pub use journal::{JournalWatch, Stage};
pub use leg::{LegWatch, Side};

/// All that was seen.
#[derive(Default)]
pub struct Ledger {
    /// Legs by Call-ID.
    pub legs: BTreeMap<String, LegWatch>,
    /// Parties whose next call is a consultation, and the citizen whose number it is to show.
    pub consultations: BTreeMap<usize, String>,
    /// Call-IDs by matter.
    pub matters: BTreeMap<String, BTreeSet<String>>,
    /// Our media ports as told to parties: which Call-ID.
    pub ports: BTreeMap<SocketAddr, String>,
    /// Requests delivered to us, by branch and method: how often, and whether from a party that we serve.
    pub requests_in: BTreeMap<(String, String), u32>,
    /// INVITEs delivered to us by branch: when, Call-ID.
    pub invites_in: BTreeMap<String, (Instant, String)>,
    /// Final responses that we sent, by branch and method.
    pub finals_out: BTreeMap<(String, String), Arc<SipText>>,
    /// Every distinct SIP message that we sent.
    pub sent: BTreeSet<Vec<u8>>,
    /// Our requests: branch and method to Call-ID.
    pub requests_out: BTreeMap<(String, String), (Instant, String)>,
    /// Tags, branches and Call-IDs that we made: to whom they went.
    pub ours: BTreeMap<String, usize>,
    /// Notices counted for I31.
    pub counts: BTreeMap<&'static str, u64>,
    /// The transfers in the records of calls that are over.
    pub transfers: Vec<TransferRecord>,
    /// What was told of each transfer, in order.
    pub steps: BTreeMap<TransferId, Vec<&'static str>>,
    /// What the ticket stores were told.
    pub tickets: tickets::TicketWatch,
    /// Streams to Call-IDs.
    pub streams: BTreeMap<u32, String>,
    /// The parties' addresses.
    pub addresses: BTreeMap<String, usize>,
    /// Media ports in use, and whose.
    pub open_ports: BTreeMap<u16, LegId>,
    /// Whose a media port was last.
    pub port_legs: BTreeMap<u16, LegId>,
    /// The calls' journals.
    pub journals: BTreeMap<CallId, JournalWatch>,
    /// Calls that have told a success that is not on disk, and said so.
    pub alarms: BTreeSet<CallId>,
    /// When a media port was last closed.
    pub closed_ports: BTreeMap<u16, Instant>,
    /// The instant of the last step.
    pub last_step_at: Instant,
    looked_at: Instant,
}

impl Ledger {
    /// The leg behind one of our ports.
    pub fn leg_at(&self, port: SocketAddr) -> Option<(&String, &LegWatch)> {
        let even = SocketAddr::new(port.ip(), port.port() & !1);
        let call_id = self.ports.get(&even)?;
        self.legs.get_key_value(call_id)
    }

    /// The legs of a matter.
    pub fn matter(&self, number: &str) -> impl Iterator<Item = &LegWatch> {
        self.matters.get(number).into_iter().flatten().filter_map(|call_id| self.legs.get(call_id))
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Enters what went in.
    pub fn enter_cause(&mut self, step: &Step) {
        match &step.cause {
            Cause::Sip { party: Some(party), message, .. } => match message.method() {
                Some(method) => self.request_in(step.at, *party, method, message),
                None => self.response_in(step.at, message),
            },
            Cause::Rtp { stream: Some(stream), to, .. } => self.voice_in(step.at, *stream, *to),
            Cause::Sip { .. }
            | Cause::Rtp { .. }
            | Cause::Media(..)
            | Cause::Disk(..)
            | Cause::Other(_)
            | Cause::Deadline => {}
        }
    }

    /// Enters one thing that came out.
    pub fn enter_effect(&mut self, at: Instant, effect: &Effect) {
        match effect {
            Effect::Sip { party: Some(party), message, .. } => {
                match message.method() {
                    Some(method) => self.request_out(at, *party, method, message),
                    None => self.response_out(at, message),
                }
                self.sent.insert(message.to_bytes());
            }
            Effect::Rtp { from, packet, .. } => self.voice_out(at, *from, packet),
            Effect::Media(Order::Open { leg, local, .. }) => {
                self.open_ports.insert(local.port(), *leg);
                self.port_legs.insert(local.port(), *leg);
            }
            Effect::Media(Order::Close { leg }) => {
                let port = self.open_ports.iter().find(|(_, owner)| *owner == leg).map(|(port, _)| *port);
                if let Some(port) = port {
                    self.open_ports.remove(&port);
                    self.closed_ports.insert(port, at);
                }
            }
            Effect::Published(notice) => match &notice.what {
                What::Arrived { .. } => self.count("arrived"),
                What::Dialled { .. } => self.count("dialled"),
                What::Released(record) => {
                    self.count("released");
                    if record.answered.is_some() {
                        self.count("answered_calls");
                    }
                    self.transfers.extend(record.transfers.iter().cloned());
                }
                What::Transfer { transfer, step } => self.steps.entry(*transfer).or_default().push(step.name()),
                What::CallerLost(_) => self.count("caller_lost"),
                What::Unproven { .. } => {
                    self.alarms.insert(notice.call);
                }
                What::Refused { .. } => self.count("refused"),
                _ => {}
            },
            Effect::Recorded(entry) => {
                self.tickets.enter(entry);
                match self.journals.get_mut(&entry.id.call) {
                    Some(journal) => journal.enter(entry),
                    None => {
                        self.journals.insert(entry.id.call, JournalWatch::begin(entry));
                    }
                }
            }
            Effect::Sip { .. } | Effect::Media(..) | Effect::Observed(_) => {}
        }
    }

    /// Whether 100 ms have passed since the last look at what may be late.
    pub fn time_for_a_look(&mut self, now: Instant) -> bool {
        let due = now - self.looked_at >= Duration::from_millis(100);
        if due {
            self.looked_at = now;
        }
        due
    }

    /// The party's connection broke: an INVITE that was open on it has failed on both sides.
    pub fn connection_broke(&mut self, at: Instant, party: usize) {
        for leg in self.legs.values_mut().filter(|leg| leg.party == party && leg.answered_at.is_none()) {
            leg.lost_at.get_or_insert(at);
        }
    }
}
