//! The target has answered; the agent has gone.

use serde::{Deserialize, Serialize};

use super::{Forsaken, Recovering, Releasing, State, Unheard};
use crate::base::ids::LegId;
use crate::call::caller::{self, Presence};
use crate::call::command::Refusal;
use crate::call::context::Context;
use crate::call::ears;
use crate::call::event::Event;
use crate::call::hunt::Hunt;
use crate::call::notice::{CallerLoss, What};
use crate::call::pair::{Mood, Pair};
use crate::call::party::{self, Said};
use crate::call::record::{self, LegEnd};
use crate::call::reopen;
use crate::call::silence::{self, Left};
use crate::call::timer::{TARGET_SILENT, Timer};
use crate::call::transfer::{self, Transfer, Wish};
use crate::call::trial::{self, Trial, Voiced};
use crate::media::fact::Fact;
use crate::sip::fact::LegFact;

/// The caller has nobody but the target, which is on trial: for the first second it may still refuse, and until
/// something is heard of it the caller hears ringback. A target that stays silent is never hung up by us: somebody of
/// the group is rung beside it (F9).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entrusted {
    caller: LegId,
    target: LegId,
    standing: Standing,
}

/// How the target stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Standing {
    /// It has answered less than a second ago.
    OnTrial { transfer: Transfer, voiced: Voiced, left: Box<Hunt> },
    /// It has taken the call, but nothing was heard of it.
    Taken,
}

impl Entrusted {
    /// The target has answered, with a session that can be used.
    pub(super) fn begin(cx: &mut Context<'_>, caller: LegId, target: LegId, transfer: Transfer, left: Hunt) -> State {
        transfer.answered(cx, target);
        let trial = Trial::begin(cx, target, left);
        Self::take_over(cx, caller, target, transfer, trial)
    }

    /// The agent has gone in mid-trial; its leg is out of the books.
    pub(super) fn take_over(
        cx: &mut Context<'_>,
        caller: LegId,
        target: LegId,
        mut transfer: Transfer,
        trial: Trial,
    ) -> State {
        match trial {
            Trial::Running { voiced, left } => {
                transfer.is_alone(cx);
                cx.start(Timer::TargetSilent, TARGET_SILENT);
                Self { caller, target, standing: Standing::OnTrial { transfer, voiced, left } }.stay(cx)
            }
            Trial::Taken => {
                transfer.is_alone(cx);
                transfer.report_success(cx);
                Self::unheard(cx, caller, target)
            }
        }
    }

    /// The target has taken the call, but nothing was heard of it, and whoever was with the caller has gone.
    pub(super) fn unheard(cx: &mut Context<'_>, caller: LegId, target: LegId) -> State {
        cx.start(Timer::TargetSilent, TARGET_SILENT);
        Self { caller, target, standing: Standing::Taken }.stay(cx)
    }

    pub(super) const fn caller(&self) -> LegId {
        self.caller
    }

    pub(super) const fn target(&self) -> LegId {
        self.target
    }

    pub(super) const fn transfer(&self) -> Option<&Transfer> {
        match &self.standing {
            Standing::OnTrial { transfer, .. } => Some(transfer),
            Standing::Taken => None,
        }
    }

