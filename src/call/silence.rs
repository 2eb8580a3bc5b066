//! Facts of the sound that every state treats alike: silence is an alarm and a question, never an ending (F10).

use crate::base::ids::LegId;
use crate::call::context::Context;
use crate::call::keys;
use crate::call::notice::What;
use crate::call::sound::Voice;
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
        Fact::FirstPacket => note(cx, leg, Voice::Present),
        Fact::Paused { ever_heard } => note_silence(cx, leg, ever_heard, Voice::Paused),
        Fact::Silent { ever_heard, .. } => note_silence(cx, leg, ever_heard, Voice::Absent),
        Fact::Resumed => {
            cx.publish(What::SoundResumed { leg });
            note(cx, leg, Voice::Present);
        }
        Fact::Key { digit, duration_ms } => keys::on_sound(cx, leg, digit, duration_ms, counterpart),
    }
    Left::Nothing
}

/// A leg that pauses may fall silent, and one that was silent may report again: the minute runs from the first of them.
fn note_silence(cx: &mut Context<'_>, leg: LegId, ever_heard: bool, voice: Voice) {
    cx.publish(What::Silent { leg, ever_heard });
    if cx.timers.get(Timer::Probe(leg)).is_none() {
        cx.start(Timer::Probe(leg), UNTIL_PROBE);
    }
    note(cx, leg, voice);
}

fn note(cx: &mut Context<'_>, leg: LegId, voice: Voice) {
    if let Some(sound) = cx.legs.sound_mut(leg) {
        sound.voice = voice;
    }
    match voice {
        Voice::Present => cx.timers.stop(Timer::Probe(leg)),
        Voice::Paused | Voice::Absent => {}
    }
}

/// The leg has been silent for 60 s, or holds: the question whether it is still there, and of the silent an alarm. Whose
/// reports (RTCP) go on is there and not asked: a question that fails would lose it (F10).
pub(super) fn probe(cx: &mut Context<'_>, leg: LegId) {
    if cx.legs.is_connected(leg) {
        let silence = cx.legs.sound(leg).filter(|sound| sound.speaks()).map(|sound| sound.voice);
        match silence {
            Some(Voice::Absent) => {
                cx.publish(What::SilentTooLong { leg });
                ask(cx, leg);
            }
            Some(Voice::Paused) => cx.publish(What::SilentTooLong { leg }),
            Some(Voice::Present) | None => ask(cx, leg),
        }
        cx.start(Timer::Probe(leg), PROBE_AGAIN);
    }
}

/// A re-INVITE with the session as it is asks a silent leg whether it is still there. If not, the endpoint says `Lost`,
/// and only then the leg is lost.
pub(super) fn ask(cx: &mut Context<'_>, leg: LegId) {
    if !cx.legs.is_connected(leg) {
        return;
    }
    let Some(sound) = cx.legs.sound_mut(leg) else { return };
    // Who holds has said that nothing will come, but may be gone all the same: two who hold and vanish would otherwise
    // leave a call that nobody ever ends.
    let sdp = sound.offer_unchanged();
    cx.order(leg, LegOrder::Offer { sdp });
}

/// Nothing comes from who holds, so that nobody would notice its death: it is asked now and then.
pub(super) fn watch_holders(cx: &mut Context<'_>, legs: &[LegId]) {
    for leg in legs {
        let holds = cx.legs.sound(*leg).is_some_and(|sound| !sound.speaks());
        if holds && cx.timers.get(Timer::Probe(*leg)).is_none() {
            cx.start(Timer::Probe(*leg), PROBE_AGAIN);
        }
    }
}
