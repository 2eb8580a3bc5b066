//! What is to be said of a call whose daemon died with it.

use std::collections::BTreeSet;

use crate::base::calendar::Moment;
use crate::tickets::fact::{Cause, EndedBy, Fact, Outcome};
use crate::tickets::ids::EventId;
use crate::tickets::ticket::{CallFacts, Event, Ticket};

/// Why such a call ended.
pub const WHY: &str = "crash";

/// The facts that end a call of which these are all that is known: every leg that is open, every transfer under way,
/// and the call. A transfer whose end nobody has seen is never a success (T38). Nothing for a call that has ended.
pub fn of(facts: &[Fact]) -> Vec<Fact> {
    let (mut legs, mut transfers) = (BTreeSet::new(), BTreeSet::new());
    for fact in facts {
        match fact {
            Fact::Arrived { leg, .. } | Fact::LegBegan { leg, .. } => {
                legs.insert(*leg);
            }
            Fact::LegEnded { leg, .. } => {
                legs.remove(leg);
            }
            Fact::TransferRequested { transfer, .. } => {
                transfers.insert(*transfer);
            }
            Fact::TransferEnded { transfer, .. } => {
                transfers.remove(transfer);
            }
            Fact::Ended { .. } => return Vec::new(),
            Fact::Rang { .. }
            | Fact::Answered { .. }
            | Fact::TransferAttempted { .. }
            | Fact::Joined { .. }
            | Fact::Left { .. } => {}
        }
    }
    let unknown = |transfer| Fact::TransferEnded { transfer, outcome: Outcome::Unknown, leg: None, code: None };
    let cut = |leg| Fact::LegEnded { leg, by: EndedBy::Crash, cause: Cause::default() };
    let ended = Fact::Ended { why: WHY.to_owned(), joined: None };
    transfers.into_iter().map(unknown).chain(legs.into_iter().map(cut)).chain([ended]).collect()
}

/// The next event of a ticket whose last one is this: nobody knows what became of the transfer, so that it failed, and
/// the ticket bears no tag for it. Nothing if no transfer was under way.
pub fn cut(last: &Ticket, event_id: EventId, at: Moment) -> Option<Ticket> {
    if last.event != Event::TransferStarted {
        return None;
    }
    let result = "unknown".to_owned();
    let end = |call: CallFacts| CallFacts { result, sip_code: Some(500), ended_at: Some(at), ..call };
    let call = last.call.clone().map(end);
    Some(Ticket { event_id, event: Event::TransferFailed, at, call, ..last.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::{HotlineId, LegId, TransferId};
    use crate::tickets::fact::Party;

    #[test]
    fn a_call_that_was_cut_off_ends_with_everything_that_it_had_open() {
        let began = |leg| Fact::LegBegan { leg: LegId(leg), party: Party::Caller, presented: None };
        let requested = |transfer| Fact::TransferRequested {
            transfer: TransferId(transfer),
            from: HotlineId::from("12345"),
            to: HotlineId::from("110"),
            agent: None,
            trigger: "refer".to_owned(),
            mode: "one_click".to_owned(),
            region: None,
        };
        let over = |transfer| Fact::TransferEnded {
            transfer: TransferId(transfer),
            outcome: Outcome::Failed,
            leg: None,
            code: Some(486),
        };
        let facts = [
            began(1),
            began(2),
            requested(7),
            over(7),
            requested(8),
            Fact::LegEnded { leg: LegId(2), by: EndedBy::Party, cause: Cause::default() },
        ];
        let unknown = Fact::TransferEnded { transfer: TransferId(8), outcome: Outcome::Unknown, leg: None, code: None };
        let cut = Fact::LegEnded { leg: LegId(1), by: EndedBy::Crash, cause: Cause::default() };
        let ended = Fact::Ended { why: "crash".to_owned(), joined: None };
        assert_eq!(of(&facts), [unknown, cut, ended.clone()]);
        assert_eq!(of(&[began(1), ended]), [], "it had ended");
    }

    #[test]
    fn a_transfer_that_was_cut_off_has_failed_and_bears_no_tag() {
        let tagged: Ticket = serde_json::from_str(include_str!("example.json")).unwrap();
        let (name, at) = (EventId(7), Moment { unix_ms: 9 });
        assert_eq!(cut(&tagged, name, at), None, "that one has succeeded");
        let started = Ticket { event: Event::TransferStarted, tags: Vec::new(), ..tagged };
        let failed = cut(&started, name, at).unwrap();
        let call = failed.call.clone().unwrap();
        assert_eq!(
            (failed.event, failed.tags.as_slice(), failed.status),
            (Event::TransferFailed, &[][..], started.status)
        );
        assert_eq!((failed.event_id, failed.at, call.result.as_str(), call.ended_at), (name, at, "unknown", Some(at)));
    }
}
