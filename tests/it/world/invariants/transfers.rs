//! What is told and recorded of transfers, judged from the notices themselves: the record is made of them.

use lianxian::call::notice::{Notice, What};
use lianxian::call::record::Outcome;

use super::super::ledger::Ledger;
use super::super::step::{Effect, Step};
use super::{Scene, Verdict};

/// How a transfer ends, in the words of its steps.
const ENDS: [&str; 5] = ["joined", "failed", "cancelled", "abandoned", "unknown"];

/// What may still be told of a transfer that has ended.
const AFTERWARDS: [&str; 2] = ["target_silent", "given_back"];

/// T38: what is told of a transfer begins with `requested`, and there is one end.
pub fn t38_a_transfer_is_told_from_its_beginning_to_its_one_end(
    ledger: &Ledger,
    _: &Scene<'_>,
    _: &Step,
    effect: &Effect,
) -> Verdict {
    let Effect::Published(Notice { what: What::Transfer { transfer, step }, .. }) = effect else { return Ok(()) };
    let told = ledger.steps.get(transfer).map(Vec::as_slice).unwrap_or_default();
    let step = step.name();
    if (step == "requested") != told.is_empty() {
        return Err(format!("{transfer}: {step} after {told:?}"));
    }
    let over = told.iter().any(|told| ENDS.contains(told));
    if over && !AFTERWARDS.contains(&step) {
        return Err(format!("{transfer}: {step} after its end: {told:?}"));
    }
    Ok(())
}

/// T38: when a call is over each of its transfers has ended, as it was told; and who has it is in the record.
pub fn t38_no_transfer_is_left_open_by_its_call(ledger: &Ledger, _: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    let Effect::Published(Notice { what: What::Released(record), .. }) = effect else { return Ok(()) };
    for transfer in &record.transfers {
        let told = ledger.steps.get(&transfer.id).map(Vec::as_slice).unwrap_or_default();
        let Some((_, outcome)) = transfer.ended else {
            return Err(format!("{} of {} has no end: {told:?}", transfer.id, record.call));
        };
        let (word, target) = match outcome {
            Outcome::Succeeded(leg) => ("joined", Some(leg)),
            Outcome::Failed(_) => ("failed", None),
            Outcome::Cancelled => ("cancelled", None),
            Outcome::Abandoned => ("abandoned", None),
            Outcome::Unknown => ("unknown", None),
        };
        if !told.contains(&word) {
            return Err(format!("{} of {} was recorded as {word} and told as {told:?}", transfer.id, record.call));
        }
        if target.is_some() != transfer.answered.is_some() {
            return Err(format!("{} of {}: {word}, answered {:?}", transfer.id, record.call, transfer.answered));
        }
        let shown = target.is_none_or(|leg| record.target(transfer, leg).is_some_and(|line| line.answered.is_some()));
        if !shown {
            return Err(format!("{} of {}: nothing is known of who has it", transfer.id, record.call));
        }
    }
    Ok(())
}
