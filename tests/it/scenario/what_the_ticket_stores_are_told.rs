//! Each end of a transfer, as the records of the two services have it (R14, R15, R19; I25, T38, T39).

use std::time::Duration;

use lianxian::base::ids::{AgentId, CommandId, TransferId};
use lianxian::call::command::{By, CallSelector, Command};
use lianxian::call::fault::Fault;
use lianxian::switch;
use lianxian::tickets::fact::Presentation;
use lianxian::tickets::tag::Tag;
use lianxian::tickets::ticket::{Event, Ticket};

use crate::world::phone::{Line, OnInvite};
use crate::world::{World, town};

const SECOND: Duration = Duration::from_secs(1);
const CITIZEN: &str = "13900001111";

/// What was told: number of the record, event, disposition, result, tags.
fn told(w: &World) -> Vec<(u16, Event, &str, &str, Vec<&str>)> {
    let line = |ticket: &'_ Ticket| (ticket.ticket_id.number, ticket.event);
    w.ledger
        .tickets
        .told
        .iter()
        .map(|ticket| {
            let (number, event) = line(ticket);
            let result = ticket.call.as_ref().map_or("", |call| call.result.as_str());
            (number, event, ticket.disposition.as_str(), result, ticket.tags.iter().map(Tag::text).collect())
        })
        .collect()
}

fn tickets(w: &World) -> &[Ticket] {
    &w.ledger.tickets.told
}

/// What every story here begins with.
fn begun(number: u16) -> [(u16, Event, &'static str, &'static str, Vec<&'static str>); 2] {
    [(number, Event::Created, "", "in_progress", vec![]), (number, Event::TransferStarted, "", "in_progress", vec![])]
}

#[test]
fn success_there_and_back_again() {
    let mut w = World::new(700);
    let police = w.seat();
    w.on_invite(police, OnInvite::Refuse { code: 486, after: Duration::from_millis(100) });
    let (clerk, seat) = (w.agent("8001"), w.agent("9001"));
    let caller = w.citizen(CITIZEN);
    w.calls(caller, "12345");
    w.until_talking(caller, clerk);
    w.transfers(clerk, "110");
    w.until_talking(caller, seat);
    w.until_over(clerk);
    w.transfers(seat, "12345");
    w.until_talking(caller, clerk);
    w.until_over(seat);
    w.hangs_up(caller);
    w.settle();
    let [created, started] = begun(0);
    assert_eq!(
        told(&w),
        [
            created,
            started,
            (0, Event::Tagged, "已转出", "success", vec!["已转110受理"]),
            (1, Event::Created, "已受理", "success", vec![]),
            (1, Event::TransferStarted, "", "in_progress", vec![]),
            (1, Event::Tagged, "已转出", "success", vec!["已转12345热线受理"]),
            (2, Event::Created, "已受理", "success", vec![]),
            (2, Event::Supplemented, "已受理", "success", vec![]),
        ]
    );
    let [_, _, tagged, received, _, back, _, over] = tickets(&w) else { panic!("eight") };
    assert_eq!((tagged.from.agent.no.as_str(), tagged.to.agent.no.as_str()), ("8001", "9001"));
    assert_eq!((back.from.agent.no.as_str(), back.to.agent.no.as_str()), ("9001", "8001"));
    assert_eq!(tagged.caller.presented_number.reveal(), CITIZEN, "携号");
    assert_eq!(received.caller.number_e164.reveal(), "+8613900001111");
    let call = tagged.call.as_ref().unwrap();
    assert_eq!((call.trunk_in.as_str(), call.dnis.as_str(), call.codec.as_str()), ("city", "12345", "PCMA"));
    let steps = [Some(call.started_at), call.answered_at, call.transfer_requested_at, call.target_ringing_at];
    assert!(steps.is_sorted() && steps.iter().all(Option::is_some), "{steps:?}");
    assert!(call.target_answered_at > call.target_ringing_at && call.ended_at.is_none());
    assert_eq!(over.call.as_ref().unwrap().q850, Some(16), "why the call is over");
}

#[test]
fn a_target_that_does_not_take_the_call() {
    for (seed, code, word) in
        [(710, 486, "busy"), (711, 480, "no_answer"), (712, 603, "rejected"), (713, 503, "congested")]
    {
        let mut w = World::new(seed);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let seat = w.seat();
        w.on_invite(seat, OnInvite::Refuse { code, after: Duration::from_millis(300) });
        w.transfers(agent, "110");
        assert_eq!(w.until_reported(agent), code);
        let [created, started] = begun(0);
        assert_eq!(told(&w), [created, started, (0, Event::TransferFailed, "", word, vec![])]);
        assert_eq!(tickets(&w)[2].call.as_ref().unwrap().sip_code, Some(code), "the code as it came (T39)");
        w.hangs_up(caller);
        w.settle();
        assert_eq!(told(&w)[3..], [(0, Event::Supplemented, "", word, vec![])]);
    }
}

#[test]
fn an_answer_that_is_hung_up_within_a_second_is_no_tag() {
    let mut w = World::new(714);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::Answer { after: SECOND });
    w.transfers(agent, "110");
    w.run_until(SECOND * 5, |w| w.phase(seat) == Some(crate::world::phone::Phase::Up));
    w.run(Duration::from_millis(500));
    w.hangs_up(seat);
    w.until_reported(agent);
    assert!(tickets(&w).iter().all(|ticket| ticket.tags.is_empty()));
    assert_eq!(told(&w)[2].1, Event::TransferFailed);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn an_agent_who_gives_it_up() {
    let mut w = World::new(720);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::RingOut);
    w.transfers(agent, "110");
    w.run(SECOND * 3);
    let id = tickets(&w)[1].call.as_ref().and_then(|call| call.transfer_id.clone()).unwrap();
    let command =
        Command::CancelTransfer { transfer: TransferId(u128::from_str_radix(&id, 16).unwrap()), by: By::Console };
    let call = CallSelector::Agent(AgentId::from("8001"));
    w.command(switch::Command::Call { id: CommandId(1), call, command });
    let [created, started] = begun(0);
    assert_eq!(told(&w), [created, started, (0, Event::TransferFailed, "", "cancelled", vec![])]);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_citizen_who_hangs_up_meanwhile_is_to_be_called_back() {
    let mut w = World::new(730);
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::RingOut);
    w.transfers(agent, "110");
    w.run(SECOND * 3);
    w.hangs_up(caller);
    w.settle();
    let [created, started] = begun(0);
    assert_eq!(
        told(&w),
        [
            created,
            started,
            (0, Event::TransferFailed, "放弃", "abandoned", vec![]),
            (1, Event::Pushed, "", "abandoned", vec![]),
            (0, Event::Supplemented, "放弃", "abandoned", vec![]),
        ]
    );
    assert_eq!(tickets(&w)[3].caller.contact.reveal(), CITIZEN);
}

