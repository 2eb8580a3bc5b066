//! The caller's media sockets could not be bound: another port is tried before the call is given up as soundless.

use crate::base::ids::LegId;
use crate::call::action::Action;
use crate::call::context::Context;
use crate::call::notice::CallerLoss;
use crate::media::order::{Order, Source};
use crate::sip::order::LegOrder;

/// How many ports are tried after the first. A machine that has none left is not asked for ever.
const MORE_PORTS: u8 = 3;

/// Opens the caller's sound anew on another port. A caller that has our SDP already gets the new one by re-INVITE.
pub(super) fn caller(cx: &mut Context<'_>, caller: LegId) {
    let connected = cx.legs.is_connected(caller);
    let Some(old) = cx.legs.sound(caller).cloned() else { return };
    // A 183 with the dead port cannot be taken back before the answer.
    let told_early = !connected && old.hears != Source::Nothing;
    if told_early || old.reopened >= MORE_PORTS {
        return cx.caller_lost(CallerLoss::NoMedia);
    }
    cx.out.push(Action::Media(Order::Close { leg: caller }));
    let (heard, keys) = (old.hears.clone(), old.keys);
    let Some(mut sound) = cx.open_again(caller, &old) else {
        return cx.caller_lost(CallerLoss::NoMedia);
    };
    cx.keys(caller, keys);
    let offer = if connected { Some(sound.offer()) } else { None };
    if let Some(slot) = cx.legs.sound_mut(caller) {
        *slot = sound;
    }
    if let Some(sdp) = offer {
        cx.agree(caller);
        cx.order(caller, LegOrder::Offer { sdp });
        cx.hear(caller, heard);
    }
}
