//! What the ticket stores are told, against what the wire shows.

use std::time::Duration;

use lianxian::base::time::Instant;
use lianxian::call::record::Outcome;
use lianxian::tickets::entry::{Entry, Posting};
use lianxian::tickets::tag::Tag;
use lianxian::tickets::ticket::{Event, Status, Ticket};

use super::super::ledger::tickets::first;
use super::super::ledger::{Ledger, LegWatch, Side};
use super::super::step::{Effect, Step};
use super::super::told::eleven;
use super::{Scene, Verdict};

/// A target that hangs up within this time has not taken the call (promise 3).
const TAKEN: Duration = Duration::from_secs(1);

/// I25: a record is tagged once, by its direction, when and only when the target has taken the call.
pub fn i25_a_tag_says_that_the_target_took_the_call(
    ledger: &Ledger,
    scene: &Scene<'_>,
    step: &Step,
    effect: &Effect,
) -> Verdict {
    let Effect::Recorded(entry) = effect else { return Ok(()) };
    for ticket in entry.postings.iter().map(|posting| &posting.ticket) {
        let what = format!("{:?} of record {}", ticket.event, ticket.ticket_id);
        match (ticket.event, ticket.tags.as_slice()) {
            (Event::Tagged, [tag]) => {
                right_tag(ticket, tag)?;
                if ticket.status != Status::Closed || ticket.disposition != "已转出" {
                    return Err(format!("{what} does not close it"));
                }
                if ledger.tickets.tags.get(&ticket.ticket_id).is_some_and(|tags| *tags > 0) {
                    return Err(format!("{what}: it was tagged before"));
                }
                if !was_taken(ledger, scene, step.at, ticket) {
                    return Err(format!("{what}: no target has taken the call of {}", ticket.caller.number_raw));
                }
                has_receiver(entry, ticket)?;
            }
            (Event::Tagged, tags) => return Err(format!("{what} with {} tags", tags.len())),
            (_, []) if ticket.status != Status::Closed => {}
            (_, _) => return Err(format!("{what} is tagged or closed")),
        }
    }
    Ok(())
}

/// The tag that the direction asks for.
fn right_tag(ticket: &Ticket, tag: &Tag) -> Verdict {
    let right = match ticket.to.platform.as_str() {
        "110" => tag.text() == "已转110受理",
        "12345" => tag.text() == "已转12345热线受理",
        _ => !["已转110受理", "已转12345热线受理"].contains(&tag.text()),
    };
    if right { Ok(()) } else { Err(format!("the matter went to {} and is tagged {tag}", ticket.to.platform)) }
}

/// Whether somebody answered in this matter, got our ACK, and stayed for a second: another than the transferor, or the
/// transferor's telephone once more, when it has gone and its group was rung.
fn was_taken(ledger: &Ledger, scene: &Scene<'_>, now: Instant, ticket: &Ticket) -> bool {
    let matter = eleven(ticket.caller.number_raw.reveal());
    // Towards those who may not see the number, nothing on the wire says whose call it is.
    let fits = |leg: &&LegWatch| {
        leg.side == Side::Service && (matter.is_empty() || leg.matter.is_empty() || leg.matter == matter)
    };
    let legs: Vec<&LegWatch> = ledger.legs.values().filter(fits).collect();
    let stayed = |leg: &LegWatch, at: Instant| now - at >= TAKEN && leg.peer_bye_at.is_none_or(|bye| bye - at >= TAKEN);
    legs.iter().any(|leg| {
        let Some(at) = leg.answered_at.filter(|at| stayed(leg, *at) && leg.acked_at.is_some()) else { return false };
        let another = scene.phones.get(leg.party).is_none_or(|phone| phone.number != ticket.from.agent.no);
        another || legs.iter().any(|before| before.answered_at.is_some_and(|before| before < at))
    })
}

