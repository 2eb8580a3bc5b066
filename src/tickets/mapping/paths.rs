//! The members of a ticket that a mapping may name, and what is in them.

/// What is in a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text, a number or a truth value.
    Single,
    /// A moment.
    Time,
    /// A list of texts.
    List,
}

use Kind::{List, Single, Time};

/// Every member of `linkage-ticket/1` that holds a value. A test compares it with a ticket that has them all.
const PATHS: &[(&str, Kind)] = &[
    ("schema", Single),
    ("event_id", Single),
    ("ticket_id", Single),
    ("seq", Single),
    ("prev_hash", Single),
    ("hash", Single),
    ("event", Single),
    ("at", Time),
    ("linkage_id", Single),
    ("related_id", Single),
    ("stage", Single),
    ("direction", Single),
    ("mode", Single),
    ("from.platform", Single),
    ("from.record_no", Single),
    ("from.org_code", Single),
    ("from.org_name", Single),
    ("from.agent.no", Single),
    ("from.agent.name", Single),
    ("from.agent.ext", Single),
    ("to.platform", Single),
    ("to.record_no", Single),
    ("to.org_code", Single),
    ("to.org_name", Single),
    ("to.agent.no", Single),
    ("to.agent.name", Single),
    ("to.agent.ext", Single),
    ("first_platform", Single),
    ("first_agent", Single),
    ("first_answered_at", Time),
    ("region.code", Single),
    ("region.name", Single),
    ("region.level", Single),
    ("region.source", Single),
    ("channel", Single),
    ("tags", List),
    ("caller.number_raw", Single),
    ("caller.number_e164", Single),
    ("caller.presented_number", Single),
    ("caller.presentation", Single),
    ("caller.name", Single),
    ("caller.sex", Single),
    ("caller.contact", Single),
    ("caller.id_type", Single),
    ("caller.id_no", Single),
    ("caller.language", Single),
    ("officer.name", Single),
    ("officer.station", Single),
    ("officer.contact", Single),
    ("appeal.type", Single),
    ("appeal.title", Single),
    ("appeal.content", Single),
    ("incident.address", Single),
    ("incident.time", Time),
    ("incident.lon", Single),
    ("incident.lat", Single),
    ("category.scheme", Single),
    ("category.version", Single),
    ("category.code", Single),
    ("category.name", Single),
    ("urgency", Single),
    ("event_level", Single),
    ("flags", List),
    ("confidential.value", Single),
    ("confidential.scope", List),
    ("negotiation.required", Single),
    ("negotiation.decision", Single),
    ("negotiation.basis", Single),
    ("negotiation.agents", List),
    ("negotiation.at", Time),
    ("disposition", Single),
    ("status", Single),
    ("return.reason_code", Single),
    ("return.text", Single),
    ("supplement.fields", List),
    ("supplement.by", Single),
    ("supplement.at", Time),
    ("deadline_at", Time),
    ("urged_count", Single),
    ("feedback.result", Single),
    ("feedback.at", Time),
    ("feedback.org", Single),
    ("feedback.satisfied", Single),
    ("call.call_id", Single),
    ("call.transfer_id", Single),
    ("call.leg_ids", List),
    ("call.trunk_in", Single),
    ("call.dnis", Single),
    ("call.started_at", Time),
    ("call.answered_at", Time),
    ("call.transfer_requested_at", Time),
    ("call.target_ringing_at", Time),
    ("call.target_answered_at", Time),
    ("call.ended_at", Time),
    ("call.hold_s", Single),
    ("call.result", Single),
    ("call.sip_code", Single),
    ("call.q850", Single),
    ("call.recording_ref", List),
    ("call.mos", Single),
    ("call.codec", Single),
    ("trace.instance", Single),
    ("trace.trace_id", Single),
    ("trace.config_version", Single),
];

/// What is in the member of that path; none, if a ticket has no such member. `own.` and `other.` name the sides.
pub fn kind(path: &str) -> Option<Kind> {
    let side = path.strip_prefix("own.").or_else(|| path.strip_prefix("other."));
    let path = side.map_or_else(|| path.to_owned(), |rest| format!("from.{rest}"));
    PATHS.iter().find(|(name, _)| *name == path).map(|(_, kind)| *kind)
}

/// The path that was probably meant: the one with the same last name, or the same beginning.
pub fn nearest(wrong: &str) -> Option<&'static str> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let first = |path: &str| path.split('.').next().unwrap_or_default().to_owned();
    let names = || PATHS.iter().map(|(name, _)| *name);
    names().find(|name| last(name) == last(wrong)).or_else(|| names().find(|name| first(name) == first(wrong)))
}

#[cfg(test)]
pub(super) fn all() -> Vec<(&'static str, Kind)> {
    PATHS.to_vec()
}
