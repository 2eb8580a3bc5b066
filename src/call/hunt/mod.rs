//! Who is rung next: the plan, step by step and round after round, always with a running deadline.
//!
//! A hunt never ends by itself. It ends when somebody answers, or when the caller goes. While somebody rings,
//! `RingTimeout` runs; while nobody does, `NextRound`.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::ids::{AgentId, GroupId, LegId, TrunkId};
use crate::call::context::{Callee, Context};
use crate::call::notice::What;
use crate::call::record::{self, LegEnd, Who};
use crate::call::sound::Rules;
use crate::call::supplies::Seat;
use crate::call::timer::{ROUND_PAUSE, Timer};
use crate::media::order::Source;
use crate::routing::config::{self, Step, Trust};
use crate::routing::profile::Profile;
use crate::sip::fact::{Cause, ContactRoute, Failure, LegFact, Peer};
use crate::sip::flow::{Flow, Transport};
use crate::sip::message::{Host, NameAddr, Uri};
use crate::sip::order::LegOrder;

/// The most softphones of one agent that ring at the same time.
const MAX_CONTACTS: usize = 4;

/// Where a hunt stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hunt {
    /// Rung before the plan: the agent who had the call first.
    first: Option<AgentId>,
    /// The plan's step that is being tried.
    step: usize,
    /// Agents of this step who have been rung in this round.
    tried: Vec<AgentId>,
    /// The next hop to try of a trunk step.
    hop: usize,
    /// Legs that ring now: one callee, on all of its devices.
    ringing: SmallVec<[LegId; MAX_CONTACTS]>,
    /// Those of them that have said that they ring.
    rung: SmallVec<[LegId; MAX_CONTACTS]>,
    /// Rounds made in vain.
    round: u32,
}

/// What a fact has made of a hunt.
pub(super) enum Outcome {
    /// It goes on.
    Searching(Hunt),
    /// This leg has answered, with a session that can be used. Every other one has been let go.
    Found(LegId),
}

impl Hunt {
    /// A hunt that has not begun. `first` is rung before the plan.
    pub(super) const fn new(first: Option<AgentId>) -> Self {
        Self {
            first,
            step: 0,
            tried: Vec::new(),
            hop: 0,
            ringing: SmallVec::new_const(),
            rung: SmallVec::new_const(),
            round: 0,
        }
    }

    /// Whether somebody is being rung.
    pub(super) fn rings(&self) -> bool {
        !self.ringing.is_empty()
    }

    /// Whether the leg is one of those being rung.
    pub(super) fn has(&self, leg: LegId) -> bool {
        self.ringing.contains(&leg)
    }

    // --- going on ---

    /// Rings the next one in the plan, or rests until the next round.
    #[must_use]
    pub(super) fn advance(mut self, cx: &mut Context<'_>) -> Self {
        assert!(self.ringing.is_empty(), "one callee rings at a time");
        cx.timers.stop(Timer::NextRound);
        cx.timers.stop(Timer::RingTimeout);
        self.rung.clear();
        if self.ring_first(cx) || self.ring_plan(cx) {
            cx.start(Timer::RingTimeout, cx.decision.ring_timeout);
            return self;
        }
        self.round = self.round.saturating_add(1);
        (self.step, self.hop) = (0, 0);
        self.tried.clear();
        cx.publish(What::NobodyFree { round: self.round });
        cx.start(Timer::NextRound, ROUND_PAUSE);
        self
    }

    fn ring_first(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(agent) = self.first.take() else { return false };
        let Some(seat) = cx.supplies.agent(&agent) else { return false };
        self.ring_seat(cx, seat)
    }

    /// Every turn goes a step on or rings somebody, so that a round is finite.
    fn ring_plan(&mut self, cx: &mut Context<'_>) -> bool {
        let decision = cx.decision;
        while let Some(step) = decision.plan.get(self.step) {
            let rings = match step {
                Step::Group { group, .. } => self.ring_group(cx, group),
                Step::Trunk { trunk, number, .. } => self.ring_trunk(cx, trunk, number),
            };
            if rings {
                return true;
            }
            self.next_step();
        }
        false
    }

    fn next_step(&mut self) {
        self.step += 1;
        self.hop = 0;
        self.tried.clear();
    }

    fn ring_group(&mut self, cx: &mut Context<'_>, group: &GroupId) -> bool {
        while let Some(seat) = cx.supplies.longest_idle(group, &self.tried) {
            self.tried.push(seat.agent.clone());
            if self.ring_seat(cx, seat) {
                return true;
            }
        }
        false
    }