/// The two-record rule (R14): what the sender closes, the receiver opens in the same step, under the same linkage.
fn has_receiver(entry: &Entry, sent: &Ticket) -> Verdict {
    let opened = |posting: &&Posting| {
        let ticket = &posting.ticket;
        ticket.event == Event::Created && ticket.ticket_id != sent.ticket_id && ticket.linkage_id == sent.linkage_id
    };
    match entry.postings.iter().find(opened) {
        Some(posting) if posting.ticket.direction == sent.direction => Ok(()),
        Some(_) => Err("sender and receiver do not agree where the matter goes".to_owned()),
        None => Err("the receiver has no record".to_owned()),
    }
}

/// I25: each event has a key of its own, each record one service, each contact one 首接 (R5).
pub fn i25_records_are_kept_apart(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Effect::Recorded(entry) = effect else { return Ok(()) };
    let told = &ledger.tickets;
    for (place, Posting { hotline, ticket }) in entry.postings.iter().enumerate() {
        let twice = entry.postings.iter().take(place).any(|other| other.ticket.event_id == ticket.event_id);
        if twice || told.events.contains(&ticket.event_id) {
            return Err(format!("event {} is told twice", ticket.event_id));
        }
        if ticket.linkage_id != entry.linkage {
            return Err(format!("record {} is not of the contact {}", ticket.ticket_id, entry.linkage));
        }
        if told.owners.get(&ticket.ticket_id).is_some_and(|owner| owner != hotline) {
            return Err(format!("record {} has gone over to {hotline}", ticket.ticket_id));
        }
        if told.first.get(&ticket.linkage_id).is_some_and(|before| *before != first(ticket)) {
            return Err(format!("record {} has another 首接 than before", ticket.ticket_id));
        }
    }
    Ok(())
}

/// I45: a record says why: a failed transfer and a call that is over have a cause.
pub fn i45_a_record_has_the_cause(_: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Effect::Recorded(entry) = effect else { return Ok(()) };
    for ticket in entry.postings.iter().map(|posting| &posting.ticket) {
        let Some(call) = &ticket.call else { return Err(format!("record {} has no call", ticket.ticket_id)) };
        let is_over = ticket.event == Event::TransferFailed || call.ended_at.is_some();
        if is_over && call.sip_code.is_none() && call.q850.is_none() {
            return Err(format!("{:?} of record {} without a cause", ticket.event, ticket.ticket_id));
        }
    }
    Ok(())
}

/// T39: what is told of a transfer is what became of it.
pub fn t39_results_are_true(_: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Effect::Recorded(entry) = effect else { return Ok(()) };
    for ticket in entry.postings.iter().map(|posting| &posting.ticket) {
        let Some(call) = &ticket.call else { continue };
        let taken = call.result == "success" && call.target_answered_at.is_some() && call.sip_code == Some(200);
        let told = (ticket.event, call.result.as_str());
        let right = match told {
            (Event::Tagged, _) => taken,
            (Event::TransferStarted, result) => result == "in_progress",
            (Event::TransferFailed | Event::Pushed, result) => !["success", "in_progress"].contains(&result),
            (_, _) => true,
        };
        if !right {
            return Err(format!("{told:?} with {:?}", call.sip_code));
        }
    }
    Ok(())
}

/// I25: each transfer of a call that is over was begun once and ended once, with a tag if the target took the call.
pub fn i25_every_transfer_was_told_once(ledger: &Ledger, _: &Scene<'_>, _: Instant) -> Verdict {
    for transfer in &ledger.transfers {
        let id = transfer.id.to_string();
        let taken = matches!(transfer.ended, Some((_, Outcome::Succeeded(_))));
        let begun = ledger.tickets.begun.get(&id).copied().unwrap_or_default();
        let ended = ledger.tickets.ended.get(&id).map(Vec::as_slice).unwrap_or_default();
        let right = if taken { [Event::Tagged] } else { [Event::TransferFailed] };
        if begun != 1 || ended != right {
            return Err(format!("transfer {id}, taken: {taken}, was begun {begun} times and ended as {ended:?}"));
        }
    }
    Ok(())
}
