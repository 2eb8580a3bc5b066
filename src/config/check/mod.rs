//! What each file may say in itself and of the others: one file here for each of theirs.
//!
//! Decides: which values and names are refused, and what would be right.
//! Invariants: all problems are noted, never only the first; each names its place.
//! Does not do: types and unknown keys (`config/schema`), secrets (`config/secret`).

mod agents;
mod hotlines;
mod lianxian;
mod outbound;
mod reach;
mod territories;
mod trunks;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

pub(in crate::config) use outbound::outbound;

use super::schema::{AgentsFile, HotlinesFile, MainFile, TerritoriesFile, TrunkEntry, TrunksFile};
use super::source::Parsed;
use super::{Placed, Problem};
use crate::routing::regions::Regions;

/// All files, parsed.
pub(in crate::config) struct Files<'a> {
    pub(in crate::config) main: &'a Parsed<MainFile>,
    pub(in crate::config) trunks: &'a Parsed<TrunksFile>,
    pub(in crate::config) hotlines: &'a Parsed<HotlinesFile>,
    pub(in crate::config) agents: &'a Parsed<AgentsFile>,
    /// None, if there is no such file.
    pub(in crate::config) territories: Option<&'a Parsed<TerritoriesFile>>,
    pub(in crate::config) regions: &'a Regions,
}

/// Whom a target may name.
struct Staff<'a> {
    trunks: BTreeMap<&'a str, &'a TrunkEntry>,
    groups: BTreeSet<&'a str>,
    /// Groups with an agent.
    staffed: BTreeSet<&'a str>,
}

impl<'a> Staff<'a> {
    fn of(files: &'a Files<'_>) -> Self {
        let trunks = files.trunks.value.trunk.iter().map(|trunk| (trunk.id.get_ref().as_str(), trunk));
        let members = files.agents.value.agent.iter().flat_map(|agent| &agent.groups);
        Self {
            trunks: trunks.collect(),
            groups: files.agents.value.group.iter().map(|group| group.id.get_ref().as_str()).collect(),
            staffed: members.map(|group| group.get_ref().as_str()).collect(),
        }
    }
}

/// Notes everything that is wrong.
pub(in crate::config) fn check(files: &Files<'_>, problems: &mut Vec<Problem>) {
    lianxian::sip(files.main, problems);
    lianxian::softphones(files.main, problems);
    lianxian::media(files.main, problems);
    lianxian::limits(files.main, problems);
    lianxian::store(files.main, problems);
    trunks::trunks(files, problems);
    let staff = Staff::of(files);
    hotlines::hotlines(files, &staff, problems);
    agents::agents(files, problems);
    territories::territories(files, &staff, problems);
    agents::digests(files, problems);
    reach::reach(files, problems);
}

// === What several files need ===

/// What a target must be: a group with agents, or a number on a trunk that can be sent to.
fn call_target<T, V>(
    file: &Parsed<T>,
    staff: &Staff<'_>,
    key: &str,
    place: &Placed<V>,
    [group, trunk, called]: [&Option<Placed<String>>; 3],
    problems: &mut Vec<Problem>,
) {
    match (group, trunk, called) {
        (Some(group), None, None) => {
            let id = group.get_ref().as_str();
            let key = format!("{key}.group");
            if !staff.groups.contains(id) {
                let wrong = format!("there is no group `{id}`");
                problems.push(file.problem(group, key, wrong, "an id of a [[group]] in agents.toml"));
            } else if !staff.staffed.contains(id) {
                let wrong = format!("group `{id}` has no agent: nobody would answer");
                problems.push(file.problem(group, key, wrong, "an agent with this group"));
            }
        }
        (None, Some(trunk), Some(called)) => {
            number(file, called, &format!("{key}.number"), problems);
            let id = trunk.get_ref().as_str();
            let key = format!("{key}.trunk");
            match staff.trunks.get(id) {
                None => {
                    let wrong = format!("there is no trunk `{id}`");
                    problems.push(file.problem(trunk, key, wrong, "an id of a [[trunk]] in trunks.toml"));
                }
                Some(entry) if entry.next_hops.is_empty() => {
                    let wrong = format!("trunk `{id}` has no next_hops: nothing can be sent to it");
                    problems.push(file.problem(trunk, key, wrong, "a trunk with next_hops"));
                }
                Some(_) => {}
            }
        }
        (None, Some(trunk), None) => {
            let right = "number = \"110\", the number to call there";
            problems.push(file.problem(trunk, format!("{key}.number"), "a trunk without a number", right));
        }
        (None, None, _) | (Some(_), _, _) => {
            let wrong = "a step is either a group, or a number on a trunk";
            let right = "steps { group = \"..\" } or { trunk = \"..\", number = \"..\" }";
            problems.push(file.problem(place, key, wrong, right));
        }
    }
}

fn unique<'a, T>(
    file: &Parsed<T>,
    names: impl Iterator<Item = &'a Placed<String>>,
    key: &str,
    problems: &mut Vec<Problem>,
) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.get_ref().as_str()) {
            let wrong = format!("`{}` stands twice", name.get_ref());
            problems.push(file.problem(name, key, wrong, "a name that is used once"));
        }
    }
}

/// No more rows than are looked through without haste at every call and every reload.
fn at_most<'a, T>(
    file: &Parsed<T>,
    names: impl Iterator<Item = &'a Placed<String>>,
    most: usize,
    key: &str,
    problems: &mut Vec<Problem>,
) {
    let mut names = names.skip(most);
    if let Some(first) = names.next() {
        let wrong = format!("{} rows, and this is number {}", most + 1 + names.count(), most + 1);
        problems.push(file.problem(first, key, wrong, format!("at most {most}")));
    }
}

fn identifier<T>(file: &Parsed<T>, name: &Placed<String>, key: &str, problems: &mut Vec<Problem>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.get_ref().is_empty() || name.get_ref().len() > 64 || !name.get_ref().chars().all(plain) {
        let wrong = format!("`{}` is no identifier", name.get_ref().escape_debug());
        problems.push(file.problem(name, key, wrong, "1 to 64 letters, digits, hyphens and underscores"));
    }
}

fn number<T>(file: &Parsed<T>, number: &Placed<String>, key: &str, problems: &mut Vec<Problem>) {
    let digits = number.get_ref().strip_prefix('+').unwrap_or(number.get_ref());
    if digits.is_empty() || digits.len() > 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let wrong = format!("`{}` is no number", number.get_ref().escape_debug());
        problems.push(file.problem(number, key, wrong, "1 to 20 digits, with or without + in front"));
    }
}

/// What a network with bits behind its prefix should be.
fn host_bits(network: IpNet) -> Option<String> {
    (network.trunc() != network).then(|| {
        let whole = if network.addr().is_ipv4() { 32 } else { 128 };
        format!("{} for the network, {}/{whole} for the host", network.trunc(), network.addr())
    })
}
