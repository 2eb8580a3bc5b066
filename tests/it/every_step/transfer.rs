//! A transfer - press, ring, answer, goodbye, hang-up - and at each of its steps, in turn, one thing goes wrong.

use std::time::Duration;

use lianxian::call::fault::Fault;

use crate::scenario::telephones_that_want_success_at_once::tells_success_at_once;
use crate::world::World;
use crate::world::net::Fate;
use crate::world::phone::{Ending, OnInvite, Phase};

/// A caller and an agent in talk, and a seat at 110.
struct Story {
    w: World,
    caller: usize,
    agent: usize,
    seat: usize,
}

impl Story {
    fn new() -> Self {
        let mut w = World::new(710);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let seat = w.seat();
        for party in [caller, agent, seat] {
            w.phones[party].manners.voice_every = Duration::from_millis(100);
        }
        w.on_invite(seat, OnInvite::Answer { after: Duration::from_secs(1) });
        Self { w, caller, agent, seat }
    }

    /// The agent's telephone is told of success at once, and the seat refuses.
    fn in_vain() -> Self {
        let mut w = World::new(711);
        tells_success_at_once(&mut w);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let seat = w.seat();
        for party in [caller, agent, seat] {
            w.phones[party].manners.voice_every = Duration::from_millis(100);
        }
        w.on_invite(seat, OnInvite::Refuse { code: 486, after: Duration::from_secs(1) });
        Self { w, caller, agent, seat }
    }

    /// The agent presses transfer; `deed` is done right after the product has taken its `step`th message from then on.
    fn tell(&mut self, step: u64, mut deed: impl FnMut(&mut World, usize, usize, usize)) {
        let (caller, agent, seat) = (self.caller, self.agent, self.seat);
        let due = self.w.inputs + step;
        let until = self.w.now + Duration::from_secs(6);
        self.w.transfers(agent, "110");
        if self.w.run_until(Duration::from_secs(6), |w| w.inputs >= due) {
            deed(&mut self.w, caller, agent, seat);
        }
        self.w.run(until.since(self.w.now));
    }
}

/// How many messages the product takes, and which datagrams pass.
fn length() -> (u64, u64, u64) {
    let mut story = Story::new();
    let (inputs, datagrams) = (story.w.inputs, story.w.net.datagrams);
    story.tell(u64::MAX >> 1, |_, _, _, _| {});
    story.w.must(story.w.talking(story.caller, story.seat), "the story goes well");
    assert_eq!(story.w.phase(story.agent), Some(Phase::Over(Ending::TheirBye)));
    (story.w.inputs - inputs, datagrams, story.w.net.datagrams)
}

#[test]
fn each_datagram_of_a_transfer_is_lost_doubled_or_late_once() {
    let (_, first, last) = length();
    for fate in [Fate::Lost, Fate::Doubled, Fate::Late] {
        for number in first..last {
            let mut story = Story::new();
            story.w.net.fate = Some((number, fate));
            story.tell(u64::MAX >> 1, |_, _, _, _| {});
            let joined = story.w.run_until(Duration::from_secs(40), |w| w.talking(story.caller, story.seat));
            story.w.must(joined, &format!("datagram {number} {fate:?}: the target has the caller"));
            story.w.settle();
        }
    }
}

#[test]
fn a_transfer_is_written_down_and_read_back_after_each_message() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        let mut story = Story::new();
        story.tell(step, |w, _, _, _| {
            for call in w.product.calls() {
                w.restore(call);
            }
        });
        story.w.must(story.w.talking(story.caller, story.seat), &format!("step {step}"));
        story.w.settle();
    }
}

#[test]
fn the_caller_hangs_up_after_each_message_of_a_transfer() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        let mut story = Story::new();
        story.tell(step, |w, caller, _, _| w.hangs_up(caller));
        for party in [story.caller, story.agent, story.seat] {
            let phase = story.w.phase(party);
            story.w.must(matches!(phase, None | Some(Phase::Over(_))), &format!("step {step}: {party} is {phase:?}"));
        }
        story.w.settle();
    }
}

#[test]
fn a_telephone_that_was_told_of_success_at_once_hangs_up_after_each_message_and_the_caller_is_kept() {
    let mut story = Story::in_vain();
    let before = story.w.inputs;
    story.tell(u64::MAX >> 1, |_, _, _, _| {});
    for step in 1..=story.w.inputs - before {
        let mut story = Story::in_vain();
        story.tell(step, |w, _, agent, _| w.hangs_up(agent));
        let (caller, agent) = (story.caller, story.agent);
        let served = story.w.run_until(Duration::from_secs(60), |w| w.talking(caller, agent));
        story.w.must(served, &format!("step {step}: the caller is given back"));
        assert_eq!(story.w.phones[caller].got("BYE"), 0, "step {step}");
        story.w.settle();
    }
}

#[test]
fn the_agents_telephone_restarts_after_each_message_of_a_transfer_and_the_caller_is_kept() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        let mut story = Story::new();
        story.tell(step, |w, _, agent, _| w.phones[agent].forget());
        let caller = story.caller;
        let (agent, seat) = (story.agent, story.seat);
        let served =
            story.w.run_until(Duration::from_secs(60), |w| w.talking(caller, seat) || w.talking(caller, agent));
        story.w.must(served, &format!("step {step}: the caller has somebody"));
        story.w.must(story.w.product.callers_lost() == 0, &format!("step {step}: no caller lost"));
        story.w.settle();
    }
}

#[test]
fn caller_agent_and_target_hold_and_resume_after_each_message_of_a_transfer() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        let mut story = Story::new();
        // All at once: each re-INVITE is answered here, and none crosses to another leg (T11).
        story.tell(step, |w, caller, agent, seat| {
            for party in [caller, agent, seat] {
                w.holds(party);
            }
            w.run(Duration::from_millis(700));
            for party in [caller, agent, seat] {
                w.resumes(party);
            }
        });
        let (caller, seat) = (story.caller, story.seat);
        let joined = story.w.run_until(Duration::from_secs(40), |w| w.talking(caller, seat));
        story.w.must(joined, &format!("step {step}: caller and target are in talk"));
        story.w.settle();
    }
}

#[test]
fn a_panic_after_each_message_of_a_transfer_hangs_up_on_no_caller() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        let mut story = Story::new();
        story.w.panics_expected = true;
        story.tell(step, |w, _, _, _| w.product.arm(Fault::Panic));
        story.w.run(Duration::from_secs(20));
        assert_eq!(story.w.phase(story.caller), Some(Phase::Up), "step {step}");
        assert_eq!(story.w.phones[story.caller].got("BYE"), 0, "step {step}");
        story.w.settle();
    }
}
