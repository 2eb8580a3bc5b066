//! What `agents.toml` may say.

use super::{Files, at_most, identifier, territories, unique};
use crate::config::Problem;
use crate::sip::auth::Algorithm;

/// The largest desks of a province have some hundreds of seats in some dozens of groups.
const AGENTS: usize = 5_000;
const GROUPS: usize = 1_000;

pub(super) fn agents(files: &Files<'_>, problems: &mut Vec<Problem>) {
    let file = files.agents;
    unique(file, file.value.group.iter().map(|group| &group.id), "group.id", problems);
    unique(file, file.value.agent.iter().map(|agent| &agent.number), "agent.number", problems);
    at_most(file, file.value.group.iter().map(|group| &group.id), GROUPS, "group.id", problems);
    at_most(file, file.value.agent.iter().map(|agent| &agent.number), AGENTS, "agent.number", problems);
    for group in &file.value.group {
        identifier(file, &group.id, "group.id", problems);
        if let Some(region) = &group.region {
            territories::region(files, file, region, "group.region", problems);
        }
    }
    for agent in &file.value.agent {
        identifier(file, &agent.number, "agent.number", problems);
        for group in &agent.groups {
            let id = group.get_ref();
            if !file.value.group.iter().any(|entry| entry.id.get_ref() == id) {
                let wrong = format!("there is no group `{id}`");
                problems.push(file.problem(group, "agent.groups", wrong, "an id of a [[group]] in this file"));
            }
        }
    }
}

/// Each agent must be able to answer what is offered: the same challenge goes to all.
pub(super) fn digests(files: &Files<'_>, problems: &mut Vec<Problem>) {
    let digest = &files.main.value.softphones.digest;
    let offered = digest.get_ref();
    if offered.is_empty() {
        let right = "\"SHA-256\", \"MD5\" or both";
        problems.push(files.main.problem(digest, "softphones.digest", "nothing is offered", right));
    }
    for agent in &files.agents.value.agent {
        let Some(ha1) = &agent.ha1 else { continue };
        let lacks = |algorithm: &&Algorithm| match algorithm {
            Algorithm::Sha256 => ha1.get_ref().sha256.is_none(),
            Algorithm::Md5 => ha1.get_ref().md5.is_none(),
        };
        if let Some(missing) = offered.iter().find(lacks) {
            let wrong = format!("no digest for {}, which softphones.digest offers", missing.token());
            problems.push(files.agents.problem(ha1, "agent.ha1", wrong, "a digest for each, or a shorter offer"));
        }
    }
}
