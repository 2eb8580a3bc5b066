//! Two gateways of one trunk, of which one is cut off: the caller pays two seconds and no more (F7, F8).

use std::time::{Duration, Instant};

use super::loopback::Loopback;
use super::namespace::Namespace;
use super::setup::Setup;
use super::sipp::SippSetup;
use super::sound::{AGENT_HZ, CITIZEN_HZ, Voice};

/// Calls over a trunk whose first gateway is treated so; how long the second one's INVITE took from SIPp's start.
fn call_past(name: &str, treat: impl FnOnce(&Namespace)) -> Duration {
    let (net, cable) = (Loopback::new(name), Namespace::new());
    let trunk = net.host(2);
    let (first, second) = (cable.inside(1), cable.inside(2));
    let daemon = Setup::at(&net, (cable.outside(1), 5060).into())
        .trunk("citizens", (trunk, 5060))
        .trunk_with_gateways("office", &[(first, 5060).into(), (second, 5060).into()])
        .rings_trunk("office", "6000")
        .start();
    treat(&cable);
    let ear = Voice::new((cable.outside(2), 4_000).into(), CITIZEN_HZ);
    let mouth = Voice::new((cable.outside(3), 4_000).into(), AGENT_HZ);
    let mut callee = SippSetup::new("desk_answers", second, daemon.sip, mouth.address()).start_inside(&net, &cable);
    let called = Instant::now();
    let mut citizen = SippSetup::new("citizen_calls", trunk, daemon.sip, ear.address()).start(&net);
    mouth.speak_to(callee.media());
    let waited = called.elapsed();
    ear.speak_to(citizen.media());
    citizen.passes();
    callee.passes();
    // The abandoned INVITE is repeated until Timer B. Now it meets a host where nobody listens, and its leg ends.
    cable.mend();
    ear.finish().must_hear(AGENT_HZ, Duration::from_millis(1_500));
    daemon.ends_clean();
    waited
}

#[test]
fn a_gateway_that_is_cut_off_costs_two_seconds() {
    let waited = call_past("gateway-cut", |cable| cable.cut_off(cable.inside(1)));
    eprintln!("the next gateway was called after {waited:?}");
    assert!((2_000..3_500).contains(&waited.as_millis()), "{waited:?}");
}

#[test]
fn a_gateway_whose_port_is_closed_costs_nothing() {
    let waited = call_past("gateway-refuses", |cable| cable.refuse(cable.inside(1), 5060));
    eprintln!("the next gateway was called after {waited:?}");
    assert!(waited < Duration::from_millis(1_500), "{waited:?}");
}
