//! Somebody takes the place of the service party: INVITE with Replaces (RFC 3891).
//!
//! Whether the newcomer may do so was decided where the INVITE came in: it is the one whose leg it replaces, on another
//! telephone (V22, V48). A party that is simply in talk is replaced, or a callee who rings for a caller who has nobody:
//! then the newcomer has answered in its place. The caller's leg never is, and a call in which something else is under way
//! is left as it is.

use crate::base::ids::LegId;
use crate::call::Arrival;
use crate::call::command::Refusal;
use crate::call::context::Context;
use crate::call::hunt::Hunt;
use crate::call::leg::{Leg, Phase};
use crate::call::notice::What;
use crate::call::pair::{Mood, Pair};
use crate::call::record::{self, Who};
use crate::call::sound::Rules;
use crate::call::state::State;
use crate::routing::profile::Profile;
use crate::sip::fact::Peer;
use crate::sip::order::LegOrder;

/// The newcomer's response when nobody here can be replaced (RFC 3891 3).
const NOT_HERE: u16 = 603;

/// One newcomer.
pub(super) fn handle(cx: &mut Context<'_>, state: State, replaced: LegId, newcomer: &Arrival) -> State {
    let Some(place) = Place::of(&state, replaced) else {
        cx.publish(What::TransferRefused { leg: replaced, why: Refusal::NothingToJoin });
        return decline(cx, state, newcomer.leg, NOT_HERE);
    };
    let (who, rules) = identity(cx, &newcomer.peer);
    cx.record.begin(cx.now, newcomer.leg, who.clone(), None);
    cx.legs.add(Leg::new(newcomer.leg, who, Phase::Arrived));
    let Some(mut sound) = cx.open_sound(newcomer.leg, newcomer.signalling, rules, cx.decision.priority) else {
        cx.reject(newcomer.leg, 503, None);
        return state;
    };
    let answer = newcomer.offer.as_ref().map(|offer| sound.answer(cx.site, offer));
    if let Some(leg) = cx.legs.get_mut(newcomer.leg) {
        leg.phase = Phase::Calling(sound);
    }
    if let Some(Err(refused)) = answer {
        cx.refused(newcomer.leg, &refused);
        cx.reject(newcomer.leg, refused.code(), None);
        return state;
    }
    cx.accept(newcomer.leg);
    match place {
        Place::Party(pair) => {
            cx.release(replaced, record::ANSWERED_ELSEWHERE);
            Pair { caller: pair.caller, party: newcomer.leg }.joined(cx, Mood::Talking)
        }
        Place::Callee { caller, mut hunt } => {
            hunt.let_go(cx, &record::ANSWERED_ELSEWHERE);
            Pair::join(cx, caller, newcomer.leg)
        }
    }
}

/// Whose place it is.
enum Place {
    /// That of a party who talks or holds.
    Party(Pair),
    /// That of a callee who rings.
    Callee { caller: LegId, hunt: Box<Hunt> },
}

impl Place {
    fn of(state: &State, replaced: LegId) -> Option<Self> {
        if let Some((pair, _)) = state.pair() {
            return (pair.party == replaced).then_some(Self::Party(pair));
        }
        let hunt = state.hunt().filter(|hunt| hunt.has(replaced))?;
        Some(Self::Callee { caller: state.caller()?, hunt: Box::new(hunt.clone()) })
    }
}

fn decline(cx: &mut Context<'_>, state: State, newcomer: LegId, code: u16) -> State {
    let cause = crate::sip::fact::Cause { sip: Some(code), q850: None };
    cx.order(newcomer, LegOrder::Reject { code, cause, retry_after_s: None });
    state
}

fn identity(cx: &Context<'_>, peer: &Peer) -> (Who, Rules) {
    let routing = &cx.site.routing;
    let profile = |id| routing.profile(id).cloned().unwrap_or_else(|| Profile::named(id.as_str()));
    let rules = match peer {
        Peer::Softphone(_) => Rules::new(&profile(&routing.softphone_profile), &[]),
        Peer::Trunk(id) => match routing.trunk(id) {
            Some(trunk) => Rules::new(&profile(&trunk.profile), &trunk.networks),
            None => Rules::new(&Profile::named(id.as_str()), &[]),
        },
    };
    (Who::serving(peer), rules)
}
