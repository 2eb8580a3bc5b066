//! The simulated world: the whole product as a value, a network that loses and doubles, parties with a SIP of their own.
//!
//! There is no socket and no real clock. A [`World`] is made from a seed; the seed is the whole run. After every step
//! of the product the invariants are judged ([`invariants::after`]); the first that does not hold ends the run with the
//! seed, the end of the trace and the line that replays it.

#![allow(unreachable_pub, reason = "the world is one module of one test executable; pub means for the stories")]

pub mod chance;
pub mod clock;
pub mod invariants;
pub mod joins;
pub mod ledger;
pub mod net;
pub mod parties;
pub mod phone;
pub mod product;
pub mod sabotage;
pub mod sdp_writer;
pub mod sip_writer;
pub mod sound;
pub mod step;
pub mod store;
pub mod told;
pub mod town;
pub mod trace;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lianxian::base::entropy::Entropy;
use lianxian::base::ids::{CallId, LegId};
use lianxian::base::time::Instant;
use lianxian::media;
use lianxian::sip::flow::{Flow, FlowFailure, Transport};
use lianxian::switch::{Command, Settings};
use lianxian::tickets::entry::EntryId;

use chance::Chance;
use clock::{EventHeap, WallClock};
use invariants::{Scene, Violation};
use ledger::Ledger;
use net::{SimNet, Way};
use phone::{Line, Phone, PhoneOutput};
use product::{Product, Raw, Stream};
use sip_writer::SipText;
use sound::{Rtp, Sound, listen};
use step::{Cause, Effect, Step};
use store::{SimStore, Word};
use trace::{seconds, step_lines};

/// Stands in every name that a party makes, before the party's number.
pub const MARK: &str = "zq7p";

/// The steps of the trace that a failure prints; `LIANXIAN_TRACE` asks for more.
fn trace_lines() -> usize {
    static LINES: OnceLock<usize> = OnceLock::new();
    *LINES.get_or_init(|| std::env::var("LIANXIAN_TRACE").ok().and_then(|lines| lines.parse().ok()).unwrap_or(60))
}

/// The judges' view of the world, with the ledger left free to be written.
macro_rules! scene {
    ($world:expr, $look:expr) => {
        Scene {
            phones: &$world.phones,
            dialable: &$world.dialable,
            refusals_expected: $world.refusals_expected,
            success_at_once: $world.success_at_once,
            panics_expected: $world.panics_expected,
            next_timeout: $world.product.next_timeout(),
            look: $look,
            latest_timer: if $look { $world.product.latest_timer() } else { None },
            wall_s: $world.wall.unix_s($world.now),
            store: &$world.store,
            metrics: $world.product.exposition(),
        }
    };
}

/// What will happen.
#[derive(Debug)]
enum Happening {
    DatagramIn { from: SocketAddr, bytes: Vec<u8> },
    PieceIn { connection: u64, bytes: Vec<u8> },
    ClosedIn { connection: u64 },
    MessageOut { party: usize, bytes: Vec<u8> },
    RtpIn { from: SocketAddr, to: SocketAddr, packet: Vec<u8> },
    RtpOut { party: usize, to: SocketAddr, packet: Vec<u8> },
    Fact { call: CallId, leg: LegId, fact: media::fact::Fact },
    Disk { entry: EntryId, word: Word },
    Wake { party: usize },
}