    pub(super) fn handle(self, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Leg { leg, fact } if leg == self.caller => self.on_caller(cx, fact),
            Event::Leg { leg, fact } if leg == self.target => self.on_target(cx, fact),
            Event::Leg { .. } => self.ignore(cx, "a leg that this state does not know"),
            Event::Media { leg, fact } => self.on_sound(cx, leg, fact),
            Event::Timer(timer) => self.on_timer(cx, timer),
            Event::Command { id, command } => {
                transfer::put_off(cx, self.target, Wish::Command(id, command), Refusal::AlreadyAnswered);
                self.stay(cx)
            }
            Event::SeatFree => self.ignore(cx, "nobody is looked for"),
            Event::Begin => self.ignore(cx, "the call has long begun"),
        }
    }

    fn on_caller(self, cx: &mut Context<'_>, fact: LegFact) -> State {
        match caller::on_fact(cx, self.caller, fact, Some(self.target)) {
            Presence::Here => self.stay(cx),
            Presence::Gone => {
                if let Standing::OnTrial { transfer, .. } = &self.standing {
                    transfer.abandoned(cx);
                }
                Releasing::all(cx, &record::NORMAL)
            }
        }
    }

    fn on_target(self, cx: &mut Context<'_>, fact: LegFact) -> State {
        if party::cannot_follow(cx, self.target, &fact) {
            cx.release(self.target, record::UNAVAILABLE);
            return self.untake(cx);
        }
        match party::on_fact(cx, self.target, fact, self.caller) {
            Said::Nothing => self.stay(cx),
            Said::Referred(refer) => {
                transfer::put_off(cx, self.target, Wish::Refer(refer), Refusal::AlreadyAnswered);
                self.stay(cx)
            }
            Said::HungUp(cause) => self.without_target(cx, LegEnd::HungUp(cause)),
            Said::Lost(loss) => {
                cx.publish(What::PartyLost { leg: self.target, loss });
                self.without_target(cx, LegEnd::Lost(loss))
            }
        }
    }

    /// The target has gone and they have never been in talk: the caller is kept in any case (I19).
    fn without_target(self, cx: &mut Context<'_>, end: LegEnd) -> State {
        cx.over(self.target, end);
        self.untake(cx)
    }

    fn untake(self, cx: &mut Context<'_>) -> State {
        trial::stop(cx);
        match self.standing {
            Standing::OnTrial { transfer, left, .. } => {
                transfer.not_taken(cx, self.target, None);
                let turn = left.not_taken(cx, None);
                Forsaken::go_on(cx, self.caller, transfer, turn)
            }
            Standing::Taken => {
                let first = cx.record.first_agent();
                let hunt = Hunt::for_caller(cx, first);
                Recovering::begin(cx, self.caller, hunt)
            }
        }
    }

    fn on_sound(self, cx: &mut Context<'_>, leg: LegId, fact: Fact) -> State {
        let counterpart = if leg == self.caller { self.target } else { self.caller };
        let silent = matches!(fact, Fact::Silent { .. });
        let sounds = matches!(fact, Fact::FirstPacket | Fact::Resumed);
        match silence::on_fact(cx, leg, fact, Some(counterpart)) {
            Left::OpenFailed if leg == self.caller => reopen::caller(cx, leg),
            Left::OpenFailed if leg == self.target => {
                cx.release(leg, record::UNAVAILABLE);
                return self.untake(cx);
            }
            Left::OpenFailed | Left::Nothing | Left::PromptEnded => {}
        }
        if silent && leg == self.target {
            silence::ask(cx, leg);
        }
        if sounds && leg == self.target { self.on_heard(cx) } else { self.stay(cx) }
    }

    fn on_heard(self, cx: &mut Context<'_>) -> State {
        match self.standing {
            Standing::OnTrial { transfer, left, .. } => {
                let standing = Standing::OnTrial { transfer, voiced: Voiced::Yes, left };
                Self { standing, ..self }.stay(cx)
            }
            Standing::Taken => self.complete(cx),
        }
    }

    fn on_timer(self, cx: &mut Context<'_>, timer: Timer) -> State {
        match timer {
            Timer::Confirm => return self.on_confirmed(cx),
            Timer::TargetSilent => return self.on_silent(cx),
            Timer::Probe(leg) => silence::probe(cx, leg),
            Timer::DeadAir => cx.caller_lost(CallerLoss::DeadAir),
            Timer::Unheard
            | Timer::Hunt { .. }
            | Timer::SecondChance
            | Timer::Goodbye(_)
            | Timer::Proof(_)
            | Timer::NextKey(_)
            | Timer::Consulted(_) => {
                cx.ignore("a timer whose time has passed");
            }
        }
        self.stay(cx)
    }

    fn on_confirmed(self, cx: &mut Context<'_>) -> State {
        match self.standing {
            Standing::OnTrial { ref transfer, voiced, .. } => {
                transfer.taken(cx, self.target);
                transfer.report_success(cx);
                match voiced {
                    Voiced::Yes => self.complete(cx),
                    Voiced::NotYet => Self { standing: Standing::Taken, ..self }.stay(cx),
                }
            }
            Standing::Taken => self.stay(cx),
        }
    }

    fn on_silent(self, cx: &mut Context<'_>) -> State {
        match self.standing {
            Standing::Taken => Unheard::begin(cx, self.caller, self.target),
            Standing::OnTrial { .. } => self.stay(cx),
        }
    }

    fn complete(self, cx: &mut Context<'_>) -> State {
        trial::stop(cx);
        Pair { caller: self.caller, party: self.target }.joined(cx, Mood::Talking)
    }

    fn stay(self, cx: &mut Context<'_>) -> State {
        match &self.standing {
            Standing::OnTrial { voiced: Voiced::Yes, .. } => ears::join(cx, self.caller, self.target),
            Standing::OnTrial { voiced: Voiced::NotYet, .. } | Standing::Taken => {
                ears::wait_for(cx, self.caller, self.target);
            }
        }
        silence::watch_holders(cx, &[self.caller, self.target]);
        State::Entrusted(self)
    }

    fn ignore(self, cx: &mut Context<'_>, why: &'static str) -> State {
        cx.ignore(why);
        State::Entrusted(self)
    }
}
