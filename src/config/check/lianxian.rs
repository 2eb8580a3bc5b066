//! What the main file may say.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::host_bits;
use crate::config::Problem;
use crate::config::schema::{MainFile, TransportKey};
use crate::config::source::Parsed;

pub(super) fn sip(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
    let sip = &main.value.sip;
    let realm = sip.realm.get_ref();
    if !is_host_name(realm) {
        let wrong = format!("`{}` is no host name", realm.escape_debug());
        problems.push(main.problem(&sip.realm, "sip.realm", wrong, "letters, digits, dots and hyphens"));
    }
    host(main, problems);
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

/// The host part of our URIs: a name as of the realm, or an address.
fn host(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
    let Some(host) = &main.value.sip.host else { return };
    let address = host.get_ref().parse::<IpAddr>().is_ok_and(|address| !address.is_unspecified());
    if !address && !is_host_name(host.get_ref()) {
        let wrong = format!("`{}` is no host name and no address", host.get_ref().escape_debug());
        problems.push(main.problem(host, "sip.host", wrong, "a host name, or the address that peers know us by"));
    }
}

fn is_host_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    !text.is_empty() && text.len() <= 253 && text.chars().all(plain)
}

pub(super) fn softphones(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
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

pub(super) fn media(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
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
    ports_for_calls(main, problems);
    if *media.workers.get_ref() > 64 {
        let wrong = format!("{} threads", media.workers.get_ref());
        problems.push(main.problem(&media.workers, "media.workers", wrong, "0 to 64"));
    }
}

/// A call has two legs, a leg a pair of ports. A transfer takes a third one for a moment; freed ones rest.
const PORTS_OF_A_CALL: u32 = 4;

/// Too few ports would be found out in the busiest hour.
fn ports_for_calls(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
    let (media, limits) = (&main.value.media, &main.value.limits);
    let ports = u32::from(media.last_port.get_ref().saturating_sub(*media.first_port.get_ref())) + 1;
    let calls = ports / PORTS_OF_A_CALL;
    if calls < *limits.calls.get_ref() {
        let wrong = format!("{ports} media ports serve {calls} calls, and limits.calls is {}", limits.calls.get_ref());
        let right = format!("a range of {} ports, or limits.calls = {calls}", limits.calls.get_ref() * PORTS_OF_A_CALL);
        problems.push(main.problem(&media.last_port, "media.last_port", wrong, right));
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

pub(super) fn store(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
    let store = &main.value.store;
    if store.folder.get_ref().is_empty() {
        problems.push(main.problem(&store.folder, "store.folder", "no folder", "the folder of the databases"));
    }
    let counts = [
        (&store.ballast_mb, "store.ballast_mb", 0..=65_536),
        (&store.waiting_entries, "store.waiting_entries", 100..=1_000_000),
        (&store.keep_days, "store.keep_days", 1..=36_500),
    ];
    for (count, key, range) in counts {
        if !range.contains(count.get_ref()) {
            let wrong = format!("{}", count.get_ref());
            problems.push(main.problem(count, key, wrong, format!("{} to {}", range.start(), range.end())));
        }
    }
}

pub(super) fn limits(main: &Parsed<MainFile>, problems: &mut Vec<Problem>) {
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
    if *limits.shutdown_s.get_ref() > 3_600 {
        let wrong = format!("{} s", limits.shutdown_s.get_ref());
        problems.push(main.problem(&limits.shutdown_s, "limits.shutdown_s", wrong, "0 to 3600"));
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
    if let Some(http) = &main.value.http
        && !http.listen.get_ref().ip().is_loopback()
    {
        let wrong = format!("{} is not loopback, and this listener has no TLS", http.listen.get_ref());
        problems.push(main.problem(&http.listen, "http.listen", wrong, "a loopback address, behind a proxy with TLS"));
    }
}
