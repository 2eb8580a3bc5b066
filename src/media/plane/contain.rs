//! A panic in one packet, timer or order costs that packet, timer or order, and never the media thread (rule 11).
//!
//! A leg whose handling breaks again and again is silenced until its call agrees anew, and its call is told. The
//! other legs of the thread go on in any case.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::leg::Timer;
use super::{Plane, push_fact};
use crate::base::time::Instant;
use crate::media::fact::Fact;

/// Panics of one leg that are borne. A line of text for each goes to stderr, so it must not go on with every packet.
const PANICS_MAX: u32 = 8;

/// How long a broken recording or key rests: one packet.
const PAUSE: Duration = Duration::from_millis(20);

impl Plane {
    /// Does one thing. `None` if it panicked.
    ///
    /// Unwind safety: legs are found by slots that are checked at each use, so what was left half done is at worst one
    /// leg that is not linked or has no timer; [`Plane::bear`] looks after that leg.
    pub(super) fn attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        catch_unwind(AssertUnwindSafe(|| work(self))).ok()
    }

    /// The leg in `slot` has made something panic.
    pub(super) fn bear(&mut self, now: Instant, slot: usize) {
        self.counters.panics += 1;
        let Some(leg) = self.legs.get_mut(slot) else { return };
        leg.panics += 1;
        if leg.panics < PANICS_MAX {
            // Nothing that is still to sound may stop for want of its timer.
            if leg.timers.get(Timer::Tick).is_none() {
                leg.arm_tick(now + PAUSE);
            }
        } else {
            leg.panics = 0;
            leg.session = None;
            leg.timers.clear();
            push_fact(&mut self.facts, &mut self.counters, (leg.call, leg.id, Fact::OpenFailed));
        }
        self.refresh_deadline(slot);
    }
}
