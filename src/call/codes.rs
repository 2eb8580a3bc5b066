//! Feature codes: keys on an agent's telephone that ask for a transfer, for telephones without a transfer key.
//!
//! Decides: which keys of the service party are a code in the making and who gets them when they are none.
//! Invariants: only the service party's keys are looked at, never the caller's; a code is heard by nobody; what turns
//! out to be no code reaches the caller, each key once and in order, so that nothing of an IVR's is lost (I44).
//! Does not do: the transfer. A code is a command like a desk's, and the telephone hears what became of it.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::ids::{CommandId, LegId};
use crate::call::action::{Action, Actions};
use crate::call::command::{By, Command, Mode, Particulars, Refusal};
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::keys;
use crate::call::record::Who;
use crate::call::state::State;
use crate::call::timer::{NEXT_KEY, Timer};
use crate::media::fact::Fact;
use crate::media::order::{Keys, Source};
use crate::routing::config::{CodeAsks, FeatureCode, PeerClass};
use crate::sip::fact::LegFact;

/// The command that a code is: nobody waits for its reply but the telephone, which hears it. The numbers of those who
/// wait begin at 0 and never come so far.
pub(super) const BY_KEYS: CommandId = CommandId(u64::MAX);

/// What is heard when a code was taken: two short tones.
const ACCEPTED: &str = "code_accepted";

/// What is heard when it was not: the busy tone, three times.
const REFUSED: &str = "code_refused";

/// Keys of a party that may become a code.
pub(super) type Typed = SmallVec<[Key; 8]>;

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    digit: char,
    duration_ms: u32,
}

/// What an event is to feature codes.
pub(super) enum Taken {
    /// Nothing: it is the state's.
    No(Event),
    /// A key of a code in the making, or the end of one that was none.
    Kept,
    /// A code is complete: this is asked for from that leg.
    Asked(LegId, Event),
}

/// Looks at an event before the state does.
pub(super) fn take(cx: &mut Context<'_>, state: &State, event: Event) -> Taken {
    let (leg, key) = match &event {
        Event::Leg { leg, fact: LegFact::Digit { digit, duration } } => {
            let duration_ms = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
            (*leg, Key { digit: *digit, duration_ms })
        }
        Event::Media { leg, fact: Fact::Key { digit, duration_ms } } if is_withheld(cx, *leg) => {
            (*leg, Key { digit: *digit, duration_ms: *duration_ms })
        }
        Event::Timer(Timer::NextKey(leg)) => {
            release_all(cx, state, *leg);
            return Taken::Kept;
        }
        Event::Leg { .. }
        | Event::Media { .. }
        | Event::Timer(_)
        | Event::Command { .. }
        | Event::SeatFree
        | Event::Begin => return Taken::No(event),
    };
    if state.party() != Some(leg) || !may_type(cx, leg) || matches!(state, State::Quarantined(_)) {
        return Taken::No(event);
    }
    match typed(cx, state, leg, key) {
        None => Taken::Kept,
        Some(asks) => asked(cx, state, leg, &asks),
    }
}

/// One more key. What is asked for, if it completes a code.
fn typed(cx: &mut Context<'_>, state: &State, leg: LegId, key: Key) -> Option<CodeAsks> {
    let site = cx.site;
    let mut typed = std::mem::take(&mut cx.legs.sound_mut(leg)?.typed);
    typed.push(key);
    loop {
        let text: String = typed.iter().map(|key| key.digit).collect();
        let codes = &site.routing.feature_codes;
        if let Some(FeatureCode { asks, .. }) = codes.iter().find(|code| code.code == text) {
            cx.timers.stop(Timer::NextKey(leg));
            return Some(asks.clone());
        }
        if typed.is_empty() {
            cx.timers.stop(Timer::NextKey(leg));
            return None;
        }
        if codes.iter().any(|code| code.code.starts_with(&text)) {
            cx.legs.sound_mut(leg)?.typed = typed;
            cx.start(Timer::NextKey(leg), NEXT_KEY);
            return None;
        }
        let first = typed.remove(0);
        release(cx, state, first);
    }
}

