//! Which leg a Replaces names, and who may ask for it: RFC 3891 for an INVITE, and inside the Refer-To of a REFER.

use super::Endpoint;
use super::reply::Arrival;
use super::settings::Transfers;
use crate::base::ids::LegId;
use crate::sip::fact::{Peer, ReferTarget, Replaced, ReplacedPhase, Reports};
use crate::sip::message::{Name, Only, ReferToError, Replaces, Request};
use crate::sip::verb::Standing;
use crate::sip::verb::refer::Asked;

/// What a Replaces names.
enum Named {
    Nothing,
    One(LegId, Standing),
    Several,
}

impl Endpoint {
    /// The Replaces of a new INVITE. `Err` is the refusal that it earns.
    pub(super) fn replaced_by(
        &mut self,
        arrival: &Arrival,
        peer: &Peer,
        request: &Request,
    ) -> Result<Option<Replaced>, u16> {
        let replaces = match request.headers.replaces() {
            Ok(None) => return Ok(None),
            Ok(Some(replaces)) => replaces,
            Err(_) => return Err(400),
        };
        if self.core.admission.transfers(peer) == Transfers::Refused {
            self.silence(arrival.flow, "replaces_refused");
            return Err(403);
        }
        let (leg, standing) = match self.named(&replaces) {
            Named::One(leg, standing) => (leg, standing),
            // RFC 3891 3: a dialog that has ended is declined; no match, or more than one, is unknown.
            Named::Nothing if self.has_ended(&replaces, peer) => return Err(603),
            Named::Nothing | Named::Several => return Err(481),
        };
        if !self.is_bound_to(leg, peer) {
            self.silence(arrival.flow, "replaces_of_another");
            return Err(403);
        }
        match standing {
            Standing::Called => Ok(Some(Replaced { leg, phase: ReplacedPhase::Early })),
            Standing::Talking if replaces.only == Only::Early => Err(486),
            Standing::Talking => Ok(Some(Replaced { leg, phase: ReplacedPhase::Confirmed })),
            // RFC 3891 3: an early dialog that we did not begin cannot be replaced.
            Standing::Caller => Err(481),
            Standing::Ending => Err(603),
        }
    }

    /// What a REFER on a leg asks for. `Err` is the code of its refusal.
    pub(super) fn read_refer(&mut self, arrival: &Arrival, leg: LegId, request: &Request) -> Result<Asked, u16> {
        let Some(peer) = self.legs.get(&leg).map(|leg| leg.line.peer.clone()) else { return Err(481) };
        if self.core.admission.transfers(&peer) == Transfers::Refused {
            // A carrier does not move our calls (traps T7, T45).
            self.silence(arrival.flow, "refer_refused");
            return Err(603);
        }
        let refer_to = match request.headers.refer_to() {
            Ok(refer_to) => refer_to,
            Err(ReferToError::Malformed(_)) => return Err(400),
            Err(ReferToError::Forbidden(_)) => {
                self.silence(arrival.flow, "refer_to");
                return Err(403);
            }
        };
        let target = match &refer_to.replaces {
            None => ReferTarget::Uri(refer_to.uri),
            Some(replaces) => self.refer_target(arrival, leg, &peer, replaces)?,
        };
        // RFC 4488 4.
        let declined = request.headers.get(&Name::ReferSub).is_some_and(|value| {
            value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii().eq_ignore_ascii_case(b"false")
        });
        let reports = if declined { Reports::Declined } else { Reports::Wanted };
        Ok(Asked { target, reports })
    }

    /// The dialog that the Replaces of a Refer-To names.
    fn refer_target(
        &mut self,
        arrival: &Arrival,
        leg: LegId,
        peer: &Peer,
        replaces: &Replaces,
    ) -> Result<ReferTarget, u16> {
        let (other, standing) = match self.named(replaces) {
            Named::One(other, standing) => (other, standing),
            Named::Nothing if self.has_ended(replaces, peer) => return Ok(ReferTarget::Unmatched { code: 603 }),
            Named::Nothing | Named::Several => return Ok(ReferTarget::Unmatched { code: 481 }),
        };
        if !self.is_bound_to(other, peer) {
            self.silence(arrival.flow, "replaces_of_another");
            return Err(403);
        }
        // Nobody is joined with itself.
        if other == leg {
            return Err(400);
        }
        Ok(match standing {
            Standing::Ending => ReferTarget::Unmatched { code: 603 },
            Standing::Talking if replaces.only == Only::Early => ReferTarget::Unmatched { code: 486 },
            Standing::Called | Standing::Caller | Standing::Talking => ReferTarget::Leg(other),
        })
    }

    /// Both tags are looked up, because either may be ours; all three values must match one dialog (traps T28, T29).
    fn named(&self, replaces: &Replaces) -> Named {
        let find = |tag| {
            let id = *self.by_tag.get(tag)?;
            self.legs.get(&id)?.answers_to(replaces).map(|standing| (id, standing))
        };
        match (find(&replaces.to_tag), find(&replaces.from_tag)) {
            (Some((one, _)), Some((two, _))) if one != two => Named::Several,
            (Some((leg, standing)), _) | (None, Some((leg, standing))) => Named::One(leg, standing),
            (None, None) => Named::Nothing,
        }
    }

    fn has_ended(&self, replaces: &Replaces, peer: &Peer) -> bool {
        [&replaces.to_tag, &replaces.from_tag].into_iter().any(|tag| self.ended.peer_of(tag) == Some(peer))
    }

    /// A dialog is replaced only by the peer that it is bound to: the same softphone, or the same trunk (V22, V48).
    fn is_bound_to(&self, leg: LegId, peer: &Peer) -> bool {
        self.legs.get(&leg).is_some_and(|leg| leg.line.peer == *peer)
    }
}
