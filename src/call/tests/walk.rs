//! Seeded walks through the states: whatever the endpoint may legally say, in any order, the promises hold.

use std::collections::BTreeMap;

use super::journal::Pages;
use super::*;
use crate::base::entropy::Entropy;

/// How far a leg is, as its peer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knows {
    Calling,
    Called,
    Connected,
    Leaving,
}

struct Walk {
    bench: Bench,
    dice: Entropy,
    legs: BTreeMap<LegId, Knows>,
    open: i32,
    ends: usize,
    pages: Pages,
    trail: Vec<String>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut dice = Entropy::from_number(seed);
        let answering = if dice.below(2) == 0 { Answering::ByPerson } else { Answering::OnQueue };
        let offer = (dice.below(4) > 0).then(|| sdp("203.0.113.9", 40_000, "sendrecv"));
        let plan = [group(), outward()].concat();
        let agents = ["8001", "8002", "8003"];
        let count = usize::try_from(dice.below(4)).unwrap();
        let bench = Bench::with(decision(answering, plan), offer, &agents[..count]);
        let legs = BTreeMap::from([(CALLER, Knows::Calling)]);
        Self { bench, dice, legs, open: 0, ends: 0, pages: Pages::default(), trail: vec![format!("seed {seed}")] }
    }

    /// Holds what came of an event against what the peers know.
    fn take(&mut self, what: &str, actions: &[Action]) {
        self.trail.push(format!("{what} -> {}", self.bench.call.state_name()));
        for action in actions {
            match action {
                Action::Invite(invite) => assert!(self.legs.insert(invite.leg, Knows::Called).is_none()),
                Action::Leg { leg, order } => self.ordered(*leg, order),
                Action::Media(Order::Open { .. }) => self.open += 1,
                Action::Media(Order::Close { .. }) => self.open -= 1,
                Action::Media(_) => {}
                Action::Publish(notice) => match &notice.what {
                    What::CallerLost(loss) => panic!("promise 1 is broken by {loss:?}: {:#?}", self.trail),
                    What::Released(_) => self.ends += 1,
                    _ => {}
                },
                Action::Record(entry) => self.pages.turn(entry),
                Action::Reply { .. } => {}
            }
        }
        let heard = self.bench.call.next_timeout().is_some();
        let joined = matches!(self.bench.call.state_name(), "talking" | "held" | "quarantined" | "releasing");
        assert!(heard || joined, "no deadline runs: {:#?}", self.trail);
    }

    fn ordered(&mut self, leg: LegId, order: &LegOrder) {
        let known = self.legs.get_mut(&leg).unwrap_or_else(|| panic!("{leg} is gone: {order:?} {:#?}", self.trail));
        match order {
            LegOrder::Accept { .. } => {
                assert_eq!(*known, Knows::Calling, "I1: one final response: {:#?}", self.trail);
                *known = Knows::Connected;
            }
            LegOrder::Reject { .. } | LegOrder::HangUp { .. } => {
                assert_ne!(*known, Knows::Leaving, "let go twice: {:#?}", self.trail);
                *known = Knows::Leaving;
            }
            LegOrder::Progress { .. } => assert_eq!(*known, Knows::Calling, "{:#?}", self.trail),
            LegOrder::Offer { .. } | LegOrder::Present { .. } | LegOrder::Digit { .. } => {
                assert_eq!(*known, Knows::Connected, "{:#?}", self.trail)
            }
            LegOrder::Answer { .. }
            | LegOrder::RejectOffer { .. }
            | LegOrder::AcceptRefer { .. }
            | LegOrder::RejectRefer { .. }
            | LegOrder::Notify { .. } => assert_ne!(*known, Knows::Leaving),
        }
    }

    fn leg(&mut self, leg: LegId, fact: LegFact) {
        let what = format!("{leg} {fact:?}").chars().take(60).collect::<String>();
        match &fact {
            LegFact::HungUp { .. } | LegFact::Lost { .. } | LegFact::Failed(_) | LegFact::Released => {
                self.legs.remove(&leg);
            }
            LegFact::Answered { .. } => {
                self.legs.insert(leg, Knows::Connected);
            }
            _ => {}
        }
        let actions = self.bench.leg(leg, fact);
        self.take(&what, &actions);
    }

    fn step(&mut self) {
        let legs: Vec<LegId> = self.legs.keys().copied().collect();
        let leg = legs[usize::try_from(self.dice.below(legs.len() as u64)).unwrap()];
        match self.dice.below(10) {
            0 => {
                let wake = self.bench.call.next_timeout().unwrap_or(self.bench.now);
                let seconds = wake.since(self.bench.now).as_secs() + 1;
                let actions = self.bench.wait(seconds);
                self.take("timers", &actions);
            }
            1 => {
                let fact = [
                    Fact::FirstPacket,
                    Fact::PromptEnded,
                    Fact::Resumed,
                    Fact::Key { digit: '1', duration_ms: 80 },
                    Fact::Silent { for_ms: 5_000, ever_heard: true },
                ][usize::try_from(self.dice.below(5)).unwrap()]
                .clone();
                let actions = self.bench.sound(leg, fact);
                self.take("sound", &actions);
            }
            2 if self.dice.below(8) == 0 && self.legs.contains_key(&CALLER) => {
                let mut out = Actions::default();
                self.bench.call.quarantine(self.bench.now, &self.bench.site, &mut self.bench.desk, &mut out);
                let actions: Vec<Action> = out.into_iter().collect();
                self.take("quarantine", &actions);
            }
            2 => {
                let actions = self.bench.event(Event::SeatFree);
                self.take("a seat is free", &actions);
            }
            _ => {
                let fact = self.fact(leg);
                self.leg(leg, fact);
            }
        }
    }

    /// Something that the endpoint may say about a leg that is as far as that. The caller stays.
    fn fact(&mut self, leg: LegId) -> LegFact {
        let directions = ["sendrecv", "sendonly", "inactive", "recvonly"];
        let direction = directions[usize::try_from(self.dice.below(4)).unwrap()];
        let address = if leg == CALLER { "203.0.113.9" } else { "198.51.100.8" };
        let from_trunk = self.bench.call.legs.get(leg).is_some_and(|leg| leg.trunk().is_some());
        let address = if from_trunk { "203.0.113.9" } else { address };
        let offer = LegFact::Offered { sdp: (self.dice.below(3) > 0).then(|| sdp(address, 4_000, direction)) };
        match (self.legs[&leg], self.dice.below(6)) {
            (Knows::Leaving, _) => LegFact::Released,
            (Knows::Calling, _) => offer,
            (Knows::Called, 0 | 1) => answered(address, 4_000),
            (Knows::Called, 2) => LegFact::Progress { code: 183, sdp: Some(sdp(address, 4_000, "sendrecv")) },
            (Knows::Called, 3) => LegFact::Answered { sdp: None },
            (Knows::Called, 4) => failed(503),
            (Knows::Called, _) => failed(486),
            (Knows::Connected, 0) if leg != CALLER => LegFact::Lost { loss: Loss::Timeout },
            (Knows::Connected, 1) => LegFact::Acked { sdp: Some(sdp(address, 4_000, direction)) },
            (Knows::Connected, 2) => LegFact::Digit { digit: '7', duration: Duration::from_millis(90) },
            (Knows::Connected, 3) => LegFact::AnswerReceived { sdp: sdp(address, 4_000, "sendrecv") },
            (Knows::Connected, _) => offer,
        }
    }

    /// The caller or the party goes, and everybody confirms.
    fn finish(&mut self) {
        if self.legs.contains_key(&CALLER) {
            self.leg(CALLER, LegFact::HungUp { cause: Cause::default() });
        }
        while let Some(leg) = self.legs.keys().next().copied() {
            assert_eq!(self.legs[&leg], Knows::Leaving, "I18: {:#?}", self.trail);
            self.leg(leg, LegFact::Released);
        }
        assert!(self.bench.call.is_over(), "{:#?}", self.trail);
        assert_eq!((self.open, self.ends), (0, 1), "I9: {:#?}", self.trail);
        assert!(self.pages.is_complete(), "I45: {:#?}", self.trail);
        assert!(self.bench.call.next_timeout().is_none(), "I9: {:#?}", self.trail);
    }
}

#[test]
fn i9_i15_i19_no_walk_loses_the_caller_or_leaves_anything() {
    for seed in 0..60 {
        let mut walk = Walk::new(seed);
        let actions = walk.bench.begin();
        walk.take("begin", &actions);
        for _ in 0..60 {
            if !walk.legs.contains_key(&CALLER) {
                break;
            }
            walk.step();
        }
        walk.finish();
    }
}
