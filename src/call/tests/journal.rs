//! What is written down of a call.

use super::*;
use crate::tickets::entry::{Entry, EntryId};
use crate::tickets::fact::{self, EndedBy, Fact as Written, Party, Presentation};
use crate::tickets::ids::LinkageId;

/// A reader of one call's entries who believes nothing.
#[derive(Default)]
pub(super) struct Pages {
    facts: Vec<Written>,
    entries: u32,
    open: Vec<LegId>,
}

impl Pages {
    /// Reads the entries among some orders.
    fn of(actions: &[Action]) -> Self {
        let mut pages = Self::default();
        pages.read(actions);
        pages
    }

    fn read(&mut self, actions: &[Action]) {
        for action in actions {
            if let Action::Record(entry) = action {
                self.turn(entry);
            }
        }
    }

    /// Reads one entry: each leg begins once and ends once, with a cause, and nothing follows the end.
    pub(super) fn turn(&mut self, entry: &Entry) {
        self.entries += 1;
        assert_eq!(entry.id, EntryId { call: CallId(5), seq: self.entries }, "no gap, no doubling");
        assert!(!entry.facts.is_empty(), "an entry says something");
        for fact in &entry.facts {
            assert!(!self.is_complete(), "{fact:?} after the end");
            match fact {
                Written::LegBegan { leg, .. } => {
                    assert!(!self.open.contains(leg), "{leg} begins twice");
                    self.open.push(*leg);
                }
                Written::LegEnded { leg, cause, .. } => {
                    let place = self.open.iter().position(|open| open == leg);
                    self.open.remove(place.unwrap_or_else(|| panic!("{leg} ends, but is not there")));
                    assert!(cause.sip.is_some() || cause.q850.is_some(), "{leg} ends without a cause");
                }
                Written::Ended { why, .. } => {
                    assert!(self.open.is_empty(), "the call ends before {:?}", self.open);
                    assert_ne!(why, "unknown");
                }
                _ => {}
            }
            self.facts.push(fact.clone());
        }
    }

    /// Whether the end of the call has been written.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.facts.last(), Some(Written::Ended { .. }))
    }
}

fn ended(leg: LegId, by: EndedBy, sip: Option<u16>, q850: Option<u8>) -> Written {
    Written::LegEnded { leg, by, cause: fact::Cause { sip, q850 } }
}

#[test]
fn an_admitted_call_says_who_called_what_and_over_what() {
    let mut bench = Bench::group(&["8001"]);
    let actions = bench.begin();
    let pages = Pages::of(&actions);
    assert_eq!(
        pages.facts[..2],
        [
            Written::Arrived {
                hotline: HotlineId::from("12345"),
                leg: CALLER,
                trunk: Some(TrunkId::from("carrier")),
                dialled: "12345".to_owned(),
                caller: crate::base::pii::Pii::new(NUMBER),
                caller_e164: crate::base::pii::Pii::new("+8613900001111"),
                presentation: Presentation::Allowed,
                region: None,
            },
            Written::LegBegan { leg: CALLER, party: Party::Caller, presented: None },
        ]
    );
    let Written::LegBegan { leg: FIRST, party: Party::Agent { agent }, presented: Some(shown) } = &pages.facts[2]
    else {
        panic!("{:?}", pages.facts)
    };
    assert_eq!((agent.as_str(), shown.shown.as_str(), shown.number.reveal()), ("8001", "number", NUMBER));
}

#[test]
fn an_entry_has_its_time_by_both_clocks_and_the_contact_it_belongs_to() {
    let mut bench = Bench::group(&[]);
    bench.site.wall = WallClock { at: bench.now, unix_ms: 1_700_000_000_000 };
    bench.call = bench.call.made_for(CallId(9));
    bench.now += Duration::from_millis(250);
    let now = bench.now;
    let entry = bench.begin().into_iter().find_map(|action| match action {
        Action::Record(entry) => Some(*entry),
        _ => None,
    });
    let Entry { linkage, at, unix_ms, .. } = entry.unwrap();
    assert_eq!((linkage, at, unix_ms), (LinkageId(CallId(9)), now, 1_700_000_000_250));
}

