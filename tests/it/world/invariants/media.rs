//! I12 to I14 and I44: who hears whom.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::ledger::{Ledger, LegWatch, Side};
use super::super::phone::{Phase, Phone, PhoneDialog};
use super::super::sdp_writer::Direction;
use super::super::sound::{Rtp, Sound, listen};
use super::super::step::{Effect, Step};
use super::{Scene, Verdict};

fn voice<'a>(ledger: &'a Ledger, effect: &Effect) -> Option<(&'a String, &'a LegWatch, &'a String, &'a LegWatch)> {
    let Effect::Rtp { from, packet, .. } = effect else { return None };
    let Sound::Stream(stream) = listen(&Rtp::parse(packet)?.payload) else { return None };
    let (to_id, to) = ledger.leg_at(*from)?;
    let (from_id, from) = ledger.legs.get_key_value(ledger.streams.get(&stream)?)?;
    Some((from_id, from, to_id, to))
}

/// I12: a packet of one call goes only to parties of that call.
pub fn i12_sound_stays_in_its_call(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    match voice(ledger, effect) {
        Some((_, from, _, to)) if from.matter != to.matter => {
            Err(format!("the voice of party {} reaches party {}, who is in another call", from.party, to.party))
        }
        Some(_) | None => Ok(()),
    }
}

/// I13: nothing is sent to an address that the leg's current SDP does not name.
pub fn i13_sound_goes_where_sdp_says(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Effect::Rtp { from, to, .. } = effect else { return Ok(()) };
    let Some((call_id, leg)) = ledger.leg_at(*from) else {
        return Err(format!("a packet leaves {from}, which no SDP of ours names"));
    };
    let named = leg.their_sdp.iter().any(|sdp| {
        let rtp = sdp.address;
        let rtcp = SocketAddr::new(rtp.ip(), rtp.port() + 1);
        if from.port() % 2 == 0 { *to == rtp } else { *to == rtcp }
    });
    if named { Ok(()) } else { Err(format!("{call_id}: a packet goes to {to}, which its SDP does not name")) }
}

/// I14: nobody hears himself.
pub fn i14_nobody_hears_himself(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    match voice(ledger, effect) {
        Some((from_id, from, to_id, _)) if from_id == to_id => Err(format!("party {} hears itself", from.party)),
        Some(_) | None => Ok(()),
    }
}

/// I14: in a two-party call each hears the other, once both have had 1.5 s.
pub fn i14_both_hear_each_other(ledger: &Ledger, scene: &Scene<'_>, step: &Step) -> Verdict {
    let settled = Duration::from_millis(1500);
    let ready = |leg: &LegWatch| {
        leg.is_up()
            && leg.peer_cancel_at.is_none()
            && leg.acked_at.is_some_and(|at| step.at - at > settled)
            && step.at - leg.session_at > settled
            && leg.direction() == Direction::Both
    };
    for call_ids in ledger.matters.values() {
        let legs: Vec<_> = call_ids.iter().filter_map(|id| Some((id, ledger.legs.get(id)?))).collect();
        let up: Vec<_> = legs.iter().filter(|(_, leg)| leg.is_up()).collect();
        // While we take leave of who transferred the call, that is one of three, or one who hears nothing any more.
        if up.len() != 2
            || up.iter().any(|(_, leg)| leg.is_parting(step.at))
            || !up.iter().all(|(_, leg)| ready(leg))
            || up[0].1.side == up[1].1.side
        {
            continue;
        }
        // Who was one of three a moment ago heard a mixture, in which no voice can be told from the other.
        let gone = |leg: &LegWatch| leg.ended_at().is_some_and(|at| step.at - at <= settled);
        if legs.iter().any(|(_, leg)| leg.answered_at.is_some() && gone(leg)) {
            continue;
        }
        for (speaker, hearer) in [(up[0], up[1]), (up[1], up[0])] {
            let Some((last, since)) = speaker.1.voice_in else { continue };
            if step.at - last > Duration::from_millis(450) || step.at - since < settled {
                continue;
            }
            let Some(stream) = stream_of(scene.phones, speaker.1.party, speaker.0) else { continue };
            if hearer.1.voice_out.get(&stream).is_none_or(|at| step.at - *at > settled) {
                return Err(format!("party {} speaks and party {} does not hear it", speaker.1.party, hearer.1.party));
            }
        }
    }
    Ok(())
}

fn stream_of(phones: &[Phone], party: usize, call_id: &str) -> Option<u32> {
    phones.get(party)?.dialogs.iter().find(|dialog| dialog.call_id == call_id).map(|dialog| dialog.stream)
}

/// I44: what a party hears of the other side's keys is those keys, each once, in order.
pub fn i44_keys_once_and_in_order(ledger: &Ledger, scene: &Scene<'_>, _: &Step) -> Verdict {
    for call_ids in ledger.matters.values() {
        let dialogs: Vec<(&PhoneDialog, Side)> = call_ids
            .iter()
            .filter_map(|id| {
                let leg = ledger.legs.get(id)?;
                let dialog = scene.phones.get(leg.party)?.dialogs.iter().find(|dialog| dialog.call_id == *id)?;
                Some((dialog, leg.side))
            })
            .collect();
        for (hearer, side) in dialogs.iter().filter(|(dialog, _)| !dialog.heard.keys.is_empty()) {
            let pressed: Vec<Vec<char>> = dialogs
                .iter()
                .filter(|(dialog, other)| other != side && !matches!(dialog.phase, Phase::Calling))
                .map(|(dialog, _)| dialog.pressed.clone())
                .collect();
            let heard: Vec<char> = hearer.heard.keys.iter().map(|(_, key)| *key).collect();
            // Several service legs may have had the same caller, one after the other.
            let all: Vec<char> = pressed.concat();
            if !is_subsequence(&heard, &all) {
                return Err(format!("heard {heard:?} of {all:?}"));
            }
        }
    }
    Ok(())
}

fn is_subsequence(part: &[char], whole: &[char]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|key| rest.any(|other| other == key))
}
