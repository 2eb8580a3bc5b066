//! Who may talk to us at all: trunks by their networks, softphones by theirs; everybody else meets silence.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::former::Former;
use super::settings::{Reading, Settings, Transfers, TrunkAccess};
use crate::base::ids::{AgentId, LegId, TrunkId};
use crate::base::time::Instant;
use crate::sip::fact::Peer;

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
    requests: HashMap<AgentId, Bucket>,
    former: Former,
}

/// A token bucket, in thousandths of an INVITE.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u64,
    filled: Instant,
}

/// One INVITE, in the bucket's unit.
const TOKEN: u64 = 1_000;

/// Requests other than INVITE that a softphone may send a second; five times as many at once.
const SOFTPHONE_REQUESTS: u64 = 50;

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
        self.requests.retain(|agent, _| settings.auth.accounts.contains_key(agent));
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

    /// Takes one new INVITE out of a peer's allowance (V11). False when there is none left.
    pub fn take(&mut self, now: Instant, peer: &Peer) -> bool {
        let (rate, burst) = match peer {
            Peer::Trunk(trunk) => match self.trunks.get(trunk) {
                Some(access) => (access.invites_per_second, access.invite_burst),
                None => return false,
            },
            Peer::Softphone(_) => (self.softphone_rate, self.softphone_rate.saturating_mul(2)),
        };
        let full = u64::from(burst).saturating_mul(TOKEN);
        let bucket = self.buckets.entry(peer.clone()).or_insert(Bucket { tokens: full, filled: now });
        bucket.take(now, rate, full)
    }

    /// Takes one other request out of a softphone's allowance. A trunk has none: its calls carry its requests.
    pub fn take_request(&mut self, now: Instant, peer: &Peer) -> bool {
        let Peer::Softphone(agent) = peer else { return true };
        let full = SOFTPHONE_REQUESTS.saturating_mul(5).saturating_mul(TOKEN);
        let bucket = self.requests.entry(agent.clone()).or_insert(Bucket { tokens: full, filled: now });
        bucket.take(now, u32::try_from(SOFTPHONE_REQUESTS).unwrap_or(u32::MAX), full)
    }
}

fn networks(settings: &Settings) -> Vec<(IpNet, TrunkId)> {
    let rows = settings.trunks.iter();
    rows.flat_map(|trunk| trunk.networks.iter().map(|network| (*network, trunk.id.clone()))).collect()
}

impl Bucket {
    fn take(&mut self, now: Instant, rate: u32, full: u64) -> bool {
        let elapsed = u64::try_from(now.since(self.filled).as_millis()).unwrap_or(u64::MAX);
        let gained = elapsed.saturating_mul(rate.into());
        if gained > 0 {
            self.tokens = self.tokens.saturating_add(gained).min(full);
            self.filled = now;
        }
        let Some(left) = self.tokens.checked_sub(TOKEN) else { return false };
        self.tokens = left;
        true
    }
}
