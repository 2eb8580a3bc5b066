//! A consultation that a PBX has made of its own for the party who has this call: its transfer in this call's record.
//!
//! Real PBXs swallow their telephones' REFER and dial the other hotline in a new call (`switch::correlate`). What they do
//! with their two legs then nobody sees: they join them inside, or their agent speaks first, or they send us a REFER with
//! Replaces (`join`).
//!
//! Decides: what the record and the world learn of such a transfer. It was asked for when the INVITE came, and the target
//! has the call as in any other transfer: when it has answered and has not hung up within 1 s (promise 3), because with
//! most PBXs the citizen is put through at that moment, and nothing later can be relied upon to be seen. A PBX that hangs
//! up before has given it up; a citizen who does so has abandoned it.
//! Invariants: one record for one consultation, and it ends exactly once; a REFER that joins the two calls goes on with
//! the same record. Neither call is touched: the record alone changes.
//! Does not do: which call a consultation belongs to (the switch looks), and how it goes (it is a call of its own).

use std::sync::Arc;

use crate::base::ids::{CallId, LegId, TransferId};
use crate::base::time::Instant;
use crate::call::context::Context;
use crate::call::record::{CallRecord, Ending, LegEnd, LegRecord, TransferRecord, Who};
use crate::call::timer::{CONFIRMED, Timer};
use crate::call::transfer::Transfer;
use crate::routing::Decision;

/// The most targets that a transfer tells of: a PBX may let a busy number be rung all night. Who answers counts in any
/// case.
const MAX_TARGETS: usize = 64;

/// A consultation as it stands: what the call that it was made for is told whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(super) call: CallId,
    pub(super) decision: Arc<Decision>,
    /// When the PBX asked for it.
    pub(super) asked: Instant,
    /// Everybody whom it has dialled, in order.
    targets: Vec<LegRecord>,
    ending: Option<Ending>,
}

impl Report {
    /// What a call says that was made for another one; `None` for every other call.
    pub(super) fn of(record: &CallRecord, decision: &Arc<Decision>) -> Option<Self> {
        // One that was joined goes on there.
        record.root.filter(|_| !matches!(record.ending, Some(Ending::Joined(_))))?;
        let dialled = record.legs.iter().filter(|line| !matches!(line.who, Who::Caller(_)));
        Some(Self {
            call: record.call,
            decision: Arc::clone(decision),
            asked: record.arrived,
            targets: dialled.cloned().collect(),
            ending: record.ending.clone(),
        })
    }

    /// The final status to be told when nobody has taken the call: that of the last target, 480 when there is none.
    fn code(&self) -> u16 {
        self.targets.iter().rev().find_map(LegRecord::refusal).unwrap_or(480)
    }
}

/// A consultation has begun, or has gone a step further. `party` has the caller now.
pub(super) fn learn(cx: &mut Context<'_>, party: Option<LegId>, report: &Report) {
    let begin = |cx: &mut Context<'_>| Some(Transfer::of_report(cx, party?, report));
    let Some(transfer) = of_call(cx, report.call).or_else(|| begin(cx)) else {
        return cx.ignore("a consultation for a call that is over");
    };
    for line in &report.targets {
        on_target(cx, &transfer, line, report.ending.is_some());
    }
    if let Some(ending) = &report.ending
        && !transfer.is_over(cx)
    {
        on_ending(cx, &transfer, ending, report.code());
    }
}

/// The transfer of a consultation that this call has been told of.
pub(super) fn of_call(cx: &Context<'_>, consultation: CallId) -> Option<Transfer> {
    let found = cx.record.transfers.iter().find(|transfer| transfer.consultation == Some(consultation));
    found.map(Transfer::of_record)
}

fn on_target(cx: &mut Context<'_>, transfer: &Transfer, line: &LegRecord, over: bool) {
    let leg = line.leg;
    let known = &transfer.entry(cx).targets;
    if known.len() >= MAX_TARGETS && line.answered.is_none() && !known.iter().any(|known| known.leg == leg) {
        return;
    }
    let before = cx.record.learn_target(transfer.id, line);
    if transfer.is_over(cx) {
        return;
    }
    let news = |of: fn(&LegRecord) -> bool| of(line) && !before.as_ref().is_some_and(of);
    if before.is_none() {
        transfer.dials(cx, leg, line.who.clone());
    }
    if news(|line| line.rang.is_some()) {
        transfer.rings(cx, leg);
    }
    if news(|line| line.answered.is_some()) {
        transfer.answers(cx, leg);
        cx.start(Timer::Consulted(transfer.id), CONFIRMED);
    }
    if news(|line| line.ended.is_some()) && by_itself(line, over) {
        transfer.not_taken(cx, leg, line.refusal());
    }
}

/// Whether a target has not taken the call of its own, or of its silence: it was not let go with the consultation.
const fn by_itself(line: &LegRecord, over: bool) -> bool {
    match &line.ended {
        Some((_, LegEnd::HungUp(_) | LegEnd::Failed(_) | LegEnd::Lost(_))) => true,
        Some((_, LegEnd::Released(_))) => !over,
        Some((_, LegEnd::Moved(_))) | None => false,
    }
}

fn on_ending(cx: &mut Context<'_>, transfer: &Transfer, ending: &Ending, code: u16) {
    match ending {
        // It goes on here, with the same record.
        Ending::Joined(_) => {}
        Ending::CallerHungUp => transfer.cancelled(cx),
        Ending::Refused(code) => transfer.failed(cx, *code),
        Ending::ServicePartyHungUp | Ending::CallerUnreachable(_) | Ending::CallerLost => transfer.failed(cx, code),
        Ending::ShutDown => transfer.unknown(cx),
    }
}

/// A target has been answered for [`CONFIRMED`].
pub(super) fn on_confirmed(cx: &mut Context<'_>, id: TransferId) {
    let Some(entry) = cx.record.transfers.iter().find(|transfer| transfer.id == id) else { return };
    let has_it = |line: &&LegRecord| line.answered.is_some() && line.ended.is_none();
    let target = entry.targets.iter().rev().find(has_it).map(|line| line.leg);
    let transfer = Transfer::of_record(entry);
    target.into_iter().for_each(|leg| transfer.taken(cx, leg));
}

/// This call is over: so are the transfers of consultations that have not ended yet.
pub(super) fn close(cx: &mut Context<'_>) {
    let open = |transfer: &&TransferRecord| transfer.consultation.is_some() && transfer.ended.is_none();
    let open: Vec<Transfer> = cx.record.transfers.iter().filter(open).map(Transfer::of_record).collect();
    for transfer in open {
        match &cx.record.ending {
            Some(Ending::CallerHungUp | Ending::CallerUnreachable(_)) => transfer.abandoned(cx),
            Some(Ending::ShutDown) => transfer.unknown(cx),
            Some(Ending::ServicePartyHungUp | Ending::Joined(_) | Ending::Refused(_) | Ending::CallerLost) | None => {
                transfer.cancelled(cx);
            }
        }
    }
}
