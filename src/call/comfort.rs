//! What a caller hears while nobody talks to it.

use crate::base::ids::LegId;
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::sound::Voice;
use crate::media::fact::Fact;
use crate::media::order::Source;

/// The prompt that a waiting caller hears first, where the hotline has none of its own.
const PLEASE_WAIT: &str = "please_wait";

/// The prompt that fills every pause.
const HOLD_MUSIC: &str = "hold_music";

/// Music, over and over.
pub(super) fn hold_music() -> Source {
    Source::Prompt { name: HOLD_MUSIC.to_owned(), repeat: true }
}

/// A connected caller begins to wait: it is told so, once.
pub(super) fn begin(cx: &mut Context<'_>, caller: LegId) {
    if cx.legs.is_connected(caller) {
        let name = cx.decision.announcement.clone().unwrap_or_else(|| PLEASE_WAIT.to_owned());
        cx.hear(caller, Source::Prompt { name, repeat: false });
    }
}

/// A connected caller goes on waiting: ringback while somebody rings, else music. The announcement is not cut short.
///
/// A caller who is not answered hears its own network's ringback, unless early media was relayed to it: from then on
/// its network plays what we send, so that the ringback is ours to give.
pub(super) fn carry_on(cx: &mut Context<'_>, caller: LegId, rings: bool) {
    let Some(sound) = cx.legs.sound(caller) else { return };
    let source = match &sound.hears {
        Source::Prompt { repeat: false, .. } => return,
        // Early media of the callee who still rings.
        Source::Early(leg) if cx.legs.sound(*leg).is_some_and(|sound| sound.voice == Voice::Present) => return,
        Source::Nothing if !cx.legs.is_connected(caller) => return,
        Source::Nothing
        | Source::Leg(_)
        | Source::Early(_)
        | Source::Mix(_)
        | Source::Ringback
        | Source::Prompt { .. } => source(cx, caller, rings),
    };
    cx.hear(caller, source);
}

/// What was played once is not heard any more, whatever the state makes of it: no state can forget it, and the watch
/// on dead air sees it.
pub(super) fn note_ended(cx: &mut Context<'_>, event: &Event) {
    if let Event::Media { leg, fact: Fact::PromptEnded } = event
        && let Some(sound) = cx.legs.sound_mut(*leg)
        && matches!(sound.hears, Source::Prompt { repeat: false, .. })
    {
        sound.hears = Source::Nothing;
    }
}

/// The announcement has ended.
pub(super) fn announced(cx: &mut Context<'_>, caller: LegId, rings: bool) {
    let source = source(cx, caller, rings);
    cx.hear(caller, source);
}

fn source(cx: &Context<'_>, caller: LegId, rings: bool) -> Source {
    if rings || !cx.legs.is_connected(caller) { Source::Ringback } else { hold_music() }
}
