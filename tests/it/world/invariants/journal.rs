//! I26, I28 and I45, and the linkage of T30: what is written down of a call, and what waits for it.

use lianxian::base::ids::LegId;
use lianxian::base::time::Instant;
use lianxian::call::notice::{Notice, What};
use lianxian::call::record::{self, CallRecord, LegEnd};
use lianxian::tickets::entry::{Entry, EntryId};
use lianxian::tickets::fact::{Fact, Outcome};

use super::super::ledger::{JournalWatch, Ledger, LegWatch, Side, Stage};
use super::super::step::{Effect, Step};
use super::caller::{is_given_up, right_behind_its_202};
use super::{Scene, Verdict};

/// I26: the last report of a success and our BYE to whoever had the caller leave when the success is on disk, or when it
/// could not be written, or after 500 ms; and an alarm has risen if it is not on disk.
pub fn i26_a_success_is_on_disk_before_it_is_told(
    ledger: &Ledger,
    scene: &Scene<'_>,
    step: &Step,
    effect: &Effect,
) -> Verdict {
    let Effect::Sip { party: Some(party), message, .. } = effect else { return Ok(()) };
    let Some(watch) = ledger.legs.get(message.call_id()).filter(|leg| leg.side == Side::Service) else { return Ok(()) };
    let fresh = !ledger.sent.contains(&message.to_bytes());
    let report = fresh && message.method() == Some("NOTIFY") && message.body.split(' ').nth(1) == Some("200");
    let bye = message.method() == Some("BYE") && watch.our_bye_at.is_none() && watch.acked_at.is_some();
    let at_once = scene.success_at_once && right_behind_its_202(watch, step);
    if !(report && !at_once || bye && !scene.panics_expected && !is_given_up(watch, step)) {
        return Ok(());
    }
    let Some(leg) = leg_of(ledger, watch) else { return Ok(()) };
    let journals: Vec<JournalWatch> = journals_of(ledger, step, leg);
    let successes =
        || journals.iter().flat_map(|journal| &journal.successes).filter(|(_, target)| *target != Some(leg));
    if report && successes().next().is_none() {
        return Err(format!("party {party} is told of a success that nobody has written down"));
    }
    if bye && !journals.iter().any(|journal| journal.joined.contains(&leg)) {
        return Ok(());
    }
    for (entry, _) in successes() {
        if !scene.store.need_not_wait(*entry, step.at) {
            return Err(format!("party {party} learns of entry {} before it is on disk", entry.seq));
        }
        if !scene.store.has_written(*entry, step.at) && !ledger.alarms.contains(&entry.call) {
            return Err(format!("party {party} learns of entry {}, which is not on disk, without an alarm", entry.seq));
        }
    }
    Ok(())
}

/// The product's number of a leg that is seen on the wire: that of the media port in our SDP.
fn leg_of(ledger: &Ledger, watch: &LegWatch) -> Option<LegId> {
    ledger.port_legs.get(&watch.our_sdp.as_ref()?.address.port()).copied()
}

/// The journals that a leg is in, with what this step brings.
fn journals_of(ledger: &Ledger, step: &Step, leg: LegId) -> Vec<JournalWatch> {
    let mut journals: Vec<JournalWatch> =
        ledger.journals.values().filter(|journal| journal.begun.contains(&leg)).cloned().collect();
    for journal in &mut journals {
        for effect in &step.effects {
            if let Effect::Recorded(entry) = effect
                && entry.id.call == journal.last.call
                && journal.last < entry.id
            {
                journal.enter(entry);
            }
        }
    }
    journals
}

/// I28: the entries of a call come in order and without a gap, each says something, and none follows the end.
pub fn i28_entries_come_in_order(ledger: &Ledger, _: &Scene<'_>, step: &Step, effect: &Effect) -> Verdict {
    let Effect::Recorded(entry) = effect else { return Ok(()) };
    let before = ledger.journals.get(&entry.id.call);
    let due = before.map_or(1, |journal| journal.last.seq + 1);
    let EntryId { call, seq } = entry.id;
    if seq != due {
        return Err(format!("{call}: entry {seq} comes where {due} is due"));
    }
    if before.is_some_and(|journal| journal.stage == Stage::Ended) {
        return Err(format!("{call}: {:?} after the end", entry.facts));
    }
    let begins = matches!(entry.facts.first(), Some(Fact::Arrived { .. }));
    if begins != before.is_none() {
        return Err(format!("{call}: entry {seq} begins with {:?}", entry.facts.first()));
    }
    if entry.at != step.at { Err(format!("{call}: entry {seq} says {:?}", entry.at)) } else { Ok(()) }
}

