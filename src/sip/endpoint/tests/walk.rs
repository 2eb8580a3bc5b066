//! Seeded walks: peers and calls that do anything at any time. Nothing panics, nothing is left over, and every leg ends
//! exactly once.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::sip::fact::Cause;

/// A walk and what it has seen.
struct Walk {
    bench: Bench,
    chance: Entropy,
    legs: BTreeSet<LegId>,
    closed: BTreeMap<LegId, LegFact>,
    calls: u64,
    heard: Vec<String>,
    asked: Vec<Sent>,
    tags: Vec<String>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let tags = vec!["nobody".to_owned()];
        Self {
            bench: Bench::new(),
            chance: Entropy::from_number(seed),
            legs: BTreeSet::new(),
            closed: BTreeMap::new(),
            calls: 0,
            heard: Vec::new(),
            asked: Vec::new(),
            tags,
        }
    }

    fn step(&mut self) {
        match self.chance.below(12) {
            0 => self.peer_calls(),
            1 | 2 => self.peer_asks(),
            3 => self.peer_repeats(),
            4..=6 => self.peer_answers(),
            7 => self.we_call(),
            8 | 9 => self.we_order(),
            10 => self.put_away(),
            _ => {
                let span = Duration::from_millis(self.chance.below(4_000));
                self.bench.advance(span);
            }
        }
        self.watch();
    }

    fn peer_calls(&mut self) {
        self.calls += 1;
        let with_sdp = self.chance.below(3) > 0;
        let text = self.invite_of(self.calls, 1, "", with_sdp);
        self.say(text);
    }

    fn invite_of(&self, call: u64, number: u32, to: &str, with_sdp: bool) -> String {
        let sdp = if with_sdp { SDP } else { "" };
        request("INVITE", number, &format!("i{call}x{number}"), to, &format!("{CONTACT}\r\n"), sdp)
            .replace("call-1@", &format!("call-{call}@"))
    }

    fn peer_asks(&mut self) {
        let call = self.chance.below(self.calls + 1);
        let number = 1 + self.chance.below(6) as u32;
        let tag = self.tags[self.chance.below(self.tags.len() as u64) as usize].clone();
        let to = format!(";tag={tag}");
        let text = match self.chance.below(7) {
            0 => self.invite_of(call, number, &to, true),
            1 => request("CANCEL", 1, &format!("i{call}x1"), "", "", ""),
            2 => inside("BYE", number, &format!("b{call}x{number}"), &tag, ""),
            3 => inside("UPDATE", number, &format!("u{call}x{number}"), &tag, SDP),
            4 => inside("INFO", number, &format!("n{call}x{number}"), &tag, ""),
            _ => inside("ACK", number.min(2), &format!("a{call}x{number}"), &tag, SDP),
        };
        self.say(text.replace("call-1@", &format!("call-{call}@")));
    }

    fn peer_repeats(&mut self) {
        if !self.heard.is_empty() {
            let index = self.chance.below(self.heard.len() as u64) as usize;
            let text = self.heard[index].clone();
            self.bench.receive(TRUNK, &text);
        }
    }

    fn peer_answers(&mut self) {
        if self.asked.is_empty() {
            return;
        }
        let index = self.chance.below(self.asked.len() as u64) as usize;
        let codes = [100, 180, 183, 200, 200, 200, 302, 408, 481, 486, 487, 491, 500, 503];
        let code = codes[self.chance.below(codes.len() as u64) as usize];
        let tag = ["f1", "f2"][self.chance.below(2) as usize];
        let sdp = if self.chance.below(3) == 0 { "" } else { SDP };
        let text = answer(&self.asked[index], code, tag, sdp);
        self.bench.receive(TRUNK, &text);
    }

    fn we_call(&mut self) {
        let leg = self.bench.endpoint.reserve_leg();
        self.bench.endpoint.invite(self.bench.now, outgoing(leg));
        self.legs.insert(leg);
        self.bench.drain();
    }

    fn we_order(&mut self) {
        let open: Vec<LegId> = self.legs.iter().filter(|leg| !self.closed.contains_key(leg)).copied().collect();
        if open.is_empty() {
            return;
        }
        let leg = open[self.chance.below(open.len() as u64) as usize];
        let sdp = Bytes::from(SDP);
        let order = match self.chance.below(9) {
            0 => LegOrder::Progress { code: 180, sdp: None },
            1 | 2 => LegOrder::Accept { sdp },
            3 => LegOrder::Reject { code: 486, cause: Cause::default(), retry_after_s: None },
            4 => LegOrder::Offer { sdp },
            5 | 6 => LegOrder::Answer { sdp },
            7 => LegOrder::Digit { digit: '5', duration_ms: 100 },
            _ => LegOrder::HangUp { cause: Cause::default() },
        };
        self.bench.order(leg, order);
    }

    fn put_away(&mut self) {
        let open: Vec<LegId> = self.legs.iter().filter(|leg| !self.closed.contains_key(leg)).copied().collect();
        let Some(leg) = open.get(self.chance.below(open.len() as u64) as usize) else { return };
        let checkpoint = self.bench.endpoint.export_leg(*leg).expect("a leg that has not ended is there");
        let bytes = serde_json::to_vec(&checkpoint).unwrap();
        self.bench.endpoint.drop_leg(*leg);
        let restored: LegCheckpoint = serde_json::from_slice(&bytes).unwrap();
        self.bench.endpoint.import_leg(restored);
        assert_eq!(self.bench.endpoint.export_leg(*leg).unwrap(), checkpoint, "I32");
    }

    fn say(&mut self, text: String) {
        self.bench.receive(TRUNK, &text);
        self.heard.push(text);
    }

    /// Looks at everything that came out.
    fn watch(&mut self) {
        for event in std::mem::take(&mut self.bench.events) {
            match event {
                Event::Incoming(incoming) => assert!(self.legs.insert(incoming.leg), "a leg is told once"),
                Event::Leg { leg, fact } => self.on_fact(leg, fact),
                _ => {}
            }
        }
        for sent in self.bench.sent() {
            if let Some(tag) = sent.find("To").and_then(|to| to.split(";tag=").nth(1))
                && sent.is("SIP/2.0")
                && !self.tags.iter().any(|known| known == tag)
            {
                self.tags.push(tag.to_owned());
            }
            if !sent.is("SIP/2.0") && !sent.is("ACK ") {
                self.asked.push(sent);
            }
        }
        self.asked.drain(..self.asked.len().saturating_sub(20));
        self.tags.drain(..self.tags.len().saturating_sub(20));
        self.heard.drain(..self.heard.len().saturating_sub(30));
    }

    fn on_fact(&mut self, leg: LegId, fact: LegFact) {
        assert!(self.legs.contains(&leg), "facts of a leg that nobody knows");
        let before = self.closed.get(&leg);
        assert!(before.is_none(), "{leg} goes on after {before:?}: {fact:?}");
        match fact {
            LegFact::Failed(_) | LegFact::HungUp { .. } | LegFact::Lost { .. } | LegFact::Released => {
                self.closed.insert(leg, fact);
            }
            LegFact::Trying
            | LegFact::Progress { .. }
            | LegFact::Answered { .. }
            | LegFact::Acked { .. }
            | LegFact::Offered { .. }
            | LegFact::AnswerReceived { .. }
            | LegFact::OfferRefused { .. }
            | LegFact::Referred(_)
            | LegFact::NotifyAnswered { .. }
            | LegFact::Digit { .. } => {}
        }
    }

    /// Everybody goes; the peer answers nothing any more.
    fn finish(&mut self) {
        let open: Vec<LegId> = self.legs.iter().filter(|leg| !self.closed.contains_key(leg)).copied().collect();
        for leg in open {
            self.bench.order(leg, LegOrder::HangUp { cause: Cause::default() });
        }
        self.watch();
        for _ in 0..12 {
            self.bench.advance(Duration::from_secs(40));
            self.watch();
        }
        assert_eq!(self.bench.endpoint.census(), Census::default(), "something is left over");
        for leg in &self.legs {
            assert!(self.closed.contains_key(leg), "{leg} never ended");
        }
    }
}

#[test]
fn whatever_peers_and_calls_do_every_leg_ends_once_and_nothing_is_left() {
    for seed in 0..10 {
        let told = std::panic::catch_unwind(|| {
            let mut walk = Walk::new(seed);
            for _ in 0..300 {
                walk.step();
            }
            walk.finish();
        });
        assert!(told.is_ok(), "seed {seed}");
    }
}
