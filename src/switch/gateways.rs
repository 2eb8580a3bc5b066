//! The gateways of all trunks: which one a call takes, which one is asked, what each has shown.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use crate::base::entropy::Entropy;
use crate::base::ids::{LegId, TrunkId};
use crate::base::time::Instant;
use crate::base::timer::DeadlineQueue;
use crate::call::supplies::{Choice, Wanted};
use crate::routing;
use crate::routing::config::{Priority, Trunk};
use crate::routing::gateway::{Gateway, pick};
use crate::routing::health::{Access, Due, Health, Sign, State};
use crate::sip::fact::{Failure, LegFact, ProbeId, ProbeResult};
use crate::switch::view::GatewayView;

/// No gateway goes without a look for longer (I10).
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// What the answer to a probe shows of a gateway.
pub const fn sign_of_probe(result: ProbeResult) -> Sign {
    match result {
        ProbeResult::Answered { code: 503, retry_after } => Sign::Overloaded(retry_after),
        // What a proxy says whose own next hop is silent.
        ProbeResult::Answered { code: 408, .. } => Sign::Overloaded(None),
        ProbeResult::Answered { .. } => Sign::Works,
        ProbeResult::Lost(_) => Sign::Failed,
    }
}

/// A gateway of a trunk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) trunk: TrunkId,
    pub(super) address: SocketAddr,
}

/// Every gateway of the configuration.
#[derive(Debug)]
pub(super) struct Gateways {
    rows: BTreeMap<Place, Health>,
    deadlines: DeadlineQueue<Place>,
    /// Which gateway the INVITE of a leg went to, until its final response.
    legs: HashMap<LegId, Place>,
    /// Probes that have not come back, and when they were sent.
    probes: BTreeMap<ProbeId, (Place, Instant)>,
    /// How long each took to answer the last probe that it answered.
    round_trips: BTreeMap<Place, Duration>,
    last_probe: u64,
    /// What has changed and was not told yet.
    changes: VecDeque<GatewayChange>,
    /// Jitter and weights.
    entropy: Entropy,
}

/// A gateway works again, or does not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayChange {
    /// Its trunk.
    pub trunk: TrunkId,
    /// Its address.
    pub address: SocketAddr,
    /// `up`, `down` or `half_open`.
    pub state: &'static str,
}

impl Gateways {
    pub(super) fn new(now: Instant, config: &routing::Config, entropy: Entropy) -> Self {
        let mut gateways = Self {
            rows: BTreeMap::new(),
            deadlines: DeadlineQueue::default(),
            legs: HashMap::new(),
            probes: BTreeMap::new(),
            round_trips: BTreeMap::new(),
            last_probe: 0,
            changes: VecDeque::new(),
            entropy,
        };
        gateways.reconfigure(now, config);
        gateways
    }

    /// Other gateways from now on. Those that stay keep what is known of them.
    pub(super) fn reconfigure(&mut self, now: Instant, config: &routing::Config) {
        let mut old = std::mem::take(&mut self.rows);
        old.keys().for_each(|place| self.deadlines.set(place, None));
        for trunk in &config.trunks {
            for gateway in &trunk.gateways {
                let place = Place { trunk: trunk.id.clone(), address: gateway.address };
                let known = old.remove(&place).filter(|health| health.interval() == trunk.probe_interval);
                // Spread over one interval: a daemon that starts does not ask everybody at once.
                let first = trunk.probe_interval * u32::from(self.jitter()) / 2_000;
                let health = known.unwrap_or_else(|| Health::new(now, trunk.probe_interval, first));
                self.deadlines.set(&place, health.next_timeout());
                self.rows.insert(place, health);
            }
        }
        self.round_trips.retain(|place, _| self.rows.contains_key(place));
    }

    fn jitter(&mut self) -> u16 {
        u16::try_from(self.entropy.below(2_001)).unwrap_or_default()
    }

    // --- calls ---

    /// The gateway for a call, and the call counts as sent there.
    pub(super) fn choose(&mut self, now: Instant, trunk: &Trunk, wanted: &Wanted<'_>) -> Option<SocketAddr> {
        let access = |gateway: &Gateway| {
            let place = Place { trunk: trunk.id.clone(), address: gateway.address };
            self.rows.get(&place).map(|health| health.access(now))
        };
        let mut open: Vec<&Gateway> = Vec::new();
        let mut last: Vec<(Access, &Gateway)> = Vec::new();
        for gateway in trunk.gateways.iter().filter(|gateway| !wanted.tried.contains(&gateway.address)) {
            let Some(access) = access(gateway) else { continue };
            match (access, wanted.priority) {
                (Access::Open, _) | (Access::Trial, Priority::Normal) => open.push(gateway),
                // An emergency is no trial.
                (found @ Access::Trial, Priority::Emergency) => last.push((found, gateway)),
                (found @ Access::LastResort, _) => last.push((found, gateway)),
                (found @ Access::Resting, Priority::Emergency) => last.push((found, gateway)),
                (Access::Resting, Priority::Normal) => {}
            }
        }
        let random = self.entropy.next_u64();
        let healthy = pick(open, random);
        let trial = || last.iter().filter(|(access, _)| *access == Access::Trial).map(|(_, gateway)| *gateway);
        let found = match wanted.choice {
            Choice::Healthy => healthy.or_else(|| pick(trial(), random)),
            Choice::Any => healthy.or_else(|| {
                let best = last.iter().map(|(access, _)| *access).min()?;
                pick(last.iter().filter(|(access, _)| *access == best).map(|(_, gateway)| *gateway), random)
            }),
        };
        let address = found?.address;
        if let Some(health) = self.rows.get_mut(&Place { trunk: trunk.id.clone(), address }) {
            health.call_begins(now);
        }
        Some(address)
    }

