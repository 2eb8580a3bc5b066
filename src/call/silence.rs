//! Facts of the sound that every state treats alike: silence is an alarm and a question, never an ending (F10).

use crate::base::ids::LegId;
use crate::call::context::Context;
use crate::call::keys;
use crate::call::notice::What;
use crate::call::timer::{PROBE_AGAIN, Timer, UNTIL_PROBE};
use crate::media::fact::Fact;
use crate::sip::order::LegOrder;

/// What a fact of the sound leaves to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing.
    Nothing,
    /// The leg's sockets could not be bound.
    OpenFailed,
    /// The prompt that was played once has ended.
    PromptEnded,
}

/// A fact of a leg's sound. Keys go to `counterpart`.
pub(super) fn on_fact(cx: &mut Context<'_>, leg: LegId, fact: Fact, counterpart: Option<LegId>) -> Left {
    match fact {
        Fact::OpenFailed => {
            cx.publish(What::MediaFailed { leg });
            return Left::OpenFailed;
        }
        Fact::PromptEnded => return Left::PromptEnded,
        Fact::FirstPacket => cx.timers.stop(Timer::Probe(leg)),
        Fact::Silent { ever_heard, .. } => {
            cx.publish(What::Silent { leg, ever_heard });
            cx.start(Timer::Probe(leg), UNTIL_PROBE);
        }
        Fact::Resumed => {
            cx.timers.stop(Timer::Probe(leg));
            cx.publish(What::SoundResumed { leg });
        }
        Fact::Key { digit, duration_ms } => keys::on_sound(cx, digit, duration_ms, counterpart),
    }
    Left::Nothing
}

/// The leg has been silent for 60 s: a re-INVITE with the session as it is asks whether it is still there. If not, the
/// endpoint says `Lost`, and only then the leg is lost.
pub(super) fn probe(cx: &mut Context<'_>, leg: LegId) {
    if !cx.legs.is_connected(leg) {
        return;
    }
    let Some(sound) = cx.legs.sound_mut(leg) else { return };
    let sdp = sound.offer();
    cx.publish(What::SilentTooLong { leg });
    cx.order(leg, LegOrder::Offer { sdp });
    cx.start(Timer::Probe(leg), PROBE_AGAIN);
}
