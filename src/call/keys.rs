//! Keys pass from one party to the other, once each (I44): in the sound where both have it, else by INFO.

use std::time::Duration;

use crate::base::ids::LegId;
use crate::call::action::Action;
use crate::call::context::Context;
use crate::media::order::{Keys, Order, Source};
use crate::sip::order::LegOrder;

/// The longest key press that is passed on, in milliseconds.
const MAX_KEY_MS: u32 = 5_000;

/// A key in the sound of one leg.
pub(super) fn on_sound(cx: &mut Context<'_>, leg: LegId, digit: char, duration_ms: u32, counterpart: Option<LegId>) {
    let Some(counterpart) = counterpart else { return cx.ignore("a key, but nobody to press it for") };
    if !is_relayed(cx, leg, counterpart) {
        press(cx, counterpart, digit, duration_ms);
    }
}

/// A key by INFO from one leg.
pub(super) fn on_info(cx: &mut Context<'_>, digit: char, duration: Duration, counterpart: Option<LegId>) {
    let Some(leg) = counterpart else { return cx.ignore("a key, but nobody to press it for") };
    press(cx, leg, digit, u32::try_from(duration.as_millis()).unwrap_or(MAX_KEY_MS));
}

/// Presses a key for the party on `leg`, in the form that it has.
pub(super) fn press(cx: &mut Context<'_>, leg: LegId, digit: char, duration_ms: u32) {
    let duration_ms = duration_ms.min(MAX_KEY_MS);
    if carries(cx, leg) {
        cx.out.push(Action::Media(Order::Key { leg, digit, duration_ms }));
    } else {
        cx.order(leg, LegOrder::Digit { digit, duration_ms });
    }
}

/// Whether the media plane passes on the keys in the sound of `leg`: not where they are withheld, nor into a mix. Keys
/// in the voice pass with it wherever it is heard.
fn is_relayed(cx: &Context<'_>, leg: LegId, listener: LegId) -> bool {
    let Some(sound) = cx.legs.sound(leg).filter(|sound| sound.keys == Keys::Relayed) else { return false };
    let in_voice = sound.keys_are_in_the_voice();
    cx.legs.sound(listener).is_some_and(|listener| match &listener.hears {
        Source::Leg(heard) => *heard == leg && (in_voice || listener.carries_keys()),
        Source::Mix(heard) => in_voice && heard.contains(&leg),
        Source::Nothing | Source::Early(_) | Source::Ringback | Source::Prompt { .. } => false,
    })
}

fn carries(cx: &Context<'_>, leg: LegId) -> bool {
    cx.legs.sound(leg).is_some_and(super::sound::Sound::carries_keys)
}
