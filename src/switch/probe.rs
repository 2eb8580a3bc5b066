//! The gateways are asked whether they work, and what legs show of them is noted.

use std::collections::BTreeMap;

use super::Switch;
use crate::base::ids::{LegId, TrunkId};
use crate::base::time::Instant;
use crate::call::record::Who;
use crate::routing::config::{Transport, Trunk};
use crate::sip::fact::{LegFact, ProbeId, ProbeResult};
use crate::sip::flow::{self, Flow};
use crate::sip::message::{Host, Uri};
use crate::sip::order::Probe;
use crate::switch::gateways::Place;
use crate::switch::view::TrunkView;

impl Switch {
    /// Asks every gateway whose time has come.
    pub(super) fn look_after_gateways(&mut self, now: Instant) {
        while let Some(due) = self.gateways.on_time(now) {
            if let Some((id, place)) = due {
                self.probe(now, id, place);
            }
            self.settle(now);
        }
    }

    fn probe(&mut self, now: Instant, id: ProbeId, place: Place) {
        let Some(row) = self.site.routing.trunk(&place.trunk) else { return };
        let transport = match row.transport {
            Transport::Udp => flow::Transport::Udp,
            Transport::Tcp => flow::Transport::Tcp,
        };
        let remote = place.address;
        // Without a listener of its family nothing can be sent there: the probe is a failure when its time is up.
        let Some(listener) = self.site.listener_for(transport, remote.ip()) else { return };
        let flow = Flow { transport, local: listener.address, remote, connection: None };
        let uri = Uri::sip(None, Host::Ip(remote.ip()), Some(remote.port()));
        self.endpoint.probe(now, Probe { id, trunk: place.trunk, flow, uri });
    }

    /// A probe has come back.
    pub(super) fn on_probed(&mut self, now: Instant, id: ProbeId, result: ProbeResult) {
        if let Some(trunk) = self.gateways.probed(now, id, result) {
            self.trunks.heard(now, &trunk);
        }
    }

    /// A leg says something: a sign of its gateway's health.
    pub(super) fn note_gateway(&mut self, now: Instant, leg: LegId, fact: &LegFact) {
        self.gateways.on_leg(now, leg, fact);
        let call = self.legs.get(&leg).and_then(|call| self.calls.get(call));
        let trunk = call.and_then(|entry| entry.call.legs().find(|row| row.id() == leg)?.trunk().cloned());
        match (trunk, fact) {
            (None, _) | (Some(_), LegFact::Lost { .. } | LegFact::Released) => {}
            (Some(trunk), _) => self.trunks.heard(now, &trunk),
        }
    }

    /// Every trunk, in the order of the configuration.
    pub(super) fn trunk_views(&self) -> Vec<TrunkView> {
        let mut legs: BTreeMap<&TrunkId, (u32, u32)> = BTreeMap::new();
        for leg in self.calls.values().flat_map(|entry| entry.call.legs()) {
            let Some(trunk) = leg.trunk() else { continue };
            let (inward, outward) = legs.entry(trunk).or_default();
            match leg.who() {
                Who::Caller(_) => *inward += 1,
                Who::Agent(_) | Who::Trunk { .. } => *outward += 1,
            }
        }
        let view = |row: &Trunk| {
            let (legs_in, legs_out) = legs.get(&row.id).copied().unwrap_or_default();
            TrunkView {
                trunk: row.id.clone(),
                class: row.class,
                legs_in,
                legs_out,
                limit: row.limits.calls,
                up: row.gateways.is_empty() || self.gateways.is_up(&row.id),
                heard: self.trunks.heard_at(&row.id),
                gateways: self.gateways.view(&row.id),
            }
        };
        self.site.routing.trunks.iter().map(view).collect()
    }
}
