#![allow(clippy::wildcard_enum_match_arm, reason = "a story looks at the one thing it is about")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::base::ids::{AgentId, CallId, GroupId, HotlineId, LegId, RegionCode, TransferId, TrunkId};
use crate::base::pii::Pii;
use crate::base::time::{Instant, WallClock};
use crate::call::Arrival;
use crate::call::action::{Action, Actions};
use crate::call::command::{Mode, Particulars};
use crate::call::journal::{Conversation, Journal, Left};
use crate::call::leg::Legs;
use crate::call::record::{LegEnd, Outcome, TransferRecord, Trigger, Who};
use crate::call::site::Site;
use crate::routing::caller_id;
use crate::routing::config::{Agent, Class, Hotline, Platform, Priority, Step};
use crate::routing::decision::{Answering, Decision, Located, LocatedBy, Referral};
use crate::routing::recipe::{Shown, Summary};
use crate::routing::{CallerId, Config};
use crate::sip::fact::{Cause, Peer};
use crate::sip::message::Host;
use crate::tickets::fact::Presentation;
use crate::tickets::tag::Tag;
use crate::tickets::ticket::{Direction, Event, Status, Ticket, Urgency};

const CALLER: LegId = LegId(1);
const AGENT: LegId = LegId(2);
const SEAT: LegId = LegId(3);
const NUMBER: &str = "13900001111";

/// A call that the 12345 agent 8001 has answered, at 2025-01-01 08:00:05.
struct Desk {
    site: Site,
    journal: Journal,
    now: Instant,
}

fn hotline(number: &str, org_code: &str, tag: Option<&str>) -> Hotline {
    Hotline {
        number: HotlineId::from(number),
        name: String::new(),
        priority: if number == "110" { Priority::Emergency } else { Priority::Normal },
        answer_on_queue: false,
        announcement: None,
        ring_timeout_s: 20,
        plan: Vec::new(),
        tag: tag.map(str::to_owned),
        platform: None,
        org_code: org_code.to_owned(),
        org_name: format!("{number}机构"),
    }
}

fn site() -> Site {
    let agent = |id: &str, name: &str| Agent { id: AgentId::from(id), name: name.to_owned(), groups: Vec::new() };
    let railway = Hotline { platform: Some(Platform::Police), ..hotline("02061330000", "650100000000", None) };
    Site {
        routing: Config {
            hotlines: vec![
                hotline("12345", "11650000000000000Q", None),
                hotline("110", "653001000000", None),
                hotline("119", "", None),
                hotline("95598", "", Some("已转供电受理")),
                railway,
            ],
            agents: vec![agent("8001", "李某"), agent("9001", "王警官")],
            ..Config::default()
        },
        listeners: Vec::new(),
        media: Vec::new(),
        media_ports: (20_000, 29_999),
        host: Host::Name(Bytes::from_static(b"lianxian.test")),
        transfers_per_call: 10,
        wall: WallClock { at: Instant::START, unix_ms: 1_735_689_600_000 },
    }
}

fn decision(hotline: &str, caller_id: CallerId) -> Decision {
    Decision {
        hotline: HotlineId::from(hotline),
        priority: if hotline == "110" { Priority::Emergency } else { Priority::Normal },
        answering: Answering::ByPerson,
        announcement: None,
        ring_timeout: Duration::from_secs(20),
        plan: vec![Step::Group { group: GroupId::from("seats"), class: Class::Normal }],
        territory: Some(Located {
            code: RegionCode::from("653001"),
            name: "阿图什市".into(),
            source: LocatedBy::Agent,
        }),
        caller_id,
        referral: None,
        why: Vec::new(),
    }
}

impl Desk {
    fn new() -> Self {
        Self::called_by(CallerId::plain(NUMBER))
    }

    fn called_by(caller_id: CallerId) -> Self {
        Self::arrived(decision("12345", caller_id), None)
    }

    fn arrived(decision: Decision, root: Option<CallId>) -> Self {
        let arrived = Instant::START;
        let arrival = Arrival {
            leg: CALLER,
            peer: Peer::Trunk(TrunkId::from("carrier")),
            signalling: SocketAddr::from(([203, 0, 113, 1], 5060)),
            dialled: "089812345".to_owned(),
            offer: None,
            max_forwards: 69,
        };
        let mut journal = Journal::new(arrived, CallId(0xc1), &arrival, &Arc::new(decision));
        root.into_iter().for_each(|root| journal.belongs_to(root));
        journal.begin(arrived, AGENT, Who::Agent(AgentId::from("8001")), None);
        let now = arrived + Duration::from_secs(5);
        journal.answered(now, AGENT);
        journal.served(now);
        let mut desk = Self { site: site(), journal, now };
        assert!(desk.closes(false).is_empty());
        desk
    }

