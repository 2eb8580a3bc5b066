//! re-INVITEs of the caller, the agent and the target while a transfer goes on: each is answered on its own leg and none
//! crosses to another; where two meet, 491 means wait, and never ends a call (traps T10, T11).

use std::time::Duration;

use crate::world::World;
use crate::world::phone::{Ending, Health, OnInvite, Phase};

const SECOND: Duration = Duration::from_secs(1);

/// Whose telephone it is.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Caller,
    Agent,
    Target,
}

struct Story {
    w: World,
    caller: usize,
    agent: usize,
    seat: usize,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut w = World::new(seed);
        let (caller, agent) = w.caller_and_agent_in_talk();
        let seat = w.seat();
        w.on_invite(seat, OnInvite::Answer { after: SECOND });
        Self { w, caller, agent, seat }
    }

    const fn party(&self, whose: Whose) -> usize {
        match whose {
            Whose::Caller => self.caller,
            Whose::Agent => self.agent,
            Whose::Target => self.seat,
        }
    }

    fn ends_well(mut self, what: &str) {
        let (caller, seat) = (self.caller, self.seat);
        let joined = self.w.run_until(SECOND * 40, |w| w.talking(caller, seat));
        self.w.must(joined, &format!("{what}: caller and target are in talk"));
        assert_eq!(self.w.until_over(self.agent), Ending::TheirBye, "{what}");
        self.w.hangs_up(caller);
        self.w.settle();
    }
}

#[test]
fn a_trunk_that_refreshes_all_the_time_disturbs_nothing() {
    for (seed, every_ms) in [(1100, 70), (1101, 150), (1102, 400)] {
        let mut story = Story::new(seed);
        let (caller, agent, seat) = (story.caller, story.agent, story.seat);
        let invites = |w: &World, party: usize| w.phones[party].got("INVITE");
        let before = invites(&story.w, agent);
        story.w.transfers(agent, "110");
        for _ in 0..6000 / every_ms {
            story.w.refreshes(caller);
            story.w.run(Duration::from_millis(every_ms));
        }
        assert!(story.w.phones[caller].got("200 INVITE") as u64 > 5000 / every_ms / 2, "they were answered");
        assert_eq!(invites(&story.w, agent), before, "none crossed to the agent");
        assert_eq!(invites(&story.w, seat), 1, "none crossed to the target");
        story.w.must(story.w.talking(caller, seat), "the target has the caller");
        let gap = story.w.dialog(caller).heard.longest_gap;
        assert!(gap <= Duration::from_millis(60), "every {every_ms} ms: a gap of {gap:?}");
        story.ends_well("refreshed");
    }
}

#[test]
fn each_of_the_three_refreshes_after_each_tenth_of_a_second() {
    for whose in [Whose::Caller, Whose::Agent, Whose::Target] {
        for tenth in 0..40 {
            let mut story = Story::new(1110);
            let agent = story.agent;
            story.w.transfers(agent, "110");
            story.w.run(SECOND / 10 * tenth);
            let party = story.party(whose);
            story.w.refreshes(party);
            story.ends_well(&format!("{whose:?} after {tenth} tenths"));
        }
    }
}

/// Somebody has been silent for five seconds, and is asked by re-INVITE whether it is still there: just then its own
/// re-INVITE comes. Both get 491, and whoever asks again first is answered.
#[test]
fn our_question_and_their_hold_meet_on_the_wire() {
    let mut met = 0;
    for whose in [Whose::Caller, Whose::Agent, Whose::Target] {
        for tenth in 0..10 {
            let mut story = Story::new(1120 + tenth);
            let (party, agent) = (story.party(whose), story.agent);
            story.w.phones[party].set_health(Health::Mute);
            // So that the question falls into one state of the transfer after another.
            story.w.run(SECOND / 2 * tenth as u32);
            story.w.transfers(agent, "110");
            let asks = |w: &World| w.ledger.legs.values().any(|leg| leg.party == party && leg.our_reinvite.is_some());
            if story.w.run_until(SECOND * 9, asks) {
                story.w.holds(party);
                story.w.run(SECOND / 2);
                story.w.resumes(party);
                met += story.w.phones[party].got("491 INVITE");
            }
            story.w.phones[party].set_health(Health::Well);
            story.w.run(SECOND * 5);
            let up = story.w.phase(party);
            story.w.must(
                up == Some(Phase::Up) || up == Some(Phase::Over(Ending::TheirBye)),
                &format!("{whose:?}, tenth {tenth}: {up:?}"),
            );
            if matches!(whose, Whose::Target) {
                // All three are joined, and nobody but the agent itself ends that.
                story.w.hangs_up(agent);
                let (caller, seat) = (story.caller, story.seat);
                story.w.until_talking(caller, seat);
                story.w.settle();
            } else {
                story.ends_well(&format!("{whose:?}, tenth {tenth}"));
            }
        }
    }
    assert!(met >= 10, "they met {met} times only");
}
