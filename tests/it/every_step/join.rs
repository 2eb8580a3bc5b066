//! An agent joins its two calls - REFER with Replaces, the target's re-INVITE, goodbye - and at each of the steps, in
//! turn, one thing goes wrong.

use std::time::Duration;

use lianxian::call::fault::Fault;

use crate::world::World;
use crate::world::net::Fate;
use crate::world::phone::{Line, OnInvite, Phase};

/// An agent who has a citizen's call and one of its own to a seat at 110.
struct Story {
    w: World,
    caller: usize,
    agent: usize,
    seat: usize,
    call: String,
    consultation: String,
}

impl Story {
    fn new() -> Self {
        let mut w = World::new(720);
        let agent = w.agent_over("8001", Line::Tcp);
        let caller = w.citizen("13900001111");
        w.calls(caller, "12345");
        w.until_talking(caller, agent);
        let seat = w.seat();
        for party in [caller, agent, seat] {
            w.phones[party].manners.voice_every = Duration::from_millis(100);
        }
        w.on_invite(seat, OnInvite::Answer { after: Duration::from_millis(200) });
        let call = w.dialog(agent).call_id.clone();
        w.calls(agent, "110");
        w.until_talking(agent, seat);
        let consultation = w.dialog(agent).call_id.clone();
        Self { w, caller, agent, seat, call, consultation }
    }

    /// The agent joins them; `deed` is done right after the product has taken its `step`th message from then on.
    fn tell(&mut self, step: u64, deed: impl FnOnce(&mut World)) {
        let due = self.w.inputs + step;
        let until = self.w.now + Duration::from_secs(5);
        self.w.transfers_to(self.agent, &self.call, &self.consultation);
        if self.w.run_until(Duration::from_secs(5), |w| w.inputs >= due) {
            deed(&mut self.w);
        }
        self.w.run(until.since(self.w.now));
    }
}

/// How many messages the product takes, and which datagrams pass.
fn length() -> (u64, u64, u64) {
    let mut story = Story::new();
    let (inputs, datagrams) = (story.w.inputs, story.w.net.datagrams);
    story.tell(u64::MAX >> 1, |_| {});
    story.w.must(story.w.talking(story.caller, story.seat), "the story goes well");
    (story.w.inputs - inputs, datagrams, story.w.net.datagrams)
}

#[test]
fn each_datagram_of_a_join_is_lost_doubled_or_late_once() {
    let (_, first, last) = length();
    for fate in [Fate::Lost, Fate::Doubled, Fate::Late] {
        for number in first..last {
            let mut story = Story::new();
            story.w.net.fate = Some((number, fate));
            story.tell(u64::MAX >> 1, |_| {});
            let joined = story.w.run_until(Duration::from_secs(40), |w| w.talking(story.caller, story.seat));
            story.w.must(joined, &format!("datagram {number} {fate:?}: the target has the caller"));
            story.w.settle();
        }
    }
}

#[test]
fn a_join_is_written_down_and_read_back_after_each_message() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        let mut story = Story::new();
        story.tell(step, |w| {
            for call in w.product.calls() {
                w.restore(call);
            }
        });
        story.w.must(story.w.talking(story.caller, story.seat), &format!("step {step}"));
        story.w.settle();
    }
}

#[test]
fn somebody_hangs_up_after_each_message_of_a_join() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        for who in 0..2 {
            let mut story = Story::new();
            let (caller, agent, seat) = (story.caller, story.agent, story.seat);
            story.tell(step, |w| w.hangs_up([caller, seat][who]));
            let phase = story.w.phase(seat);
            story.w.must(matches!(phase, Some(Phase::Over(_))), &format!("step {step}: the target is {phase:?}"));
            let kept = story.w.phase(caller) == Some(Phase::Up);
            let served = story.w.talking(caller, agent);
            story.w.must(!kept || served, &format!("step {step}: a caller who is kept has the agent"));
            story.w.settle();
        }
    }
}

#[test]
fn a_panic_after_each_message_of_a_join_hangs_up_on_no_caller() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        let mut story = Story::new();
        story.w.panics_expected = true;
        story.tell(step, |w| w.product.arm(Fault::Panic));
        story.w.run(Duration::from_secs(20));
        assert_eq!(story.w.phase(story.caller), Some(Phase::Up), "step {step}");
        story.w.settle();
    }
}