/// The world.
pub struct World {
    /// The seed it was made from.
    pub seed: u64,
    /// Virtual time.
    pub now: Instant,
    /// The wall clock.
    pub wall: WallClock,
    /// The network.
    pub net: SimNet,
    /// The product.
    pub product: Product,
    /// The store.
    pub store: SimStore,
    /// The parties.
    pub phones: Vec<Phone>,
    /// What was seen.
    pub ledger: Ledger,
    /// The first violations, if the world does not panic on them.
    pub violations: Vec<Violation>,
    /// Whether a violation panics.
    pub strict: bool,
    /// Whether the judges look away from now on: for stories in which the product is broken on purpose.
    pub judges_sleep: bool,
    /// The numbers that any configuration of this story lets the product dial.
    pub dialable: BTreeSet<String>,
    /// Whether callers may be refused in this story.
    pub refusals_expected: bool,
    /// Whether the telephones of this story are told success right behind the 202 (trap T43).
    pub success_at_once: bool,
    /// Whether a panic is planted in this story.
    pub panics_expected: bool,
    /// After how many of a thousand SIP inputs a call is serialised, dropped and restored.
    pub restore_per_mille: u64,
    /// SIP and RTP that the product sent to addresses of nobody: count and bytes by address.
    pub strays: BTreeMap<SocketAddr, (u64, u64)>,
    /// SIP messages that the product has taken so far.
    pub inputs: u64,
    /// How many times a call was serialised, dropped and restored.
    pub restored: u64,
    /// The world's dice.
    pub chance: Chance,
    heap: EventHeap<Happening>,
    addresses: BTreeMap<SocketAddr, usize>,
    connections: BTreeMap<u64, Stream>,
    wakes: Vec<Option<Instant>>,
    trace: VecDeque<Step>,
}

