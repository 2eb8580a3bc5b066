//! What `trunks.toml` may say.

use ipnet::IpNet;

use super::territories::{region, service};
use super::{Files, at_most, host_bits, identifier, number, unique};
use crate::config::Problem;
use crate::config::schema::{TrunkEntry, TrunksFile};
use crate::config::source::Parsed;
use crate::routing::config::{CorrelateBy, PeerClass};

/// Each is looked through for every message.
const TRUNKS: usize = 500;

pub(super) fn trunks(files: &Files<'_>, problems: &mut Vec<Problem>) {
    let file = files.trunks;
    let ids = file.value.trunk.iter().map(|trunk| &trunk.id);
    unique(file, ids, "trunk.id", problems);
    at_most(file, file.value.trunk.iter().map(|trunk| &trunk.id), TRUNKS, "trunk.id", problems);
    for trunk in &file.value.trunk {
        identifier(file, &trunk.id, "trunk.id", problems);
        trunk_networks(file, trunk, problems);
        subscription(file, trunk, problems);
        for hop in &trunk.next_hops {
            let address = hop.get_ref().address();
            if address.ip().is_unspecified() || address.port() == 0 {
                let wrong = format!("{address} cannot be sent to");
                problems.push(file.problem(hop, "trunk.next_hops", wrong, "ADDRESS:PORT of the peer"));
            }
        }
        trunk_limits(file, trunk, problems);
        for (count, key) in [(&trunk.calls, "trunk.calls"), (&trunk.invites_per_s, "trunk.invites_per_s")] {
            if !(1..=100_000).contains(count.get_ref()) {
                problems.push(file.problem(count, key, format!("{}", count.get_ref()), "1 to 100000"));
            }
        }
        trunk_numbers(files, trunk, problems);
        correlation(file, trunk, problems);
    }
    overlaps(files, problems);
}

/// What the operator of the trunk has given us.
fn subscription(file: &Parsed<TrunksFile>, trunk: &TrunkEntry, problems: &mut Vec<Problem>) {
    let digits = |text: &str| !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(number) = &trunk.number
        && !digits(number.get_ref().strip_prefix('+').unwrap_or(number.get_ref()))
    {
        let wrong = format!("`{}` is no telephone number", number.get_ref().escape_debug());
        problems.push(file.problem(number, "trunk.number", wrong, "digits, perhaps with a + before them"));
    }
    if let Some(area) = &trunk.area_code {
        let code = area.get_ref().strip_prefix('0').unwrap_or(area.get_ref());
        if !digits(code) || !(2..=3).contains(&code.len()) {
            let wrong = format!("`{}` is no area code", area.get_ref().escape_debug());
            problems.push(file.problem(area, "trunk.area_code", wrong, "such as \"021\" or \"0908\""));
        }
    }
    if let Some(domain) = &trunk.domain {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if domain.get_ref().is_empty() || domain.get_ref().len() > 253 || !domain.get_ref().chars().all(plain) {
            let wrong = format!("`{}` is no host name", domain.get_ref().escape_debug());
            problems.push(file.problem(domain, "trunk.domain", wrong, "such as \"ims.example.cn\""));
        }
    }
}

fn trunk_limits(file: &Parsed<TrunksFile>, trunk: &TrunkEntry, problems: &mut Vec<Problem>) {
    if let Some(reserve) = &trunk.emergency_reserve
        && reserve.get_ref() > trunk.calls.get_ref()
    {
        let wrong = format!("{} of {} calls", reserve.get_ref(), trunk.calls.get_ref());
        problems.push(file.problem(reserve, "trunk.emergency_reserve", wrong, "at most as many as `calls`"));
    }
    if let Some(priority) = &trunk.resource_priority
        && !is_resource_priority(priority.get_ref())
    {
        let wrong = format!("`{}` is no namespace and priority", priority.get_ref());
        problems.push(file.problem(priority, "trunk.resource_priority", wrong, "such as esnet.0 (RFC 4412)"));
    }
    if *trunk.options_interval_s.get_ref() > 300 {
        let wrong = format!("{} s", trunk.options_interval_s.get_ref());
        problems.push(file.problem(&trunk.options_interval_s, "trunk.options_interval_s", wrong, "0 to 300"));
    }
    let mut seen: Vec<std::net::SocketAddr> = Vec::new();
    for hop in &trunk.next_hops {
        let address = hop.get_ref().address();
        if seen.contains(&address) {
            let wrong = format!("{address} stands there twice");
            problems.push(file.problem(hop, "trunk.next_hops", wrong, "each address once"));
        }
        seen.push(address);
    }
}

/// Where its calls come from, and what the numbers mean that are called over it.
fn trunk_numbers(files: &Files<'_>, trunk: &TrunkEntry, problems: &mut Vec<Problem>) {
    let file = files.trunks;
    if let Some(code) = &trunk.region {
        region(files, file, code, "trunk.region", problems);
    }
    unique(file, trunk.called.iter().map(|row| &row.number), "trunk.called.number", problems);
    for row in &trunk.called {
        number(file, &row.number, "trunk.called.number", problems);
        service(files, file, &row.hotline, "trunk.called.hotline", problems);
        if let Some(code) = &row.region {
            region(files, file, code, "trunk.called.region", problems);
        }
    }
}

/// Only a PBX makes calls for its agents, and what such a call is known by must be there.
fn correlation(file: &Parsed<TrunksFile>, trunk: &TrunkEntry, problems: &mut Vec<Problem>) {
    for (header, key) in
        [(&trunk.correlation_header, "trunk.correlation_header"), (&trunk.agent_header, "trunk.agent_header")]
    {
        if let Some(header) = header
            && !is_own_header(header.get_ref())
        {
            let wrong = format!("`{}` is no header of its own", header.get_ref().escape_debug());
            problems.push(file.problem(header, key, wrong, "such as X-Linkage-Id"));
        }
    }
    let Some(by) = &trunk.correlate else { return };
    let mut problem = |wrong: &str, right: &str| problems.push(file.problem(by, "trunk.correlate", wrong, right));
    if trunk.class != PeerClass::Pbx {
        problem("only a PBX makes calls for agents who have one", "class = \"pbx\"");
    }
    if by.get_ref().contains(&CorrelateBy::Header) && trunk.correlation_header.is_none() {
        problem("`header` needs to know which", "correlation_header = \"X-Linkage-Id\"");
    }
    if (1..by.get_ref().len()).any(|end| by.get_ref()[..end].contains(&by.get_ref()[end])) {
        problem("a source stands there twice", "each source once");
    }
}

/// A token (RFC 3261 25.1) that names no header that SIP itself needs.
fn is_own_header(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.len() <= 64 && name.bytes().all(token) && name.to_ascii_lowercase().starts_with("x-")
}

/// RFC 4412 3.1: namespace "." priority, both tokens without a full stop.
fn is_resource_priority(text: &str) -> bool {
    let token = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.split_once('.').is_some_and(|(namespace, priority)| token(namespace) && token(priority))
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