    /// The INVITE of a leg goes out.
    pub(super) fn called(&mut self, leg: LegId, trunk: &TrunkId, address: SocketAddr) {
        let place = Place { trunk: trunk.clone(), address };
        if self.rows.contains_key(&place) {
            self.legs.insert(leg, place);
        }
    }

    /// A leg says something: what that says of its gateway.
    pub(super) fn on_leg(&mut self, now: Instant, leg: LegId, fact: &LegFact) {
        let Some(sign) = sign_of(fact) else { return };
        let place = match sign {
            Sign::Heard => self.legs.get(&leg).cloned(),
            Sign::Works | Sign::Overloaded(_) | Sign::Failed => self.legs.remove(&leg),
        };
        if let Some(place) = place {
            self.update(now, &place, |health| health.on_call(now, sign));
        }
    }

    /// A leg is over.
    pub(super) fn forget(&mut self, leg: LegId) {
        self.legs.remove(&leg);
    }

    /// A gateway has said nothing to an INVITE.
    pub(super) fn silent(&mut self, now: Instant, trunk: &TrunkId, address: SocketAddr) {
        let place = Place { trunk: trunk.clone(), address };
        self.update(now, &place, |health| health.on_call(now, Sign::Failed));
    }

    /// A request has come from an address of a trunk.
    pub(super) fn heard(&mut self, now: Instant, trunk: &TrunkId, from: SocketAddr) {
        for (place, health) in &mut self.rows {
            if place.trunk == *trunk && place.address.ip() == from.ip() {
                health.on_call(now, Sign::Heard);
            }
        }
    }

    // --- probes ---

    /// When [`Gateways::on_time`] is next wanted.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.next_timeout()
    }

    /// Does what is due for one gateway; `None` if nothing is. A probe of it may be due.
    pub(super) fn on_time(&mut self, now: Instant) -> Option<Option<(ProbeId, Place)>> {
        let place = self.deadlines.expire(now)?;
        let jitter = self.jitter();
        let mut due = Due::Nothing;
        self.update(now, &place, |health| due = health.on_time(now, jitter));
        Some(match due {
            Due::Nothing => None,
            Due::Probe => {
                self.last_probe += 1;
                let id = ProbeId(self.last_probe);
                self.probes.insert(id, (place.clone(), now));
                Some((id, place))
            }
        })
    }

    /// A probe has come back. The trunk, if it was answered.
    pub(super) fn probed(&mut self, now: Instant, id: ProbeId, result: ProbeResult) -> Option<TrunkId> {
        let (place, asked) = self.probes.remove(&id)?;
        let sign = sign_of_probe(result);
        let jitter = self.jitter();
        self.update(now, &place, |health| health.on_probe(now, sign, jitter));
        match result {
            ProbeResult::Answered { .. } => {
                if self.rows.contains_key(&place) {
                    self.round_trips.insert(place.clone(), now.since(asked));
                }
                Some(place.trunk)
            }
            ProbeResult::Lost(_) => None,
        }
    }

    fn update(&mut self, now: Instant, place: &Place, with: impl FnOnce(&mut Health)) {
        let Some(health) = self.rows.get_mut(place) else { return };
        let before = health.state().name();
        with(health);
        let after = health.state().name();
        let next = health.next_timeout();
        assert!(next.is_none_or(|at| at.since(now) <= LONGEST_PAUSE), "a gateway is looked at within the hour");
        self.deadlines.set(place, next);
        if before != after {
            let change = GatewayChange { trunk: place.trunk.clone(), address: place.address, state: after };
            self.changes.push_back(change);
        }
    }

    /// The next change that was not told yet.
    pub(super) fn poll_change(&mut self) -> Option<GatewayChange> {
        self.changes.pop_front()
    }

    // --- pictures ---

    /// The gateways of a trunk.
    pub(super) fn view(&self, trunk: &TrunkId) -> Vec<GatewayView> {
        let of_trunk = self.rows.iter().filter(|(place, _)| place.trunk == *trunk);
        of_trunk
            .map(|(place, health)| GatewayView {
                address: place.address,
                state: health.state().name(),
                since: health.since(),
                heard: health.heard(),
                round_trip: self.round_trips.get(place).copied(),
            })
            .collect()
    }

    /// Whether a trunk has a gateway that is not down.
    pub(super) fn is_up(&self, trunk: &TrunkId) -> bool {
        self.rows.iter().any(|(place, health)| place.trunk == *trunk && health.state() != State::Down)
    }

    /// INVITEs under way, for the census.
    pub(super) fn legs(&self) -> usize {
        self.legs.len()
    }
}

/// What a leg's fact says of the gateway that its INVITE went to.
fn sign_of(fact: &LegFact) -> Option<Sign> {
    match fact {
        LegFact::Trying => Some(Sign::Heard),
        LegFact::Progress { .. } | LegFact::Answered { .. } => Some(Sign::Works),
        LegFact::Failed(failure) => Some(sign_of_failure(failure)),
        LegFact::Lost { .. } => Some(Sign::Failed),
        LegFact::Acked { .. }
        | LegFact::Offered { .. }
        | LegFact::AnswerReceived { .. }
        | LegFact::OfferRefused { .. }
        | LegFact::Digit { .. }
        | LegFact::Referred(_)
        | LegFact::NotifyAnswered { .. }
        | LegFact::HungUp { .. }
        | LegFact::Released => None,
    }
}

/// 503 and 408 are also what a transport failure and a time-out of our own are told as (RFC 3261 8.1.3.1).
fn sign_of_failure(failure: &Failure) -> Sign {
    match failure.code {
        503 => Sign::Overloaded(failure.retry_after),
        408 => Sign::Failed,
        _ => Sign::Works,
    }
}
