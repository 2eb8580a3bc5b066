//! What a `[[trunk]]` is to routing and to our SIP element.

use std::time::Duration;

use super::territories::code;
use crate::base::ids::{HotlineId, ProfileId, TrunkId};
use crate::config::Placed;
use crate::config::schema::{CalledEntry, NextHop, TransportKey, TrunkEntry};
use crate::routing::config::{
    CalledNumber, Correlation, PeerClass, Subscription, Transport, Trunk, TrunkLimits, Trust,
};
use crate::routing::gateway::Gateway;
use crate::routing::regions::Regions;
use crate::sip::endpoint::{Reading, Transfers, TrunkAccess};

pub(super) fn access(entry: &TrunkEntry) -> TrunkAccess {
    TrunkAccess {
        id: TrunkId::from(entry.id.get_ref().as_str()),
        networks: entry.networks.get_ref().clone(),
        reading: match entry.trust {
            Trust::Trusted => Reading::Tolerant,
            Trust::Untrusted => Reading::Strict,
        },
        invites_per_second: *entry.invites_per_s.get_ref(),
        invite_burst: entry.invites_per_s.get_ref().saturating_mul(2),
        transfers: match entry.class {
            PeerClass::Carrier => Transfers::Refused,
            PeerClass::Pbx | PeerClass::Linkage => Transfers::Taken,
        },
    }
}

pub(super) fn trunk(entry: &TrunkEntry, regions: &Regions) -> Trunk {
    let region = |region: &Placed<String>| code(region.get_ref(), regions);
    let called = |row: &CalledEntry| CalledNumber {
        number: row.number.get_ref().clone(),
        hotline: HotlineId::from(row.hotline.get_ref().as_str()),
        region: row.region.as_ref().map(region),
    };
    Trunk {
        id: TrunkId::from(entry.id.get_ref().as_str()),
        networks: entry.networks.get_ref().clone(),
        gateways: (0..=u16::MAX).zip(&entry.next_hops).map(|(place, hop)| gateway(place, hop.get_ref())).collect(),
        probe_interval: Duration::from_secs(u64::from(*entry.options_interval_s.get_ref())),
        transport: match entry.transport {
            TransportKey::Udp => Transport::Udp,
            TransportKey::Tcp => Transport::Tcp,
        },
        profile: ProfileId::from(entry.profile.get_ref().as_str()),
        trust: entry.trust,
        class: entry.class,
        resource_priority: entry.resource_priority.as_ref().map(|row| row.get_ref().clone()),
        limits: TrunkLimits {
            calls: *entry.calls.get_ref(),
            emergency_reserve: entry
                .emergency_reserve
                .as_ref()
                .map_or_else(|| entry.calls.get_ref() / 10, |row| *row.get_ref()),
            invites_per_s: *entry.invites_per_s.get_ref(),
        },
        subscription: subscription(entry),
        region: entry.region.as_ref().map(region),
        called: entry.called.iter().map(called).collect(),
        correlation: Correlation {
            by: entry.correlate.as_ref().map(|by| by.get_ref().clone()).unwrap_or_default(),
            header: given(&entry.correlation_header),
            agent_header: given(&entry.agent_header),
        },
    }
}

/// An address alone has its place in the list for a priority.
const fn gateway(place: u16, hop: &NextHop) -> Gateway {
    match hop {
        NextHop::Address(address) => Gateway { address: *address, priority: place, weight: 1 },
        NextHop::Row(row) => Gateway { address: row.address, priority: row.priority, weight: row.weight },
    }
}

fn subscription(entry: &TrunkEntry) -> Subscription {
    Subscription { number: given(&entry.number), area_code: given(&entry.area_code), domain: given(&entry.domain) }
}

fn given(text: &Option<Placed<String>>) -> Option<String> {
    text.as_ref().map(|text| text.get_ref().clone())
}