    /// An event has been handled.
    fn closes(&mut self, over: bool) -> Vec<Ticket> {
        let mut out = Actions::default();
        let left = if over { Left::Nobody } else { Left::Call(Conversation::new()) };
        self.journal.close(self.now, left, &Legs::default(), &self.site, &mut out);
        // What a call is can be written down and read back at any time.
        self.journal = serde_json::from_str(&serde_json::to_string(&self.journal).unwrap()).unwrap();
        let entries = out.into_iter().filter_map(|action| match action {
            Action::Record(entry) => Some(*entry),
            _ => None,
        });
        let postings: Vec<_> = entries.flat_map(|entry| entry.postings).collect();
        for posting in &postings {
            let ticket = &posting.ticket;
            let platform = self.site.routing.hotline(posting.hotline.as_str()).unwrap().platform().word();
            let side = if is_sent(ticket) { &ticket.from } else { &ticket.to };
            assert!(side.platform == platform || !is_received(ticket), "it goes to its own service's store");
        }
        postings.into_iter().map(|posting| posting.ticket).collect()
    }

    /// A transfer is asked for and its target dialled.
    fn asks(&mut self, from: &str, to: &str, transferor: LegId, target: (LegId, Who)) -> Vec<Ticket> {
        self.now += Duration::from_secs(35);
        let id = TransferId(u128::from(self.now.since(Instant::START).as_secs()));
        let agent = match &self.journal.line_of(transferor).unwrap().who {
            Who::Agent(agent) => Some(agent.clone()),
            Who::Caller(_) => None,
            Who::Trunk { .. } => Some(AgentId::from("1023")),
        };
        let transfer = TransferRecord {
            id,
            trigger: Trigger::Refer,
            mode: Mode::OneClick,
            transferor,
            agent,
            from: HotlineId::from(from),
            decision: Arc::new(decision(to, self.journal.decision.caller_id.clone())),
            particulars: Particulars { summary: Some(Pii::new("有人打架")), ..Particulars::default() },
            requested: self.now,
            attempts: Vec::new(),
            consultation: None,
            targets: Vec::new(),
            answered: None,
            ended: None,
        };
        self.journal.request(transfer);
        let told = self.closes(false);
        self.now += Duration::from_secs(1);
        let (leg, who) = target;
        let shown = match self.journal.decision.caller_id.presentation {
            caller_id::Presentation::Allowed => {
                Summary { shown: Shown::Number, number: Pii::new(NUMBER), carried_by: Vec::new() }
            }
            caller_id::Presentation::Restricted => {
                Summary { shown: Shown::Withheld, number: Pii::default(), carried_by: Vec::new() }
            }
        };
        self.journal.begin(self.now, leg, who, Some(shown));
        self.journal.rang(self.now, leg);
        self.journal.attempt(id, leg);
        assert!(self.closes(false).is_empty(), "the steps of a transfer are facts and no events of a ticket");
        told
    }

    fn ends(&mut self, outcome: Outcome) -> Vec<Ticket> {
        self.now += Duration::from_secs(3);
        let transfer = self.journal.transfers.last().unwrap().id;
        assert!(self.journal.end_transfer(self.now, transfer, outcome));
        self.closes(false)
    }

    fn takes(&mut self, leg: LegId) -> Vec<Ticket> {
        self.journal.answered(self.now, leg);
        self.ends(Outcome::Succeeded(leg))
    }

    fn refuses(&mut self, leg: LegId, code: u16, q850: Option<u8>) -> Vec<Ticket> {
        self.journal.end(self.now, leg, LegEnd::Failed(Cause { sip: Some(code), q850 }));
        self.ends(Outcome::Failed(code))
    }

    fn is_over(&mut self) -> Vec<Ticket> {
        self.now += Duration::from_secs(60);
        self.journal.end(self.now, CALLER, LegEnd::HungUp(Cause { sip: None, q850: Some(16) }));
        self.closes(true)
    }
}

