//! The journals of the calls, as their entries come.

use std::collections::BTreeSet;

use lianxian::base::ids::{CallId, LegId, TransferId};
use lianxian::base::time::Instant;
use lianxian::tickets::entry::{Entry, EntryId};
use lianxian::tickets::fact::{Fact, Outcome};
use lianxian::tickets::ids::LinkageId;

/// What is known of one call by its journal alone.
#[derive(Clone, Debug)]
pub struct JournalWatch {
    /// The last entry.
    pub last: EntryId,
    /// When it came.
    pub at: Instant,
    /// The contact, as the last entry names it.
    pub linkage: LinkageId,
    /// Every fact, in order.
    pub facts: Vec<Fact>,
    /// Legs that have begun and not ended.
    pub open: BTreeSet<LegId>,
    /// Legs that have begun.
    pub begun: BTreeSet<LegId>,
    /// Legs that have been in the conversation.
    pub joined: BTreeSet<LegId>,
    /// Transfers that were asked for and have not ended.
    pub pending: BTreeSet<TransferId>,
    /// Successes: the entry and the leg that has the call.
    pub successes: Vec<(EntryId, Option<LegId>)>,
    /// The call that it was joined with.
    pub joined_with: Option<CallId>,
    /// Whether its end is written.
    pub stage: Stage,
}

/// Whether the end of a call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is not.
    Open,
    /// It is.
    Ended,
}

impl JournalWatch {
    /// The journal with its first entry in it. Whether that may be one is another's question.
    pub fn begin(entry: &Entry) -> Self {
        let mut journal = Self {
            last: entry.id,
            at: entry.at,
            linkage: entry.linkage,
            facts: Vec::new(),
            open: BTreeSet::new(),
            begun: BTreeSet::new(),
            joined: BTreeSet::new(),
            pending: BTreeSet::new(),
            successes: Vec::new(),
            joined_with: None,
            stage: Stage::Open,
        };
        journal.enter(entry);
        journal
    }

    /// Enters an entry.
    pub fn enter(&mut self, entry: &Entry) {
        (self.last, self.at, self.linkage) = (entry.id, entry.at, entry.linkage);
        for fact in &entry.facts {
            self.note(entry.id, fact);
            self.facts.push(fact.clone());
        }
    }

    /// Enters one fact.
    pub fn note(&mut self, entry: EntryId, fact: &Fact) {
        match fact {
            Fact::LegBegan { leg, .. } => {
                self.begun.insert(*leg);
                self.open.insert(*leg);
            }
            Fact::LegEnded { leg, .. } => {
                self.open.remove(leg);
            }
            Fact::Joined { leg } => {
                self.joined.insert(*leg);
            }
            Fact::TransferRequested { transfer, .. } => {
                self.pending.insert(*transfer);
            }
            Fact::TransferEnded { transfer, outcome, leg, .. } => {
                self.pending.remove(transfer);
                if *outcome == Outcome::Succeeded {
                    self.successes.push((entry, *leg));
                }
            }
            Fact::Ended { joined, .. } => {
                self.joined_with = *joined;
                self.stage = Stage::Ended;
            }
            Fact::Arrived { .. }
            | Fact::Rang { .. }
            | Fact::Answered { .. }
            | Fact::TransferAttempted { .. }
            | Fact::Left { .. } => {}
        }
    }
}
