//! Rings agents at their softphones.

use std::sync::Arc;

use super::{Attempt, Hunt, MAX_CONTACTS, profile};
use crate::base::ids::GroupId;
use crate::call::context::{Callee, Context};
use crate::call::record::Who;
use crate::call::sound::Rules;
use crate::call::supplies::Seat;
use crate::routing::recipe::Showing;
use crate::sip::fact::{ContactRoute, Peer};

impl Hunt {
    /// Rings the agent who had the call first.
    pub(super) fn ring_first(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(agent) = self.first.take() else { return false };
        let Some(seat) = cx.supplies.agent(&agent) else { return false };
        self.ring_seat(cx, seat)
    }

    /// Rings the longest idle agent of a group who has not been rung in this round.
    pub(super) fn ring_group(&mut self, cx: &mut Context<'_>, group: &GroupId) -> bool {
        while let Some(seat) = cx.supplies.longest_idle(group, &self.tried) {
            if self.ring_seat(cx, seat) {
                return true;
            }
        }
        false
    }

    /// Rings an agent on every softphone that is registered.
    fn ring_seat(&mut self, cx: &mut Context<'_>, seat: Seat) -> bool {
        self.tried.push(seat.agent.clone());
        let rules = Rules::new(&profile(cx, &cx.site.routing.softphone_profile), &[]);
        for ContactRoute { uri, flow } in seat.contacts.into_iter().take(MAX_CONTACTS) {
            let callee = Callee {
                who: Who::Agent(seat.agent.clone()),
                peer: Peer::Softphone(seat.agent.clone()),
                flow,
                contact: Some(uri),
                showing: Showing::Citizen,
                rules: rules.clone(),
                decision: Arc::clone(&self.decision),
            };
            self.ringing.extend(cx.dial(callee).map(Attempt::at_seat));
        }
        self.rings()
    }
}
