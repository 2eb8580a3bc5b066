//! What each file may say in itself and of the others: one file here for each of theirs.
//!
//! Decides: which values and names are refused, and what would be right.
//! Invariants: all problems are noted, never only the first; each names its place.
//! Does not do: types and unknown keys (`config/schema`), secrets (`config/secret`).

mod agents;
mod hotlines;
mod lianxian;
mod outbound;
mod trunks;

use std::collections::BTreeSet;

use ipnet::IpNet;

pub(in crate::config) use outbound::outbound;

use super::schema::{AgentsFile, HotlinesFile, MainFile, TrunksFile};
use super::source::Parsed;
use super::{Placed, Problem};

/// All files, parsed.
pub(in crate::config) struct Files<'a> {
    pub(in crate::config) main: &'a Parsed<MainFile>,
    pub(in crate::config) trunks: &'a Parsed<TrunksFile>,
    pub(in crate::config) hotlines: &'a Parsed<HotlinesFile>,
    pub(in crate::config) agents: &'a Parsed<AgentsFile>,
}

/// Notes everything that is wrong.
pub(in crate::config) fn check(files: &Files<'_>, problems: &mut Vec<Problem>) {
    lianxian::sip(files.main, problems);
    lianxian::softphones(files.main, problems);
    lianxian::media(files.main, problems);
    lianxian::limits(files.main, problems);
    trunks::trunks(files, problems);
    hotlines::hotlines(files, problems);
    agents::agents(files.agents, problems);
    agents::digests(files, problems);
}

// === What several files need ===

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
