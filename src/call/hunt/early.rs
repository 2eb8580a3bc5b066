//! What is heard of a callee before it answers. Early media is never an answer (trap T42).

use bytes::Bytes;

use super::{Heard, Hunt};
use crate::base::ids::LegId;
use crate::call::context::Context;
use crate::call::notice::What;
use crate::call::record::Who;
use crate::media::order::Source;
use crate::sip::order::LegOrder;

impl Hunt {
    /// A callee has sent a provisional response above 100.
    pub(super) fn on_progress(&mut self, cx: &mut Context<'_>, leg: LegId, sdp: Option<Bytes>) {
        cx.record.rang(cx.now, leg);
        if let Some(attempt) = self.ringing.iter_mut().find(|attempt| attempt.leg == leg)
            && attempt.heard != Heard::Progress
        {
            attempt.heard = Heard::Progress;
            cx.publish(What::Ringing { leg, after: cx.now.since(cx.record.arrived) });
        }
        // A 183 alone says nothing: many gateways send it and then no sound. The caller is switched by the first packet.
        if let Some(sdp) = sdp.filter(|_| is_trunk(cx, leg)) {
            cx.on_answer(leg, &sdp);
        }
    }

    /// Sound comes from a leg that is being rung.
    pub(in crate::call) fn on_early_sound(&self, cx: &mut Context<'_>, caller: LegId, leg: LegId) {
        if is_trunk(cx, leg) && self.has(leg) {
            relay(cx, caller, leg);
        }
    }
}

/// Only a trunk's early media says something to the caller: announcements, ringback tunes (彩铃).
fn is_trunk(cx: &Context<'_>, leg: LegId) -> bool {
    cx.legs.get(leg).is_some_and(|leg| matches!(leg.who, Who::Trunk { .. }))
}

/// The caller hears the target's early media. To a caller who is not answered yet it is a 183 with our SDP; without an
/// offer of its own there is nothing to answer, and it goes on with 180.
fn relay(cx: &mut Context<'_>, caller: LegId, leg: LegId) {
    let source = Source::Early(leg);
    let Some(sound) = cx.legs.sound(caller) else { return };
    if sound.hears == source {
        return;
    }
    if !cx.legs.is_connected(caller) {
        let Some(sdp) = sound.owed_answer() else { return };
        cx.order(caller, LegOrder::Progress { code: 183, sdp: Some(sdp) });
        cx.agree(caller);
    }
    cx.hear(caller, source);
}
