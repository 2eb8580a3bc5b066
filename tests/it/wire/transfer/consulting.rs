//! The commonest of real PBXs: it swallows its telephone's REFER and dials 110 itself, without Replaces.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::wire::loopback::Loopback;
use crate::wire::setup::Setup;
use crate::wire::sipp::SippSetup;
use crate::wire::sound::{AGENT_HZ, CITIZEN_HZ, THIRD_HZ, Voice};

/// The seat's scenario asserts that From and P-Asserted-Identity name the citizen, though the PBX shows its agent.
#[test]
fn what_a_pbx_dials_for_its_agent_shows_the_citizen_and_both_calls_go_on() {
    let net = Loopback::new("pbx-dials");
    let (trunk, office, police): (Ipv4Addr, Ipv4Addr, Ipv4Addr) = (net.host(2), net.host(8), net.host(10));
    let daemon = Setup::new(&net)
        .trunk("citizens", (trunk, 5060))
        .trunk("police", (police, 5060))
        .trunk("office", (office, 5060))
        .correlates(&["user_to_user", "agent"])
        .rings_trunk("office", "6000")
        .hotline("110", &[("police", "110")])
        .start();
    let voice = |host: Ipv4Addr, port, tone| Voice::new(SocketAddr::from((host, port)), tone);
    let (citizen_voice, agent) = (voice(trunk, 4_000, CITIZEN_HZ), voice(office, 4_000, AGENT_HZ));
    let (consultation, seat_voice) = (voice(office, 4_002, AGENT_HZ), voice(police, 4_000, THIRD_HZ));
    let mut desk = SippSetup::new("desk_answers", office, daemon.sip, agent.address()).start(&net);
    let mut seat = SippSetup::new("desk_answers", police, daemon.sip, seat_voice.address()).start(&net);
    let calls = SippSetup::new("citizen_calls", trunk, daemon.sip, citizen_voice.address());
    let mut citizen = SippSetup { talk: Duration::from_secs(6), ..calls }.start(&net);
    citizen_voice.speak_to(citizen.media());
    agent.speak_to(desk.media());
    std::thread::sleep(Duration::from_secs(1));
    let dials = SippSetup::new("pbx_dials_110", office, daemon.sip, consultation.address());
    let local = (office, 5_070).into();
    let mut pbx = SippSetup { local, talk: Duration::from_secs(2), ..dials }.start(&net);
    consultation.speak_to(pbx.media());
    seat_voice.speak_to(seat.media());
    pbx.passes();
    seat.passes();
    consultation.finish().must_hear(THIRD_HZ, Duration::from_secs(1));
    seat_voice.finish().must_hear(AGENT_HZ, Duration::from_secs(1));
    citizen.passes();
    desk.passes();
    let heard = citizen_voice.finish();
    heard.must_hear(AGENT_HZ, Duration::from_secs(3));
    heard.must_never_be_silent();
    assert_eq!(daemon.log_lines("correlated").len(), 1);
    daemon.ends_clean();
}
