//! The last events, in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::event::{Event, Kind};
use crate::api::access::Role;
use crate::base::ids::{AgentId, CallId};

/// Agents who were in a call at an event.
pub(super) type Agents = SmallVec<[AgentId; 2]>;

/// One event, written once for every reader.
#[derive(Debug)]
pub(crate) struct Line {
    seq: u64,
    json: String,
    seen: Seen,
}

/// Who may see an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Everybody who may read events at all.
    ByAll,
    /// These agents, and everybody who may see every call.
    By(Agents),
}

impl Line {
    fn new(seq: u64, since_1970: Duration, call: Option<CallId>, kind: Kind, seen: Seen) -> Self {
        let event = Event::new(seq, since_1970, call, kind);
        // Writing plain values to memory cannot fail.
        let json = serde_json::to_string(&event).unwrap_or_default();
        Self { seq, json, seen }
    }

    /// Its number.
    pub(in crate::api) const fn seq(&self) -> u64 {
        self.seq
    }

    /// The event as JSON.
    pub(in crate::api) fn json(&self) -> &str {
        &self.json
    }

    /// Whether a client of that role may see it.
    pub(super) fn is_for(&self, role: &Role) -> bool {
        match (&self.seen, role) {
            (Seen::ByAll, _) | (Seen::By(_), Role::Supervisor | Role::System) => true,
            (Seen::By(agents), Role::Agent(agent)) => agents.contains(agent),
            (Seen::By(_), Role::Administrator) => false,
        }
    }
}

/// The last events, at most so many.
#[derive(Debug)]
pub(super) struct Ring {
    lines: VecDeque<Arc<Line>>,
    most: usize,
    /// The number of the newest event; before the first one, the number before it.
    newest: u64,
}

impl Ring {
    /// An empty ring whose first event will have the number after `before`.
    pub(super) const fn new(before: u64, most: usize) -> Self {
        Self { lines: VecDeque::new(), most, newest: before }
    }

    /// Takes one more event in.
    pub(super) fn push(&mut self, since_1970: Duration, call: Option<CallId>, kind: Kind, seen: Seen) {
        self.newest += 1;
        if self.lines.len() >= self.most {
            self.lines.pop_front();
        }
        self.lines.push_back(Arc::new(Line::new(self.newest, since_1970, call, kind, seen)));
    }

    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    /// The number before the oldest event that is kept.
    fn before_oldest(&self) -> u64 {
        self.newest - self.lines.len() as u64
    }

    /// Whether every event after that number is here.
    pub(super) fn reaches(&self, after: u64) -> bool {
        (self.before_oldest()..=self.newest).contains(&after)
    }

    /// The events after that number.
    pub(super) fn after(&self, after: u64) -> impl Iterator<Item = &Arc<Line>> {
        let skipped = usize::try_from(after.saturating_sub(self.before_oldest())).unwrap_or(usize::MAX);
        self.lines.iter().skip(skipped)
    }

    /// What is told to a reader whose number is not reached: its number is that before the oldest event, so that the
    /// reader goes on from there. A number that was never given stands for another life of the daemon, or a mistake:
    /// everything that is kept follows.
    pub(super) fn gap(&self, after: u64, since_1970: Duration) -> Line {
        let oldest = self.before_oldest();
        let lost = oldest.checked_sub(after);
        let event = Kind::Gap { after: Some(after), lost };
        Line::new(oldest, since_1970, None, event, Seen::ByAll)
    }
}
