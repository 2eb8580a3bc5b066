//! I15, I17 to I19 and I45: the caller is never lost.

use std::ops::RangeInclusive;
use std::time::Duration;

use lianxian::base::time::Instant;
use lianxian::call::notice::{Notice, What};
use lianxian::call::record::LegEnd;

use super::super::joins::ReferWatch;
use super::super::ledger::{Ledger, LegWatch, Side};
use super::super::step::{Cause, Effect, Step};
use super::{Scene, Verdict};

/// When a request or a 2xx of ours that met silence is given up: 64*T1 after it was first sent.
const GIVEN_UP: RangeInclusive<Duration> = Duration::from_millis(31_900)..=Duration::from_millis(32_600);

/// I15: a connected caller has a counterpart, or hears something: 2 s at most without either.
pub fn i15_caller_hears_somebody(ledger: &Ledger, _: &Scene<'_>, step: &Step) -> Verdict {
    let limit = Duration::from_secs(2);
    for (call_id, leg) in connected_callers(ledger) {
        let since = leg.acked_at.into_iter().chain([leg.session_at]).max().unwrap_or(step.at);
        if step.at - since < limit || !leg.direction().listens() {
            continue;
        }
        let counterpart = ledger
            .matter(&leg.matter)
            .any(|other| other.side == Side::Service && other.is_up() && !other.is_parting(step.at));
        if !counterpart && leg.sent_at.is_none_or(|at| step.at - at > limit) {
            return Err(format!("the caller of {call_id} is connected to nobody and hears nothing"));
        }
    }
    Ok(())
}

/// I16: a service party with whom the caller talks is let go only when another one has the caller, and has been told so
/// if it asked for it by REFER; and a report of success is told only when somebody else has answered (T38, T42).
pub fn i16_nobody_is_released_before_the_target_answers(
    ledger: &Ledger,
    scene: &Scene<'_>,
    step: &Step,
    effect: &Effect,
) -> Verdict {
    let Effect::Sip { party: Some(party), message, .. } = effect else { return Ok(()) };
    let Some(leg) = ledger.legs.get(message.call_id()).filter(|leg| leg.side == Side::Service) else { return Ok(()) };
    // A report that is sent again for want of an answer tells nothing new.
    let report = message.method() == Some("NOTIFY")
        && message.body.split(' ').nth(1) == Some("200")
        && !ledger.sent.contains(&message.to_bytes());
    let bye = message.method() == Some("BYE") && leg.our_bye_at.is_none();
    let matter = || ledger.matter(&leg.matter);
    let caller_up = matter().any(|other| other.side == Side::Caller && other.is_up());
    let other_up = || matter().any(|other| other.side == Side::Service && other.party != *party && other.is_up());
    if scene.panics_expected || !caller_up || !leg.is_up() || other_up() {
        return match bye && !scene.panics_expected && caller_up && leg.is_up() {
            true => told_before(leg),
            false => Ok(()),
        };
    }
    if report && !(scene.success_at_once && right_behind_its_202(leg, step)) {
        return Err(format!("party {party} is told of a success, but nobody else has answered"));
    }
    // Who has just answered too late is let go at once; who answers nothing for 64*T1 is lost, and so is who has not
    // acknowledged our answer by then (RFC 3261 13.3.1.4 wants a BYE at that moment, so later ones are not forgiven).
    let joined = leg.acked_at.is_some_and(|at| step.at - at > Duration::from_millis(500));
    // Whoever was told of the success was released then; that the one who took the caller has gone since changes nothing.
    let released = !scene.success_at_once && leg.is_parting(step.at);
    if bye && joined && !released && !is_given_up(leg, step) {
        return Err(format!("BYE to party {party}, who alone has the caller"));
    }
    Ok(())
}

/// Whether the leg has left something unanswered for so long that it counts as lost, or its connection has just broken:
/// then the BYE is for a telephone that comes back.
pub(super) fn is_given_up(leg: &LegWatch, step: &Step) -> bool {
    let at_the_limit = |at: &Instant| GIVEN_UP.contains(&(step.at - *at));
    let unanswered = leg.pending.values().any(at_the_limit) || leg.owed_acks.values().any(at_the_limit);
    unanswered || matches!(step.cause, Cause::Other(_))
}

