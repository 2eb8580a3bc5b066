//! Who hears whom: what a leg is given, as its own session and the speaker's allow.

use smallvec::SmallVec;

use crate::base::ids::LegId;
use crate::call::comfort;
use crate::call::context::Context;
use crate::call::sound::{Sound, Voice};
use crate::media::order::Source;

/// What the silence of a speaker is to its listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// To the caller, a service leg from which nothing comes would be dead air: it hears music instead.
    DeadAir,
    /// The service has to hear a caller's silence as what it is.
    Meant,
}

/// Caller and party hear each other.
pub(super) fn join(cx: &mut Context<'_>, caller: LegId, party: LegId) {
    give(cx, caller, party, Silence::DeadAir);
    give(cx, party, caller, Silence::Meant);
}

/// Lets `listener` hear `speaker`, or music while the speaker holds.
pub(super) fn give(cx: &mut Context<'_>, listener: LegId, speaker: LegId, silence: Silence) {
    let (Some(ear), Some(mouth)) = (cx.legs.sound(listener), cx.legs.sound(speaker)) else { return };
    let dead = silence == Silence::DeadAir && mouth.voice == Voice::Absent;
    let source = if !ear.listens() {
        Source::Nothing
    } else if mouth.speaks() && !dead {
        Source::Leg(speaker)
    } else {
        comfort::hold_music()
    };
    cx.hear(listener, source);
}

/// Each of three hears the other two; whoever holds or is silent is not heard.
pub(super) fn join_three(cx: &mut Context<'_>, caller: LegId, agent: LegId, target: LegId) {
    give_all(cx, caller, [agent, target]);
    give_all(cx, agent, [caller, target]);
    give_all(cx, target, [caller, agent]);
}

/// Lets `listener` hear the speakers together, or the one of them who speaks; music while both hold.
fn give_all(cx: &mut Context<'_>, listener: LegId, speakers: [LegId; 2]) {
    let Some(ear) = cx.legs.sound(listener) else { return };
    let speaks = |leg: &LegId| cx.legs.sound(*leg).is_some_and(Sound::speaks);
    let heard: SmallVec<[LegId; 3]> = speakers.into_iter().filter(speaks).collect();
    let source = match heard.as_slice() {
        _ if !ear.listens() => Source::Nothing,
        [] => comfort::hold_music(),
        [one] => Source::Leg(*one),
        [..] => Source::Mix(heard),
    };
    cx.hear(listener, source);
}

/// The party hears the caller; the caller, for whom nothing comes from the party yet, hears ringback.
pub(super) fn wait_for(cx: &mut Context<'_>, caller: LegId, party: LegId) {
    comfort::carry_on(cx, caller, true);
    give(cx, party, caller, Silence::Meant);
}
