//! The call's journal: what happens to a call is written down as it happens, and leaves as one entry for each event.
//!
//! The record of the call can be changed through here only, so that no change can forget its fact. What is noted while
//! an event is handled leaves when the handler has returned, as [`Action::Record`]; of a handler that panicked nothing
//! leaves, and no number is used up. A call that was refused at the door never was one and has no journal.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::base::ids::{CallId, LegId, TransferId};
use crate::base::time::Instant;
use crate::call::Arrival;
use crate::call::action::{Action, Actions};
use crate::call::case::{Case, Occasion};
use crate::call::leg::Legs;
use crate::call::notice::CallerLoss;
use crate::call::proof::Proofs;
use crate::call::record::{CallRecord, Ending, LegEnd, LegRecord, Outcome, TransferRecord, Who};
use crate::call::site::Site;
use crate::call::words;
use crate::routing::Decision;
use crate::routing::recipe::Summary;
use crate::tickets::entry::{Entry, EntryId};
use crate::tickets::fact::Fact;
use crate::tickets::ids::LinkageId;

/// The most legs whose facts the record keeps to the end. Of a call that is rerouted all night it keeps the first ones
/// and counts the others; the journal on disk has them all.
const MAX_LEGS: usize = 64;

/// The service parties who are in the conversation.
pub(super) type Conversation = SmallVec<[LegId; 2]>;

/// The record of a call, and what of it has not been written down yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Journal {
    record: CallRecord,
    /// The number of the last entry.
    written: u32,
    /// What has happened in the event that is being handled.
    noted: Vec<Fact>,
    conversation: Conversation,
    /// What waits until a success is on disk.
    pub(super) proofs: Proofs,
    stage: Stage,
    /// The records that the services keep of it.
    #[serde(default)]
    case: Case,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// More may happen.
    Open,
    /// The end of the call is written: nothing follows it.
    Closed,
}

impl Deref for Journal {
    type Target = CallRecord;

    fn deref(&self) -> &CallRecord {
        &self.record
    }
}

impl Journal {
    /// The journal of a call that was admitted.
    pub(super) fn new(now: Instant, call: CallId, arrival: &Arrival, decision: &Arc<Decision>) -> Self {
        let mut journal = Self {
            record: CallRecord::new(call, now, arrival.dialled.clone(), Arc::clone(decision)),
            written: 0,
            noted: vec![words::arrived(arrival, decision)],
            conversation: Conversation::new(),
            proofs: Proofs::default(),
            stage: Stage::Open,
            case: Case::default(),
        };
        journal.begin(now, arrival.leg, Who::Caller(arrival.peer.clone()), None);
        journal
    }

    fn note(&mut self, fact: Fact) {
        assert!(self.stage == Stage::Open, "nothing happens to a call that has ended");
        self.noted.push(fact);
    }

    // --- legs ---

    /// A leg begins, and is shown this of the caller (R2).
    pub(super) fn begin(&mut self, now: Instant, leg: LegId, who: Who, presented: Option<Summary>) {
        self.adopt(LegRecord { presented, ..LegRecord::new(now, leg, who) });
    }

    /// A leg comes over from another call, with what has happened to it there.
    pub(super) fn adopt(&mut self, line: LegRecord) {
        let leg = line.leg;
        self.note(Fact::LegBegan {
            leg,
            party: words::party(&line.who),
            presented: line.presented.as_ref().map(words::presented),
        });
        if line.rang.is_some() {
            self.note(Fact::Rang { leg });
        }
        if line.answered.is_some() {
            self.note(Fact::Answered { leg });
        }
        self.record.legs.push(line);
    }

    /// A leg rings.
    pub(super) fn rang(&mut self, now: Instant, leg: LegId) {
        if let Some(line) = self.line(leg).filter(|line| line.rang.is_none()) {
            line.rang = Some(now);
            self.note(Fact::Rang { leg });
        }
    }

    /// A leg is answered.
    pub(super) fn answered(&mut self, now: Instant, leg: LegId) {
        if let Some(line) = self.line(leg).filter(|line| line.answered.is_none()) {
            line.answered = Some(now);
            self.note(Fact::Answered { leg });
        }
    }

    /// A leg ends. What is said first stays: a BYE that crosses ours does not change why we sent it.
    pub(super) fn end(&mut self, now: Instant, leg: LegId, end: LegEnd) {
        let Some(place) = self.record.legs.iter().position(|line| line.leg == leg) else { return };
        let Some(line) = self.record.legs.get_mut(place).filter(|line| line.ended.is_none()) else { return };
        let (by, cause) = words::end(&end);
        line.ended = Some((now, end));
        if place >= MAX_LEGS {
            self.record.legs.remove(place);
            self.record.more_legs = self.record.more_legs.saturating_add(1);
        }
        self.note(Fact::LegEnded { leg, by, cause });
    }

    fn line(&mut self, leg: LegId) -> Option<&mut LegRecord> {
        self.record.legs.iter_mut().find(|line| line.leg == leg)
    }

