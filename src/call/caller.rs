//! What the caller says, the same in every state: it hangs up, offers, presses keys.

use crate::base::ids::LegId;
use crate::call::context::Context;
use crate::call::keys;
use crate::call::notice::CallerLoss;
use crate::call::record::{self, Ending, LegEnd};
use crate::call::sound::Sound;
use crate::sip::fact::LegFact;
use crate::sip::order::LegOrder;

/// Whether the caller is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It is.
    Here,
    /// It has gone: whoever serves it is to be released.
    Gone,
}

/// A fact of the caller's leg. Keys go to `counterpart`.
pub(super) fn on_fact(cx: &mut Context<'_>, caller: LegId, fact: LegFact, counterpart: Option<LegId>) -> Presence {
    let acked = matches!(fact, LegFact::Acked { .. });
    match fact {
        LegFact::HungUp { cause } => {
            cx.record.conclude(Ending::CallerHungUp);
            cx.over(caller, LegEnd::HungUp(record::goodbye(cause)));
            return Presence::Gone;
        }
        // The caller's own leg is gone: there is nobody left to keep.
        LegFact::Lost { loss } => {
            cx.record.conclude(Ending::CallerUnreachable(loss));
            cx.over(caller, LegEnd::Lost(loss));
            return Presence::Gone;
        }
        LegFact::Acked { sdp: Some(sdp) } | LegFact::AnswerReceived { sdp } => {
            // Unusable: the session stays as it was. The caller is kept; if it hears nothing, that is counted.
            cx.on_answer(caller, &sdp);
        }
        LegFact::Offered { sdp } => cx.on_offer(caller, sdp),
        LegFact::Digit { digit, duration } => keys::on_info(cx, digit, duration, counterpart),
        LegFact::Acked { sdp: None } => {}
        // Without any session the caller hears nothing, and there is nothing left to try.
        LegFact::OfferRefused { .. } if without_session(cx, caller) => cx.caller_lost(CallerLoss::NoMedia),
        LegFact::OfferRefused { .. } => cx.ignore("the caller refused our offer; the session stays as it was"),
        LegFact::Trying | LegFact::Progress { .. } | LegFact::Answered { .. } | LegFact::Failed(_) => {
            cx.ignore("we did not call the caller");
        }
        LegFact::Released => cx.ignore("the caller's leg was not let go"),
        // The caller is the one who is moved: it moves nobody (trap T33).
        LegFact::Referred(refer) => cx.order(caller, LegOrder::RejectRefer { refer: refer.id, code: 403 }),
        LegFact::NotifyAnswered { .. } => cx.ignore("no REFER of the caller is reported on"),
    }
    // Our offer went out in the 200 and the ACK brought no answer that can be used: it is made once more.
    if acked && without_session(cx, caller) {
        let sdp = cx.legs.sound_mut(caller).map(Sound::offer);
        sdp.into_iter().for_each(|sdp| cx.order(caller, LegOrder::Offer { sdp }));
    }
    Presence::Here
}

fn without_session(cx: &Context<'_>, caller: LegId) -> bool {
    cx.legs.sound(caller).is_some_and(|sound| !sound.is_agreed())
}
