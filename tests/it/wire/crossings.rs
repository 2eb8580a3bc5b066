//! F32: messages that cross on the wire: re-INVITEs (glare), BYEs, a 200 and a CANCEL.

use std::time::{Duration, Instant};

use super::chaos::{Chaos, Places, Weather};
use super::loopback::Loopback;
use super::setup::{DAEMON, Daemon, Setup};
use super::sipp::SippSetup;
use super::sound::{AGENT_HZ, CITIZEN_HZ, Voice};

/// A daemon between a trunk of citizens at .2 and an office at .7, from which the way is long.
fn between_trunk_and_office(net: &Loopback) -> (Daemon, Chaos) {
    let daemon = Setup::new(net)
        .trunk("citizens", (net.host(2), 5060))
        .trunk("office", (net.host(8), 5060))
        .rings_trunk("office", "6000")
        .start();
    let way = Weather::far(Duration::from_millis(100));
    let places =
        Places { party: net.host(7), party_seen: net.host(8), daemon: net.host(DAEMON), daemon_seen: net.host(5) };
    (daemon, Chaos::between(places, way, way, 1))
}

#[test]
fn crossing_reinvites_are_both_refused_and_both_tried_again() {
    let net = Loopback::new("glare");
    let (trunk, desk) = (net.host(2), net.host(7));
    let (daemon, way) = between_trunk_and_office(&net);
    let (ear, mouth) = (Voice::new((trunk, 4_000).into(), CITIZEN_HZ), Voice::new((desk, 4_000).into(), AGENT_HZ));
    // The scenario asserts the 491 to its own re-INVITE, and that ours comes again and is acknowledged.
    let mut callee = SippSetup::new("desk_glares", desk, way.daemon_seen, mouth.address()).start(&net);
    let citizen = SippSetup {
        talk: Duration::from_secs(14),
        ..SippSetup::new("citizen_calls", trunk, daemon.sip, ear.address())
    };
    let mut citizen = citizen.start(&net);
    ear.speak_to(citizen.media());
    // The desk says nothing until it has been asked twice.
    callee.says("asked once");
    let asked = Instant::now();
    callee.says("asked again");
    assert!(asked.elapsed() > Duration::from_secs(2), "asked again after {:?}", asked.elapsed());
    mouth.speak_to(callee.media());
    citizen.passes();
    callee.passes();
    mouth.finish().must_hear(CITIZEN_HZ, Duration::from_secs(10));
    ear.finish().must_hear(AGENT_HZ, Duration::from_secs(1));
    daemon.ends_clean();
}

#[test]
fn crossing_byes_are_both_answered() {
    let net = Loopback::new("crossing-byes");
    let (daemon, way) = between_trunk_and_office(&net);
    let (trunk, desk) = (net.host(2), net.host(7));
    let callee = SippSetup::new("desk_crosses_byes", desk, way.daemon_seen, (desk, 4_000).into()).start(&net);
    let citizen = SippSetup::new("citizen_calls", trunk, daemon.sip, (trunk, 4_000).into()).start(&net);
    citizen.passes();
    callee.passes();
    daemon.ends_clean();
}

#[test]
fn a_200_that_crosses_our_cancel_is_acknowledged_and_hung_up() {
    let net = Loopback::new("crossing-cancel");
    let (trunk, desk) = (net.host(2), net.host(7));
    let (daemon, way) = between_trunk_and_office(&net);
    let callee =
        SippSetup::new("desk_answers_as_it_is_cancelled", desk, way.daemon_seen, (desk, 4_000).into()).start(&net);
    let citizen = SippSetup::new("citizen_gives_up", trunk, daemon.sip, (trunk, 4_000).into()).start(&net);
    citizen.passes();
    callee.passes();
    daemon.ends_clean();
}
