//! What `hotlines.toml` may say, and of whom.

use std::collections::{BTreeMap, BTreeSet};

use super::{Files, number, unique};
use crate::config::schema::{StepEntry, TrunkEntry};
use crate::config::{Placed, Problem};

pub(super) fn hotlines(files: &Files<'_>, problems: &mut Vec<Problem>) {
    let file = files.hotlines;
    unique(file, file.value.hotline.iter().map(|hotline| &hotline.number), "hotline.number", problems);
    let trunks: BTreeMap<&str, &TrunkEntry> =
        files.trunks.value.trunk.iter().map(|trunk| (trunk.id.get_ref().as_str(), trunk)).collect();
    let members = files.agents.value.agent.iter().flat_map(|agent| &agent.groups);
    let staffed: BTreeSet<&str> = members.map(|group| group.get_ref().as_str()).collect();
    for hotline in &file.value.hotline {
        number(file, &hotline.number, "hotline.number", problems);
        if !(5..=180).contains(hotline.ring_timeout_s.get_ref()) {
            let wrong = format!("{} s", hotline.ring_timeout_s.get_ref());
            problems.push(file.problem(&hotline.ring_timeout_s, "hotline.ring_timeout_s", wrong, "5 to 180"));
        }
        if hotline.plan.get_ref().is_empty() {
            let wrong = format!("hotline {} has no step: nobody would be called", hotline.number.get_ref());
            problems.push(file.problem(&hotline.plan, "hotline.plan", wrong, STEP));
        }
        for step in hotline.plan.get_ref() {
            hotline_step(files, &trunks, &staffed, step, problems);
        }
    }
}

const STEP: &str = "steps { group = \"..\" } or { trunk = \"..\", number = \"..\" }";

fn hotline_step(
    files: &Files<'_>,
    trunks: &BTreeMap<&str, &TrunkEntry>,
    staffed: &BTreeSet<&str>,
    step: &Placed<StepEntry>,
    problems: &mut Vec<Problem>,
) {
    let file = files.hotlines;
    let entry = step.get_ref();
    match (&entry.group, &entry.trunk, &entry.number) {
        (Some(group), None, None) => {
            let id = group.get_ref().as_str();
            if !files.agents.value.group.iter().any(|entry| entry.id.get_ref() == id) {
                let wrong = format!("there is no group `{id}`");
                problems.push(file.problem(group, "hotline.plan.group", wrong, "an id of a [[group]] in agents.toml"));
            } else if !staffed.contains(id) {
                let wrong = format!("group `{id}` has no agent: nobody would answer");
                problems.push(file.problem(group, "hotline.plan.group", wrong, "an agent with this group"));
            }
        }
        (None, Some(trunk), Some(called)) => {
            number(file, called, "hotline.plan.number", problems);
            let id = trunk.get_ref().as_str();
            match trunks.get(id) {
                None => {
                    let wrong = format!("there is no trunk `{id}`");
                    let right = "an id of a [[trunk]] in trunks.toml";
                    problems.push(file.problem(trunk, "hotline.plan.trunk", wrong, right));
                }
                Some(entry) if entry.next_hops.is_empty() => {
                    let wrong = format!("trunk `{id}` has no next_hops: nothing can be sent to it");
                    problems.push(file.problem(trunk, "hotline.plan.trunk", wrong, "a trunk with next_hops"));
                }
                Some(_) => {}
            }
        }
        (None, Some(trunk), None) => {
            let right = "number = \"110\", the number to call there";
            problems.push(file.problem(trunk, "hotline.plan.number", "a trunk without a number", right));
        }
        (None, None, _) | (Some(_), _, _) => {
            let wrong = "a step is either a group, or a number on a trunk";
            problems.push(file.problem(step, "hotline.plan", wrong, STEP));
        }
    }
}