/// Whether the record can only be the sender's of its transfer.
fn is_sent(ticket: &Ticket) -> bool {
    matches!(ticket.event, Event::TransferStarted | Event::TransferFailed | Event::Tagged)
}

/// Whether it can only be one of the two.
fn is_received(ticket: &Ticket) -> bool {
    is_sent(ticket) || ticket.event == Event::Pushed || ticket.disposition == "已受理"
}

fn seat() -> (LegId, Who) {
    (SEAT, Who::Agent(AgentId::from("9001")))
}

fn outline(tickets: &[Ticket]) -> Vec<(u16, Event, Status, &str, Vec<&str>)> {
    let line = |ticket: &'_ Ticket| (ticket.ticket_id.number, ticket.event, ticket.status);
    tickets
        .iter()
        .map(|ticket| {
            let (number, event, status) = line(ticket);
            (number, event, status, ticket.disposition.as_str(), ticket.tags.iter().map(Tag::text).collect())
        })
        .collect()
}

#[test]
fn a_call_that_is_never_handed_over_leaves_no_record() {
    assert!(Desk::new().is_over().is_empty());
}

#[test]
fn success_tags_and_closes_the_senders_record_and_opens_the_receivers() {
    let mut desk = Desk::new();
    let asked = desk.asks("12345", "110", AGENT, seat());
    assert_eq!(
        outline(&asked),
        [
            (0, Event::Created, Status::Registered, "", vec![]),
            (0, Event::TransferStarted, Status::Registered, "", vec![]),
        ]
    );
    let taken = desk.takes(SEAT);
    assert_eq!(
        outline(&taken),
        [
            (0, Event::Tagged, Status::Closed, "已转出", vec!["已转110受理"]),
            (1, Event::Created, Status::Registered, "已受理", vec![]),
        ]
    );
    let over = desk.is_over();
    assert_eq!(outline(&over), [(1, Event::Supplemented, Status::Registered, "已受理", vec![])]);

    let all: Vec<&Ticket> = asked.iter().chain(&taken).chain(&over).collect();
    assert!(all.iter().all(|ticket| ticket.linkage_id == asked[0].linkage_id), "one contact");
    let mut ids: Vec<_> = all.iter().map(|ticket| ticket.event_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all.len(), "each event has its own key");
}

#[test]
fn everything_that_the_call_knows_stands_in_the_record() {
    let mut desk = Desk::new();
    desk.asks("12345", "110", AGENT, seat());
    let tagged = desk.takes(SEAT).remove(0);
    let text = serde_json::to_string_pretty(&tagged).unwrap();
    assert_eq!(text, include_str!("tagged.json").trim_end());
}

#[test]
fn each_way_to_fail_has_its_word_and_no_tag() {
    for (code, q850, word) in [
        (486, None, "busy"),
        (480, Some(17), "busy"),
        (480, None, "no_answer"),
        (408, None, "no_answer"),
        (603, None, "rejected"),
        (403, Some(21), "rejected"),
        (503, None, "congested"),
        (480, Some(34), "congested"),
        (500, None, "failed"),
        (404, Some(1), "failed"),
    ] {
        let mut desk = Desk::new();
        desk.asks("12345", "110", AGENT, seat());
        let told = desk.refuses(SEAT, code, q850);
        assert_eq!(outline(&told), [(0, Event::TransferFailed, Status::Registered, "", vec![])], "{code}");
        let call = told[0].call.as_ref().unwrap();
        assert_eq!((call.result.as_str(), call.sip_code, call.q850), (word, Some(code), q850), "I45, T39");
        assert_eq!((call.target_answered_at, told[0].to.agent.no.as_str()), (None, ""));
        let over = desk.is_over();
        let call = over[0].call.as_ref().unwrap();
        assert_eq!((call.result.as_str(), call.q850), (word, Some(16)), "the end of the call changes no result");
        assert!(call.ended_at.is_some() && over[0].tags.is_empty());
    }
}

#[test]
fn cancelled_and_unknown_are_no_success() {
    for (outcome, word) in [(Outcome::Cancelled, "cancelled"), (Outcome::Unknown, "unknown")] {
        let mut desk = Desk::new();
        desk.asks("12345", "110", AGENT, seat());
        let told = desk.ends(outcome);
        assert_eq!(outline(&told), [(0, Event::TransferFailed, Status::Registered, "", vec![])]);
        assert_eq!(told[0].call.as_ref().unwrap().result, word);
    }
}

