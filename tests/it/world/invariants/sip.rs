//! I1 to I8 and I43: what the wire must show of transactions, dialogs and topology.

use std::time::Duration;

use lianxian::base::time::Instant;

use super::super::MARK;
use super::super::ledger::Ledger;
use super::super::sdp_writer::Session;
use super::super::sip_writer::{SipText, user_of};
use super::super::step::{Cause, Effect, Step};
use super::super::told::number_of;
use super::{Scene, Verdict};

fn sip(effect: &Effect) -> Option<(usize, &SipText)> {
    match effect {
        Effect::Sip { party: Some(party), message, .. } => Some((*party, message)),
        Effect::Sip { .. }
        | Effect::Rtp { .. }
        | Effect::Media(..)
        | Effect::Published(_)
        | Effect::Recorded(_)
        | Effect::Observed(_) => None,
    }
}

/// I1: an INVITE gets one final response, the same each time it is repeated.
pub fn i1_one_final_response(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Some((_, message)) = sip(effect) else { return Ok(()) };
    let (_, method) = message.cseq();
    if message.code().is_none_or(|code| code < 200) || method != "INVITE" {
        return Ok(());
    }
    match ledger.finals_out.get(&(message.branch().to_owned(), "INVITE".to_owned())) {
        Some(first) if first.code() != message.code() || first.tag("to") != message.tag("to") => {
            Err(format!("{} and then {} to one INVITE", first.start, message.start))
        }
        Some(_) | None => Ok(()),
    }
}

/// I24, V20: a call that leaves over a trunk goes to a number that the configuration names.
pub fn i24_only_configured_numbers_are_dialled(_: &Ledger, scene: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Some((party, message)) = sip(effect) else { return Ok(()) };
    let begins = message.method() == Some("INVITE") && message.tag("to").is_none();
    // A softphone is called at the contact that it registered.
    let over_trunk = scene.phones.get(party).is_some_and(|phone| phone.registration.is_none());
    let number = message.uri().map(user_of).unwrap_or_default();
    if begins && over_trunk && !scene.dialable.contains(number) {
        return Err(format!("{number} is dialled, which no configuration names"));
    }
    Ok(())
}

/// I1, at the end: no INVITE was left without a final response.
pub fn i1_every_invite_was_answered(ledger: &Ledger, _: &Scene<'_>, _: Instant) -> Verdict {
    for (branch, (at, call_id)) in &ledger.invites_in {
        if !ledger.finals_out.contains_key(&(branch.clone(), "INVITE".to_owned())) {
            return Err(format!("the INVITE of {at:?} in {call_id} never got a final response"));
        }
    }
    Ok(())
}

/// I2: no response to an ACK, none to a response, none to a request that nobody sent.
pub fn i2_no_response_to_ack_or_response(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Some((_, message)) = sip(effect).filter(|(_, message)| message.code().is_some()) else { return Ok(()) };
    let method = message.cseq().1;
    if method == "ACK" {
        return Err(format!("{} to an ACK", message.start));
    }
    if ledger.requests_in.contains_key(&(message.branch().to_owned(), method.to_owned())) {
        Ok(())
    } else {
        Err(format!("{} {method} to no request", message.start))
    }
}

/// I3: a 2xx to our INVITE is acknowledged, or the leg is ended by our BYE.
pub fn i3_every_2xx_is_acknowledged(ledger: &Ledger, _: &Scene<'_>, step: &Step) -> Verdict {
    for (call_id, leg) in &ledger.legs {
        for (cseq, at) in &leg.unacked_2xx {
            if step.at - *at > Duration::from_millis(500) {
                return Err(format!("the 2xx to INVITE {cseq} of {call_id} has had no ACK since {at:?}"));
            }
        }
    }
    Ok(())
}