    // --- the conversation ---

    /// A person has answered the caller.
    pub(super) fn served(&mut self, now: Instant) {
        self.record.answered.get_or_insert(now);
    }

    /// Who is in the conversation now.
    fn converse(&mut self, now: Conversation) {
        let before = std::mem::replace(&mut self.conversation, now.clone());
        for leg in now.iter().filter(|leg| !before.contains(leg)) {
            self.note(Fact::Joined { leg: *leg });
        }
        // Where nobody is left there is no conversation that would go on.
        for leg in before.into_iter().filter(|leg| !now.is_empty() && !now.contains(leg)) {
            self.note(Fact::Left { leg });
        }
    }

    // --- transfers ---

    /// A transfer is asked for, and accepted.
    pub(super) fn request(&mut self, transfer: TransferRecord) {
        self.note(words::requested(&transfer));
        self.record.transfers.push(transfer);
    }

    /// A target is dialled for a transfer, or has been reached for it.
    pub(super) fn attempt(&mut self, transfer: TransferId, leg: LegId) {
        self.transfer(transfer).attempts.push(leg);
        self.note(Fact::TransferAttempted { transfer, leg });
    }

    /// What is known of a target that was dialled in a consultation, and what was known before. That call's own journal
    /// has its facts.
    pub(super) fn learn_target(&mut self, transfer: TransferId, line: &LegRecord) -> Option<LegRecord> {
        let targets = &mut self.transfer(transfer).targets;
        match targets.iter_mut().find(|known| known.leg == line.leg) {
            Some(known) => Some(std::mem::replace(known, line.clone())),
            None => {
                targets.push(line.clone());
                None
            }
        }
    }

    /// A target has taken the call, which it answered then.
    pub(super) fn taken(&mut self, answered: Instant, transfer: TransferId) {
        self.transfer(transfer).answered.get_or_insert(answered);
    }

    /// A transfer ends. False if it has ended before: that stays.
    pub(super) fn end_transfer(&mut self, now: Instant, transfer: TransferId, outcome: Outcome) -> bool {
        let entry = self.transfer(transfer);
        if entry.ended.is_some() {
            return false;
        }
        entry.ended = Some((now, outcome));
        self.note(words::transfer_ended(transfer, outcome));
        true
    }

    fn transfer(&mut self, id: TransferId) -> &mut TransferRecord {
        let found = self.record.transfers.iter_mut().find(|transfer| transfer.id == id);
        found.expect("a transfer is in the record from its beginning")
    }

    // --- the call ---

    /// It belongs to the matter of another call.
    pub(super) const fn belongs_to(&mut self, root: CallId) {
        self.record.root = Some(root);
    }

    /// The call is over, for the first reason given.
    pub(super) fn conclude(&mut self, ending: Ending) {
        self.record.ending.get_or_insert(ending);
    }

    /// Our side has ended the caller's leg where it must not: whatever was said of the end is void.
    pub(super) fn broken(&mut self) {
        self.record.ending = Some(Ending::CallerLost);
    }

    /// Promise 1 is broken. False if that was said before.
    pub(super) fn caller_lost(&mut self, loss: CallerLoss) -> bool {
        self.record.caller_lost.replace(loss) != Some(loss)
    }

    /// Every leg has confirmed that it is gone.
    pub(super) const fn released(&mut self, now: Instant) {
        self.record.released = Some(now);
    }

    // --- the end of an event ---

    /// The event has been handled: what was noted leaves as one entry.
    pub(super) fn close(&mut self, now: Instant, left: Left, legs: &Legs, site: &Site, out: &mut Actions) {
        match left {
            Left::Call(conversation) => self.converse(conversation),
            Left::Nobody if self.stage == Stage::Open => {
                self.note(words::ended(&self.record));
                self.stage = Stage::Closed;
            }
            Left::Nobody => {}
        }
        if self.noted.is_empty() {
            return;
        }
        self.written = self.entry();
        let id = EntryId { call: self.record.call, seq: self.written };
        let facts = std::mem::take(&mut self.noted);
        let postings = self.case.postings(&Occasion { id, now, site, record: &self.record, legs }, &facts);
        let unix_ms = site.wall.moment(now).unix_ms;
        let entry = Entry { id, linkage: self.linkage(), at: now, unix_ms, facts, postings };
        out.push(Action::Record(Box::new(entry)));
    }

    /// The number of the entry that the event which is being handled will have.
    pub(super) const fn entry(&self) -> u32 {
        self.written.saturating_add(1)
    }

    /// The contact that the call belongs to.
    pub(super) fn linkage(&self) -> LinkageId {
        LinkageId(self.record.root.unwrap_or(self.record.call))
    }
}

/// What an event has left of a call.
pub(super) enum Left {
    /// It goes on, and these are in the conversation with the caller.
    Call(Conversation),
    /// Every leg has ended or has been let go.
    Nobody,
}