#[test]
fn an_abandoned_handover_is_pushed_to_the_target_with_the_number_to_call_back() {
    let mut desk = Desk::new();
    desk.asks("12345", "110", AGENT, seat());
    let told = desk.ends(Outcome::Abandoned);
    assert_eq!(
        outline(&told),
        [
            (0, Event::TransferFailed, Status::Registered, "放弃", vec![]),
            (1, Event::Pushed, Status::Pushed, "", vec![]),
        ]
    );
    assert_eq!(told[0].caller.contact.reveal(), "");
    let pushed = &told[1];
    assert_eq!((pushed.caller.contact.reveal(), pushed.urgency), (NUMBER, Urgency::Urgent));
    assert_eq!(serde_json::to_string(&pushed.mode).unwrap(), "\"ticket\"");
    assert_eq!(pushed.appeal.content.reveal(), "有人打架");
    let over = desk.is_over();
    assert_eq!(outline(&over), [(0, Event::Supplemented, Status::Registered, "放弃", vec![])]);
}

/// 12345 -> 110 -> 12345: what 110 received is what it sends.
#[test]
fn the_receivers_record_is_the_senders_of_the_next_handover() {
    let mut desk = Desk::new();
    desk.asks("12345", "110", AGENT, seat());
    let first = desk.takes(SEAT);
    let back = LegId(4);
    let asked = desk.asks("110", "12345", SEAT, (back, Who::Agent(AgentId::from("8001"))));
    assert_eq!(outline(&asked), [(1, Event::TransferStarted, Status::Registered, "", vec![])]);
    assert_eq!(asked[0].direction, Direction::From110To12345);
    let taken = desk.takes(back);
    assert_eq!(
        outline(&taken),
        [
            (1, Event::Tagged, Status::Closed, "已转出", vec!["已转12345热线受理"]),
            (2, Event::Created, Status::Registered, "已受理", vec![]),
        ]
    );
    for ticket in asked.iter().chain(&taken) {
        assert_eq!(ticket.linkage_id, first[0].linkage_id);
        let written_once =
            |ticket: &Ticket| (ticket.first_platform.clone(), ticket.first_agent.clone(), ticket.first_answered_at);
        assert_eq!(written_once(ticket), written_once(&first[0]), "首接 is written once (R5)");
        assert_eq!((ticket.first_platform.as_str(), ticket.first_agent.as_str()), ("12345", "8001"));
    }
    assert_eq!((taken[0].from.agent.no.as_str(), taken[0].from.agent.name.as_str()), ("9001", "王警官"));
}

#[test]
fn another_try_goes_on_in_the_same_record() {
    let mut desk = Desk::new();
    desk.asks("12345", "110", AGENT, seat());
    desk.refuses(SEAT, 486, None);
    let next = (LegId(4), Who::Agent(AgentId::from("9001")));
    let asked = desk.asks("12345", "110", AGENT, next);
    assert_eq!(outline(&asked), [(0, Event::TransferStarted, Status::Registered, "", vec![])]);
    assert_eq!(asked[0].call.as_ref().unwrap().result, "in_progress");
    assert_eq!(outline(&desk.takes(LegId(4)))[0].4, ["已转110受理"]);
}

/// The target was lost and the citizen went back to 12345, whose record had long been closed.
#[test]
fn a_service_whose_record_is_closed_opens_another() {
    let mut desk = Desk::new();
    desk.asks("12345", "110", AGENT, seat());
    desk.takes(SEAT);
    let again = desk.asks("12345", "110", AGENT, (LegId(4), Who::Agent(AgentId::from("9001"))));
    assert_eq!(
        outline(&again),
        [
            (2, Event::Created, Status::Registered, "", vec![]),
            (2, Event::TransferStarted, Status::Registered, "", vec![]),
        ]
    );
    assert_eq!(outline(&desk.takes(LegId(4)))[1].0, 3);
}

#[test]
fn other_services_have_the_tag_of_their_configuration() {
    for (to, tag, direction) in [
        ("119", "已转119受理", Direction::From12345ToOther),
        ("95598", "已转供电受理", Direction::From12345ToOther),
        ("02061330000", "已转110受理", Direction::From12345To110),
    ] {
        let mut desk = Desk::new();
        desk.asks("12345", to, AGENT, seat());
        let taken = desk.takes(SEAT);
        assert_eq!(outline(&taken)[0], (0, Event::Tagged, Status::Closed, "已转出", vec![tag]));
        assert_eq!(taken[0].direction, direction);
    }
}