#[test]
fn i45_the_journal_has_each_leg_from_its_beginning_to_its_cause() {
    let mut bench = Bench::group(&["8001", "8002"]);
    let mut pages = Pages::of(&bench.begin());
    for (leg, fact) in [
        (FIRST, LegFact::Progress { code: 180, sdp: None }),
        (FIRST, LegFact::Progress { code: 183, sdp: None }),
        (FIRST, failed(486)),
        (SECOND, answered("198.51.100.8", 4_000)),
        (SECOND, LegFact::HungUp { cause: Cause { sip: None, q850: Some(31) } }),
    ] {
        pages.read(&bench.leg(leg, fact));
    }
    assert!(pages.is_complete(), "it ends when the last leg is let go, not when that is confirmed");
    let facts: Vec<&Written> = pages.facts.iter().skip(3).collect();
    let began =
        |leg: LegId| Written::LegBegan { leg, party: Party::Agent { agent: AgentId::from("8002") }, presented: None };
    let Written::LegBegan { leg, party, .. } = facts[2] else { panic!("{facts:?}") };
    assert_eq!(Written::LegBegan { leg: *leg, party: party.clone(), presented: None }, began(SECOND));
    assert_eq!(facts[..2], [&Written::Rang { leg: FIRST }, &ended(FIRST, EndedBy::Refused, Some(486), None)]);
    assert_eq!(
        facts[3..],
        [
            &Written::Answered { leg: SECOND },
            &Written::Answered { leg: CALLER },
            &Written::Joined { leg: SECOND },
            &ended(SECOND, EndedBy::Party, None, Some(31)),
            &ended(CALLER, EndedBy::Us, None, Some(16)),
            &Written::Ended { why: "service_party_hung_up".to_owned(), joined: None },
        ]
    );
    assert!(Pages::of(&bench.leg(CALLER, LegFact::Released)).facts.is_empty());
    assert!(bench.call.is_over());
}

#[test]
fn i45_each_loss_has_a_status_and_a_q850_cause() {
    for loss in [Loss::DialogUnknown, Loss::Timeout, Loss::NoAck, Loss::Transport, Loss::SessionExpired] {
        let mut bench = Bench::talking(&["8001"]);
        let actions = bench.leg(FIRST, LegFact::Lost { loss });
        let written = actions.iter().find_map(|action| match action {
            Action::Record(entry) => entry.facts.first().cloned(),
            _ => None,
        });
        let Some(Written::LegEnded { by: EndedBy::Lost, cause, .. }) = written else { panic!("{written:?}") };
        assert!(cause.sip.is_some() && cause.q850.is_some(), "{loss:?}");
    }
}

#[test]
fn a_call_that_is_refused_shut_down_or_broken_ends_in_the_journal_too() {
    let mut refused = Bench::with(decision(Answering::ByPerson, group()), Some(Bytes::from_static(b"nonsense")), &[]);
    let pages = Pages::of(&refused.begin());
    assert_eq!(pages.facts.last(), Some(&Written::Ended { why: "refused".to_owned(), joined: None }));

    let mut cut = Bench::group(&["8001"]);
    let mut pages = Pages::of(&cut.begin());
    let mut out = Actions::default();
    cut.call.shut_down(cut.now, &cut.site, &mut cut.desk, &mut out);
    pages.read(&out.into_iter().collect::<Vec<_>>());
    assert_eq!(pages.facts.last(), Some(&Written::Ended { why: "shut_down".to_owned(), joined: None }));

    let mut broken = Bench::group(&["8001"]);
    let mut pages = Pages::of(&broken.begin());
    let mut out = Actions::default();
    broken.call.quarantine(broken.now, &broken.site, &mut broken.desk, &mut out);
    pages.read(&out.into_iter().collect::<Vec<_>>());
    pages.read(&broken.leg(CALLER, LegFact::HungUp { cause: Cause::default() }));
    assert_eq!(pages.facts.last(), Some(&Written::Ended { why: "caller_hung_up".to_owned(), joined: None }));
}

#[test]
fn a_record_that_is_full_forgets_whom_it_rang_in_vain_and_the_journal_does_not() {
    let mut bench = Bench::group(&["8001"]);
    let mut pages = Pages::of(&bench.begin());
    let mut rung = 0;
    while rung < 100 {
        let rings = bench.call.legs.iter().map(|leg| leg.id()).find(|leg| *leg != CALLER);
        match rings {
            Some(leg) => {
                pages.read(&bench.leg(leg, failed(486)));
                rung += 1;
            }
            None => pages.read(&bench.wait(3)),
        }
    }
    let actions = bench.leg(CALLER, LegFact::HungUp { cause: Cause::default() });
    pages.read(&actions);
    assert!(pages.is_complete());
    let begun = pages.facts.iter().filter(|fact| matches!(fact, Written::LegBegan { .. })).count();
    assert!(begun > 100, "{begun}");
    assert_eq!(bench.call.record.legs.len(), 64);
    assert!(bench.call.record.more_legs > 30);
}
