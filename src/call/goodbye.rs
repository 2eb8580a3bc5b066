//! The transferor's goodbye (trap T2): the target has the call, and the transferor's telephone is told so before our BYE.
//!
//! Our BYE leaves at the earliest of any word about the last NOTIFY (481 too), the end of the leg, and a deadline. The
//! leg matters to no state any more: whoever talks now never waits for that telephone.

use std::time::Duration;

use crate::base::ids::LegId;
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::leg::Phase;
use crate::call::record::{self, LegEnd};
use crate::call::timer::Timer;
use crate::media::order::Source;
use crate::sip::fact::{Last, LegFact, Loss, ReferId};
use crate::sip::order::LegOrder;

/// Sends the last NOTIFY; our BYE follows.
pub(super) fn begin(cx: &mut Context<'_>, leg: LegId, refer: ReferId, status: u16, limit: Duration) {
    part(cx, leg);
    if cx.legs.is_parting(leg) {
        cx.order(leg, LegOrder::Notify { refer, status, last: Last::Yes });
        cx.start(Timer::Goodbye(leg), limit);
    }
}

/// The leg is in nobody's conversation any more. Whoever does this says when it is released.
pub(super) fn part(cx: &mut Context<'_>, leg: LegId) {
    cx.hear(leg, Source::Nothing);
    let Some(entry) = cx.legs.get_mut(leg) else { return };
    entry.phase = match std::mem::replace(&mut entry.phase, Phase::Leaving) {
        Phase::Connected(sound) => Phase::Parting(sound),
        other @ (Phase::Arrived | Phase::Calling(_) | Phase::Called(_) | Phase::Parting(_) | Phase::Leaving) => other,
    };
}

/// What a leg says to which we are saying goodbye.
pub(super) fn on_event(cx: &mut Context<'_>, leg: LegId, event: Event) {
    match event {
        Event::Leg { fact, .. } => on_fact(cx, leg, fact),
        Event::Timer(_) => cx.release(leg, record::NORMAL),
        Event::Media { .. } | Event::Command { .. } | Event::SeatFree | Event::Begin => {
            cx.ignore("the leg is being taken leave of");
        }
    }
}

fn on_fact(cx: &mut Context<'_>, leg: LegId, fact: LegFact) {
    match fact {
        LegFact::NotifyAnswered { last: Last::Yes, .. } => cx.release(leg, record::NORMAL),
        LegFact::HungUp { cause } => cx.over(leg, LegEnd::HungUp(record::goodbye(cause))),
        LegFact::Lost { loss } => cx.over(leg, LegEnd::Lost(loss)),
        LegFact::Failed(_) | LegFact::Released => cx.over(leg, LegEnd::Lost(Loss::DialogUnknown)),
        LegFact::Offered { sdp } => cx.on_offer(leg, sdp),
        LegFact::Acked { sdp: Some(sdp) } | LegFact::AnswerReceived { sdp } | LegFact::Answered { sdp: Some(sdp) } => {
            cx.on_answer(leg, &sdp);
        }
        // It is no party of the call any more (trap T33).
        LegFact::Referred(refer) => cx.order(leg, LegOrder::RejectRefer { refer: refer.id, code: 403 }),
        LegFact::NotifyAnswered { last: Last::No, .. }
        | LegFact::Acked { sdp: None }
        | LegFact::Answered { sdp: None }
        | LegFact::Trying
        | LegFact::Progress { .. }
        | LegFact::OfferRefused { .. }
        | LegFact::Digit { .. } => cx.ignore("the leg is being taken leave of"),
    }
}
