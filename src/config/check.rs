//! What each file may say in itself and of the others.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use toml::Spanned;

use super::Problem;
use super::schema::{AgentsFile, HotlinesFile, MainFile, StepEntry, TransportKey, TrunkEntry, TrunksFile};
use super::source::Parsed;
use crate::sip::auth::Algorithm;

/// All files, parsed.
pub(super) struct Files<'a> {
    pub(super) main: &'a Parsed<MainFile>,
    pub(super) trunks: &'a Parsed<TrunksFile>,
    pub(super) hotlines: &'a Parsed<HotlinesFile>,
    pub(super) agents: &'a Parsed<AgentsFile>,
}

/// Notes everything that is wrong.
pub(super) fn check(files: &Files<'_>, problems: &mut Vec<Problem>) {
    sip(files.main, problems);
    softphones(files.main, problems);
    media(files.main, problems);
    limits(files.main, problems);
    trunks(files, problems);
    hotlines(files, problems);
    agents(files.agents, problems);
    digests(files, problems);
}

// === lianxian.toml ===

fn sip(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
    let sip = &main.value.sip;
    let realm = sip.realm.get_ref();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if realm.is_empty() || realm.len() > 253 || !realm.chars().all(plain) {
        let wrong = format!("`{}` is no host name", realm.escape_debug());
        problems.push(main.problem(&sip.realm, "sip.realm", wrong, "letters, digits, dots and hyphens"));
    }
    if sip.listen.get_ref().is_empty() {
        problems.push(main.problem(&sip.listen, "sip.listen", "nothing to listen on", "at least one [[sip.listen]]"));
    }
    let mut seen = BTreeSet::new();
    for entry in sip.listen.get_ref() {
        let address = *entry.address.get_ref();
        if !seen.insert((entry.transport == TransportKey::Udp, address)) {
            let wrong = format!("{address} is listened on twice");
            problems.push(main.problem(&entry.address, "sip.listen.address", wrong, "each address once a transport"));
        }
        if address.port() == 0 {
            problems.push(main.problem(&entry.address, "sip.listen.address", "port 0", "the port peers know, 5060"));
        }
        let told = entry.advertise.as_ref().unwrap_or(&entry.address);
        if told.get_ref().ip().is_unspecified() {
            let key = if entry.advertise.is_some() { "sip.listen.advertise" } else { "sip.listen.address" };
            let wrong = format!("{} cannot be told to peers", told.get_ref().ip());
            problems.push(main.problem(told, key, wrong, "advertise = \"ADDRESS:PORT\" as peers reach it"));
        } else if told.get_ref().is_ipv4() != address.is_ipv4() {
            let wrong = format!("{} and {address} are of two families", told.get_ref());
            problems.push(main.problem(told, "sip.listen.advertise", wrong, "an address of the same family"));
        }
    }
}

fn softphones(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
    let section = &main.value.softphones;
    for network in section.networks.get_ref() {
        if let Some(right) = host_bits(*network) {
            let wrong = format!("{network} has bits set behind its prefix");
            problems.push(main.problem(&section.networks, "softphones.networks", wrong, right));
        }
    }
    let (min, default, max) =
        (section.min_expires_s.get_ref(), section.default_expires_s.get_ref(), section.max_expires_s.get_ref());
    if *min < 10 {
        let wrong = format!("{min} s");
        problems.push(main.problem(&section.min_expires_s, "softphones.min_expires_s", wrong, "at least 10"));
    }
    if !(min..=max).contains(&default) {
        let wrong = format!("{default} s is not between min_expires_s {min} and max_expires_s {max}");
        let right = "min_expires_s <= default_expires_s <= max_expires_s";
        problems.push(main.problem(&section.default_expires_s, "softphones.default_expires_s", wrong, right));
    }
    if *max > 86_400 {
        let wrong = format!("{max} s");
        problems.push(main.problem(&section.max_expires_s, "softphones.max_expires_s", wrong, "at most 86400"));
    }
}

