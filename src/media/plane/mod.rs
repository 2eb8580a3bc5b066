//! The plane: all legs of one media thread as a value.
//!
//! A worker hands in orders, packets and the time, and sends what comes out. Packets find their leg by its slot, which
//! the worker keeps as epoll's user data; nothing on that path allocates, hashes or locks.
//!
//! Invariants: a leg hears only legs of its own call and never itself (I12, I14); what a leg receives continues one
//! stream (T26); it is sent to the SDP's address, or under `learn` to the locked source, and nowhere else (I13).

mod contain;
mod leg;
mod mix;
mod receive;
#[cfg(test)]
mod tests;
mod tick;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use slab::Slab;
use smallvec::SmallVec;

use self::leg::{Heard, Hearing, Leg, News, Playing, StandIn, Timer};
use super::counters::Counters;
use super::fact::Fact;
use super::jitter::Jitter;
use super::library::Library;
use super::order::{Order, Source};
use super::reception::Reception;
use crate::base::entropy::Entropy;
use crate::base::ids::{CallId, LegId};
use crate::base::time::Instant;
use crate::base::timer::DeadlineQueue;

/// Facts that may wait for the engine.
const FACTS_MAX: usize = 16_384;

/// The name under which ringback plays; no file of the prompt folder has it.
const RINGBACK: &str = "";

/// What the plane is told once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our own media ports: nothing is sent to them on our own addresses, or the sound would go in a circle (V25).
    pub own_ports: RangeInclusive<u16>,
    /// Time since 1970 at the start of the time line, for the NTP time in sender reports.
    pub wall_at_start: Duration,
}

/// One of a leg's two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The even port.
    Rtp,
    /// The odd port.
    Rtcp,
}

/// A socket: the leg's place in the plane, and which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Port {
    /// From [`Plane::slot`].
    pub slot: usize,
    /// RTP or RTCP.
    pub channel: Channel,
}

/// A datagram that has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Where it came in.
    pub port: Port,
    /// Who sent it.
    pub from: SocketAddr,
    /// When the kernel took it, not later than now: after a stall the two differ (E7).
    pub at: Instant,
}

/// A datagram that goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The socket that sends it.
    pub port: Port,
    /// Who gets it.
    pub to: SocketAddr,
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It went on to so many legs; zero if nobody listens.
    Relayed(u32),
    /// RTCP, comfort noise, or a key that is withheld: taken note of.
    Noted,
    /// It was dropped.
    Dropped(Reason),
}

/// Why a datagram was dropped; each has its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The leg is closed.
    NoLeg,
    /// It is not RTP, or not RTCP.
    Malformed,
    /// Its sender is not the leg's peer.
    WrongSource,
    /// Nothing was agreed yet, or the peer may not send.
    NotAgreed,
    /// Its payload type was not agreed.
    UnknownPayload,
    /// Too many.
    OverRate,
    /// Older than 100 ms.
    Stale,
    /// Handling it panicked: a bug of ours.
    Panicked,
}

/// How one leg's media went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegStatistics {
    /// Valid RTP packets from the peer.
    pub received_packets: u64,
    /// Their payload, in bytes.
    pub received_bytes: u64,
    /// Packets the peer sent and we never saw.
    pub lost_packets: u64,
    /// Interarrival jitter (RFC 3550 A.8), in milliseconds.
    pub jitter_ms: u32,
    /// RTP packets to the peer.
    pub sent_packets: u64,
    /// Packets from others, all dropped.
    pub wrong_source: u64,
    /// Packets dropped because they were old.
    pub stale: u64,
    /// Packets of ours that the peer reports lost.
    pub remote_lost_packets: u32,
    /// Round trip by the latest RTCP, in milliseconds; `None` before the first.
    pub round_trip_ms: Option<u32>,
}

/// All legs of one media thread.
#[derive(Debug)]
pub struct Plane {
    settings: Settings,
    library: Arc<Library>,
    entropy: Entropy,
    legs: Slab<Leg>,
    by_leg: HashMap<LegId, usize>,
    by_call: HashMap<CallId, SmallVec<[usize; 4]>>,
    deadlines: DeadlineQueue<usize>,
    /// The source that was heard last on each port, by its address: at most one for each port there is.
    residue: HashMap<SocketAddr, u32>,
    facts: VecDeque<(CallId, LegId, Fact)>,
    counters: Counters,
}

