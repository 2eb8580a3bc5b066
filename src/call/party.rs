//! What a service party says who has answered, the same in every state: it offers, presses keys, hangs up, is lost, or
//! wants the caller to be transferred.

use crate::base::ids::LegId;
use crate::call::context::Context;
use crate::call::keys;
use crate::call::leg::Word;
use crate::call::record;
use crate::call::sound::Sound;
use crate::call::timer::NEVER_TOLD;
use crate::sip::fact::{Cause, Last, LegFact, Loss, Notified, Refer};

/// What of it is left to the state.
pub(super) enum Said {
    /// Nothing; who hears whom may have changed.
    Nothing,
    /// It has hung up on purpose.
    HungUp(Cause),
    /// It is gone though it did not hang up.
    Lost(Loss),
    /// It wants the caller to be transferred.
    Referred(Box<Refer>),
}

/// Whether a party that has come over from another call does not accept our new address: nobody would ever hear it.
pub(super) fn cannot_follow(cx: &Context<'_>, party: LegId, fact: &LegFact) -> bool {
    matches!(fact, LegFact::OfferRefused { .. }) && cx.legs.sound(party).is_some_and(Sound::would_be_unheard)
}

/// A fact of the leg of a service party. Its keys go to `counterpart`.
pub(super) fn on_fact(cx: &mut Context<'_>, party: LegId, fact: LegFact, counterpart: LegId) -> Said {
    match fact {
        LegFact::HungUp { cause } => return Said::HungUp(record::goodbye(cause)),
        LegFact::Lost { loss } => return Said::Lost(loss),
        // Neither can follow an answer; if one does, the leg is over all the same and the caller is kept.
        LegFact::Failed(_) | LegFact::Released => return Said::Lost(Loss::DialogUnknown),
        LegFact::Referred(refer) => {
            // Whoever asks again knows that the caller is still there.
            heard(cx, party, Word::Heard);
            return Said::Referred(refer);
        }
        LegFact::Offered { sdp } => cx.on_offer(party, sdp),
        LegFact::Acked { sdp: Some(sdp) } | LegFact::AnswerReceived { sdp } | LegFact::Answered { sdp: Some(sdp) } => {
            cx.on_answer(party, &sdp);
        }
        LegFact::Digit { digit, duration } => keys::on_info(cx, digit, duration, Some(counterpart)),
        LegFact::Acked { sdp: None } => {}
        // The party goes on talking, and a BYE of it means again what a BYE means.
        LegFact::NotifyAnswered { last: Last::Yes, result: Notified::Answered(_) | Notified::Lost(_), .. } => {
            heard(cx, party, Word::Heard);
        }
        LegFact::NotifyAnswered { last: Last::Yes, result: Notified::Moot, .. } => {
            heard(cx, party, Word::NeverTold { until: cx.now + NEVER_TOLD });
        }
        LegFact::NotifyAnswered { last: Last::No, .. } => {}
        LegFact::OfferRefused { .. } => cx.ignore("the party refused our offer; the session stays"),
        LegFact::Trying | LegFact::Progress { .. } | LegFact::Answered { sdp: None } => {
            cx.ignore("the party has answered already")
        }
    }
    Said::Nothing
}

/// What its telephone knows of how its transfer ended, if that was still to be said.
fn heard(cx: &mut Context<'_>, party: LegId, word: Word) {
    if let Some(leg) = cx.legs.get_mut(party).filter(|leg| leg.word != Word::Heard) {
        leg.word = word;
    }
}