impl World {
    /// A world with the standard town and a good network.
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let net = SimNet::new(chance.fork());
        Self {
            seed,
            now: Instant::START + Duration::from_secs(1),
            wall: WallClock::new(),
            net,
            product: Product::new(Entropy::from_number(seed)),
            store: SimStore::new(seed),
            phones: Vec::new(),
            ledger: Ledger::default(),
            violations: Vec::new(),
            strict: true,
            judges_sleep: false,
            dialable: town::dialable(&town::settings().routing),
            refusals_expected: false,
            success_at_once: false,
            panics_expected: false,
            restore_per_mille: 0,
            strays: BTreeMap::new(),
            inputs: 0,
            restored: 0,
            chance,
            heap: EventHeap::default(),
            addresses: BTreeMap::new(),
            connections: BTreeMap::new(),
            wakes: Vec::new(),
            trace: VecDeque::new(),
        }
    }

    /// Adds a party.
    pub fn add(&mut self, number: &str, address: SocketAddr, line: Line) -> usize {
        let id = self.phones.len();
        let server = town::server(address);
        self.phones.push(Phone::new(id, number, address, server, line, self.chance.fork()));
        self.addresses.insert(address, id);
        self.ledger.addresses.insert(address.ip().to_string(), id);
        self.wakes.push(None);
        id
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.turn(until) {}
        self.now = until;
    }

    /// Lets time pass until `done`, at most `limit`; says whether it was done.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let until = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            if !self.turn(until) {
                self.now = until;
                return done(self);
            }
        }
    }

    /// Lets one party do something now.
    pub fn with<T>(&mut self, party: usize, act: impl FnOnce(&mut Phone, Instant) -> T) -> T {
        let now = self.now;
        let outcome = act(&mut self.phones[party], now);
        self.carry_out(party);
        outcome
    }

    /// Judges what must hold when all is over.
    pub fn judge_the_end(&mut self) {
        let scene = scene!(self, true);
        let found = invariants::at_the_end(&self.ledger, &scene, self.now);
        self.report(found);
    }

    /// Says that something must hold, with the seed and the trace if it does not.
    pub fn must(&self, holds: bool, what: &str) {
        if !holds && self.violations.is_empty() {
            panic!("{what}\n{}", self.story());
        }
    }

    /// The end of the trace and how to replay the run.
    pub fn story(&self) -> String {
        let lines: Vec<String> = self.trace.iter().map(step_lines).collect();
        format!(
            "at {:.3} s, the last {} steps:\n{}\nreplay: LIANXIAN_SEED={} cargo test --test it random",
            seconds(self.now),
            lines.len(),
            lines.join("\n"),
            self.seed
        )
    }

    /// Sends raw bytes to the product from any address over UDP.
    pub fn inject(&mut self, from: SocketAddr, bytes: Vec<u8>) {
        self.heap.push(self.now, Happening::DatagramIn { from, bytes });
    }

    /// Sends a raw packet to one of the product's media ports from any address.
    pub fn inject_rtp(&mut self, from: SocketAddr, to: SocketAddr, packet: Vec<u8>) {
        self.heap.push(self.now, Happening::RtpIn { from, to, packet });
    }

    /// Gives the product a command.
    pub fn command(&mut self, command: Command) {
        let raws = self.product.command(self.now, command);
        self.finish(Cause::Other("command"), raws);
    }

    /// Gives the product another configuration.
    pub fn reload(&mut self, settings: Settings) {
        self.dialable.extend(town::dialable(&settings.routing));
        let raws = self.product.reload(self.now, settings);
        self.finish(Cause::Other("reload"), raws);
    }

    /// The clock on the wall shows a moment of the week, such as `Mon 03:00`.
    pub fn clock_shows(&mut self, moment: &str) {
        let raws = self.product.wall(town::wall_of_week(self.now, moment));
        self.finish(Cause::Other("clock"), raws);
    }

    /// The party's connection breaks.
    pub fn break_connection(&mut self, party: usize) {
        let found = self.connections.iter().find(|(_, stream)| stream.party == party).map(|(id, _)| *id);
        if let Some(connection) = found {
            let at = self.net.stream_arrival(self.now, Way::In, connection);
            self.heap.push(at, Happening::ClosedIn { connection });
        }
    }

    /// Serialises one call, drops it and restores it. The digests must agree (I32), a second restore changes nothing (I33).
    pub fn restore(&mut self, call: CallId) {
        match self.product.drop_and_restore(self.now, call) {
            Ok(()) => self.restored += 1,
            Err(problem) => {
                let violation =
                    Violation { number: "I32", seen: problem, at: self.now, wall_s: self.wall.unix_s(self.now) };
                self.report(vec![violation]);
            }
        }
    }

    // === One turn ===

    fn turn(&mut self, until: Instant) -> bool {
        if !self.violations.is_empty() {
            return false;
        }
        let deadline = self.product.next_timeout();
        let event = self.heap.next_at();
        let Some(at) = deadline.into_iter().chain(event).min().filter(|at| *at <= until) else { return false };
        self.now = self.now.max(at);
        if deadline.is_some_and(|due| due <= self.now) && event.is_none_or(|next| deadline <= Some(next)) {
            let raws = self.product.deadline(self.now);
            self.finish(Cause::Deadline, raws);
            return true;
        }
        if let Some((_, happening)) = self.heap.pop() {
            self.happen(happening);
        }
        true
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::DatagramIn { from, bytes } => {
                let flow =
                    Flow { transport: Transport::Udp, local: town::server(from), remote: from, connection: None };
                let party = self.addresses.get(&from).copied();
                self.message_in(flow, party, bytes);
            }
            Happening::PieceIn { connection, bytes } => self.piece_in(connection, &bytes),
            Happening::ClosedIn { connection } => {
                if let Some(stream) = self.connections.remove(&connection) {
                    let raws = self.product.flow_failed(self.now, stream.flow, FlowFailure::Closed);
                    self.finish(Cause::Other("connection closed"), raws);
                    self.ledger.connection_broke(self.now, stream.party);
                    self.with(stream.party, Phone::connection_broke);
                }
            }
            Happening::MessageOut { party, bytes } => {
                self.phones[party].receive(self.now, &bytes);
                self.carry_out(party);
            }
            Happening::RtpIn { from, to, mut packet } => {
                let stream = Rtp::parse(&packet).and_then(|rtp| match listen(&rtp.payload) {
                    Sound::Stream(stream) => Some(stream),
                    Sound::Machine => None,
                });
                let party = self.party_at(from);
                let raws = self.product.rtp(self.now, from, to, &mut packet);
                self.finish(Cause::Rtp { party, to, stream }, raws);
            }
            Happening::RtpOut { party, to, packet } => self.phones[party].receive_rtp(self.now, to, &packet),
            Happening::Fact { call, leg, fact } => {
                let raws = self.product.media_fact(self.now, call, leg, fact.clone());
                self.finish(Cause::Media(leg, fact), raws);
            }
            Happening::Disk { entry, word } => {
                let raws = self.product.written(self.now, entry, word);
                self.finish(Cause::Disk(entry, word), raws);
            }
            Happening::Wake { party } => {
                self.wakes[party] = None;
                self.phones[party].wake(self.now);
                self.carry_out(party);
            }
        }
    }

    fn message_in(&mut self, flow: Flow, party: Option<usize>, bytes: Vec<u8>) {
        self.inputs += 1;
        let parsed = SipText::parse(&bytes);
        let raws = self.product.sip(self.now, flow, bytes);
        let cause = match parsed {
            Some(message) => Cause::Sip { party, message: Arc::new(message) },
            None => Cause::Other("unreadable"),
        };
        self.finish(cause, raws);
        if self.chance.happens(self.restore_per_mille) {
            let calls = self.product.calls();
            if !calls.is_empty() {
                let index = self.chance.between(0, calls.len() as u64) as usize;
                self.restore(calls[index]);
            }
        }
    }

    fn piece_in(&mut self, connection: u64, bytes: &[u8]) {
        let Some(stream) = self.connections.get_mut(&connection) else { return };
        stream.framer.push(bytes);
        loop {
            let Some(stream) = self.connections.get_mut(&connection) else { return };
            let (flow, party) = (stream.flow, stream.party);
            match stream.framer.next() {
                Ok(Some(message)) => self.message_in(flow, Some(party), message.to_vec()),
                Ok(None) => return,
                Err(broken) => {
                    let raws = self.product.unframed(self.now, flow, broken);
                    self.finish(Cause::Other("unframed"), raws);
                    return;
                }
            }
        }
    }

    /// Carries out what the product said, then judges the step.
    fn finish(&mut self, cause: Cause, raws: Vec<Raw>) {
        let mut effects = Vec::with_capacity(raws.len());
        for raw in raws {
            match raw {
                Raw::Sip { flow, bytes } => effects.extend(self.sip_out(flow, bytes)),
                Raw::Disconnect(flow) => self.disconnect(flow),
                Raw::Rtp { from, to, packet } => {
                    self.rtp_out(to, &packet);
                    effects.push(Effect::Rtp { from, to, packet });
                }
                Raw::Media(_, order) => effects.push(Effect::Media(order)),
                Raw::Fact(call, leg, fact) => self.heap.push(self.now, Happening::Fact { call, leg, fact }),
                Raw::Record(entry) => {
                    if let Some((at, word)) = self.store.take(self.now, entry.id) {
                        self.heap.push(at, Happening::Disk { entry: entry.id, word });
                    }
                    effects.push(Effect::Recorded(entry));
                }
                Raw::Published(notice) => effects.push(Effect::Published(notice)),
                Raw::Observed(observation) => effects.push(Effect::Observed(observation)),
            }
        }
        let step = Step { at: self.now, cause, effects };
        let look = self.ledger.time_for_a_look(self.now);
        let scene = scene!(self, look);
        let found = invariants::after(&mut self.ledger, &scene, &step);
        self.remember(step);
        self.report(found);
    }

    fn sip_out(&mut self, flow: Flow, bytes: Vec<u8>) -> Option<Effect> {
        let message = Arc::new(SipText::parse(&bytes)?);
        let stream = flow.connection.and_then(|id| self.connections.get(&id.0));
        let party = stream.map(|stream| stream.party).or_else(|| self.addresses.get(&flow.remote).copied());
        match (party, flow.transport) {
            (Some(party), Transport::Udp) => {
                for at in self.net.sip_arrivals(self.now, Way::Out, &message) {
                    self.heap.push(at, Happening::MessageOut { party, bytes: bytes.clone() });
                }
            }
            (Some(party), Transport::Tcp) => {
                let connection = flow.connection.map_or_else(|| self.connection_of(party), |id| id.0);
                if self.connections.contains_key(&connection) {
                    let at = self.net.stream_arrival(self.now, Way::Out, connection);
                    self.heap.push(at, Happening::MessageOut { party, bytes: bytes.clone() });
                }
            }
            (None, _) => {
                let stray = self.strays.entry(flow.remote).or_default();
                stray.0 += 1;
                stray.1 += bytes.len() as u64;
            }
        }
        Some(Effect::Sip { party, message })
    }

    fn rtp_out(&mut self, to: SocketAddr, packet: &[u8]) {
        let Some(party) = self.party_at(to) else {
            let stray = self.strays.entry(to).or_default();
            stray.0 += 1;
            stray.1 += packet.len() as u64;
            return;
        };
        for at in self.net.rtp_arrivals(self.now, Way::Out) {
            self.heap.push(at, Happening::RtpOut { party, to, packet: packet.to_vec() });
        }
    }

    fn disconnect(&mut self, flow: Flow) {
        if let Some(id) = flow.connection {
            self.connections.remove(&id.0);
        }
    }

    // === The parties' side ===

    fn carry_out(&mut self, party: usize) {
        // The newest stand at the end.
        for dialog in self.phones[party].dialogs.iter().rev() {
            if self.ledger.streams.insert(dialog.stream, dialog.call_id.clone()).is_some() {
                break;
            }
        }
        while let Some(output) = self.phones[party].poll() {
            match output {
                PhoneOutput::Sip(bytes) => self.party_says(party, bytes),
                PhoneOutput::Rtp { from, to, packet } => {
                    for at in self.net.rtp_arrivals(self.now, Way::In) {
                        self.heap.push(at, Happening::RtpIn { from, to, packet: packet.clone() });
                    }
                }
            }
        }
        let wake = self.phones[party].next_wake();
        if let Some(at) = wake
            && self.wakes[party].is_none_or(|planned| at < planned)
        {
            self.wakes[party] = Some(at);
            self.heap.push(at.max(self.now), Happening::Wake { party });
        }
    }

    fn party_says(&mut self, party: usize, bytes: Vec<u8>) {
        let from = self.phones[party].address;
        match self.phones[party].line {
            Line::Udp => {
                let Some(message) = SipText::parse(&bytes) else { return };
                for at in self.net.sip_arrivals(self.now, Way::In, &message) {
                    self.heap.push(at, Happening::DatagramIn { from, bytes: bytes.clone() });
                }
            }
            Line::Tcp => {
                let connection = self.connection_of(party);
                let cut = self.chance.between(0, bytes.len() as u64) as usize;
                for piece in [&bytes[..cut], &bytes[cut..]] {
                    let at = self.net.stream_arrival(self.now, Way::In, connection);
                    self.heap.push(at, Happening::PieceIn { connection, bytes: piece.to_vec() });
                }
            }
        }
    }

    fn connection_of(&mut self, party: usize) -> u64 {
        if let Some((id, _)) = self.connections.iter().find(|(_, stream)| stream.party == party) {
            return *id;
        }
        let stream = self.product.open_stream(party, self.phones[party].address);
        let id = stream.id;
        self.connections.insert(id, stream);
        id
    }

    fn party_at(&self, address: SocketAddr) -> Option<usize> {
        self.phones.iter().position(|phone| phone.address.ip() == address.ip())
    }

    // === Judging ===

    fn report(&mut self, found: Vec<Violation>) {
        let Some(first) = found.first().filter(|_| !self.judges_sleep) else { return };
        if self.strict {
            let when = format!("{:.3} s, wall clock {}", seconds(first.at), first.wall_s);
            panic!("{} does not hold at {when}: {}\n{}", first.number, first.seen, self.story());
        }
        self.violations.extend(found);
    }

    /// Keeps a step for the story, written out only if somebody has to read it. Relayed sound is no news.
    fn remember(&mut self, step: Step) {
        let sound = step.effects.iter().all(|effect| matches!(effect, Effect::Rtp { .. }));
        if sound && matches!(step.cause, Cause::Rtp { .. } | Cause::Deadline) {
            return;
        }
        if self.trace.len() == trace_lines() {
            self.trace.pop_front();
        }
        self.trace.push_back(step);
    }
}