/// The one report of a telephone that mishandles progress says success before anything has happened (T43).
pub(super) fn right_behind_its_202(leg: &LegWatch, step: &Step) -> bool {
    let fresh = |refer: &ReferWatch| refer.told.is_none() && step.at - refer.at < Duration::from_secs(1);
    leg.refers.values().any(|refer| refer.answer.is_some_and(|code| code < 300) && fresh(refer))
}

fn told_before(leg: &LegWatch) -> Verdict {
    let owed = leg
        .refers
        .values()
        .any(|refer| !refer.silent && refer.answer.is_some_and(|code| code < 300) && refer.settled_at.is_none());
    if owed { Err(format!("BYE to party {} before the last report on its REFER", leg.party)) } else { Ok(()) }
}

/// I17: when a service leg fails or is lost, a connected caller hears something within 200 ms.
pub fn i17_failure_of_the_service_leg_is_not_silence(ledger: &Ledger, _: &Scene<'_>, step: &Step) -> Verdict {
    for (call_id, caller) in connected_callers(ledger) {
        if !caller.direction().listens() || caller.acked_at.is_none_or(|at| step.at - at < Duration::from_secs(1)) {
            continue;
        }
        let services: Vec<&LegWatch> = ledger.matter(&caller.matter).filter(|leg| leg.side == Side::Service).collect();
        if services.iter().any(|leg| leg.is_up()) {
            continue;
        }
        let failed_at = services.iter().filter_map(|leg| leg.lost_at.or_else(|| leg.refused.map(|(at, _)| at))).max();
        let Some(failed_at) = failed_at else { continue };
        // Who held wanted to hear nothing: its time begins with the SDP that wants sound again.
        let since = failed_at.max(caller.session_at);
        let late = step.at - since > Duration::from_millis(300);
        if late && caller.sent_at.is_none_or(|at| at < since) {
            return Err(format!("the caller of {call_id} hears nothing since its service leg failed at {failed_at:?}"));
        }
    }
    Ok(())
}

/// I18: 1 s after the caller hung up, media has stopped and BYE or CANCEL are sent or owed.
pub fn i18_hang_up_is_carried_out(ledger: &Ledger, _: &Scene<'_>, step: &Step) -> Verdict {
    let limit = Duration::from_secs(1);
    for (call_id, caller) in ledger.legs.iter().filter(|(_, leg)| leg.side == Side::Caller) {
        let cancelled = caller.peer_cancel_at.filter(|_| caller.answered_at.is_none());
        let Some(gone_at) = caller.peer_bye_at.or(cancelled) else { continue };
        let over = step.at - gone_at;
        if over < limit || over > limit * 3 {
            continue;
        }
        for leg in ledger.matter(&caller.matter) {
            if leg.sent_at.is_some_and(|at| at - gone_at > limit) {
                return Err(format!("{call_id}: sound still flows after the caller hung up"));
            }
            // RFC 3261 9.1: no CANCEL before a provisional; and a BYE waits for the answer to a re-INVITE of ours.
            let owed = !leg.provisional || !leg.pending.is_empty();
            let done = leg.is_over() || leg.our_cancel_at.is_some() || leg.our_bye_at.is_some();
            if leg.side == Side::Service && !done && !owed {
                return Err(format!("{call_id}: party {} was not told that the caller hung up", leg.party));
            }
        }
    }
    Ok(())
}

/// I19: we end the caller's leg only after its own BYE or CANCEL, or the deliberate BYE of the last service party.
pub fn i19_caller_is_not_hung_up(ledger: &Ledger, scene: &Scene<'_>, step: &Step, effect: &Effect) -> Verdict {
    let Effect::Sip { party: Some(_), message, .. } = effect else { return Ok(()) };
    // Whoever was reached in a consultation that was joined with a citizen's call is there now; the consultation is over.
    let keeps = |leg: &&LegWatch| leg.side == Side::Caller && !leg.joined;
    let Some(caller) = ledger.legs.get(message.call_id()).filter(keeps) else { return Ok(()) };
    if message.method() == Some("BYE") {
        return i19_bye(ledger, caller, step);
    }
    let refused = message.code().filter(|code| *code >= 300 && message.cseq().1 == "INVITE");
    if let Some(code) = refused.filter(|_| caller.answered_at.is_none() && message.cseq().0 <= caller.peer_cseq) {
        let cancelled = code == 487 && (caller.peer_cancel_at.is_some() || caller.peer_bye_at.is_some());
        if !cancelled && code != 482 && !scene.refusals_expected {
            return Err(format!("the waiting caller is refused with {code}"));
        }
    }
    Ok(())
}

