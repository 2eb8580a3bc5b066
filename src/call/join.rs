//! Two calls become one: REFER with Replaces (RFC 3891, RFC 5589 7; traps T28, T33, T40, T44).
//!
//! An agent who has a citizen's call has rung somebody in a call of its own, the consultation, and joins the two. The
//! citizen's call goes on, with its id, identity and record; the leg that the consultation has reached comes over to it.
//!
//! Decides: what comes over, and what is left of the consultation.
//! Invariants: everything that can be refused is refused before anything changes; from then on it is a one-click transfer
//! whose target has answered, or rings. The citizen's leg is not touched. The leg that comes over gets other sockets, so
//! that packets never cross calls, and is offered them at once, or when it answers.
//! Does not do: which of the two calls is the citizen's (the switch looks), and whether the agent may (V22, V48: the
//! endpoint knows whose dialogs they are).

use std::sync::Arc;

use crate::base::ids::{CallId, LegId};
use crate::call::command::Refusal;
use crate::call::context::Context;
use crate::call::hunt::Hunt;
use crate::call::leg::{Leg, Legs, Phase};
use crate::call::record::{self, CallRecord, Ending, LegEnd, LegRecord, Who};
use crate::call::state::{Confirming, Releasing, State, Transferring};
use crate::call::transfer::{self, Transfer};
use crate::routing::Decision;
use crate::sip::fact::Refer;
use crate::sip::order::LegOrder;

/// An agent's call of its own, as the citizen's call sees it.
#[derive(Clone, Debug)]
pub(crate) struct Consultation {
    call: CallId,
    decision: Arc<Decision>,
    agent: Guest,
    reached: Reached,
}

/// Whom a consultation has reached.
#[derive(Clone, Debug)]
enum Reached {
    /// Somebody who talks to the agent.
    Talking(Guest),
    /// Nobody yet: these ring.
    Ringing(Hunt, Vec<Guest>),
}

/// A leg that comes over.
#[derive(Clone, Debug)]
struct Guest {
    leg: Leg,
    line: LegRecord,
}

/// On which of the agent's two dialogs the REFER has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// On that of the citizen's call; it names the consultation.
    OnTheCall,
    /// On that of the consultation; it names the citizen's call.
    OnTheConsultation,
}

impl Consultation {
    /// What a call in this state brings, if it is a consultation that could be joined.
    pub(super) fn of(state: &State, legs: &Legs, record: &CallRecord, decision: &Arc<Decision>) -> Option<Self> {
        let guest = |id: LegId| {
            let leg = legs.get(id)?.clone();
            let new = || LegRecord::new(record.arrived, id, leg.who.clone());
            Some(Guest { line: record.line_of(id).cloned().unwrap_or_else(new), leg })
        };
        let reached = match (state.pair(), state.hunt()) {
            (Some((pair, _)), _) => Reached::Talking(guest(pair.party)?),
            (None, Some(hunt)) => {
                let guests: Option<Vec<Guest>> = hunt.legs().map(guest).collect();
                Reached::Ringing(hunt.clone(), guests?)
            }
            (None, None) => return None,
        };
        Some(Self { call: record.call, decision: Arc::clone(decision), agent: guest(state.caller()?)?, reached })
    }

    /// The legs that come over.
    pub(crate) fn moves(&self, asked: Asked) -> Vec<LegId> {
        let agent = match asked {
            Asked::OnTheCall => None,
            Asked::OnTheConsultation => Some(self.agent.leg.id),
        };
        let reached = match &self.reached {
            Reached::Talking(guest) => vec![guest.leg.id],
            Reached::Ringing(_, guests) => guests.iter().map(|guest| guest.leg.id).collect(),
        };
        reached.into_iter().chain(agent).collect()
    }
}

/// The citizen's call takes the consultation in. Refused, nothing of it may be carried out.
pub(super) fn take_in(
    cx: &mut Context<'_>,
    state: &State,
    asked: Asked,
    refer: &Refer,
    consultation: Consultation,
) -> Result<State, Refusal> {
    let (pair, mood) = state.pair().ok_or(Refusal::NothingToJoin)?;
    let Consultation { call, decision, agent, reached } = consultation;
    let transferor = match asked {
        Asked::OnTheCall => pair.party,
        Asked::OnTheConsultation => agent.leg.id,
    };
    let (transfer, decision) = Transfer::of_consultation(cx, pair, transferor, refer, call, &decision)?;
    match asked {
        Asked::OnTheCall => {}
        Asked::OnTheConsultation => await_the_end(cx, agent)?,
    }
    let first = transfer::first_report(cx, transferor);
    cx.order(transferor, LegOrder::AcceptRefer { refer: refer.id, first });
    match reached {
        Reached::Talking(guest) => {
            let target = guest.leg.id;
            come_over(cx, guest)?;
            cx.agree(target);
            cx.make_known(target, &decision);
            transfer.reached(cx, target);
            let nobody_left = Hunt::over_and_done(cx, decision);
            Ok(Confirming::begin(cx, pair, mood, target, transfer, nobody_left))
        }
        Reached::Ringing(hunt, guests) => {
            for guest in guests {
                come_over(cx, guest)?;
            }
            let turn = hunt.taken_over(cx, decision);
            Ok(Transferring::go_on(cx, pair, mood, transfer, turn))
        }
    }
}

/// Opens a leg's sockets in this call. What it had agreed stands until it has answered the offer of its new address.
fn come_over(cx: &mut Context<'_>, guest: Guest) -> Result<(), Refusal> {
    let Guest { leg: Leg { id, who, phase, word }, line } = guest;
    let mut here = |sound| cx.open_here(id, &sound).ok_or(Refusal::NobodyNow);
    let phase = match phase {
        Phase::Called(sound) => Phase::Called(here(sound)?),
        Phase::Connected(sound) => Phase::Connected(here(sound)?),
        Phase::Arrived | Phase::Calling(_) | Phase::Parting(_) | Phase::Leaving => return Err(Refusal::NothingToJoin),
    };
    cx.record.adopt(line);
    cx.legs.add(Leg { id, who, phase, word });
    Ok(())
}

/// The agent's own leg of the consultation hears nothing more but how the transfer ends.
fn await_the_end(cx: &mut Context<'_>, agent: Guest) -> Result<(), Refusal> {
    let Guest { leg: Leg { id, who, phase, word }, line } = agent;
    let who = match who {
        Who::Caller(peer) => Who::serving(&peer),
        who @ (Who::Agent(_) | Who::Trunk { .. }) => who,
    };
    come_over(cx, Guest { leg: Leg { id, who: who.clone(), phase, word }, line: LegRecord { who, ..line } })?;
    if let Some(leg) = cx.legs.get_mut(id) {
        leg.phase = match std::mem::replace(&mut leg.phase, Phase::Leaving) {
            Phase::Connected(sound) => Phase::Parting(sound),
            other @ (Phase::Arrived | Phase::Calling(_) | Phase::Called(_) | Phase::Parting(_) | Phase::Leaving) => {
                other
            }
        };
    }
    Ok(())
}

/// The consultation lets go of what has come over to the citizen's call, and of its own caller if that is left.
pub(super) fn give_away(cx: &mut Context<'_>, to: CallId, moved: &[LegId]) -> State {
    cx.record.conclude(Ending::Joined(to));
    for leg in moved {
        cx.over(*leg, LegEnd::Moved(to));
    }
    Releasing::all(cx, &record::ANSWERED_ELSEWHERE)
}