    fn ring_seat(&mut self, cx: &mut Context<'_>, seat: Seat) -> bool {
        let rules = Rules::new(&profile(cx, &cx.site.routing.softphone_profile), &[]);
        for ContactRoute { uri, flow } in seat.contacts.into_iter().take(MAX_CONTACTS) {
            let callee = Callee {
                who: Who::Agent(seat.agent.clone()),
                peer: Peer::Softphone(seat.agent.clone()),
                flow,
                uri,
                to: NameAddr::new(Uri::sip(Some(seat.agent.as_str()), cx.site.host.clone(), None)),
                trust: Trust::Trusted,
                rules: rules.clone(),
            };
            self.ringing.extend(cx.dial(callee));
        }
        self.rings()
    }

    fn ring_trunk(&mut self, cx: &mut Context<'_>, id: &TrunkId, number: &str) -> bool {
        let site = cx.site;
        let Some(trunk) = site.routing.trunk(id) else { return false };
        while let Some(remote) = trunk.next_hops.get(self.hop).copied() {
            self.hop += 1;
            let transport = match trunk.transport {
                config::Transport::Udp => Transport::Udp,
                config::Transport::Tcp => Transport::Tcp,
            };
            let Some(listener) = site.listener_for(transport, remote.ip()) else { continue };
            if !cx.supplies.trunk_admits(id) {
                return false;
            }
            let uri = Uri::sip(Some(number), Host::Ip(remote.ip()), Some(remote.port()));
            let callee = Callee {
                who: Who::Trunk { trunk: id.clone(), number: number.to_owned() },
                peer: Peer::Trunk(id.clone()),
                flow: Flow { transport, local: listener.address, remote, connection: None },
                to: NameAddr::new(uri.clone()),
                uri,
                trust: trunk.trust,
                rules: Rules::new(&profile(cx, &trunk.profile), &trunk.networks),
            };
            self.ringing.extend(cx.dial(callee));
            if self.rings() {
                return true;
            }
        }
        false
    }

    // --- what those say who are rung ---

    /// A fact of a leg that is being rung.
    pub(super) fn on_leg(mut self, cx: &mut Context<'_>, leg: LegId, fact: LegFact) -> Outcome {
        match fact {
            LegFact::Progress { sdp, .. } => {
                self.on_progress(cx, leg, sdp);
                Outcome::Searching(self)
            }
            LegFact::Answered { sdp } => self.on_answered(cx, leg, sdp),
            LegFact::Failed(failure) => self.on_failed(cx, leg, &failure),
            LegFact::HungUp { cause } => {
                self.without(cx, leg, LegEnd::HungUp(record::goodbye(cause)), None, Further::SameStep)
            }
            LegFact::Lost { loss } => self.without(cx, leg, LegEnd::Lost(loss), None, Further::SameStep),
            LegFact::Released => self.without(cx, leg, LegEnd::Released(record::UNAVAILABLE), None, Further::SameStep),
            LegFact::Offered { sdp } => {
                cx.on_offer(leg, sdp);
                Outcome::Searching(self)
            }
            LegFact::Acked { .. }
            | LegFact::AnswerReceived { .. }
            | LegFact::OfferRefused { .. }
            | LegFact::Digit { .. } => {
                cx.ignore("a callee who has not answered has nothing to say but yes or no");
                Outcome::Searching(self)
            }
        }
    }

    fn on_progress(&mut self, cx: &mut Context<'_>, leg: LegId, sdp: Option<bytes::Bytes>) {
        cx.record.rang(cx.now, leg);
        if !self.rung.contains(&leg) {
            self.rung.push(leg);
            cx.publish(What::Ringing { leg, after: cx.now.since(cx.record.arrived) });
        }
        // Only a trunk's early media says something to the caller (announcements, 彩铃); it is never an answer.
        let from_trunk = cx.legs.get(leg).is_some_and(|leg| matches!(leg.who, Who::Trunk { .. }));
        // A 183 alone says nothing: many gateways send it and then no sound. The caller is switched by the first packet.
        if let Some(sdp) = sdp.filter(|_| from_trunk) {
            cx.on_answer(leg, &sdp);
        }
    }

    /// Sound comes from a leg that is being rung.
    pub(super) fn on_early_sound(&self, cx: &mut Context<'_>, caller: LegId, leg: LegId) {
        let from_trunk = cx.legs.get(leg).is_some_and(|leg| matches!(leg.who, Who::Trunk { .. }));
        if from_trunk && self.has(leg) {
            relay_early_media(cx, caller, leg);
        }
    }

