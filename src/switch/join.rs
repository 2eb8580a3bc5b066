//! REFER with Replaces: the two calls that it names become one, or stay as they are.

use super::stock::Taken;
use super::{Entry, Switch};
use crate::base::ids::{CallId, LegId};
use crate::base::time::Instant;
use crate::call::action::Action;
use crate::call::join::Asked;
use crate::sip::fact::{Refer, ReferTarget};

impl Switch {
    /// Joins the two calls of an agent whose REFER names the other one of its dialogs. False if they cannot be joined:
    /// then nothing has happened to either, and the call on whose dialog the REFER came refuses it.
    pub(super) fn join(&mut self, now: Instant, leg: LegId, refer: &Refer) -> bool {
        let other = match &refer.target {
            ReferTarget::Leg(other) => *other,
            ReferTarget::Uri(_) | ReferTarget::Unmatched { .. } => return false,
        };
        let Some((citizens, consulting, asked)) = self.roles(leg, other) else { return false };
        self.merge(now, citizens, consulting, asked, refer).is_some()
    }

    /// Which call is the citizen's: the one in which the agent serves. The other one the agent has begun (trap T33).
    fn roles(&self, leg: LegId, other: LegId) -> Option<(CallId, CallId, Asked)> {
        let of = |leg: LegId| self.legs.get(&leg).and_then(|call| self.calls.get(call));
        let (Entry { call: here, .. }, Entry { call: there, .. }) = (of(leg)?, of(other)?);
        if here.id() == there.id() {
            return None;
        }
        if here.party() == Some(leg) && there.caller() == Some(other) {
            Some((here.id(), there.id(), Asked::OnTheCall))
        } else if here.caller() == Some(leg) && there.party() == Some(other) {
            Some((there.id(), here.id(), Asked::OnTheConsultation))
        } else {
            None
        }
    }

    /// Both calls change, or neither: a refusal or a panic of either leaves both in the table as they were.
    fn merge(&mut self, now: Instant, citizens: CallId, consulting: CallId, asked: Asked, refer: &Refer) -> Option<()> {
        let host = self.calls.get(&citizens)?.call.clone();
        let guest = self.calls.get(&consulting)?.call.clone();
        let consultation = guest.consultation()?;
        let moved = consultation.moves(asked);
        let root = host.root();
        let (mut taken, mut accepted) = (Taken::default(), false);
        let joined = self.attempt(now, &host, &mut taken, |call, site, stock, out| {
            accepted = call.join(now, asked, refer, consultation, site, stock, out).is_ok();
        });
        let left = self.attempt(now, &guest, &mut Taken::default(), |call, site, stock, out| {
            call.give_away(now, citizens, root, &moved, site, stock, out);
        });
        let (Some((host, to_host)), Some((guest, to_guest)), true) = (joined, left, accepted) else {
            self.account(now, citizens, &taken);
            return None;
        };
        self.calls.get_mut(&citizens)?.call = host;
        self.calls.get_mut(&consulting)?.call = guest;
        // The sockets of a leg are closed in the one call before they are opened in the other; and the agent's telephone
        // hears of its REFER before it hears that the consultation is over.
        let (sockets, goodbyes): (Vec<Action>, Vec<Action>) =
            to_guest.into_iter().partition(|action| matches!(action, Action::Media(_)));
        self.carry_out(now, consulting, sockets.into_iter().collect());
        self.carry_out(now, citizens, to_host);
        self.carry_out(now, consulting, goodbyes.into_iter().collect());
        self.account(now, citizens, &taken);
        self.account(now, consulting, &Taken::default());
        Some(())
    }
}
