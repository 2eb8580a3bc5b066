//! I10, I11, I31, I35 to I37: timers, ports, counters, panics, bounds, time.

use std::time::Duration;

use lianxian::base::time::Instant;
use lianxian::media::order::Order;

use super::super::ledger::{Ledger, Side};
use super::super::step::{Cause, Effect, Step};
use super::{Scene, Verdict};

/// More outputs than this for one input would be a storm.
const OUTPUTS_MAX: usize = 256;

/// I10: no timer is armed for more than 24 h.
pub fn i10_no_timer_beyond_a_day(_: &Ledger, scene: &Scene<'_>, step: &Step) -> Verdict {
    let far = scene.next_timeout.into_iter().chain(scene.latest_timer);
    match far.max().filter(|at| *at - step.at > Duration::from_secs(24 * 3600)) {
        Some(at) => Err(format!("a timer is armed for {at:?}")),
        None => Ok(()),
    }
}

/// I11: a port has one owner, and none for 2 s after it was closed.
pub fn i11_port_owned_once_and_quarantined(ledger: &Ledger, _: &Scene<'_>, step: &Step, effect: &Effect) -> Verdict {
    let Effect::Media(Order::Open { local, .. }) = effect else { return Ok(()) };
    if ledger.open_ports.contains_key(&local.port()) {
        return Err(format!("port {} has two owners", local.port()));
    }
    match ledger.closed_ports.get(&local.port()) {
        Some(at) if step.at - *at < Duration::from_secs(2) => {
            Err(format!("port {} is used again {:?} after it was closed", local.port(), step.at - *at))
        }
        Some(_) | None => Ok(()),
    }
}

/// I31: the sum of what was said call by call, and of what was seen on the wire, is what the metrics say.
pub fn i31_counters_agree(ledger: &Ledger, scene: &Scene<'_>, _: Instant) -> Verdict {
    let count = |what| ledger.counts.get(what).copied().unwrap_or(0);
    let (arrived, dialled, released) = (count("arrived"), count("dialled"), count("released"));
    let seen = ledger.legs.values().filter(|leg| leg.side == Side::Service).count() as u64;
    if arrived != released {
        return Err(format!("{arrived} calls arrived and {released} were released"));
    }
    if dialled != seen {
        return Err(format!("{dialled} callees dialled by the notices, {seen} INVITEs on the wire"));
    }
    let text = scene.metrics.text();
    for (family, expected) in [
        ("lianxian_calls_total", released),
        ("lianxian_calls_active", 0),
        ("lianxian_caller_lost_total", count("caller_lost")),
        ("lianxian_calls_refused_total", count("refused")),
        ("lianxian_call_answer_wait_seconds_count", count("answered_calls")),
    ] {
        let shown = sum(&text, family);
        if shown != expected as f64 {
            return Err(format!("{family} says {shown}, call by call it was {expected}"));
        }
    }
    Ok(())
}

/// The sum of a family over its labels; 0 of what is not shown.
fn sum(text: &str, family: &str) -> f64 {
    let of_family = |line: &&str| line.strip_prefix(family).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
    text.lines().filter(of_family).filter_map(value).sum()
}

/// I35: nothing panics unless the story plants it.
pub fn i35_no_panic(_: &Ledger, scene: &Scene<'_>, _: &Step, effect: &Effect) -> Verdict {
    match effect {
        Effect::Published(notice) if !scene.panics_expected && format!("{notice:?}").contains("Quarantined") => {
            Err(format!("a handler panicked: {notice:?}"))
        }
        Effect::Published(_)
        | Effect::Recorded(_)
        | Effect::Sip { .. }
        | Effect::Rtp { .. }
        | Effect::Media(..)
        | Effect::Observed(_) => Ok(()),
    }
}

/// I36: one input brings a bounded number of outputs.
pub fn i36_outputs_are_bounded(_: &Ledger, _: &Scene<'_>, step: &Step) -> Verdict {
    // A deadline may be that of many objects at once.
    let one = !matches!(step.cause, Cause::Deadline);
    if one && step.effects.len() > OUTPUTS_MAX {
        Err(format!("{} outputs for one input", step.effects.len()))
    } else {
        Ok(())
    }
}

/// I37: virtual time never goes back.
pub fn i37_time_never_goes_back(ledger: &Ledger, _: &Scene<'_>, step: &Step) -> Verdict {
    if step.at < ledger.last_step_at { Err(format!("{:?} after {:?}", step.at, ledger.last_step_at)) } else { Ok(()) }
}
