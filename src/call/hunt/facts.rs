//! What the legs of a hunt say.

use bytes::Bytes;

use super::cause::Further;
use super::{Attempt, Heard, Hunt, Outcome, Turn};
use crate::base::ids::LegId;
use crate::call::context::Context;
use crate::call::notice::What;
use crate::call::record::{self, LegEnd};
use crate::call::sound::Sound;
use crate::call::timer::Wait;
use crate::sip::fact::{Failure, LegFact};

impl Hunt {
    /// A fact of a leg of this hunt.
    pub(in crate::call) fn on_leg(mut self, cx: &mut Context<'_>, leg: LegId, fact: LegFact) -> Outcome {
        match fact {
            LegFact::Trying => {
                self.on_late_word(cx, leg);
                self.heard(cx, leg);
                Outcome::Searching(self)
            }
            LegFact::Progress { sdp, .. } => {
                self.on_late_word(cx, leg);
                if self.heard(cx, leg) {
                    self.on_progress(cx, leg, sdp);
                }
                Outcome::Searching(self)
            }
            LegFact::Answered { sdp } => self.on_answered(cx, leg, sdp),
            LegFact::Failed(failure) => self.on_failed(cx, leg, &failure).into(),
            LegFact::HungUp { cause } => {
                let end = LegEnd::HungUp(record::goodbye(cause));
                self.over(cx, leg, end, None, Further::Gateway).into()
            }
            LegFact::Lost { loss } => self.over(cx, leg, LegEnd::Lost(loss), None, Further::Gateway).into(),
            LegFact::Released => {
                self.over(cx, leg, LegEnd::Released(record::UNAVAILABLE), None, Further::Gateway).into()
            }
            LegFact::Offered { sdp } => {
                cx.on_offer(leg, sdp);
                Outcome::Searching(self)
            }
            LegFact::Acked { .. }
            | LegFact::AnswerReceived { .. }
            | LegFact::OfferRefused { .. }
            | LegFact::Digit { .. }
            | LegFact::Referred(_)
            | LegFact::NotifyAnswered { .. } => {
                cx.ignore("a callee who has not answered has nothing to say but yes or no");
                Outcome::Searching(self)
            }
        }
    }

    /// Something has been heard of a leg. False if it does not ring (any more).
    fn heard(&mut self, cx: &mut Context<'_>, leg: LegId) -> bool {
        let Some(attempt) = self.ringing.iter_mut().find(|attempt| attempt.leg == leg) else { return false };
        if attempt.heard == Heard::Nothing {
            attempt.heard = Heard::Trying;
            cx.timers.stop(self.timer(Wait::FirstWord(leg)));
        }
        true
    }

    fn on_answered(mut self, cx: &mut Context<'_>, leg: LegId, sdp: Option<Bytes>) -> Outcome {
        // A 200 may repeat the 183's answer or leave it out; without any answer there is no session.
        let usable = match sdp {
            Some(sdp) => cx.on_answer(leg, &sdp),
            None => cx.legs.sound(leg).is_some_and(Sound::is_agreed),
        };
        if !usable {
            cx.release(leg, record::INCOMPATIBLE);
            return self.gone(cx, leg, Some(488), Further::Gateway).into();
        }
        cx.connected(leg);
        cx.make_known(leg, &self.decision);
        self.taken = self.take(cx, leg).and_then(|attempt| attempt.way);
        self.let_go(cx, &record::ANSWERED_ELSEWHERE);
        Outcome::Found { leg, hunt: self }
    }

    fn on_failed(mut self, cx: &mut Context<'_>, leg: LegId, failure: &Failure) -> Turn {
        let rings = self.ringing.iter().find(|attempt| attempt.leg == leg).cloned();
        let end = LegEnd::Failed(record::of_failure(failure));
        if let Some(attempt) = rings
            && self.ring_with_own_number(cx, &attempt, failure)
        {
            cx.over(leg, end);
            cx.publish(What::NotTaken { leg, code: Some(failure.code) });
            self.take(cx, leg);
            return Turn::Searching(self);
        }
        self.over(cx, leg, end, Some(failure.code), Further::after(failure))
    }

    fn over(self, cx: &mut Context<'_>, leg: LegId, end: LegEnd, code: Option<u16>, further: Further) -> Turn {
        cx.over(leg, end);
        self.gone(cx, leg, code, further)
    }

    /// A leg has not taken the call.
    fn gone(mut self, cx: &mut Context<'_>, leg: LegId, code: Option<u16>, further: Further) -> Turn {
        cx.publish(What::NotTaken { leg, code });
        self.code = code.or(self.code);
        let rang = self.ringing().any(|ringing| ringing == leg);
        if let Some(way) = self.take(cx, leg).and_then(|attempt| attempt.way) {
            match further {
                Further::Gateway => {}
                Further::OtherStep => self.close(way.step),
                Further::OtherCallee => {
                    self.close(way.step);
                    self.refused.push(way.number);
                }
            }
        }
        // Another device still rings, or the hunt has gone on without this one long ago.
        if !rang || self.rings() { Turn::Searching(self) } else { self.advance(cx) }
    }

    /// Takes a leg off the lists.
    fn take(&mut self, cx: &mut Context<'_>, leg: LegId) -> Option<Attempt> {
        cx.timers.stop(self.timer(Wait::FirstWord(leg)));
        let of = |attempt: &Attempt| attempt.leg == leg;
        if let Some(index) = self.ringing.iter().position(of) {
            return Some(self.ringing.remove(index));
        }
        self.silent.iter().position(of).map(|index| self.silent.remove(index))
    }
}
