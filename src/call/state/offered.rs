//! The call has just arrived.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Releasing, Ringing, State};
use crate::base::ids::{LegId, ProfileId};
use crate::call::caller::{self, Presence};
use crate::call::command::Refusal;
use crate::call::context::Context;
use crate::call::event::Event;
use crate::call::hunt::Hunt;
use crate::call::leg::Phase;
use crate::call::notice::{RefusedFor, What};
use crate::call::record::{self, Ending, Who};
use crate::call::sound::Rules;
use crate::routing::decision::Answering;
use crate::routing::profile::Profile;
use crate::sip::fact::{LegFact, Peer};
use crate::sip::order::LegOrder;

/// Retry-After of a caller for whom there is no media port, in seconds.
const RETRY_AFTER_S: u32 = 5;

/// The call is admitted and its plan known; the caller has had nothing but our 100.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Offered {
    caller: LegId,
    /// Where the caller's signalling comes from: its media is of the same family.
    signalling: std::net::SocketAddr,
    /// Its SDP offer. `None` asks for ours in the 200.
    offer: Option<Bytes>,
}

impl Offered {
    /// A call before anything was done for it.
    pub(in crate::call) const fn new(caller: LegId, signalling: std::net::SocketAddr, offer: Option<Bytes>) -> Self {
        Self { caller, signalling, offer }
    }

    pub(super) const fn caller(&self) -> LegId {
        self.caller
    }

    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Begin => self.begin(cx),
            Event::Leg { leg, fact } => self.on_leg(cx, leg, fact),
            Event::Command { id, .. } => {
                cx.refuse_command(id, Refusal::NotTalking);
                State::Offered(self)
            }
            Event::Media { .. } | Event::Timer(_) | Event::SeatFree => {
                cx.ignore("nothing has been opened, armed or sought yet");
                State::Offered(self)
            }
        }
    }

    fn on_leg(self, cx: &mut Context<'_>, leg: LegId, fact: LegFact) -> State {
        if leg != self.caller {
            cx.ignore("a leg that this state does not know");
            return State::Offered(self);
        }
        match caller::on_fact(cx, leg, fact, None) {
            Presence::Here => State::Offered(self),
            Presence::Gone => Releasing::all(cx, &record::NORMAL),
        }
    }

    /// Prepares the caller's sound, answers or rings, and begins to look for somebody.
    pub(super) fn begin(self, cx: &mut Context<'_>) -> State {
        let Some(rules) = rules(cx, self.caller) else {
            return refuse(cx, self.caller, 503, RefusedFor::NoPort);
        };
        let Some(mut sound) = cx.open_sound(self.caller, self.signalling, rules, cx.decision.priority) else {
            return refuse(cx, self.caller, 503, RefusedFor::NoPort);
        };
        let answer = self.offer.as_ref().map(|offer| sound.answer(cx.site, offer));
        if let Some(leg) = cx.legs.get_mut(self.caller) {
            leg.phase = Phase::Calling(sound);
        }
        if let Some(Err(refused)) = answer {
            cx.refused(self.caller, &refused);
            return refuse(cx, self.caller, refused.code(), RefusedFor::Session);
        }
        match cx.decision.answering {
            // Until a person answers: charging and 接通率 depend on it.
            Answering::ByPerson => cx.order(self.caller, LegOrder::Progress { code: 180, sdp: None }),
            Answering::OnQueue => cx.accept(self.caller),
        }
        let hunt = Hunt::for_caller(cx, None);
        Ringing::begin(cx, self.caller, hunt)
    }
}

pub(super) fn refuse(cx: &mut Context<'_>, caller: LegId, code: u16, why: RefusedFor) -> State {
    cx.record.conclude(Ending::Refused(code));
    cx.publish(What::Refused { code, why });
    let retry_after_s = if code == 503 { Some(RETRY_AFTER_S) } else { None };
    cx.reject(caller, code, retry_after_s);
    Releasing::all(cx, &record::NORMAL)
}

/// The media rules of whoever calls.
fn rules(cx: &Context<'_>, caller: LegId) -> Option<Rules> {
    let routing = &cx.site.routing;
    let profile = |id: &ProfileId| routing.profile(id).cloned().unwrap_or_else(|| Profile::named(id.as_str()));
    match &cx.legs.get(caller)?.who {
        Who::Caller(Peer::Trunk(id)) => {
            let trunk = routing.trunk(id)?;
            Some(Rules::new(&profile(&trunk.profile), &trunk.networks))
        }
        Who::Caller(Peer::Softphone(_)) => Some(Rules::new(&profile(&routing.softphone_profile), &[])),
        Who::Agent(_) | Who::Trunk { .. } => None,
    }
}
