//! What happens to a call, in the words of the journal (`tickets::fact`).

use crate::base::ids::{AgentId, TransferId, TrunkId};
use crate::call::Arrival;
use crate::call::command::Mode;
use crate::call::record::{self, CallRecord, Ending, LegEnd, Outcome, TransferRecord, Trigger, Who};
use crate::routing::caller_id::{self, CallerId};
use crate::routing::decision::{Decision, Located, LocatedBy};
use crate::routing::recipe::{Shown, Summary};
use crate::sip::fact::{self as sip, Loss, Peer};
use crate::tickets::fact::{self, EndedBy, Fact, Presentation, Presented, Region};

/// A call was admitted.
pub(super) fn arrived(arrival: &Arrival, decision: &Decision) -> Fact {
    let trunk: Option<TrunkId> = match &arrival.peer {
        Peer::Trunk(trunk) => Some(trunk.clone()),
        Peer::Softphone(_) => None,
    };
    let caller = &decision.caller_id;
    Fact::Arrived {
        hotline: decision.hotline.clone(),
        leg: arrival.leg,
        trunk,
        dialled: arrival.dialled.clone(),
        caller: caller.number.clone(),
        caller_e164: caller.normal.international(),
        presentation: presentation(caller),
        region: decision.territory.as_ref().map(region),
    }
}

pub(super) fn presentation(caller: &CallerId) -> Presentation {
    match caller.presentation {
        caller_id::Presentation::Restricted => Presentation::Restricted,
        caller_id::Presentation::Allowed if caller.number.reveal().is_empty() => Presentation::Unavailable,
        caller_id::Presentation::Allowed => Presentation::Allowed,
    }
}

/// A region, and who said so.
pub(super) fn region(located: &Located) -> Region {
    let source = match located.source {
        LocatedBy::Agent => "agent",
        LocatedBy::Address => "address",
        LocatedBy::Dnis => "dnis",
        LocatedBy::Trunk => "trunk",
        LocatedBy::NumberHint => "number_hint",
        LocatedBy::Default => "default",
    };
    Region { code: located.code.as_str().to_owned(), name: located.name.clone(), source: source.to_owned() }
}

/// Who is on a leg.
pub(super) fn party(who: &Who) -> fact::Party {
    match who {
        Who::Caller(_) => fact::Party::Caller,
        Who::Agent(agent) => fact::Party::Agent { agent: agent.clone() },
        Who::Trunk { trunk, number } => fact::Party::Trunk { trunk: trunk.clone(), number: number.clone() },
    }
}

/// What a leg was shown of the caller.
pub(super) fn presented(summary: &Summary) -> Presented {
    let shown = match summary.shown {
        Shown::Number => "number",
        Shown::OwnNumber => "own_number",
        Shown::OwnNumberAfterRefusal => "own_number_after_refusal",
        Shown::Withheld => "withheld",
        Shown::Unknown => "unknown",
    };
    Presented { shown: shown.to_owned(), number: summary.number.clone(), carried_by: summary.carried_by.clone() }
}

/// By whom a leg ended, and why: never without a cause (I45).
pub(super) fn end(end: &LegEnd) -> (EndedBy, fact::Cause) {
    match end {
        LegEnd::HungUp(cause) => (EndedBy::Party, of(cause)),
        LegEnd::Failed(cause) => (EndedBy::Refused, of(cause)),
        LegEnd::Released(cause) => (EndedBy::Us, of(cause)),
        LegEnd::Lost(loss) => (EndedBy::Lost, of_loss(*loss)),
        // It goes on, but for this call it was answered elsewhere.
        LegEnd::Moved(_) => (EndedBy::Moved, of(&record::ANSWERED_ELSEWHERE)),
    }
}

fn of(cause: &sip::Cause) -> fact::Cause {
    fact::Cause { sip: cause.sip, q850: cause.q850 }
}

/// The status that the loss is on the wire, or would be (RFC 3261 8.1.3.1, RFC 4028 10), and its Q.850 cause: 27
/// destination out of order, 102 recovery on timer expiry.
const fn of_loss(loss: Loss) -> fact::Cause {
    let (sip, q850) = match loss {
        Loss::DialogUnknown => (481, 27),
        Loss::Timeout | Loss::NoAck | Loss::SessionExpired => (408, 102),
        Loss::Transport => (503, 27),
    };
    fact::Cause { sip: Some(sip), q850: Some(q850) }
}

/// A transfer was asked for, and accepted.
pub(super) fn requested(transfer: &TransferRecord) -> Fact {
    let trigger = match transfer.trigger {
        Trigger::Refer => "refer",
        Trigger::FeatureCode => "feature_code",
        Trigger::Command => "command",
        Trigger::Replaces => "replaces",
        Trigger::NewInvite => "new_invite",
    };
    let mode = match transfer.mode {
        Mode::OneClick => "one_click",
        Mode::Consult => "consult",
        Mode::ThreeWay => "three_way",
    };
    let agent: Option<AgentId> = transfer.agent.clone();
    Fact::TransferRequested {
        transfer: transfer.id,
        from: transfer.from.clone(),
        to: transfer.decision.hotline.clone(),
        agent,
        trigger: trigger.to_owned(),
        mode: mode.to_owned(),
        region: transfer.decision.territory.as_ref().map(region),
    }
}

/// A transfer ended.
pub(super) const fn transfer_ended(transfer: TransferId, outcome: Outcome) -> Fact {
    let (outcome, leg, code) = match outcome {
        Outcome::Succeeded(leg) => (fact::Outcome::Succeeded, Some(leg), None),
        Outcome::Failed(code) => (fact::Outcome::Failed, None, Some(code)),
        Outcome::Cancelled => (fact::Outcome::Cancelled, None, None),
        Outcome::Abandoned => (fact::Outcome::Abandoned, None, None),
        Outcome::Unknown => (fact::Outcome::Unknown, None, None),
    };
    Fact::TransferEnded { transfer, outcome, leg, code }
}

/// The call is over.
pub(super) fn ended(record: &CallRecord) -> Fact {
    let (why, joined) = match &record.ending {
        Some(Ending::CallerHungUp) => ("caller_hung_up", None),
        Some(Ending::CallerUnreachable(_)) => ("caller_unreachable", None),
        Some(Ending::ServicePartyHungUp) => ("service_party_hung_up", None),
        Some(Ending::Joined(call)) => ("joined", Some(*call)),
        Some(Ending::Refused(_)) => ("refused", None),
        Some(Ending::ShutDown) => ("shut_down", None),
        Some(Ending::CallerLost) => ("caller_lost", None),
        // Every way out of a call says why; this word in a journal is a mistake of ours.
        None => ("unknown", None),
    };
    Fact::Ended { why: why.to_owned(), joined }
}
