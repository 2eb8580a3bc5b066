//! A whole call - set-up, talk, hold, resume, keys, hang-up - and at each of its steps, in turn, one thing goes wrong.

mod join;
mod transfer;

use std::time::Duration;

use lianxian::call::fault::Fault;

use crate::world::World;
use crate::world::net::Fate;
use crate::world::phone::{Ending, Phase};

/// A call over UDP between a caller and an agent who is registered.
struct Story {
    w: World,
    caller: usize,
    agent: usize,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut w = World::new(seed);
        let agent = w.agent("8001");
        w.phones[agent].manners.voice_every = Duration::from_millis(100);
        let caller = w.citizen("13900001111");
        w.phones[caller].manners.voice_every = Duration::from_millis(100);
        Self { w, caller, agent }
    }

    /// Tells the story, and does `deed` right after the product has taken its `step`th message.
    fn tell(&mut self, step: u64, mut deed: impl FnMut(&mut World, usize, usize)) {
        let due = self.w.inputs + step;
        let mut done = false;
        let (caller, agent) = (self.caller, self.agent);
        for act in 0..6 {
            let w = &mut self.w;
            match act {
                0 => w.calls(caller, "12345"),
                1 => w.holds(agent),
                2 => w.resumes(agent),
                3 => press(w, caller, '7'),
                4 => w.holds(caller),
                _ => w.hangs_up(caller),
            }
            let until = w.now + Duration::from_secs(4);
            if !done && w.run_until(Duration::from_secs(4), |w| w.inputs >= due) {
                done = true;
                deed(w, caller, agent);
            }
            w.run(until.since(w.now));
        }
    }
}

fn press(w: &mut World, party: usize, key: char) {
    w.with(party, |phone, now| {
        let up = phone.live().find(|dialog| dialog.phase == Phase::Up).map(|dialog| dialog.call_id.clone());
        if let Some(call_id) = up {
            phone.press_by_info(now, &call_id, key);
        }
    });
}

/// How many messages the product takes in the story, and how many datagrams pass.
fn length() -> (u64, u64, u64) {
    let mut story = Story::new(700);
    let (inputs, datagrams) = (story.w.inputs, story.w.net.datagrams);
    story.tell(u64::MAX >> 1, |_, _, _| {});
    assert_eq!(story.w.phase(story.agent), Some(Phase::Over(Ending::TheirBye)));
    (story.w.inputs - inputs, datagrams, story.w.net.datagrams)
}

#[test]
fn each_datagram_is_lost_doubled_or_late_once() {
    let (_, first, last) = length();
    for fate in [Fate::Lost, Fate::Doubled, Fate::Late] {
        for number in first..last {
            let mut story = Story::new(700);
            story.w.net.fate = Some((number, fate));
            story.tell(u64::MAX >> 1, |_, _, _| {});
            // A message may be lost that only its repetition replaces.
            story.w.run(Duration::from_secs(10));
            for party in [story.caller, story.agent] {
                let over = matches!(story.w.phase(party), Some(Phase::Over(_)));
                story.w.must(over, &format!("datagram {number} {fate:?}: party {party} is done"));
            }
            story.w.settle();
        }
    }
}

#[test]
fn the_call_is_written_down_and_read_back_after_each_message() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        let mut story = Story::new(700);
        story.tell(step, |w, _, _| {
            for call in w.product.calls() {
                w.restore(call);
            }
        });
        story.w.must(story.w.phase(story.agent) == Some(Phase::Over(Ending::TheirBye)), &format!("step {step}"));
        story.w.settle();
    }
    // And after every message of one and the same call.
    let mut story = Story::new(700);
    story.w.restore_per_mille = 1000;
    story.tell(u64::MAX >> 1, |_, _, _| {});
    assert_eq!(story.w.phase(story.agent), Some(Phase::Over(Ending::TheirBye)));
    assert!(story.w.restored >= inputs / 2);
    story.w.settle();
}

#[test]
fn the_caller_hangs_up_after_each_message() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        let mut story = Story::new(700);
        story.tell(step, |w, caller, _| w.hangs_up(caller));
        let over = matches!(story.w.phase(story.caller), Some(Phase::Over(_)));
        story.w.must(over, &format!("step {step}: the caller is done"));
        let agent = story.w.phase(story.agent);
        story.w.must(matches!(agent, None | Some(Phase::Over(_))), &format!("step {step}: the agent is done"));
        story.w.settle();
    }
}

#[test]
fn the_agents_telephone_restarts_after_each_message_and_the_caller_is_kept() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        let mut story = Story::new(700);
        story.tell(step, |w, _, agent| w.phones[agent].forget());
        story.w.must(story.w.product.callers_lost() == 0, &format!("step {step}: no caller lost"));
        story.w.must(story.w.phones[story.caller].got("BYE") == 0, &format!("step {step}: the caller is kept"));
        story.w.settle();
    }
}

#[test]
fn a_panic_after_each_message_stays_in_the_call_and_hangs_up_on_nobody() {
    let (inputs, _, _) = length();
    for step in 1..=inputs {
        let mut story = Story::new(700);
        story.w.panics_expected = true;
        story.tell(step, |w, _, _| w.product.arm(Fault::Panic));
        story.w.run(Duration::from_secs(40));
        let over = matches!(story.w.phase(story.caller), Some(Phase::Over(Ending::Mine)));
        story.w.must(over, &format!("step {step}: {:?}", story.w.phase(story.caller)));
        story.w.settle();
    }
}