    fn on_answered(mut self, cx: &mut Context<'_>, leg: LegId, sdp: Option<bytes::Bytes>) -> Outcome {
        // A 200 may repeat the 183's answer or leave it out; without any answer there is no session.
        let usable = match sdp {
            Some(sdp) => cx.on_answer(leg, &sdp),
            None => cx.legs.sound(leg).is_some_and(super::sound::Sound::is_agreed),
        };
        if !usable {
            cx.release(leg, record::INCOMPATIBLE);
            return self.gone(cx, leg, Some(488), Further::SameStep);
        }
        cx.connected(leg);
        self.ringing.retain(|ringing| *ringing != leg);
        self.let_go(cx, &record::ANSWERED_ELSEWHERE);
        Outcome::Found(leg)
    }

    fn on_failed(self, cx: &mut Context<'_>, leg: LegId, failure: &Failure) -> Outcome {
        let further = if is_congestion(failure) { Further::SameStep } else { Further::NextCallee };
        self.without(cx, leg, LegEnd::Failed(record::of_failure(failure)), Some(failure.code), further)
    }

    fn without(self, cx: &mut Context<'_>, leg: LegId, end: LegEnd, code: Option<u16>, further: Further) -> Outcome {
        cx.over(leg, end);
        self.gone(cx, leg, code, further)
    }

    fn gone(mut self, cx: &mut Context<'_>, leg: LegId, code: Option<u16>, further: Further) -> Outcome {
        cx.publish(What::NotTaken { leg, code });
        self.ringing.retain(|ringing| *ringing != leg);
        if self.rings() {
            return Outcome::Searching(self);
        }
        match further {
            Further::SameStep => {}
            // The callee said no: another way to the same callee would ring it again (trap T36).
            Further::NextCallee => self.hop = usize::MAX,
        }
        Outcome::Searching(self.advance(cx))
    }

    /// Nobody has answered in time: the next one. A service that rings is left ringing while nobody else could be rung:
    /// to hang up and to call it again would put the caller at the end of its queue.
    #[must_use]
    pub(super) fn on_ring_timeout(self, cx: &mut Context<'_>) -> Self {
        if !self.rung.is_empty() && self.is_last_hope(cx) {
            cx.start(Timer::RingTimeout, cx.decision.ring_timeout);
            return self;
        }
        self.give_up_callee(cx)
    }

    /// Whether a trunk rings, and the plan has no other trunk and nobody free in any group.
    fn is_last_hope(&self, cx: &mut Context<'_>) -> bool {
        let plan = &cx.decision.plan;
        let trunks = plan.iter().filter(|step| matches!(step, Step::Trunk { .. })).count();
        matches!(plan.get(self.step), Some(Step::Trunk { .. })) && trunks == 1 && !cx.supplies.any_free(plan)
    }

    /// Lets the callee go and tries the next one.
    #[must_use]
    pub(super) fn give_up_callee(mut self, cx: &mut Context<'_>) -> Self {
        for leg in self.ringing.clone() {
            cx.publish(What::NotTaken { leg, code: None });
        }
        self.let_go(cx, &record::NO_ANSWER);
        self.hop = usize::MAX;
        self.advance(cx)
    }

    /// Stops ringing: CANCEL to all, or BYE where the 200 crosses it.
    pub(super) fn let_go(&mut self, cx: &mut Context<'_>, cause: &Cause) {
        for leg in self.ringing.drain(..) {
            cx.release(leg, cause.clone());
        }
        cx.timers.stop(Timer::RingTimeout);
        cx.timers.stop(Timer::NextRound);
    }
}

/// Where a hunt goes on after a failure.
#[derive(Clone, Copy)]
enum Further {
    /// Another device, way or agent of the same step.
    SameStep,
    /// The callee has refused: of a trunk step no other way to it is tried.
    NextCallee,
}

/// Whether a failure is the network's and not the callee's: then another gateway is tried (trap T36, F8).
fn is_congestion(failure: &Failure) -> bool {
    matches!(failure.code, 408 | 500 | 502 | 503 | 504)
        || failure.cause.q850.is_some_and(|cause| matches!(cause, 34 | 38 | 41 | 42 | 44 | 47))
}

fn profile(cx: &Context<'_>, id: &crate::base::ids::ProfileId) -> Profile {
    cx.site.routing.profile(id).cloned().unwrap_or_else(|| Profile::named(id.as_str()))
}

/// The caller hears the target's early media. To a caller who is not answered yet it is a 183 with our SDP; without an
/// offer of its own there is nothing to answer, and it goes on with 180.
fn relay_early_media(cx: &mut Context<'_>, caller: LegId, leg: LegId) {
    let source = Source::Leg(leg);
    let Some(sound) = cx.legs.sound(caller) else { return };
    if sound.hears == source {
        return;
    }
    if !cx.legs.is_connected(caller) {
        let Some(sdp) = sound.owed_answer() else { return };
        cx.order(caller, LegOrder::Progress { code: 183, sdp: Some(sdp) });
        cx.agree(caller);
    }
    cx.hear(caller, source);
}
