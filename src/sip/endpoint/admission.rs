//! Who may talk to us at all: trunks by their networks, softphones by theirs; everybody else meets silence.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::former::Former;
use super::settings::{Reading, Settings, Transfers, TrunkAccess, Urgent};
use crate::base::bucket::{Bucket, Measure};
use crate::base::ids::{LegId, TrunkId};
use crate::base::time::Instant;
use crate::sip::fact::{Peer, Urgency};
use crate::sip::message::{Name, Request};

/// What a source address says about its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A configured trunk.
    Trunk(TrunkId),
    /// A place where softphones may be; they still have to prove who they are.
    Softphones,
    /// Somebody's until a reload: the dialogs that were up go on, new ones are refused (F28).
    Former,
    /// Nobody we know: silence.
    Unknown,
}

/// The networks of all peers, and how much each trunk may still ask.
#[derive(Clone, Debug)]
pub struct Admission {
    trunks: HashMap<TrunkId, TrunkAccess>,
    /// No address is in two of them: the configuration refuses networks of two trunks that overlap.
    networks: Vec<(IpNet, TrunkId)>,
    softphones: Vec<IpNet>,
    softphone_rate: u32,
    buckets: HashMap<Peer, Bucket>,
    requests: HashMap<Peer, Bucket>,
    /// Whose INVITEs may use what is kept in reserve.
    urgent: Urgent,
    former: Former,
}

/// Requests other than INVITE that a softphone may send a second; five times as many at once.
const SOFTPHONE_REQUESTS: u32 = 50;

/// Requests other than INVITE that a trunk may send for each INVITE of its allowance.
const TRUNK_REQUESTS: u32 = 20;

/// One part in so many of every limit is for urgent INVITEs only.
const RESERVED_PART: u32 = 10;