fn i19_bye(ledger: &Ledger, caller: &LegWatch, step: &Step) -> Verdict {
    let repeated = caller.our_bye_at.is_some();
    let hung_up = caller.peer_bye_at.is_some() || caller.peer_cancel_at.is_some() || caller.lost_at.is_some();
    // A request of ours that the caller never answered (Timer B, F): the caller's own leg is lost. The same for a 2xx
    // of ours, to its first INVITE or a later one, that it never acknowledged.
    let at_the_limit = |at: &Instant| GIVEN_UP.contains(&(step.at - *at));
    let unanswered = caller.pending.values().any(at_the_limit) || caller.owed_acks.values().any(at_the_limit);
    // Our BYE follows at once, but not before the caller has acknowledged our 2xx (RFC 3261 15).
    let lately =
        |at: Instant| step.at - caller.acked_at.map_or(at, |acked| at.max(acked)) < Duration::from_millis(1500);
    // Who leaves behind a target that is being rung has not ended the call (T1), nor has who waits for word of one.
    let last_service_bye = ledger
        .matter(&caller.matter)
        .filter(|leg| leg.side == Side::Service && leg.answered_at.is_some() && !leg.is_transferring())
        .any(|leg| leg.peer_bye_at.is_some_and(lately));
    let rung = ledger.matter(&caller.matter).any(LegWatch::is_rung);
    let other_up =
        ledger.matter(&caller.matter).any(|leg| leg.side == Side::Service && leg.is_up() && !leg.is_dismissed());
    if repeated || hung_up || unanswered || (last_service_bye && !other_up && !rung) {
        return Ok(());
    }
    let services: Vec<_> = ledger
        .matter(&caller.matter)
        .filter(|leg| leg.side == Side::Service)
        .map(|leg| (leg.party, leg.answered_at, leg.peer_bye_at, leg.lost_at))
        .collect();
    Err(format!(
        "BYE to the caller, answered {:?}, acknowledged {:?}, though nobody hung up; service legs: {services:?}",
        caller.answered_at, caller.acked_at
    ))
}

/// I39: the emergency direction is admitted whenever any slot is free; no story of the town fills the reserve.
pub fn i39_an_emergency_is_admitted(_: &Ledger, scene: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Effect::Sip { party: Some(_), message, .. } = effect else { return Ok(()) };
    let refused = message.code() == Some(503) && message.cseq().1 == "INVITE";
    let emergency = message.header("to").is_some_and(|to| to.contains("sip:110@"));
    if refused && emergency && !scene.panics_expected {
        return Err("an emergency is refused with 503 while the reserve is free".to_owned());
    }
    Ok(())
}

/// I45: every leg's end has a cause.
pub fn i45_every_end_has_a_cause(_: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Effect::Published(Notice { what: What::Released(record), .. }) = effect else { return Ok(()) };
    if record.ending.is_none() {
        return Err(format!("{} is over and nobody knows why", record.call));
    }
    for leg in &record.legs {
        let cause = match &leg.ended {
            Some((_, LegEnd::HungUp(cause) | LegEnd::Failed(cause) | LegEnd::Released(cause))) => cause,
            // How it was lost is the cause; and a leg that has moved goes on elsewhere.
            Some((_, LegEnd::Lost(_) | LegEnd::Moved(_))) => continue,
            None => return Err(format!("{} of {} never ended", leg.leg, record.call)),
        };
        if cause.sip.is_none() && cause.q850.is_none() {
            return Err(format!("{} of {} ended without a cause", leg.leg, record.call));
        }
    }
    Ok(())
}

fn connected_callers(ledger: &Ledger) -> impl Iterator<Item = (&String, &LegWatch)> {
    let waits = |leg: &LegWatch| leg.side == Side::Caller && leg.is_up() && leg.acked_at.is_some() && !leg.joined;
    ledger.legs.iter().filter(move |(_, leg)| waits(leg))
}
