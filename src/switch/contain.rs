//! One step of one call, and what happens when it panics (F5, rule 11).

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Step, Switch};
use crate::base::ids::CallId;
use crate::base::time::Instant;
use crate::call::Call;
use crate::call::action::Actions;
use crate::call::notice::What;
use crate::call::supplies::Supplies;
use crate::call::timer::SECOND_CHANCE;
use crate::switch::stock::{Stock, Taken};

impl Switch {
    /// Lets a call handle one step. The call in the table changes, and its orders are carried out, only when the
    /// handler has returned.
    pub(super) fn run(&mut self, now: Instant, id: CallId, step: Step) {
        let Some(entry) = self.calls.get(&id) else { return };
        let last_good = entry.call.clone();
        let mut taken = Taken::default();
        let outcome = self.attempt(now, &last_good, &mut taken, |call, site, stock, out| match step.clone() {
            Step::Event(event) => call.handle(now, event, site, stock, out),
            Step::Timeout => call.handle_timeout(now, site, stock, out),
            Step::Replace(replaced, newcomer) => call.replace(now, replaced, &newcomer, site, stock, out),
            Step::Recorded(entry, proven) => call.recorded(now, entry, proven, site, stock, out),
            Step::Learn(report) => call.learn(now, &report, site, stock, out),
            Step::ShutDown => call.shut_down(now, site, stock, out),
        });
        let outcome = outcome.or_else(|| self.contain(now, &last_good, step, &mut taken));
        let Some((call, actions)) = outcome else {
            return self.freeze(now, id, &last_good, &taken);
        };
        let news = call.report().filter(|report| last_good.report().as_ref() != Some(report));
        let root = call.root();
        if let Some(entry) = self.calls.get_mut(&id) {
            entry.call = call;
        }
        self.carry_out(now, id, actions);
        self.account(now, id, &taken);
        if let Some(report) = news {
            self.run(now, root, Step::Learn(Box::new(report)));
        }
    }

    /// The call goes on from its last good state, in quarantine. The quarantined call then meets the same fact, because
    /// a BYE that is dropped would leave the other side alone for ever; if even that panics, the fact is dropped.
    fn contain(&mut self, now: Instant, last_good: &Call, step: Step, taken: &mut Taken) -> Option<(Call, Actions)> {
        let (call, actions) =
            self.attempt(now, last_good, taken, |call, site, stock, out| call.quarantine(now, site, stock, out))?;
        let again = match step {
            Step::Event(event) => {
                self.attempt(now, &call, taken, |call, site, stock, out| call.handle(now, event, site, stock, out))
            }
            // A quarantined call declines the newcomer, whose INVITE must not stay unanswered.
            Step::Replace(replaced, newcomer) => self.attempt(now, &call, taken, |call, site, stock, out| {
                call.replace(now, replaced, &newcomer, site, stock, out);
            }),
            Step::Timeout | Step::Recorded(..) | Step::Learn(_) | Step::ShutDown => return Some((call, actions)),
        };
        Some(match again {
            Some((call, more)) => (call, actions.into_iter().chain(more).collect()),
            None => (call, actions),
        })
    }

    /// Runs one handler on a copy. `None` if it panicked: what it had ordered is thrown away with the copy.
    pub(super) fn attempt(
        &mut self,
        now: Instant,
        call: &Call,
        taken: &mut Taken,
        handler: impl FnOnce(&mut Call, &crate::call::site::Site, &mut dyn Supplies, &mut Actions),
    ) -> Option<(Call, Actions)> {
        let mut copy = call.clone();
        let mut actions = Actions::default();
        let mut stock = Stock {
            now,
            call: call.id(),
            port_reserve: self.limits.emergency_reserve.saturating_mul(2).min(self.ports.capacity() / 10),
            endpoint: &mut self.endpoint,
            ports: &mut self.ports,
            agents: &mut self.agents,
            trunks: &mut self.trunks,
            gateways: &mut self.gateways,
            routing: &self.site.routing,
            entropy: &mut self.entropy,
            taken,
            #[cfg(feature = "faults")]
            faults: &mut self.faults,
        };
        // Unwind safety: the copy and its orders are dropped, and what was taken from the stock is on the list.
        let run = AssertUnwindSafe(|| handler(&mut copy, &self.site, &mut stock, &mut actions));
        catch_unwind(run).ok()?;
        Some((copy, actions))
    }

    /// Even the quarantine has panicked: the call stays exactly as it was, media joined, and is woken after a pause.
    fn freeze(&mut self, now: Instant, id: CallId, last_good: &Call, taken: &Taken) {
        self.publish(now, id, What::Quarantined { state: last_good.state_name() });
        self.account(now, id, taken);
        self.deadlines.set(&id, Some(now + SECOND_CHANCE));
    }
}
