//! The people of the town, in the words of the stories.

use std::time::Duration;

use lianxian::base::time::Instant;

use super::World;
use super::phone::{Ending, Health, Line, OnInvite, Phase, Phone, PhoneDialog, Registration};
use super::sound::Sound;
use super::town;

impl World {
    /// A citizen behind the city's trunk, who has this number.
    pub fn citizen(&mut self, number: &str) -> usize {
        let index = self.phones.iter().filter(|phone| phone.registration.is_none()).count();
        self.add(number, town::citizen(index), Line::Udp)
    }

    /// An agent's softphone over UDP, registered.
    pub fn agent(&mut self, number: &str) -> usize {
        self.agent_over(number, Line::Udp)
    }

    /// An agent's softphone, registered.
    pub fn agent_over(&mut self, number: &str, line: Line) -> usize {
        let index = town::AGENTS.iter().position(|(name, _)| *name == number).expect("an agent of the town");
        let party = self.add(number, town::agent(index), line);
        self.phones[party].registration = Some(Registration::new(number, town::AGENTS[index].1));
        self.with(party, |phone, now| phone.register(now));
        let registered = self.run_until(Duration::from_secs(40), |world| {
            world.phones[party].registration.as_ref().is_some_and(|registration| registration.registered_at.is_some())
        });
        self.must(registered, "the agent's softphone registers");
        party
    }

    /// The seat behind the trunk to the police.
    pub fn seat(&mut self) -> usize {
        self.add("110", town::target(0), Line::Udp)
    }

    /// What the party does with an INVITE.
    pub fn on_invite(&mut self, party: usize, what: OnInvite) {
        self.phones[party].manners.on_invite = what;
    }

    /// The party calls a number.
    pub fn calls(&mut self, party: usize, number: &str) {
        self.with(party, |phone, now| {
            phone.call(now, number);
        });
    }

    /// The party ends its latest dialog.
    pub fn hangs_up(&mut self, party: usize) {
        self.on_last(party, Phone::hang_up);
    }

    /// The party puts the other side on hold.
    pub fn holds(&mut self, party: usize) {
        self.on_last(party, Phone::hold);
    }

    /// The party takes the other side back.
    pub fn resumes(&mut self, party: usize) {
        self.on_last(party, Phone::resume);
    }

    /// The party says its session again as it is.
    pub fn refreshes(&mut self, party: usize) {
        self.on_last(party, Phone::refresh);
    }

    /// The party goes off without a word.
    pub fn dies(&mut self, party: usize) {
        self.phones[party].set_health(Health::Dead);
    }

    pub(super) fn on_last(&mut self, party: usize, act: impl FnOnce(&mut Phone, Instant, &str)) {
        self.with(party, |phone, now| {
            let live = phone.live().last().map(|dialog| dialog.call_id.clone());
            if let Some(call_id) = live {
                act(phone, now, &call_id);
            }
        });
    }

    /// The party's latest dialog.
    pub fn dialog(&self, party: usize) -> &PhoneDialog {
        match self.phones[party].last() {
            Some(dialog) => dialog,
            None => panic!("party {party} has no dialog\n{}", self.story()),
        }
    }

    /// The phase of the party's latest dialog.
    pub fn phase(&self, party: usize) -> Option<Phase> {
        self.phones[party].last().map(|dialog| dialog.phase)
    }

    /// Whether both are in talk and have heard each other within the last half second.
    pub fn talking(&self, one: usize, other: usize) -> bool {
        self.hears(one, other) && self.hears(other, one)
    }

    /// Whether `hearer` has heard `speaker` within the last half second.
    pub fn hears(&self, hearer: usize, speaker: usize) -> bool {
        let (Some(hearer), Some(speaker)) = (self.phones[hearer].live().last(), self.phones[speaker].live().last())
        else {
            return false;
        };
        hearer.phase == Phase::Up
            && hearer
                .heard
                .sounds
                .get(&Sound::Stream(speaker.stream))
                .is_some_and(|span| self.now - span.last < Duration::from_millis(500))
    }

    /// Whether the party has heard music, ringback or an announcement within the last half second.
    pub fn hears_machine(&self, party: usize) -> bool {
        self.phones[party].live().last().is_some_and(|dialog| {
            dialog
                .heard
                .sounds
                .get(&Sound::Machine)
                .is_some_and(|span| self.now - span.last < Duration::from_millis(500))
        })
    }

    /// Waits until both are in talk.
    pub fn until_talking(&mut self, one: usize, other: usize) {
        let done = self.run_until(Duration::from_secs(60), |world| world.talking(one, other));
        self.must(done, &format!("party {one} and party {other} come to talk"));
    }

    /// Waits until the party's latest dialog is over.
    pub fn until_over(&mut self, party: usize) -> Ending {
        let over = |world: &Self| matches!(world.phase(party), Some(Phase::Over(_)));
        let done = self.run_until(Duration::from_secs(120), over);
        self.must(done, &format!("the call of party {party} ends"));
        match self.phase(party) {
            Some(Phase::Over(ending)) => ending,
            Some(_) | None => unreachable!("just waited for"),
        }
    }

    /// A caller in talk with an agent.
    pub fn caller_and_agent_in_talk(&mut self) -> (usize, usize) {
        let agent = self.agent("8001");
        let caller = self.citizen("13900001111");
        self.calls(caller, "12345");
        self.until_talking(caller, agent);
        (caller, agent)
    }

    /// Everybody hangs up what is left, the network heals, and all must be back at the baseline (I9).
    pub fn settle(&mut self) {
        self.net.heal();
        for party in 0..self.phones.len() {
            let live: Vec<String> = self.phones[party].live().map(|dialog| dialog.call_id.clone()).collect();
            for call_id in live {
                self.with(party, |phone, now| phone.hang_up(now, &call_id));
            }
        }
        // 64*T1 + 5 s: liveness of the reference's simulator.
        self.run(Duration::from_secs(37));
        // An INVITE that was given up is remembered for another 64*T1, for the 2xx that may still come.
        if self.product.left_over().is_some() {
            self.run(Duration::from_secs(33));
        }
        let left = self.product.left_over();
        self.must(left.is_none(), &format!("I9: left over after all have hung up: {}", left.unwrap_or_default()));
        self.judge_the_end();
    }
}
