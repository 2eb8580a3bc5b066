//! Keys pass from one party to the other, once each (I44): in the sound where both have it, else by INFO.

use std::time::Duration;

use crate::base::ids::LegId;
use crate::call::action::Action;
use crate::call::context::Context;
use crate::media::order::Order;
use crate::sip::order::LegOrder;

/// The longest key press that is passed on, in milliseconds.
const MAX_KEY_MS: u32 = 5_000;

/// A key in the sound of one leg. Where the other leg carries keys in its sound too, the media plane has relayed it.
pub(super) fn on_sound(cx: &mut Context<'_>, digit: char, duration_ms: u32, counterpart: Option<LegId>) {
    let Some(leg) = counterpart else { return cx.ignore("a key, but nobody to press it for") };
    if !carries(cx, leg) {
        cx.order(leg, LegOrder::Digit { digit, duration_ms: duration_ms.min(MAX_KEY_MS) });
    }
}

/// A key by INFO from one leg.
pub(super) fn on_info(cx: &mut Context<'_>, digit: char, duration: Duration, counterpart: Option<LegId>) {
    let Some(leg) = counterpart else { return cx.ignore("a key, but nobody to press it for") };
    let duration_ms = u32::try_from(duration.as_millis()).unwrap_or(MAX_KEY_MS).min(MAX_KEY_MS);
    if carries(cx, leg) {
        cx.out.push(Action::Media(Order::Key { leg, digit, duration_ms }));
    } else {
        cx.order(leg, LegOrder::Digit { digit, duration_ms });
    }
}

fn carries(cx: &Context<'_>, leg: LegId) -> bool {
    cx.legs.sound(leg).is_some_and(super::sound::Sound::carries_keys)
}
