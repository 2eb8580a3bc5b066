//! An IMS-like trunk: tel: URIs, numbers in the form of E.164, headers of its own, a proxy that stays in the path, and a
//! session that is offered anew in mid-call.

use std::time::Duration;

use super::kamailio::Kamailio;
use super::loopback::Loopback;
use super::setup::Setup;
use super::sipp::SippSetup;
use super::sound::{AGENT_HZ, CITIZEN_HZ, Voice};

#[test]
fn a_tel_uri_two_assertions_and_a_refreshed_session_disturb_nobody() {
    let net = Loopback::new("ims");
    let (switch, desk, edge) = (net.host(2), net.host(8), net.host(9));
    let daemon =
        Setup::new(&net).trunk("ims", (edge, 5060)).trunk("office", (desk, 5060)).rings_trunk("office", "6000").start();
    let _edge = Kamailio::ims(&net, edge, (switch, 5060).into(), daemon.sip);
    let (ear, mouth) = (Voice::new((switch, 4_000).into(), CITIZEN_HZ), Voice::new((desk, 4_000).into(), AGENT_HZ));
    // The desk knows no re-INVITE, and asserts the number in From and P-Asserted-Identity, with +86 or without.
    let mut callee = SippSetup::new("desk_answers", desk, daemon.sip, mouth.address()).start(&net);
    let mut citizen = SippSetup::new("citizen_is_refreshed", switch, (edge, 5060).into(), ear.address()).start(&net);
    mouth.speak_to(callee.media());
    ear.speak_to(citizen.media());
    citizen.says("refreshed");
    citizen.passes();
    callee.passes();
    // Across the refresh, without a gap.
    ear.finish().must_hear(AGENT_HZ, Duration::from_secs(2));
    mouth.finish().must_hear(CITIZEN_HZ, Duration::from_secs(2));
    daemon.ends_clean();
}