/// I4: a repeated request gets what its first copy got, and nothing new happens.
pub fn i4_repeated_request_has_no_second_effect(
    ledger: &Ledger,
    _: &Scene<'_>,
    step: &Step,
    effect: &Effect,
) -> Verdict {
    let Cause::Sip { party: Some(_), message: request, .. } = &step.cause else { return Ok(()) };
    let Some(method) = request.method() else { return Ok(()) };
    let key = (request.branch().to_owned(), method.to_owned());
    if ledger.requests_in.get(&key).is_none_or(|times| *times < 2) {
        return Ok(());
    }
    match effect {
        // A challenge keeps no state, so that nobody can fill our memory with REGISTERs: its nonce is new each time.
        Effect::Sip { message, .. } if message.code() == Some(401) => Ok(()),
        Effect::Sip { message, .. } if !ledger.sent.contains(&message.to_bytes()) => {
            Err(format!("a repeated {method} brought something new: {}", message.start))
        }
        Effect::Media(order) => Err(format!("a repeated {method} brought {order:?}")),
        Effect::Sip { .. } | Effect::Rtp { .. } | Effect::Published(_) | Effect::Recorded(_) | Effect::Observed(_) => {
            Ok(())
        }
    }
}

/// I5: the CSeq of our own requests grows within a dialog.
pub fn i5_our_cseq_grows(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Some((_, message)) = sip(effect) else { return Ok(()) };
    let Some(method) = message.method().filter(|method| *method != "ACK" && *method != "CANCEL") else { return Ok(()) };
    let Some(leg) = ledger.legs.get(message.call_id()) else { return Ok(()) };
    let repeated = ledger.requests_out.contains_key(&(message.branch().to_owned(), method.to_owned()));
    if repeated || message.cseq().0 > leg.our_cseq {
        Ok(())
    } else {
        Err(format!("{method} with CSeq {} after {}", message.cseq().0, leg.our_cseq))
    }
}

/// I5: a lower CSeq of the peer never acts.
pub fn i5_lower_cseq_does_not_act(ledger: &Ledger, _: &Scene<'_>, step: &Step) -> Verdict {
    let Cause::Sip { party: Some(party), message: request, .. } = &step.cause else { return Ok(()) };
    let Some(method) = request.method().filter(|method| *method != "ACK" && *method != "CANCEL") else { return Ok(()) };
    let first = ledger.requests_in.get(&(request.branch().to_owned(), method.to_owned())) == Some(&1);
    let Some(leg) = ledger.legs.get(request.call_id()).filter(|leg| leg.party == *party) else { return Ok(()) };
    if !first || request.tag("to").is_none() || request.cseq().0 >= leg.peer_cseq {
        return Ok(());
    }
    for effect in &step.effects {
        match effect {
            Effect::Sip { message, .. } if message.code().is_none_or(|code| code < 400) => {
                return Err(format!("{method} with the low CSeq {} brought {}", request.cseq().0, message.start));
            }
            Effect::Media(order) => return Err(format!("{method} with a low CSeq brought {order:?}")),
            Effect::Sip { .. }
            | Effect::Rtp { .. }
            | Effect::Published(_)
            | Effect::Recorded(_)
            | Effect::Observed(_) => {}
        }
    }
    Ok(())
}

/// I6: one re-INVITE or UPDATE of ours at a time in a dialog.
pub fn i6_one_reinvite_at_a_time(ledger: &Ledger, _: &Scene<'_>, step: &Step, effect: &Effect) -> Verdict {
    let Some((_, message)) = sip(effect) else { return Ok(()) };
    let offers = matches!(message.method(), Some("INVITE" | "UPDATE")) && message.tag("to").is_some();
    let Some(leg) = ledger.legs.get(message.call_id()).filter(|_| offers) else { return Ok(()) };
    match leg.our_reinvite {
        Some((pending, at)) if pending != message.cseq().0 && step.at - at < Duration::from_secs(32) => {
            Err(format!("re-INVITE {} while {pending} is open", message.cseq().0))
        }
        Some(_) | None => Ok(()),
    }
}