impl Plane {
    /// A plane without legs. `entropy` makes the SSRCs, which a stranger must not guess.
    pub fn new(settings: Settings, library: Arc<Library>, entropy: Entropy) -> Self {
        Self {
            settings,
            library,
            entropy,
            legs: Slab::new(),
            by_leg: HashMap::new(),
            by_call: HashMap::new(),
            deadlines: DeadlineQueue::default(),
            residue: HashMap::new(),
            facts: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Carries out one order. An order for a leg that is not open does nothing: it crossed with its closing.
    pub fn handle(&mut self, now: Instant, order: Order) {
        let leg = order.leg();
        if self.attempt(|plane| plane.carry_out(now, order)).is_none() {
            self.bear(now, self.slot(leg).unwrap_or(usize::MAX));
        }
    }

    fn carry_out(&mut self, now: Instant, order: Order) {
        match order {
            Order::Open { call, leg, local } => self.open(now, call, leg, local),
            Order::Agree { leg, session } => self.change(leg, |plane, slot| {
                let Some(leg) = plane.legs.get_mut(slot) else { return };
                leg.agree(now, session, &plane.settings, &mut plane.counters);
            }),
            Order::Hear { leg, source } => self.change(leg, |plane, slot| plane.hear(now, slot, source)),
            Order::Key { leg, digit, duration_ms } => self.change(leg, |plane, slot| {
                let Some(leg) = plane.legs.get_mut(slot) else { return };
                leg.press(now, digit, duration_ms, &mut plane.counters);
            }),
            Order::Keys { leg, keys } => self.change(leg, |plane, slot| {
                let Some(leg) = plane.legs.get_mut(slot) else { return };
                leg.pass = keys;
            }),
            Order::Await { leg } => self.change(leg, |plane, slot| {
                let Some(leg) = plane.legs.get_mut(slot) else { return };
                leg.news = News::Awaited;
            }),
            Order::Close { leg } => self.close(leg),
        }
    }

    /// Where the leg is, as long as it is open.
    pub fn slot(&self, leg: LegId) -> Option<usize> {
        self.by_leg.get(&leg).copied()
    }

    /// The leg's sockets could not be bound: tells the call.
    pub fn open_failed(&mut self, call: CallId, leg: LegId) {
        push_fact(&mut self.facts, &mut self.counters, (call, leg, Fact::OpenFailed));
    }

    /// The next fact for a call.
    pub fn poll_fact(&mut self) -> Option<(CallId, LegId, Fact)> {
        self.facts.pop_front()
    }

    /// Whether facts wait to be polled.
    pub fn has_facts(&self) -> bool {
        !self.facts.is_empty()
    }

    /// Puts a fact back that could not be delivered, to be tried again.
    pub fn return_fact(&mut self, fact: (CallId, LegId, Fact)) {
        self.facts.push_front(fact);
    }

    /// When [`Plane::handle_timeout`] must be called.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.next_timeout()
    }

    /// What was counted so far.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How a leg's media goes.
    pub fn statistics(&self, leg: LegId) -> Option<LegStatistics> {
        Some(self.legs.get(self.slot(leg)?)?.statistics())
    }

    /// Open legs, for the search for leaks (V35).
    pub fn len(&self) -> usize {
        self.legs.len()
    }

    /// Whether no leg is open and nothing is left of any.
    pub fn is_empty(&self) -> bool {
        self.legs.is_empty() && self.by_leg.is_empty() && self.by_call.is_empty() && self.deadlines.is_empty()
    }

    fn open(&mut self, now: Instant, call: CallId, id: LegId, local: SocketAddr) {
        if self.by_leg.contains_key(&id) {
            // The call was restored and says again what it wants; the leg goes on as it is.
            return;
        }
        let mut leg = Leg::new(now, call, id, local, &mut self.entropy);
        leg.former_ssrc = self.residue.remove(&local);
        let slot = self.legs.insert(leg);
        self.by_leg.insert(id, slot);
        let siblings = self.by_call.entry(call).or_default();
        siblings.push(slot);
        self.counters.opened += 1;
        // Somebody may have been told to hear this leg before it was open.
        for sibling in siblings.clone() {
            if self.legs.get(sibling).is_some_and(|leg| leg.awaits(id)) {
                self.link(sibling, id);
            }
        }
    }

    fn close(&mut self, id: LegId) {
        let Some(slot) = self.by_leg.remove(&id) else { return };
        self.unlink(slot);
        let leg = self.legs.remove(slot);
        for listener in &leg.listeners {
            if let Some(listener) = self.legs.get_mut(*listener) {
                listener
                    .hears
                    .heard_mut()
                    .iter_mut()
                    .filter(|heard| heard.id == id)
                    .for_each(|heard| heard.slot = None);
                if let Hearing::Leg(_) = listener.hears {
                    listener.stream.detach();
                }
            }
        }
        if let Some(siblings) = self.by_call.get_mut(&leg.call) {
            siblings.retain(|sibling| *sibling != slot);
            if siblings.is_empty() {
                self.by_call.remove(&leg.call);
            }
        }
        self.deadlines.set(&slot, None);
        // A call that heard nobody leaves what the one before it had left.
        if let Some(ssrc) = leg.reception.as_ref().map(Reception::ssrc).or(leg.former_ssrc) {
            self.residue.insert(leg.local, ssrc);
        }
        self.counters.closed += 1;
        let statistics = leg.statistics();
        self.counters.lost_packets += statistics.lost_packets;
        if statistics.received_packets > 0 {
            self.counters.observe_jitter(statistics.jitter_ms);
        }
    }

    fn hear(&mut self, now: Instant, slot: usize, source: Source) {
        let Some(leg) = self.legs.get_mut(slot) else { return };
        let playing = match source {
            Source::Leg(id) => return self.hear_leg(now, slot, id, StandIn::Noise),
            Source::Early(id) => return self.hear_leg(now, slot, id, StandIn::Ringback),
            Source::Mix(ids) if leg.hears_mix(&ids) => return,
            Source::Mix(ids) => return self.hear_mix(now, slot, &ids),
            Source::Nothing => None,
            Source::Ringback if leg.repeats(RINGBACK) => return,
            Source::Ringback => Some(Playing::new(RINGBACK.to_owned(), self.library.ringback().clone(), true)),
            Source::Prompt { name, repeat: true } if leg.repeats(&name) => return,
            Source::Prompt { name, repeat } => {
                let recording = self.library.prompt(&name);
                self.counters.prompts_missing += u64::from(recording.is_none());
                Some(Playing::new(name, recording.unwrap_or_else(|| self.library.fallback()).clone(), repeat))
            }
        };
        self.unlink(slot);
        let Some(leg) = self.legs.get_mut(slot) else { return };
        leg.hears = playing.map_or(Hearing::Nothing, Hearing::Playing);
        leg.arm_tick(now);
    }

    /// Lets the leg in `slot` hear the leg `id`, and `stand_in` while that says nothing.
    fn hear_leg(&mut self, now: Instant, slot: usize, id: LegId, stand_in: StandIn) {
        let Some(leg) = self.legs.get_mut(slot) else { return };
        let same = leg.hears_leg(id);
        if same && leg.stand_in == stand_in {
            return;
        }
        if !same {
            self.unlink(slot);
        }
        let Some(leg) = self.legs.get_mut(slot) else { return };
        leg.stand_in = stand_in;
        leg.begin_lull_watch(now);
        if !same {
            leg.hears = Hearing::Leg(Heard { id, slot: None });
            leg.stream.detach();
            self.link(slot, id);
        }
    }

    /// Links the leg in `slot` with the leg `id` of the same call, which it is to hear, if that is open.
    fn link(&mut self, slot: usize, id: LegId) {
        let Some(leg) = self.legs.get_mut(slot) else { return };
        let (call, mixed) = (leg.call, matches!(leg.hears, Hearing::Mix(_)));
        let Some(source) = self.by_leg.get(&id).copied().filter(|source| *source != slot) else { return };
        let Some(heard) = self.legs.get_mut(source).filter(|heard| heard.call == call) else { return };
        heard.listeners.push(slot);
        if mixed && heard.input.is_none() {
            heard.input = Some(Box::new(Jitter::new()));
        }
        let Some(leg) = self.legs.get_mut(slot) else { return };
        leg.hears.heard_mut().iter_mut().filter(|heard| heard.id == id).for_each(|heard| heard.slot = Some(source));
    }

    /// The leg in `slot` hears nothing any more.
    fn unlink(&mut self, slot: usize) {
        let Some(leg) = self.legs.get_mut(slot) else { return };
        leg.timers.stop(Timer::Mix);
        leg.timers.stop(Timer::Lull);
        let hearing = std::mem::replace(&mut leg.hears, Hearing::Nothing);
        for source in hearing.heard().iter().filter_map(|heard| heard.slot) {
            let Some(heard) = self.legs.get_mut(source) else { continue };
            heard.listeners.retain(|listener| *listener != slot);
            let listeners = heard.listeners.clone();
            let mixed =
                |listener: &usize| self.legs.get(*listener).is_some_and(|leg| matches!(leg.hears, Hearing::Mix(_)));
            if !listeners.iter().any(mixed)
                && let Some(heard) = self.legs.get_mut(source)
            {
                heard.input = None;
            }
        }
    }

    /// Applies a change to an open leg and takes over its new deadline.
    fn change(&mut self, leg: LegId, change: impl FnOnce(&mut Self, usize)) {
        let Some(slot) = self.slot(leg) else { return };
        change(self, slot);
        self.refresh_deadline(slot);
    }

    fn refresh_deadline(&mut self, slot: usize) {
        let deadline = self.legs.get(slot).and_then(|leg| leg.timers.next_timeout());
        self.deadlines.set(&slot, deadline);
    }
}

fn push_fact(facts: &mut VecDeque<(CallId, LegId, Fact)>, counters: &mut Counters, fact: (CallId, LegId, Fact)) {
    if facts.len() < FACTS_MAX {
        facts.push_back(fact);
    } else {
        counters.facts_lost += 1;
    }
}
