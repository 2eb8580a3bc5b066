//! What becomes of transfers, as numbers: from the steps that calls tell.
//!
//! A transfer counts when it has ended and as what it has ended: accepted is not successful, an answer that is taken
//! back within the first second is none (T38, T39), and of one that nobody knows the end of nothing is believed.

use std::collections::HashMap;

use prometheus::{HistogramVec, IntCounterVec, Registry};

use super::families::{WAITING_S, counters, histograms};
use crate::base::ids::{HotlineId, TransferId};
use crate::base::time::Instant;
use crate::call::command::{Mode, Urgency};
use crate::call::notice::{TransferStep, Unproven};
use crate::call::record::{self, CallRecord, LegEnd, Who};
use crate::routing::recipe::Shown;

/// Every way in which a transfer can end.
const RESULTS: [&str; 8] = ["success", "busy", "no_answer", "rejected", "failed", "cancelled", "abandoned", "unknown"];

#[derive(Debug)]
pub(super) struct TransferFamilies {
    total: IntCounterVec,
    press_to_ring: HistogramVec,
    press_to_answer: HistogramVec,
    fallbacks: IntCounterVec,
    caller_id: IntCounterVec,
    unproven: IntCounterVec,
}

impl TransferFamilies {
    pub(super) fn register(r: &Registry) -> Self {
        let labels = &["direction", "mode", "result"];
        let total = counters(r, "lianxian_transfers_total", "Transfers that have ended.", labels);
        // 0 is shown, not absent: an alert must tell "none" from "unknown".
        for direction in ["12345_TO_110", "110_TO_12345"] {
            for (mode, result) in
                [Mode::OneClick, Mode::Consult].into_iter().flat_map(|mode| RESULTS.map(|to| (mode, to)))
            {
                total.with_label_values(&[direction, self::mode(mode), result]).inc_by(0);
            }
        }
        let help = "Transfers whose success was told before it was on disk.";
        let unproven = counters(r, "lianxian_transfers_unproven_total", help, &["reason"]);
        for why in [Unproven::Late, Unproven::Failed] {
            unproven.with_label_values(&[self::unproven(why)]).inc_by(0);
        }
        let labels = &["direction", "urgency"];
        Self {
            total,
            unproven,
            press_to_ring: histograms(
                r,
                "lianxian_transfer_press_to_ring_seconds",
                "From the wish to the first target that rings.",
                labels,
                WAITING_S,
            ),
            press_to_answer: histograms(
                r,
                "lianxian_transfer_press_to_answer_seconds",
                "From the wish to the answer of the target that took the call.",
                labels,
                WAITING_S,
            ),
            fallbacks: counters(
                r,
                "lianxian_transfer_fallback_total",
                "Targets that did not take a transfer, which then went on to the next one or back.",
                &["reason"],
            ),
            caller_id: counters(
                r,
                "lianxian_caller_id_presented_total",
                "Legs over trunks by what they showed of the caller.",
                &["trunk", "result"],
            ),
        }
    }
}

impl TransferFamilies {
    /// A success was told although it is not on disk.
    pub(super) fn told_unproven(&self, why: Unproven) {
        self.unproven.with_label_values(&[unproven(why)]).inc();
    }
}

const fn unproven(why: Unproven) -> &'static str {
    match why {
        Unproven::Late => "late",
        Unproven::Failed => "failed",
    }
}

/// The transfers under way. A call may have several: that of an agent, and those that a PBX makes of its own.
#[derive(Debug, Default)]
pub(super) struct TransferWatch(HashMap<TransferId, Pressed>);

/// A transfer that has been asked for.
#[derive(Debug)]
struct Pressed {
    at: Instant,
    direction: &'static str,
    mode: &'static str,
    urgency: &'static str,
    rings: Rings,
}

/// How far the target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rings {
    NotYet,
    Yes,
    /// It has answered then.
    Answered(Instant),
}