/// Each agent must be able to answer what is offered: the same challenge goes to all.
fn digests(files: &Files<'_>, problems: &mut Vec<Problem>) {
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

fn media(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
    let media = &main.value.media;
    media_addresses(main, problems);
    let (first, last) = (*media.first_port.get_ref(), *media.last_port.get_ref());
    if first < 1024 {
        let wrong = format!("{first} is a system port");
        problems.push(main.problem(&media.first_port, "media.first_port", wrong, "an even port from 1024 up"));
    } else if first % 2 == 1 {
        let wrong = format!("{first} is odd");
        let right = "an even port: RTP is even, RTCP the next";
        problems.push(main.problem(&media.first_port, "media.first_port", wrong, right));
    }
    if last <= first || last % 2 == 0 {
        let wrong = format!("{first} to {last} is no range of pairs");
        problems.push(main.problem(&media.last_port, "media.last_port", wrong, "an odd port above first_port"));
    }
    for entry in main.value.sip.listen.get_ref() {
        let address = entry.address.get_ref();
        if entry.transport == TransportKey::Udp && (first..=last).contains(&address.port()) {
            let wrong = format!("{first} to {last} covers the signalling port {}", address.port());
            problems.push(main.problem(&media.first_port, "media.first_port", wrong, "a range without it"));
        }
    }
    if *media.workers.get_ref() > 64 {
        let wrong = format!("{} threads", media.workers.get_ref());
        problems.push(main.problem(&media.workers, "media.workers", wrong, "0 to 64"));
    }
}

fn media_addresses(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
    let media = &main.value.media;
    let told = match &media.advertise {
        Some(address) => (address, "media.advertise"),
        None => (&media.address, "media.address"),
    };
    let ipv6 = media.ipv6_address.as_ref().map(|address| (address, "media.ipv6_address"));
    for (address, key) in std::iter::once(told).chain(ipv6) {
        if address.get_ref().is_unspecified() || address.get_ref().is_multicast() {
            let wrong = format!("{} cannot stand in SDP", address.get_ref());
            problems.push(main.problem(address, key, wrong, "the address that peers send sound to"));
        }
    }
    if told.0.get_ref().is_ipv4() != media.address.get_ref().is_ipv4() {
        let wrong = format!("{} and {} are of two families", told.0.get_ref(), media.address.get_ref());
        problems.push(main.problem(told.0, told.1, wrong, "an address of the same family as `address`"));
    }
    if let Some(address) = &media.ipv6_address
        && (address.get_ref().is_ipv4() || media.address.get_ref().is_ipv6())
    {
        let wrong = "only an IPv6 address beside an IPv4 `address`";
        problems.push(main.problem(address, "media.ipv6_address", wrong, "address = IPv4, ipv6_address = IPv6"));
    }
}

fn limits(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
    let limits = &main.value.limits;
    let counts = [
        (&limits.calls, "limits.calls", 100_000),
        (&limits.connections, "limits.connections", 1_000_000),
        (&limits.connections_per_address, "limits.connections_per_address", 1_000_000),
    ];
    for (count, key, most) in counts {
        if !(1..=most).contains(count.get_ref()) {
            let wrong = format!("{}", count.get_ref());
            problems.push(main.problem(count, key, wrong, format!("1 to {most}")));
        }
    }
    if limits.emergency_reserve.get_ref() >= limits.calls.get_ref() {
        let wrong = format!("{} leaves nothing for other calls", limits.emergency_reserve.get_ref());
        problems.push(main.problem(&limits.emergency_reserve, "limits.emergency_reserve", wrong, "less than calls"));
    }
    let listen = &main.value.admin.listen;
    if !listen.get_ref().ip().is_loopback() {
        let wrong = format!("{} is not loopback, and this listener has no TLS", listen.get_ref());
        problems.push(main.problem(listen, "admin.listen", wrong, "a loopback address"));
    }
}

// === trunks.toml ===

fn trunks(files: &Files<'_>, problems: &mut Vec<Problem>) {
    let file = files.trunks;
    let ids = file.value.trunk.iter().map(|trunk| &trunk.id);
    unique(file, ids, "trunk.id", problems);
    for trunk in &file.value.trunk {
        identifier(file, &trunk.id, "trunk.id", problems);
        trunk_networks(file, trunk, problems);
        for hop in &trunk.next_hops {
            if hop.get_ref().ip().is_unspecified() || hop.get_ref().port() == 0 {
                let wrong = format!("{} cannot be sent to", hop.get_ref());
                problems.push(file.problem(hop, "trunk.next_hops", wrong, "ADDRESS:PORT of the peer"));
            }
        }
        for (count, key) in [(&trunk.calls, "trunk.calls"), (&trunk.invites_per_s, "trunk.invites_per_s")] {
            if !(1..=100_000).contains(count.get_ref()) {
                problems.push(file.problem(count, key, format!("{}", count.get_ref()), "1 to 100000"));
            }
        }
    }
    overlaps(files, problems);
}

fn trunk_networks(file: &Parsed<TrunksFile>, trunk: &TrunkEntry, problems: &mut Vec<Problem>) {
    if trunk.networks.get_ref().is_empty() {
        let wrong = "no network: nothing could be known as this trunk";
        problems.push(file.problem(&trunk.networks, "trunk.networks", wrong, "at least one, such as 10.1.2.3/32"));
    }
    for network in trunk.networks.get_ref() {
        if let Some(right) = host_bits(*network) {
            let wrong = format!("{network} has bits set behind its prefix");
            problems.push(file.problem(&trunk.networks, "trunk.networks", wrong, right));
        }
    }
}

/// A source address is one peer: two trunks may not share one.
fn overlaps(files: &Files<'_>, problems: &mut Vec<Problem>) {
    let file = files.trunks;
    let meets =
        |a: &[IpNet], b: &[IpNet]| a.iter().find(|a| b.iter().any(|b| a.contains(b) || b.contains(*a))).copied();
    for (index, trunk) in file.value.trunk.iter().enumerate() {
        let networks = trunk.networks.get_ref();
        for other in file.value.trunk.iter().take(index) {
            if let Some(network) = meets(networks, other.networks.get_ref()) {
                let wrong = format!("{network} overlaps with trunk {}", other.id.get_ref());
                let right = "networks that belong to one trunk only";
                problems.push(file.problem(&trunk.networks, "trunk.networks", wrong, right));
            }
        }
    }
}

// === hotlines.toml ===

fn hotlines(files: &Files<'_>, problems: &mut Vec<Problem>) {
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
    step: &Spanned<StepEntry>,
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

// === agents.toml ===

fn agents(file: &Parsed<AgentsFile>, problems: &mut Vec<Problem>) {
    unique(file, file.value.group.iter().map(|group| &group.id), "group.id", problems);
    unique(file, file.value.agent.iter().map(|agent| &agent.number), "agent.number", problems);
    for group in &file.value.group {
        identifier(file, &group.id, "group.id", problems);
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

// === What several files need ===

fn unique<'a, T>(
    file: &Parsed<T>,
    names: impl Iterator<Item = &'a Spanned<String>>,
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

fn identifier<T>(file: &Parsed<T>, name: &Spanned<String>, key: &str, problems: &mut Vec<Problem>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.get_ref().is_empty() || name.get_ref().len() > 64 || !name.get_ref().chars().all(plain) {
        let wrong = format!("`{}` is no identifier", name.get_ref().escape_debug());
        problems.push(file.problem(name, key, wrong, "1 to 64 letters, digits, hyphens and underscores"));
    }
}

fn number<T>(file: &Parsed<T>, number: &Spanned<String>, key: &str, problems: &mut Vec<Problem>) {
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
