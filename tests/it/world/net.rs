//! The network: late, lossy, doubling and reordering for datagrams; late and in order for streams.

use std::collections::BTreeMap;
use std::time::Duration;

use lianxian::base::time::Instant;

use super::chance::Chance;
use super::sip_writer::SipText;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// To the product.
    In,
    /// From the product.
    Out,
}

/// What the network does to datagrams of one way.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Lost, per mille.
    pub loss: u64,
    /// Doubled, per mille.
    pub double: u64,
    /// Delayed far enough to be overtaken, per mille.
    pub reorder: u64,
    /// Shortest way, in milliseconds.
    pub latency_min_ms: u64,
    /// Longest way, in milliseconds.
    pub latency_max_ms: u64,
}

impl Faults {
    /// A good network: 2 ms, nothing lost.
    pub const NONE: Self = Self { loss: 0, double: 0, reorder: 0, latency_min_ms: 2, latency_max_ms: 2 };
}

/// A datagram to be lost on purpose, whatever the dice say.
pub struct Loss {
    /// Which way.
    pub way: Way,
    /// A method, for a request; `"180"`-like, for a response; CSeq methods as `"200 INVITE"`.
    pub what: String,
    /// How many more of them.
    pub times: u32,
}

/// What happens to one datagram, by its number from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is lost.
    Lost,
    /// It comes twice.
    Doubled,
    /// It comes a second later, after what was sent behind it.
    Late,
}

/// The network between all parties and the product.
pub struct SimNet {
    /// Faults of signalling, each way.
    pub sip: BTreeMap<Way, Faults>,
    /// Faults of sound, each way.
    pub rtp: BTreeMap<Way, Faults>,
    /// Planned losses.
    pub losses: Vec<Loss>,
    /// What happens to which SIP datagram.
    pub fate: Option<(u64, Fate)>,
    /// SIP datagrams so far.
    pub datagrams: u64,
    chance: Chance,
    streams: BTreeMap<(u64, Way), Instant>,
}

impl SimNet {
    /// A good network with its own dice.
    pub fn new(chance: Chance) -> Self {
        let good = BTreeMap::from([(Way::In, Faults::NONE), (Way::Out, Faults::NONE)]);
        Self {
            sip: good.clone(),
            rtp: good,
            losses: Vec::new(),
            fate: None,
            datagrams: 0,
            chance,
            streams: BTreeMap::new(),
        }
    }

    /// Makes everything good again.
    pub fn heal(&mut self) {
        for faults in self.sip.values_mut().chain(self.rtp.values_mut()) {
            *faults = Faults::NONE;
        }
        self.losses.clear();
    }

    /// When the copies of a SIP datagram arrive: none if it is lost.
    pub fn sip_arrivals(&mut self, now: Instant, way: Way, message: &SipText) -> Vec<Instant> {
        let planned =
            self.losses.iter_mut().find(|loss| loss.way == way && loss.times > 0 && describes(&loss.what, message));
        if let Some(loss) = planned {
            loss.times -= 1;
            return Vec::new();
        }
        let number = self.datagrams;
        self.datagrams += 1;
        let faults = self.sip[&way];
        let mut arrivals = self.arrivals(now, faults);
        match self.fate.filter(|(which, _)| *which == number) {
            Some((_, Fate::Lost)) => arrivals.clear(),
            Some((_, Fate::Doubled)) => arrivals.extend(arrivals.clone()),
            Some((_, Fate::Late)) => arrivals.iter_mut().for_each(|at| *at += Duration::from_secs(1)),
            None => {}
        }
        arrivals
    }

    /// When the copies of an RTP datagram arrive.
    pub fn rtp_arrivals(&mut self, now: Instant, way: Way) -> Vec<Instant> {
        let faults = self.rtp[&way];
        self.arrivals(now, faults)
    }

    /// When a piece of a stream arrives: late, never before what was sent earlier.
    pub fn stream_arrival(&mut self, now: Instant, way: Way, connection: u64) -> Instant {
        let faults = self.sip[&way];
        let at = now + self.latency(faults);
        let last = self.streams.entry((connection, way)).or_insert(at);
        *last = (*last).max(at);
        *last
    }

    fn latency(&mut self, faults: Faults) -> Duration {
        let low = faults.latency_min_ms * 1000;
        Duration::from_micros(self.chance.between(low, faults.latency_max_ms * 1000 + 1))
    }

    fn arrivals(&mut self, now: Instant, faults: Faults) -> Vec<Instant> {
        if self.chance.happens(faults.loss) {
            return Vec::new();
        }
        let mut at = now + self.latency(faults);
        if self.chance.happens(faults.reorder) {
            at += self.chance.millis(20, 120);
        }
        let mut arrivals = vec![at];
        if self.chance.happens(faults.double) {
            arrivals.push(at + self.chance.millis(0, 60));
        }
        arrivals
    }
}

/// Whether `what` names this message: `INVITE`, or `200 INVITE`.
pub fn describes(what: &str, message: &SipText) -> bool {
    match message.method() {
        Some(method) => what == method,
        None => what == format!("{} {}", message.code().unwrap_or(0), message.cseq().1),
    }
}
