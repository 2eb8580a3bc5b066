//! I21 to I23: whose number is shown to whom.

use super::super::ledger::{Ledger, LegWatch, Side};
use super::super::sip_writer::SipText;
use super::super::step::{Effect, Step};
use super::super::told::Told;
use super::super::town;
use super::{Scene, Verdict};

/// I21: the number shown on a new leg is that of a caller who is there: never an agent's who rings others, never
/// nobody's where somebody may be named.
pub fn i21_the_callers_number_is_shown(ledger: &Ledger, scene: &Scene<'_>, step: &Step, effect: &Effect) -> Verdict {
    let Some((party, invite)) = new_leg(ledger, effect) else { return Ok(()) };
    let told = Told::of(invite);
    let trusted = town::is_trusted(scene.phones[party].address);
    let fits = |leg: &LegWatch| {
        let believed = town::is_trusted(scene.phones[leg.party].address) && !is_agent(scene, leg.party);
        let number = leg.told.verified(believed);
        if leg.told.withheld && !trusted { told.from.is_empty() } else { told.from == number }
    };
    let mut callers = callers(ledger, step).peekable();
    if callers.peek().is_none() || callers.any(fits) {
        return Ok(());
    }
    Err(format!("party {party} is shown {:?}, which is no caller's number", told.from))
}

/// I22: in what goes to an untrusted trunk a withheld number stands nowhere.
pub fn i22_a_withheld_number_stays_in_the_trust_domain(
    ledger: &Ledger,
    scene: &Scene<'_>,
    step: &Step,
    effect: &Effect,
) -> Verdict {
    let Effect::Sip { party: Some(party), message, .. } = effect else { return Ok(()) };
    if town::is_trusted(scene.phones[*party].address) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&message.to_bytes()).into_owned();
    for caller in callers(ledger, step).filter(|leg| leg.told.withheld && leg.party != *party) {
        let number = caller.told.verified(true);
        if number.len() >= 7 && text.contains(number) {
            return Err(format!("party {party}, whom nobody trusts, is told the withheld number {number}"));
        }
    }
    Ok(())
}

/// I23: a number that only an untrusted party's word stands for, in any header but From, goes to nobody.
pub fn i23_what_a_stranger_asserts_goes_nowhere(
    ledger: &Ledger,
    scene: &Scene<'_>,
    step: &Step,
    effect: &Effect,
) -> Verdict {
    let Effect::Sip { party: Some(party), message, .. } = effect else { return Ok(()) };
    if message.method().is_none() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&message.to_bytes()).into_owned();
    let strangers = |leg: &&LegWatch| !town::is_trusted(scene.phones[leg.party].address) || is_agent(scene, leg.party);
    for caller in callers(ledger, step).filter(strangers) {
        let forged = caller.told.claimed.iter().filter(|number| **number != caller.told.from);
        if let Some(number) = forged.into_iter().find(|number| text.contains(number.as_str())) {
            return Err(format!("party {party} is told {number}, for which party {} alone stands", caller.party));
        }
    }
    Ok(())
}

/// An INVITE that begins a leg.
fn new_leg<'a>(ledger: &Ledger, effect: &'a Effect) -> Option<(usize, &'a SipText)> {
    let Effect::Sip { party: Some(party), message, .. } = effect else { return None };
    let begins = message.method() == Some("INVITE") && message.tag("to").is_none();
    (begins && !ledger.legs.contains_key(message.call_id())).then_some((*party, message))
}

/// The legs of callers who are there, or were a second ago.
fn callers<'a>(ledger: &'a Ledger, step: &'a Step) -> impl Iterator<Item = &'a LegWatch> {
    let there = |leg: &&LegWatch| {
        let ends = [leg.peer_bye_at, leg.peer_cancel_at, leg.our_bye_at, leg.refused.map(|(at, _)| at), leg.lost_at];
        ends.into_iter().flatten().all(|at| step.at - at < std::time::Duration::from_secs(1))
    };
    ledger.legs.values().filter(|leg| leg.side == Side::Caller).filter(there)
}

fn is_agent(scene: &Scene<'_>, party: usize) -> bool {
    scene.phones[party].registration.is_some()
}