/// I7: every 2xx carries SDP, our ACK carries none (we always offer first), and the version counts the changes.
pub fn i7_sdp_version_counts_changes(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Some((_, message)) = sip(effect) else { return Ok(()) };
    let invite_2xx = message.code().is_some_and(|code| (200..300).contains(&code)) && message.cseq().1 == "INVITE";
    if invite_2xx && message.sdp().is_none() {
        return Err(format!("{} to INVITE without SDP", message.start));
    }
    if message.method() == Some("ACK") && message.sdp().is_some() {
        return Err("an answer to an answer: SDP in an ACK".into());
    }
    let Some(new) = message.sdp().and_then(Session::read) else { return Ok(()) };
    let Some(old) = ledger.legs.get(message.call_id()).and_then(|leg| leg.our_sdp.as_ref()) else { return Ok(()) };
    let same = Session { version: new.version, ..old.clone() } == new;
    match (same, new.version.wrapping_sub(old.version)) {
        (true, 0) | (false, 1) => Ok(()),
        (true, _) => Err(format!("SDP version {} to {} without a change", old.version, new.version)),
        (false, 0) => Err(format!("SDP changed, version {} did not: {old:?} {new:?}", old.version)),
        (false, _) => Err(format!("SDP version jumps from {} to {}", old.version, new.version)),
    }
}

/// I8: no Call-ID, tag, address or name of one party on another party's leg, and none of ours used twice.
pub fn i8_nothing_of_one_leg_on_another(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Some((party, message)) = sip(effect) else { return Ok(()) };
    // A response gives back what its request said of itself (RFC 3261 8.2.6.2), whoever sent that.
    let echoed = ["via", "from", "to", "call-id", "cseq", "record-route"];
    let mut said = message.clone();
    said.headers
        .retain(|(name, _)| message.method().is_some() || !echoed.contains(&name.to_ascii_lowercase().as_str()));
    let bytes = said.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    for piece in text.split(MARK).skip(1) {
        let owner: String = piece.chars().take_while(char::is_ascii_digit).collect();
        if owner != party.to_string() {
            return Err(format!("{} to party {party} carries something of party {owner}", message.start));
        }
    }
    for (address, owner) in &ledger.addresses {
        if *owner != party && text.contains(address.as_str()) {
            return Err(format!("{} to party {party} carries the address of party {owner}", message.start));
        }
    }
    // What we made for one party - Call-IDs, tags, branches - stands in nothing that goes to another.
    for word in text.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        if ledger.ours.get(word).is_some_and(|owner| *owner != party) {
            return Err(format!("{word} is used towards two parties"));
        }
    }
    Ok(())
}

/// I41, at the end: each REFER got a final response, and each that was accepted a last report, unless its dialog ended
/// before otherwise than by our BYE.
pub fn i41_every_refer_was_settled(ledger: &Ledger, _: &Scene<'_>, _: Instant) -> Verdict {
    for (call_id, leg) in &ledger.legs {
        let gone = [leg.peer_bye_at, leg.lost_at].into_iter().flatten().min();
        for (cseq, refer) in &leg.refers {
            match refer.answer {
                None => return Err(format!("REFER {cseq} of {:?} in {call_id} never got a final response", refer.at)),
                Some(200..300) if !refer.silent && refer.settled_at.is_none() && gone.is_none() => {
                    return Err(format!("REFER {cseq} of {:?} in {call_id} was accepted and never settled", refer.at));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}

/// I43: Max-Forwards falls from the caller's INVITE to ours.
pub fn i43_max_forwards_falls(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Some((_, message)) = sip(effect) else { return Ok(()) };
    if message.method() != Some("INVITE") || message.tag("to").is_some() {
        return Ok(());
    }
    let written: u32 = message.header("max-forwards").and_then(|value| value.parse().ok()).unwrap_or(u32::MAX);
    let matter = number_of(message);
    let caller = ledger.matter(&matter).find(|leg| leg.side == super::super::ledger::Side::Caller);
    // Towards those who may not see the number, nothing on the wire says whose call it is.
    if matter.is_empty() {
        return Ok(());
    }
    match caller {
        Some(caller) if written >= caller.max_forwards => {
            Err(format!("Max-Forwards {} came in and {written} goes out", caller.max_forwards))
        }
        Some(_) => Ok(()),
        None => Err(format!("an INVITE for {matter}, whom nobody has heard of")),
    }
}
