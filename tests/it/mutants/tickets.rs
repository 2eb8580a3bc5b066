//! Planted faults of what the ticket stores are told, and who sees them: I25, I45, T39.

use std::time::Duration;

use lianxian::tickets::entry::{Entry, Posting};
use lianxian::tickets::tag::Tag;
use lianxian::tickets::ticket::{Event, Status};

use crate::world::World;
use crate::world::phone::OnInvite;
use crate::world::product::Raw;
use crate::world::sabotage::Plant;

const TAKES: OnInvite = OnInvite::Answer { after: Duration::from_secs(1) };
const BUSY: OnInvite = OnInvite::Refuse { code: 486, after: Duration::from_millis(300) };

/// Runs a transfer to a seat that behaves so, with a fault in what is recorded, and says which invariants saw it.
fn seen(manner: OnInvite, alter: impl Fn(&mut Entry) + 'static) -> Vec<&'static str> {
    let mut w = World::new(930);
    w.strict = false;
    let (caller, agent) = w.caller_and_agent_in_talk();
    let seat = w.seat();
    w.on_invite(seat, manner);
    w.product.plant(Box::new(Plant::new(move |_, raw| match raw {
        Raw::Record(mut entry) => {
            alter(&mut entry);
            vec![Raw::Record(entry)]
        }
        other => vec![other],
    })));
    w.transfers(agent, "110");
    w.run(Duration::from_secs(8));
    w.hangs_up(caller);
    w.run(Duration::from_secs(5));
    if w.violations.is_empty() {
        w.judge_the_end();
    }
    let mut seen: Vec<&str> = w.violations.iter().map(|violation| violation.number).collect();
    seen.sort_unstable();
    seen.dedup();
    seen
}

/// Alters the event of that kind.
fn at(event: Event, alter: impl Fn(&mut Posting) + 'static) -> impl Fn(&mut Entry) + 'static {
    move |entry| entry.postings.iter_mut().filter(|posting| posting.ticket.event == event).for_each(&alter)
}

#[test]
fn nothing_is_seen_where_nothing_is_wrong() {
    assert_eq!(seen(TAKES, |_| {}), Vec::<&str>::new());
    assert_eq!(seen(BUSY, |_| {}), Vec::<&str>::new());
}

#[test]
fn a_tag_on_a_failure_is_seen_by_i25() {
    let tag = at(Event::TransferFailed, |posting| posting.ticket.tags.push(Tag::HandedTo110));
    assert_eq!(seen(BUSY, tag), ["I25"]);
}

#[test]
fn a_failure_that_is_told_as_a_success_is_seen_by_i25_and_t39() {
    let lie = at(Event::TransferFailed, |posting| {
        let ticket = &mut posting.ticket;
        (ticket.event, ticket.status, ticket.tags) = (Event::Tagged, Status::Closed, vec![Tag::HandedTo110]);
        "已转出".clone_into(&mut ticket.disposition);
    });
    assert_eq!(seen(BUSY, lie), ["I25", "T39"]);
}

#[test]
fn a_second_tag_is_seen_by_i25() {
    let again = |entry: &mut Entry| {
        let tagged = entry.postings.iter().find(|posting| posting.ticket.event == Event::Tagged).cloned();
        entry.postings.extend(tagged);
    };
    assert_eq!(seen(TAKES, again), ["I25"]);
}

#[test]
fn a_tag_that_is_forgotten_is_seen_by_i25() {
    let forget = |entry: &mut Entry| entry.postings.retain(|posting| posting.ticket.event != Event::Tagged);
    assert_eq!(seen(TAKES, forget), ["I25"]);
}

#[test]
fn the_tag_of_the_other_direction_is_seen_by_i25() {
    let turn = at(Event::Tagged, |posting| posting.ticket.tags = vec![Tag::HandedTo12345]);
    assert_eq!(seen(TAKES, turn), ["I25"]);
}

#[test]
fn a_receiver_without_a_record_is_seen_by_i25() {
    let forget = |entry: &mut Entry| entry.postings.retain(|posting| posting.ticket.ticket_id.number != 1);
    assert_eq!(seen(TAKES, forget), ["I25"]);
}

#[test]
fn another_first_taker_is_seen_by_i25() {
    let change = at(Event::Tagged, |posting| "110".clone_into(&mut posting.ticket.first_platform));
    assert_eq!(seen(TAKES, change), ["I25"]);
}

#[test]
fn a_failure_without_a_cause_is_seen_by_i45() {
    let hush = at(Event::TransferFailed, |posting| {
        if let Some(call) = &mut posting.ticket.call {
            (call.sip_code, call.q850) = (None, None);
        }
    });
    assert_eq!(seen(BUSY, hush), ["I45"]);
}
