//! A PBX's new INVITE for an agent who has a call already: which call it belongs to (DESIGN, section 4).
//!
//! Real PBXs swallow their telephones' REFER and dial the other hotline themselves, without Replaces. Where the trunk is
//! configured for it, such an INVITE is found to belong to the call that the same PBX has with us, and shows the
//! citizen's identity instead of the PBX's. Nothing is ever guessed: of two calls that fit, none is taken.

use super::Switch;
use crate::base::ids::{AgentId, CallId};
use crate::call::Call;
use crate::call::notice::What;
use crate::call::referrer;
use crate::routing::config::{CorrelateBy, Trunk};
use crate::routing::decision::Why;
use crate::routing::{self, Decision, Handover, RegionHints, recipe};
use crate::sip::fact::{IncomingInvite, Peer};
use crate::sip::message::Name;

/// What an INVITE is, beside what it says it is.
pub(super) struct Correlated {
    /// Where it goes, and whose number it shows.
    pub(super) decision: Decision,
    /// What is to be told of it.
    pub(super) told: Option<What>,
    /// The call that it was made for.
    pub(super) root: Option<CallId>,
}

impl Switch {
    /// Finds the call that an admitted INVITE belongs to, if its trunk is configured for that.
    pub(super) fn correlate(&self, invite: &IncomingInvite, decision: Decision) -> Correlated {
        let row = match &invite.peer {
            Peer::Trunk(trunk) => self.site.routing.trunk(trunk),
            Peer::Softphone(_) => None,
        };
        let Some(row) = row.filter(|row| !row.correlation.by.is_empty()) else {
            return Correlated { decision, told: None, root: None };
        };
        let candidates = self.calls.values().map(|entry| &entry.call);
        let candidates: Vec<&Call> = candidates.filter(|call| call.party_on(&row.id).is_some()).collect();
        let (found, by) = self.found(row, invite, &decision, &candidates);
        if let ([call], Some(by)) = (found.as_slice(), by)
            && let Some(consultation) = self.consultation(row, invite, call, &decision, by)
        {
            let root = call.root();
            return Correlated { decision: consultation, told: Some(What::Correlated { root }), root: Some(root) };
        }
        let mut decision = decision;
        decision.why.push(Why::NotCorrelated { trunk: row.id.clone(), found: found.len() });
        Correlated { decision, told: Some(What::NotCorrelated { found: found.len() }), root: None }
    }

    /// The calls that fit by the first source that fits any.
    fn found<'a>(
        &self,
        row: &Trunk,
        invite: &IncomingInvite,
        decision: &Decision,
        candidates: &[&'a Call],
    ) -> (Vec<&'a Call>, Option<CorrelateBy>) {
        for by in &row.correlation.by {
            let fits = |call: &&&Call| self.fits(*by, row, invite, decision, call);
            let found: Vec<&Call> = candidates.iter().filter(fits).copied().collect();
            if !found.is_empty() {
                return (found, Some(*by));
            }
        }
        (Vec::new(), None)
    }

    fn fits(&self, by: CorrelateBy, row: &Trunk, invite: &IncomingInvite, decision: &Decision, call: &Call) -> bool {
        match by {
            CorrelateBy::Header => {
                row.correlation.header.as_deref().and_then(|name| text(invite, name)).is_some_and(|value| {
                    value.eq_ignore_ascii_case(&call.root().to_string()) || self.has_call_id(call, value)
                })
            }
            CorrelateBy::UserToUser => {
                let values = invite.request.headers.values(&Name::UserToUser);
                values.filter_map(|value| recipe::linkage_of(&value)).any(|linkage| linkage == call.root())
            }
            CorrelateBy::Agent => {
                let said = agent(row, invite, decision, call);
                said.is_some_and(|agent| call.party_on(&row.id) == Some(agent.as_str()))
            }
            CorrelateBy::Caller => {
                let (said, had) = (&decision.caller_id, &call.decision().caller_id);
                !said.number.reveal().is_empty() && said.normal == had.normal
            }
        }
    }

    /// The consultation call: the citizen's identity, territory and linkage, to the hotline that the PBX has dialled.
    /// `None` where a transfer would not be allowed either.
    fn consultation(
        &self,
        row: &Trunk,
        invite: &IncomingInvite,
        call: &Call,
        plain: &Decision,
        by: CorrelateBy,
    ) -> Option<Decision> {
        let root = &self.calls.get(&call.root())?.call;
        if !call.is_in_talk() || !root.has_room_for_a_transfer(&self.site) {
            return None;
        }
        let agent = match by {
            CorrelateBy::Agent => agent(row, invite, plain, call),
            CorrelateBy::Header | CorrelateBy::UserToUser | CorrelateBy::Caller => {
                let named = referrer::by_header(row, &invite.request.headers, &call.decision().caller_id);
                named.or_else(|| referrer::by_number(row, call.party_on(&row.id)?))
            }
        };
        let handover = Handover {
            from_hotline: call.hotline_of_party()?,
            agent: agent.as_ref(),
            to: plain.hotline.as_str(),
            region: RegionHints::default(),
            origin: call.decision().territory.as_ref(),
            caller: &call.decision().caller_id,
            at: self.site.wall.local_time(),
        };
        let mut decision = routing::decide_transfer(&self.site.routing, &handover).ok()?;
        // As urgent as it was at the door, where a trusted trunk may have said that it is urgent.
        decision.priority = decision.priority.min(plain.priority);
        decision.why.push(Why::Correlated { trunk: row.id.clone(), by });
        Some(decision)
    }
}

/// The agent who calls: by the configured header, else as the trunk shows the caller.
fn agent(row: &Trunk, invite: &IncomingInvite, decision: &Decision, call: &Call) -> Option<AgentId> {
    let shown = || Some(decision.caller_id.number.reveal()).filter(|number| !number.is_empty()).map(AgentId::from);
    referrer::by_header(row, &invite.request.headers, &call.decision().caller_id).or_else(shown)
}

/// The value of a header, if it is a plain word: nothing that would mean something else where it is written again.
fn text<'a>(invite: &'a IncomingInvite, name: &str) -> Option<&'a str> {
    let value = invite.request.headers.get(&Name::from(name))?;
    let value = std::str::from_utf8(value).ok()?.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '@' | '_');
    (!value.is_empty() && value.len() <= 128 && value.chars().all(plain)).then_some(value)
}
