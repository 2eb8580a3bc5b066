//! The door: what an INVITE asks for, and whether there is room for it.

use crate::base::time::LocalTime;
use crate::call::notice::RefusedFor;
use crate::routing::config::Priority;
use crate::routing::decision::{Enquiry, Origin, RegionHints, Why};
use crate::routing::{self, Decision};
use crate::sip::fact::{IncomingInvite, Peer, Urgency};
use crate::switch::settings::Limits;
use crate::switch::trunks::Trunks;

/// Whether new calls are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// Yes.
    Open,
    /// No: the old ones finish (排空停机).
    Draining,
}

/// What the door looks at.
pub(super) struct Threshold<'a> {
    pub(super) door: Door,
    pub(super) calls: usize,
    pub(super) limits: Limits,
    pub(super) routing: &'a routing::Config,
    pub(super) local_time: LocalTime,
    pub(super) trunks: &'a Trunks,
}

impl Threshold<'_> {
    /// Admits an INVITE with a decision, or says why not.
    pub(super) fn admit(&self, invite: &IncomingInvite) -> Result<Decision, RefusedFor> {
        match self.door {
            Door::Open => {}
            Door::Draining => return Err(RefusedFor::Draining),
        }
        let called = invite.request.uri.user().unwrap_or_default();
        let called = std::str::from_utf8(&called).unwrap_or_default();
        let claims = super::claims::claims(&invite.request.headers);
        let from = match &invite.peer {
            Peer::Trunk(trunk) => Origin::Trunk(trunk),
            Peer::Softphone(agent) => Origin::Agent(agent),
        };
        let enquiry = Enquiry { called, from, claims: &claims, region: RegionHints::default(), at: self.local_time };
        let mut decision = routing::decide(self.routing, &enquiry).map_err(|refusal| match refusal {
            routing::Refusal::NotConfigured
            | routing::Refusal::NobodyThere
            | routing::Refusal::SameHotline
            | routing::Refusal::UnknownRegion
            | routing::Refusal::AmbiguousRegion => RefusedFor::NotConfigured,
        })?;
        match (invite.urgency, &invite.peer) {
            (Urgency::Urgent, Peer::Trunk(trunk)) if decision.priority != Priority::Emergency => {
                decision.priority = Priority::Emergency;
                decision.why.push(Why::ResourcePriority(trunk.clone()));
            }
            (Urgency::Urgent | Urgency::Ordinary, _) => {}
        }
        self.room(invite, decision.priority)?;
        Ok(decision)
    }

    fn room(&self, invite: &IncomingInvite, priority: Priority) -> Result<(), RefusedFor> {
        let limit = match priority {
            Priority::Emergency => self.limits.calls,
            Priority::Normal => self.limits.calls.saturating_sub(self.limits.emergency_reserve),
        };
        if self.calls >= limit {
            return Err(RefusedFor::CallLimit);
        }
        let row = match &invite.peer {
            Peer::Trunk(trunk) => self.routing.trunk(trunk),
            Peer::Softphone(_) => None,
        };
        match row {
            Some(row) if !self.trunks.has_channel(row, priority) => Err(RefusedFor::TrunkLimit),
            Some(_) | None => Ok(()),
        }
    }
}

/// The final response that says it.
pub(super) const fn code(why: RefusedFor) -> u16 {
    match why {
        RefusedFor::NotConfigured => 404,
        RefusedFor::Session => 488,
        RefusedFor::CallLimit
        | RefusedFor::TrunkLimit
        | RefusedFor::Draining
        | RefusedFor::NoPort
        | RefusedFor::Broken => 503,
    }
}