/// The next key did not come in time: what was typed was no code.
fn release_all(cx: &mut Context<'_>, state: &State, leg: LegId) {
    let Some(sound) = cx.legs.sound_mut(leg) else { return };
    for key in std::mem::take(&mut sound.typed) {
        if state.party() == Some(leg) {
            release(cx, state, key);
        }
    }
}

fn release(cx: &mut Context<'_>, state: &State, key: Key) {
    match state.caller() {
        Some(caller) => keys::press(cx, caller, key.digit, key.duration_ms),
        None => cx.ignore("a key, but nobody to press it for"),
    }
}

/// The command that a code is.
fn asked(cx: &mut Context<'_>, state: &State, leg: LegId, asks: &CodeAsks) -> Taken {
    let by = match cx.legs.get(leg).map(|leg| &leg.who) {
        Some(Who::Agent(agent)) => By::Agent(agent.clone()),
        // That the telephone behind the PBX has the call was seen: the key came on its leg.
        Some(Who::Trunk { .. } | Who::Caller(_)) | None => By::Console,
    };
    let command = match (asks, state.transfer()) {
        (CodeAsks::Transfer(hotline), _) => Command::Transfer {
            to: hotline.as_str().to_owned(),
            mode: Mode::OneClick,
            territory: None,
            particulars: Box::new(Particulars::default()),
            by,
        },
        (CodeAsks::Cancel, Some(transfer)) => Command::CancelTransfer { transfer: transfer.id, by },
        (CodeAsks::Cancel, None) => {
            tell(cx, leg, REFUSED);
            return Taken::Kept;
        }
    };
    Taken::Asked(leg, Event::Command { id: BY_KEYS, command })
}

/// The telephone hears what became of its code.
pub(super) fn answer(cx: &mut Context<'_>, leg: LegId) {
    let mut reply = None;
    let mut others = Actions::default();
    for action in std::mem::take(cx.out) {
        match action {
            Action::Reply { id: BY_KEYS, reply: given } => reply = Some(given),
            other @ (Action::Invite(_)
            | Action::Leg { .. }
            | Action::Media(_)
            | Action::Record(_)
            | Action::Publish(_)
            | Action::Reply { .. }) => others.push(other),
        }
    }
    *cx.out = others;
    match reply {
        Some(Ok(_)) => tell(cx, leg, ACCEPTED),
        Some(Err(Refusal::NoSuchCall)) | None => {}
        Some(Err(_)) => tell(cx, leg, REFUSED),
    }
}

fn tell(cx: &mut Context<'_>, leg: LegId, prompt: &str) {
    cx.hear(leg, Source::Prompt { name: prompt.to_owned(), repeat: false });
}

/// The keys of a party who may type codes are withheld from the first on: were they withheld from the first key of a
/// code on, that key would have gone on already.
pub(super) fn watch(cx: &mut Context<'_>, party: LegId) {
    let keys = if may_type(cx, party) { Keys::Withheld } else { Keys::Relayed };
    cx.keys(party, keys);
}

fn is_withheld(cx: &Context<'_>, leg: LegId) -> bool {
    cx.legs.sound(leg).is_some_and(|sound| sound.keys == Keys::Withheld)
}

/// Agents, at a softphone or behind a PBX: keys over any other trunk belong to a service that is called.
fn may_type(cx: &Context<'_>, leg: LegId) -> bool {
    !cx.site.routing.feature_codes.is_empty()
        && match cx.legs.get(leg).map(|leg| &leg.who) {
            Some(Who::Agent(_)) => true,
            Some(Who::Trunk { trunk, .. }) => {
                cx.site.routing.trunk(trunk).is_some_and(|trunk| trunk.class == PeerClass::Pbx)
            }
            Some(Who::Caller(_)) | None => false,
        }
}
