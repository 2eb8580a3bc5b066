//! The trial of a target that has answered: has it taken the call, and is it heard?

use serde::{Deserialize, Serialize};

use crate::base::ids::LegId;
use crate::call::action::Action;
use crate::call::context::Context;
use crate::call::hunt::Hunt;
use crate::call::timer::{CONFIRMED, Timer};
use crate::media::order::Order;

/// How far the trial is. Of a target that has taken the call and is heard there is none any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Trial {
    /// It has answered less than a second ago: a BYE would be a refusal, and these targets are left.
    Running {
        /// Whether it is heard already.
        voiced: Voiced,
        /// The hunt, which would go on.
        left: Box<Hunt>,
    },
    /// It has taken the call, but nothing was heard of it.
    Taken,
}

/// Whether anything was heard of a party since it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Voiced {
    /// Not yet.
    NotYet,
    /// Yes.
    Yes,
}

impl Trial {
    /// The target has answered: its next packet counts, whatever it sent while it rang (trap T42).
    pub(super) fn begin(cx: &mut Context<'_>, target: LegId, left: Hunt) -> Self {
        cx.out.push(Action::Media(Order::Await { leg: target }));
        cx.start(Timer::Confirm, CONFIRMED);
        Self::Running { voiced: Voiced::NotYet, left: Box::new(left) }
    }

    /// Whether the caller may hear the target.
    pub(super) const fn voiced(&self) -> Voiced {
        match self {
            Self::Running { voiced, .. } => *voiced,
            Self::Taken => Voiced::NotYet,
        }
    }
}

/// The trial is over.
pub(super) fn stop(cx: &mut Context<'_>) {
    cx.timers.stop(Timer::Confirm);
    cx.timers.stop(Timer::Unheard);
    cx.timers.stop(Timer::TargetSilent);
}