impl TransferWatch {
    /// A call tells a step of a transfer.
    pub(super) fn step(&mut self, families: &TransferFamilies, transfer: TransferId, at: Instant, step: &TransferStep) {
        match step {
            TransferStep::Requested { mode, urgency, decision, .. } => {
                let from = decision.referral.as_ref().map(|referral| &referral.hotline);
                let pressed = Pressed {
                    at,
                    direction: direction(from, &decision.hotline),
                    mode: self::mode(*mode),
                    urgency: self::urgency(*urgency),
                    rings: Rings::NotYet,
                };
                self.0.insert(transfer, pressed);
            }
            TransferStep::Ringing { .. } => self.rings(families, transfer, at),
            TransferStep::Answered { .. } => {
                self.rings(families, transfer, at);
                if let Some(pressed) = self.0.get_mut(&transfer) {
                    pressed.rings = Rings::Answered(at);
                }
            }
            TransferStep::NotTaken { code, .. } => {
                families.fallbacks.with_label_values(&[code.map_or("no_answer", record::refusal)]).inc();
            }
            TransferStep::Joined { .. } => self.joined(families, transfer),
            TransferStep::Failed { code } => self.end(families, transfer, record::refusal(*code)),
            TransferStep::Cancelled => self.end(families, transfer, "cancelled"),
            TransferStep::Abandoned => self.end(families, transfer, "abandoned"),
            TransferStep::Unknown => self.end(families, transfer, "unknown"),
            TransferStep::Dialling { .. }
            | TransferStep::TargetSilent { .. }
            | TransferStep::Forsaken
            | TransferStep::GivenBack => {}
        }
    }

    /// A target that answers without having rung has rung as well: what is measured is how soon somebody was reached.
    fn rings(&mut self, families: &TransferFamilies, transfer: TransferId, at: Instant) {
        let Some(pressed) = self.0.get_mut(&transfer).filter(|pressed| pressed.rings == Rings::NotYet) else { return };
        pressed.rings = Rings::Yes;
        let labels = [pressed.direction, pressed.urgency];
        families.press_to_ring.with_label_values(&labels).observe(at.since(pressed.at).as_secs_f64());
    }

    fn joined(&mut self, families: &TransferFamilies, transfer: TransferId) {
        if let Some(Pressed { at, direction, urgency, rings: Rings::Answered(answered), .. }) = self.0.get(&transfer) {
            let waited = answered.since(*at).as_secs_f64();
            families.press_to_answer.with_label_values(&[*direction, *urgency]).observe(waited);
        }
        self.end(families, transfer, "success");
    }

    fn end(&mut self, families: &TransferFamilies, transfer: TransferId, result: &str) {
        if let Some(pressed) = self.0.remove(&transfer) {
            families.total.with_label_values(&[pressed.direction, pressed.mode, result]).inc();
        }
    }

    /// A call is over: what its legs showed is counted, and nothing is kept of it.
    pub(super) fn released(&mut self, families: &TransferFamilies, record: &CallRecord) {
        for transfer in &record.transfers {
            self.0.remove(&transfer.id);
        }
        // A leg that has gone over to another call is counted there.
        for leg in record.legs.iter().filter(|leg| !matches!(leg.ended, Some((_, LegEnd::Moved(_))))) {
            if let (Who::Trunk { trunk, .. }, Some(presented)) = (&leg.who, &leg.presented) {
                families.caller_id.with_label_values(&[trunk.as_str(), shown(presented.shown)]).inc();
            }
        }
    }
}

// === Labels: closed sets ===

/// Between which hotlines, in the words of the ticket.
fn direction(from: Option<&HotlineId>, to: &HotlineId) -> &'static str {
    match (from.map(HotlineId::as_str), to.as_str()) {
        (Some("12345"), "110") => "12345_TO_110",
        (Some("110"), "12345") => "110_TO_12345",
        (Some("12345"), _) => "12345_TO_OTHER",
        (Some("110"), _) => "110_TO_OTHER",
        (_, "12345") => "OTHER_TO_12345",
        (_, "110") => "OTHER_TO_110",
        (_, _) => "OTHER_TO_OTHER",
    }
}

const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::OneClick => "one_click",
        Mode::Consult => "consult",
        Mode::ThreeWay => "three_way",
    }
}

const fn urgency(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Normal => "normal",
        Urgency::Urgent => "urgent",
    }
}

const fn shown(shown: Shown) -> &'static str {
    match shown {
        Shown::Number => "number",
        Shown::OwnNumber => "own_number",
        Shown::OwnNumberAfterRefusal => "own_number_after_refusal",
        Shown::Withheld => "withheld",
        Shown::Unknown => "unknown",
    }
}
