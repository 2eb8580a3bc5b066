//! What a `[[hotline]]` is to routing.

use crate::base::ids::{GroupId, HotlineId, TrunkId};
use crate::base::number::EMERGENCY;
use crate::config::schema::{FeatureCodeEntry, HotlineEntry, StepEntry};
use crate::routing::config::{CodeAsks, FeatureCode, Hotline, Priority, Step};

pub(in crate::config) fn hotline(entry: &HotlineEntry) -> Hotline {
    // `check` has seen that a step is one or the other; what were neither is left out.
    let step = |step: &StepEntry| match (&step.group, &step.trunk, &step.number) {
        (Some(group), _, _) => Some(Step::Group { group: GroupId::from(group.get_ref().as_str()), class: step.class }),
        (None, Some(trunk), Some(number)) => Some(Step::Trunk {
            trunk: TrunkId::from(trunk.get_ref().as_str()),
            number: number.get_ref().clone(),
            class: step.class,
        }),
        (None, Some(_), None) | (None, None, _) => None,
    };
    Hotline {
        number: HotlineId::from(entry.number.get_ref().as_str()),
        name: entry.name.clone(),
        priority: entry.priority.unwrap_or_else(|| usual_priority(entry.number.get_ref())),
        answer_on_queue: entry.answer_on_queue,
        announcement: entry.announcement.as_ref().map(|name| name.get_ref().clone()),
        ring_timeout_s: *entry.ring_timeout_s.get_ref(),
        plan: entry.plan.get_ref().iter().filter_map(|entry| step(entry.get_ref())).collect(),
        tag: entry.tag.as_ref().map(|tag| tag.get_ref().clone()),
        platform: entry.platform,
        org_code: entry.org_code.as_ref().map(|code| code.get_ref().clone()).unwrap_or_default(),
        org_name: entry.org_name.clone(),
    }
}

pub(in crate::config) fn feature_code(entry: &FeatureCodeEntry) -> FeatureCode {
    let asks = match &entry.to {
        Some(to) => CodeAsks::Transfer(HotlineId::from(to.get_ref().as_str())),
        None => CodeAsks::Cancel,
    };
    FeatureCode { code: entry.code.get_ref().clone(), asks }
}

/// The priority of a hotline that does not say it.
fn usual_priority(number: &str) -> Priority {
    if EMERGENCY.contains(&number) { Priority::Emergency } else { Priority::Normal }
}