#[test]
fn a_call_that_is_restored_in_mid_transfer_has_no_tag() {
    let mut w = World::new(740);
    w.panics_expected = true;
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, OnInvite::RingOut);
    w.transfers(agent, "110");
    w.run(SECOND * 3);
    w.product.arm(Fault::Panic);
    w.holds(agent);
    w.run(SECOND * 3);
    let [created, started] = begun(0);
    assert_eq!(told(&w), [created, started, (0, Event::TransferFailed, "", "unknown", vec![])]);
    w.hangs_up(caller);
    w.settle();
}

#[test]
fn a_withheld_number_is_no_business_of_another_service() {
    let mut w = World::new(750);
    let (agent, county) = (w.agent("8001"), w.add("96110", town::county(0), Line::Udp));
    let caller = w.citizen(CITIZEN);
    w.phones[caller].manners.anonymous = true;
    w.phones[caller].manners.claims =
        vec![("P-Asserted-Identity", format!("<tel:{CITIZEN}>")), ("Privacy", "id;user".to_owned())];
    w.calls(caller, "12345");
    w.until_talking(caller, agent);
    w.transfers(agent, "96110");
    w.until_talking(caller, county);
    w.until_over(agent);
    w.hangs_up(caller);
    w.settle();
    let [_, _, sent, received, over] = tickets(&w) else { panic!("five") };
    assert_eq!(sent.tags, [Tag::Other("已转96110受理".to_owned())]);
    assert_eq!(sent.caller.number_raw.reveal(), CITIZEN, "12345 keeps it");
    for ticket in [received, over] {
        let written = serde_json::to_string(ticket).unwrap();
        assert!(!written.contains(CITIZEN), "{written}");
        assert_eq!(ticket.caller.presentation, Presentation::Restricted);
        assert!(ticket.confidential.value);
    }
}
