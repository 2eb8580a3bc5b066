//! Dialogs that are over, remembered for 64*T1: a request that crossed the end is answered 481, not by silence (T35).

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use crate::base::time::Instant;
use crate::sip::fact::Peer;

/// The dialogs that ended lately, by our tag.
#[derive(Clone, Debug)]
pub struct Ended {
    limit: usize,
    lifetime: Duration,
    by_tag: HashMap<Bytes, Peer>,
    in_order: VecDeque<(Instant, Bytes)>,
}

impl Ended {
    /// Remembers at most `limit` dialogs, each for `lifetime`.
    pub fn new(limit: usize, lifetime: Duration) -> Self {
        Self { limit, lifetime, by_tag: HashMap::new(), in_order: VecDeque::new() }
    }

    /// A dialog has ended. Beyond the limit the oldest is forgotten early: its peer gets the 481 of an unknown dialog.
    pub fn remember(&mut self, now: Instant, local_tag: Bytes, peer: Peer) {
        while self.in_order.len() >= self.limit {
            self.forget_oldest();
        }
        self.by_tag.insert(local_tag.clone(), peer);
        self.in_order.push_back((now + self.lifetime, local_tag));
    }

    /// Whose dialog it was.
    pub fn peer_of(&self, local_tag: &[u8]) -> Option<&Peer> {
        self.by_tag.get(local_tag)
    }

    /// Forgets what has had its time.
    pub fn expire(&mut self, now: Instant) {
        while self.next_timeout().is_some_and(|deadline| deadline <= now) {
            self.forget_oldest();
        }
    }

    /// When the oldest is forgotten.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.in_order.front().map(|(deadline, _)| *deadline)
    }

    /// How many are remembered.
    pub fn count(&self) -> usize {
        self.in_order.len()
    }

    fn forget_oldest(&mut self) {
        if let Some((_, tag)) = self.in_order.pop_front() {
            self.by_tag.remove(&tag);
        }
    }
}