/// R19: withheld from whoever is shown it, whole for those who must be able to call back.
#[test]
fn a_withheld_number_stands_whole_with_110_and_nowhere_with_a_utility() {
    let withheld = CallerId { presentation: caller_id::Presentation::Restricted, ..CallerId::plain(NUMBER) };
    for (to, number) in [("110", NUMBER), ("119", NUMBER), ("95598", "")] {
        let mut desk = Desk::called_by(withheld.clone());
        desk.asks("12345", to, AGENT, seat());
        let taken = desk.takes(SEAT);
        for ticket in &taken {
            assert_eq!(ticket.caller.presentation, Presentation::Restricted);
            assert_eq!(ticket.caller.presented_number.reveal(), "", "nobody was shown it");
            assert!(ticket.confidential.value);
        }
        assert_eq!(taken[0].caller.number_raw.reveal(), NUMBER, "12345 keeps it");
        assert_eq!(taken[1].caller.number_raw.reveal(), number, "{to}");
        assert_eq!(taken[1].caller.number_e164.reveal().is_empty(), number.is_empty());
    }
    let mut unknown = Desk::called_by(CallerId::plain(""));
    let asked = unknown.asks("12345", "110", AGENT, seat());
    assert_eq!(asked[0].caller.presentation, Presentation::Unavailable);
}

#[test]
fn a_transfer_that_fails_at_once_is_told_as_begun_and_as_failed() {
    let mut desk = Desk::new();
    desk.asks("12345", "110", AGENT, seat());
    desk.refuses(SEAT, 486, None);
    let again = TransferRecord { id: TransferId(9), ended: None, ..desk.journal.transfers[0].clone() };
    desk.journal.request(again);
    let told = desk.ends(Outcome::Failed(480));
    let results: Vec<&str> = told.iter().map(|ticket| ticket.call.as_ref().unwrap().result.as_str()).collect();
    assert_eq!(results, ["in_progress", "no_answer"]);
}

/// F21: the clock is put right in mid-call.
#[test]
fn a_step_of_the_clock_turns_no_record_round() {
    let mut desk = Desk::new();
    let asked = desk.asks("12345", "110", AGENT, seat());
    desk.site.wall.unix_ms -= 3_600_000;
    let taken = desk.takes(SEAT);
    let (before, after) = (asked[0].call.as_ref().unwrap(), taken[0].call.as_ref().unwrap());
    assert_eq!(after.started_at, before.started_at);
    assert!(after.target_answered_at > after.transfer_requested_at && taken[0].at > asked[0].at);
}

/// A PBX has made this call for the citizen of another one, and 110 hands the citizen back in it.
#[test]
fn a_call_that_was_made_for_another_ones_citizen_has_records_of_its_own_under_that_linkage() {
    let referral = Some(Referral { agent: Some(AgentId::from("1023")), hotline: HotlineId::from("12345") });
    let decision = Decision { referral, ..decision("110", CallerId::plain(NUMBER)) };
    let mut desk = Desk::arrived(decision, Some(CallId(0xa0)));
    let asked = desk.asks("110", "12345", AGENT, seat());
    assert_eq!(asked[0].linkage_id.0, CallId(0xa0));
    assert_eq!(asked[0].ticket_id.linkage.0, CallId(0xc1));
    assert_eq!((asked[0].first_platform.as_str(), asked[0].first_agent.as_str()), ("12345", "1023"));
}

/// Whoever served over a trunk is known by its REFER alone, and by what was dialled.
#[test]
fn an_agent_behind_a_pbx_is_known_by_the_refer() {
    let mut desk = Desk::new();
    let pbx = LegId(9);
    desk.journal.begin(desk.now, pbx, Who::Trunk { trunk: TrunkId::from("pbx"), number: "8023".into() }, None);
    desk.asks("12345", "110", pbx, (SEAT, Who::Trunk { trunk: TrunkId::from("police"), number: "110".into() }));
    let taken = desk.takes(SEAT);
    assert_eq!((taken[0].from.agent.no.as_str(), taken[0].from.agent.ext.as_str()), ("1023", "8023"));
    assert_eq!((taken[0].to.agent.no.as_str(), taken[0].to.agent.ext.as_str()), ("", "110"));
}
