//! Whether everybody who is configured can be reached, and nobody by mistake: networks, listeners, media addresses.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Files;
use crate::config::schema::{MainFile, NextHop, TransportKey, TrunkEntry};
use crate::config::source::Parsed;
use crate::config::{Placed, Problem};
use crate::routing::config::Trust;

/// Notes everything that is wrong.
pub(super) fn reach(files: &Files<'_>, problems: &mut Vec<Problem>) {
    let (main, trunks) = (files.main, files.trunks);
    let networks = &main.value.softphones.networks;
    for network in networks.get_ref() {
        if let Some(right) = too_wide(*network, Trust::Untrusted) {
            let wrong = format!("{network} is nearly everybody");
            problems.push(main.problem(networks, "softphones.networks", wrong, right));
        }
        within_a_trunk(files, *network, problems);
    }
    families(main, main, networks, "softphones.networks", problems);
    for trunk in &trunks.value.trunk {
        for network in trunk.networks.get_ref() {
            if let Some(right) = too_wide(*network, trunk.trust) {
                let wrong = format!("{network} is too wide: whoever sends from it would be this trunk");
                problems.push(trunks.problem(&trunk.networks, "trunk.networks", wrong, right));
            }
        }
        families(main, trunks, &trunk.networks, "trunk.networks", problems);
        for hop in &trunk.next_hops {
            next_hop(files, trunk, hop, problems);
        }
    }
}

/// What would be right for a network that takes in more than one organisation has. Whoever is in a trusted trunk's
/// networks is believed every number that it shows.
fn too_wide(network: IpNet, trust: Trust) -> Option<&'static str> {
    let (least, right) = match (trust, network) {
        (Trust::Trusted, IpNet::V4(_)) => (16, "a trusted trunk's own addresses, at most a /16"),
        (Trust::Trusted, IpNet::V6(_)) => (48, "a trusted trunk's own addresses, at most a /48"),
        (Trust::Untrusted, IpNet::V4(_)) => (8, "its own addresses, at most a /8"),
        (Trust::Untrusted, IpNet::V6(_)) => (32, "its own addresses, at most a /32"),
    };
    (network.prefix_len() < least).then_some(right)
}

/// A trunk is known by its address alone: softphones in its network would call as the trunk and never be asked for
/// their password. The other way round is fine, one PBX in the network of an office: its address is the trunk's.
fn within_a_trunk(files: &Files<'_>, network: IpNet, problems: &mut Vec<Problem>) {
    let holds = |trunk: &&TrunkEntry| trunk.networks.get_ref().iter().any(|of_trunk| of_trunk.contains(&network));
    if let Some(trunk) = files.trunks.value.trunk.iter().find(holds) {
        let wrong =
            format!("{network} lies within trunk {}: a softphone there would be that trunk", trunk.id.get_ref());
        let right = "networks of softphones outside of every trunk's networks";
        problems.push(files.main.problem(&files.main.value.softphones.networks, "softphones.networks", wrong, right));
    }
}

/// Who signals over a family needs a listener and a media address of it.
fn families<T>(
    main: &Parsed<MainFile>,
    file: &Parsed<T>,
    networks: &Placed<Vec<IpNet>>,
    key: &str,
    problems: &mut Vec<Problem>,
) {
    let families = [("IPv4", IpNet::V4(Default::default())), ("IPv6", IpNet::V6(Default::default()))];
    for (name, of_family) in families {
        let ipv4 = of_family.addr().is_ipv4();
        let Some(network) = networks.get_ref().iter().find(|network| network.addr().is_ipv4() == ipv4) else {
            continue;
        };
        let listens = main.value.sip.listen.get_ref().iter().any(|entry| entry.address.get_ref().is_ipv4() == ipv4);
        if !listens {
            let wrong = format!("{network} is {name}, and nothing listens on {name}");
            problems.push(file.problem(networks, key, wrong, format!("a [[sip.listen]] with an {name} address")));
        }
        if !has_media(&main.value, ipv4) {
            let wrong = format!("{network} is {name}, and there is no {name} address for its sound");
            let right = if ipv4 { "media.address = IPv4" } else { "media.ipv6_address, beside an IPv4 media.address" };
            problems.push(file.problem(networks, key, wrong, right));
        }
    }
}

fn has_media(main: &MainFile, ipv4: bool) -> bool {
    let told = main.media.advertise.as_ref().unwrap_or(&main.media.address);
    let addresses = std::iter::once(told).chain(&main.media.ipv6_address);
    addresses.into_iter().any(|address: &Placed<IpAddr>| address.get_ref().is_ipv4() == ipv4)
}

/// What is sent to a trunk leaves through a listener of its transport and family.
fn next_hop(files: &Files<'_>, trunk: &TrunkEntry, hop: &Placed<NextHop>, problems: &mut Vec<Problem>) {
    let address = hop.get_ref().address();
    let fits = files
        .main
        .value
        .sip
        .listen
        .get_ref()
        .iter()
        .any(|entry| entry.transport == trunk.transport && entry.address.get_ref().is_ipv4() == address.is_ipv4());
    if !fits {
        let transport = match trunk.transport {
            TransportKey::Udp => "udp",
            TransportKey::Tcp => "tcp",
        };
        let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
        let wrong = format!("{} is to be reached by {transport} over {family}, and nothing listens there", address);
        let right = format!("a [[sip.listen]] with transport = \"{transport}\" and an {family} address");
        problems.push(files.trunks.problem(hop, "trunk.next_hops", wrong, right));
    }
}