/// I45: each leg begins once and ends once, with a cause; each transfer is asked for and ends once; then the call ends.
pub fn i45_the_journal_has_every_end_and_its_cause(
    ledger: &Ledger,
    _: &Scene<'_>,
    _: &Step,
    effect: &Effect,
) -> Verdict {
    let Effect::Recorded(entry) = effect else { return Ok(()) };
    let mut journal = match ledger.journals.get(&entry.id.call) {
        Some(journal) => journal.clone(),
        None => JournalWatch::begin(&Entry { facts: Vec::new(), ..(**entry).clone() }),
    };
    for fact in &entry.facts {
        let wrong = match fact {
            Fact::LegBegan { leg, .. } => journal.begun.contains(leg),
            Fact::LegEnded { leg, cause, .. } => {
                !journal.open.contains(leg) || cause.sip.is_none() && cause.q850.is_none()
            }
            Fact::Rang { leg } | Fact::Answered { leg } | Fact::Joined { leg } => !journal.begun.contains(leg),
            // A consultation that a PBX has made is a call of its own.
            Fact::TransferAttempted { leg, .. } => {
                let elsewhere = || ledger.journals.values().any(|other| other.begun.contains(leg));
                !journal.begun.contains(leg) && !elsewhere()
            }
            Fact::TransferRequested { transfer, .. } => journal.pending.contains(transfer),
            Fact::TransferEnded { transfer, outcome, leg, .. } => {
                !journal.pending.contains(transfer) || (*outcome == Outcome::Succeeded) != leg.is_some()
            }
            Fact::Ended { why, .. } => !journal.open.is_empty() || !journal.pending.is_empty() || why == "unknown",
            Fact::Arrived { .. } | Fact::Left { .. } => false,
        };
        if wrong {
            return Err(format!("{}: {fact:?}, while {:?} are open", entry.id.call, journal.open));
        }
        journal.note(entry.id, fact);
    }
    Ok(())
}

/// I45: the record that a call leaves and its journal say the same.
pub fn i45_record_and_journal_agree(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Effect::Published(Notice { what: What::Released(record), call, .. }) = effect else { return Ok(()) };
    let Some(journal) = ledger.journals.get(call) else { return Err(format!("{call} has no journal")) };
    if journal.stage != Stage::Ended {
        return Err(format!("{call} is over and its journal is not"));
    }
    let legs = usize::try_from(record.more_legs).unwrap_or(usize::MAX) + record.legs.len();
    if journal.begun.len() != legs {
        return Err(format!("{call} has {legs} legs in its record and {:?} in its journal", journal.begun));
    }
    let missing = said_by(record).find(|fact| !journal.facts.contains(fact));
    missing.map_or(Ok(()), |fact| Err(format!("{call}: {fact:?} is not in its journal")))
}

/// What a record says, as facts.
fn said_by(record: &CallRecord) -> impl Iterator<Item = Fact> {
    let legs = record.legs.iter().flat_map(|line| {
        let leg = line.leg;
        let rang = line.rang.map(|_| Fact::Rang { leg });
        rang.into_iter().chain(line.answered.map(|_| Fact::Answered { leg }))
    });
    let transfers = record.transfers.iter().flat_map(|transfer| {
        let attempts = transfer.attempts.iter().map(|leg| Fact::TransferAttempted { transfer: transfer.id, leg: *leg });
        let ended = transfer.ended.map(|(_, outcome)| {
            let (outcome, leg, code) = match outcome {
                record::Outcome::Succeeded(leg) => (Outcome::Succeeded, Some(leg), None),
                record::Outcome::Failed(code) => (Outcome::Failed, None, Some(code)),
                record::Outcome::Cancelled => (Outcome::Cancelled, None, None),
                record::Outcome::Abandoned => (Outcome::Abandoned, None, None),
                record::Outcome::Unknown => (Outcome::Unknown, None, None),
            };
            Fact::TransferEnded { transfer: transfer.id, outcome, leg, code }
        });
        attempts.chain(ended)
    });
    legs.chain(transfers)
}

/// T30: the facts of calls that were joined belong to one contact, and so do those of a leg that has moved.
pub fn t30_joined_calls_are_one_contact(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Effect::Published(Notice { what: What::Released(record), call, .. }) = effect else { return Ok(()) };
    let Some(journal) = ledger.journals.get(call) else { return Ok(()) };
    for line in &record.legs {
        let Some((_, LegEnd::Moved(to))) = &line.ended else { continue };
        let there =
            ledger.journals.get(to).ok_or_else(|| format!("{call} was joined with {to}, which has no journal"))?;
        if there.linkage != journal.linkage || journal.joined_with != Some(*to) || !there.begun.contains(&line.leg) {
            return Err(format!("{call} was joined with {to}: {:?}, {:?}", journal.linkage, there.linkage));
        }
    }
    Ok(())
}

/// I45: when all is over, every journal is.
pub fn i45_every_journal_ends(ledger: &Ledger, _: &Scene<'_>, _: Instant) -> Verdict {
    let open = ledger.journals.iter().find(|(_, journal)| journal.stage == Stage::Open);
    open.map_or(Ok(()), |(call, journal)| Err(format!("{call} never ended: {:?}", journal.facts)))
}