impl Admission {
    /// From the settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            trunks: settings.trunks.iter().map(|trunk| (trunk.id.clone(), trunk.clone())).collect(),
            networks: networks(settings),
            softphones: settings.softphone_networks.clone(),
            softphone_rate: settings.limits.softphone_invites_per_second,
            buckets: HashMap::new(),
            requests: HashMap::new(),
            urgent: settings.urgent.clone(),
            former: Former::default(),
        }
    }

    /// Takes new trunks and networks. Those `legs` are up: what they used and is gone stays theirs until they are over.
    pub fn reconfigure(
        &mut self,
        now: Instant,
        settings: &Settings,
        legs: impl Iterator<Item = LegId>,
        patience: Duration,
    ) {
        let keeps = |id: &TrunkId, network: &IpNet| {
            settings.trunks.iter().any(|trunk| trunk.id == *id && trunk.networks.contains(network))
        };
        let mut gone: Vec<TrunkAccess> = self.trunks.values().cloned().collect();
        gone.iter_mut().for_each(|access| access.networks.retain(|network| !keeps(&access.id, network)));
        gone.retain(|access| !access.networks.is_empty());
        let softphones = self.softphones.iter().filter(|network| !settings.softphone_networks.contains(network));
        self.former.extend(now, gone, softphones.copied().collect(), legs, patience);
        self.trunks = settings.trunks.iter().map(|trunk| (trunk.id.clone(), trunk.clone())).collect();
        self.networks = networks(settings);
        self.softphones.clone_from(&settings.softphone_networks);
        self.buckets.retain(|peer, _| match peer {
            Peer::Trunk(trunk) => self.trunks.contains_key(trunk),
            Peer::Softphone(agent) => settings.auth.accounts.contains_key(agent),
        });
        self.requests.retain(|peer, _| self.buckets.contains_key(peer));
        self.urgent.clone_from(&settings.urgent);
    }

    /// A leg is over.
    pub fn over(&mut self, now: Instant, leg: LegId, patience: Duration) {
        self.former.over(now, leg, patience);
    }

    /// Forgets what nobody can use any more.
    pub fn expire(&mut self, now: Instant) {
        self.former.expire(now);
    }

    /// Whose an address is. An IPv4 address mapped into IPv6 is the IPv4 address (V18).
    pub fn source(&self, address: IpAddr) -> Source {
        let address = address.to_canonical();
        if let Some((_, trunk)) = self.networks.iter().find(|(network, _)| network.contains(&address)) {
            return Source::Trunk(trunk.clone());
        }
        if self.softphones.iter().any(|network| network.contains(&address)) {
            Source::Softphones
        } else if self.former.holds(&address) {
            Source::Former
        } else {
            Source::Unknown
        }
    }

    /// Whether an address lies in a trunk's networks, or did when a dialog that is still up began.
    pub fn belongs(&self, trunk: &TrunkId, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let rows = self.trunks.get(trunk).into_iter().chain(self.former.trunk(trunk));
        rows.flat_map(|access| &access.networks).any(|network| network.contains(&address))
    }

    /// How the messages of a trunk are read.
    pub fn reading(&self, trunk: &TrunkId) -> Reading {
        self.trunks.get(trunk).or_else(|| self.former.trunk(trunk)).map_or(Reading::Strict, |access| access.reading)
    }

    /// Whether a peer may move calls. A softphone may: it is one of our own.
    pub fn transfers(&self, peer: &Peer) -> Transfers {
        match peer {
            Peer::Trunk(trunk) => {
                let access = self.trunks.get(trunk).or_else(|| self.former.trunk(trunk));
                access.map_or(Transfers::Refused, |access| access.transfers)
            }
            Peer::Softphone(_) => Transfers::Taken,
        }
    }

    /// How urgent a new INVITE is, before anybody has looked at its route: by what is called, or by the Resource-Priority
    /// (RFC 4412) of a trunk in our trust domain.
    pub fn urgency(&self, peer: &Peer, request: &Request) -> Urgency {
        let called = request.uri.user().unwrap_or_default();
        if self.urgent.numbers.iter().any(|number| number.as_bytes() == called.as_ref()) {
            return Urgency::Urgent;
        }
        let Peer::Trunk(trunk) = peer else { return Urgency::Ordinary };
        let Some(priority) = self.urgent.resource_priority.get(trunk) else { return Urgency::Ordinary };
        // RFC 4412 3.1: namespace "." priority. Whatever the priority, the namespace is that of emergencies.
        let namespace =
            |value: &[u8]| value.split(|byte| *byte == b'.').next().unwrap_or_default().to_ascii_lowercase();
        let ours = namespace(priority.as_bytes());
        let said = request.headers.options(&Name::ResourcePriority);
        if said.iter().any(|value| namespace(value) == ours) { Urgency::Urgent } else { Urgency::Ordinary }
    }

    /// Takes one new INVITE out of a peer's allowance (V11). False when there is none left. A part of the allowance is
    /// kept for the urgent ones (I39).
    pub fn take(&mut self, now: Instant, peer: &Peer, urgency: Urgency) -> bool {
        let (rate, size) = match peer {
            Peer::Trunk(trunk) => match self.trunks.get(trunk) {
                Some(access) => (access.invites_per_second, access.invite_burst),
                None => return false,
            },
            Peer::Softphone(_) => (self.softphone_rate, self.softphone_rate.saturating_mul(2)),
        };
        let leave = self.kept_back(size, urgency);
        let bucket = self.buckets.entry(peer.clone()).or_insert_with(|| Bucket::full(now, size));
        bucket.take(now, Measure { rate, size, leave })
    }

    /// How much of a limit an INVITE must leave for the urgent ones (I39); nothing where none can be urgent.
    pub fn kept_back(&self, limit: u32, urgency: Urgency) -> u32 {
        match urgency {
            Urgency::Ordinary if self.urgent != Urgent::default() => limit / RESERVED_PART,
            Urgency::Ordinary | Urgency::Urgent => 0,
        }
    }

    /// Takes one other request out of a peer's allowance. That of a trunk follows from its calls: twenty requests for
    /// each new INVITE that it may send.
    pub fn take_request(&mut self, now: Instant, peer: &Peer) -> bool {
        let rate = match peer {
            Peer::Trunk(trunk) => {
                let calls = self.trunks.get(trunk).map_or(1, |access| access.invites_per_second);
                calls.saturating_mul(TRUNK_REQUESTS)
            }
            Peer::Softphone(_) => SOFTPHONE_REQUESTS,
        };
        let size = rate.saturating_mul(5);
        let bucket = self.requests.entry(peer.clone()).or_insert_with(|| Bucket::full(now, size));
        bucket.take(now, Measure { rate, size, leave: 0 })
    }
}

fn networks(settings: &Settings) -> Vec<(IpNet, TrunkId)> {
    let rows = settings.trunks.iter();
    rows.flat_map(|trunk| trunk.networks.iter().map(|network| (*network, trunk.id.clone()))).collect()
}
