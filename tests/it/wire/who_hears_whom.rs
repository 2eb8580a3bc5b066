//! Who hears whom: a call between each kind of party, its tones measured on both sides.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::baresip::Baresip;
use super::kamailio::Kamailio;
use super::loopback::Loopback;
use super::phone::{PhoneSetup, Pickup};
use super::setup::{CITIZEN, Setup};
use super::sipp::SippSetup;
use super::sound::{AGENT_HZ, CITIZEN_HZ, Hearing, THIRD_HZ, Voice};

/// What both parties must hear of each other in a call with two seconds of talk.
const TALK: Duration = Duration::from_millis(1_500);

/// Each has heard the other, without a gap, and not itself.
fn hear_each_other(citizen: &Hearing, agent: &Hearing) {
    citizen.must_hear(AGENT_HZ, TALK);
    citizen.must_not_hear(CITIZEN_HZ);
    agent.must_hear(CITIZEN_HZ, TALK);
    agent.must_not_hear(AGENT_HZ);
}

#[test]
fn citizen_on_a_trunk_and_agent_on_baresip_hear_each_other() {
    let net = Loopback::new("baresip");
    let (trunk, phone) = (net.host(2), net.host(97));
    let daemon =
        Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").old_telephones().start();
    let mut agent = Baresip::register(&net, "1001", phone, AGENT_HZ, daemon.sip);
    let voice = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    let mut citizen = SippSetup::new("citizen_calls", trunk, daemon.sip, voice.address()).start(&net);
    voice.speak_to(citizen.media());
    citizen.passes();
    hear_each_other(&voice.finish(), &agent.heard());
    daemon.ends_clean();
}

#[test]
fn citizen_on_a_trunk_and_agent_on_pjsua_hear_each_other() {
    one_call_with_pjsua("pjsua-udp", "udp", "PCMA");
}

#[test]
fn an_agent_on_tcp_hears_and_is_heard() {
    one_call_with_pjsua("pjsua-tcp", "tcp", "PCMA");
}

#[test]
fn an_agent_with_the_other_g711_hears_and_is_heard() {
    one_call_with_pjsua("pjsua-pcmu", "udp", "PCMU");
}

fn one_call_with_pjsua(name: &str, transport: &'static str, codec: &'static str) {
    let net = Loopback::new(name);
    let trunk = net.host(2);
    let daemon = Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").start();
    let setup = PhoneSetup { transport, codec, ..PhoneSetup::new("1001", net.host(97), AGENT_HZ) };
    let mut agent = setup.register(&net, daemon.sip);
    let voice = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    let mut citizen = SippSetup::new("citizen_calls", trunk, daemon.sip, voice.address()).start(&net);
    voice.speak_to(citizen.media());
    // The agent sees who calls.
    agent.process.expect(CITIZEN);
    citizen.passes();
    agent.process.expect("state DISCONNECTED");
    hear_each_other(&voice.finish(), &agent.finish());
    daemon.ends_clean();
}

#[test]
fn two_calls_at_once_hear_nothing_of_each_other() {
    let net = Loopback::new("two-calls");
    let (first, second) = (net.host(2), net.host(3));
    let daemon = Setup::new(&net)
        .trunk("first", (first, 5060))
        .trunk("second", (second, 5060))
        .rings_agents()
        .agent("1001")
        .agent("1002")
        .start();
    let one = PhoneSetup::new("1001", net.host(97), AGENT_HZ).register(&net, daemon.sip);
    let voice_one = Voice::new((first, 4_000).into(), CITIZEN_HZ);
    let mut citizen_one = SippSetup::new("citizen_calls", first, daemon.sip, voice_one.address()).start(&net);
    voice_one.speak_to(citizen_one.media());
    // The second pair has tones of its own: 1300 Hz and 1700 Hz.
    let two = PhoneSetup::new("1002", net.host(98), 1_700).register(&net, daemon.sip);
    let voice_two = Voice::new((second, 4_000).into(), THIRD_HZ);
    let mut citizen_two = SippSetup::new("citizen_calls", second, daemon.sip, voice_two.address()).start(&net);
    voice_two.speak_to(citizen_two.media());
    citizen_one.passes();
    citizen_two.passes();
    for (heard, theirs, foreign) in [
        (voice_one.finish(), AGENT_HZ, [CITIZEN_HZ, THIRD_HZ, 1_700]),
        (one.finish(), CITIZEN_HZ, [AGENT_HZ, THIRD_HZ, 1_700]),
        (voice_two.finish(), 1_700, [CITIZEN_HZ, AGENT_HZ, THIRD_HZ]),
        (two.finish(), THIRD_HZ, [CITIZEN_HZ, AGENT_HZ, 1_700]),
    ] {
        heard.must_hear(theirs, TALK);
        foreign.into_iter().for_each(|tone| heard.must_not_hear(tone));
    }
    daemon.ends_clean();
}

#[test]
fn a_call_from_trunk_to_trunk_shows_the_number_and_hides_the_rest() {
    let net = Loopback::new("trunk-to-trunk");
    let (trunk, desk) = (net.host(2), net.host(8));
    let daemon = Setup::new(&net)
        .trunk("citizens", (trunk, 5060))
        .trunk("office", (desk, 5060))
        .rings_trunk("office", "6000")
        .start();
    let (ear, mouth) = (Voice::new((trunk, 4_000).into(), CITIZEN_HZ), Voice::new((desk, 4_000).into(), AGENT_HZ));
    let mut callee = SippSetup::new("desk_answers", desk, daemon.sip, mouth.address()).start(&net);
    let mut citizen = SippSetup::new("citizen_calls", trunk, daemon.sip, ear.address()).start(&net);
    mouth.speak_to(callee.media());
    ear.speak_to(citizen.media());
    citizen.passes();
    callee.passes();
    hear_each_other(&ear.finish(), &mouth.finish());
    daemon.ends_clean();
}

#[test]
fn a_carriers_proxy_stays_in_the_path_of_every_request() {
    let net = Loopback::new("kamailio");
    let (switch, proxy) = (net.host(2), net.host(9));
    let daemon = Setup::new(&net).trunk("carrier", (proxy, 5060)).rings_agents().agent("1001").start();
    let _proxy = Kamailio::between(&net, proxy, (switch, 5060).into(), daemon.sip);
    let mut agent = PhoneSetup::new("1001", net.host(97), AGENT_HZ).register(&net, daemon.sip);
    let voice = Voice::new((switch, 4_000).into(), CITIZEN_HZ);
    // SIPp takes its route from the 200's Record-Route; our BYE must come back through the proxy in the same way.
    let through_proxy = (proxy, 5060).into();
    let mut citizen = SippSetup::new("citizen_is_hung_up", switch, through_proxy, voice.address()).start(&net);
    voice.speak_to(citizen.media());
    agent.process.expect("state CONFIRMED");
    std::thread::sleep(Duration::from_secs(2));
    agent.process.tell("hangup");
    citizen.says("bye");
    citizen.passes();
    hear_each_other(&voice.finish(), &agent.finish());
    daemon.ends_clean();
}

#[test]
fn an_office_behind_a_proxy_is_called_and_hung_up_through_it() {
    let net = Loopback::new("kamailio-out");
    let (trunk, desk, proxy) = (net.host(2), net.host(8), net.host(9));
    let daemon = Setup::new(&net)
        .trunk("citizens", (trunk, 5060))
        .trunk("office", (proxy, 5060))
        .rings_trunk("office", "6000")
        .start();
    let _proxy = Kamailio::between(&net, proxy, (desk, 5060).into(), daemon.sip);
    let (ear, mouth) = (Voice::new((trunk, 4_000).into(), CITIZEN_HZ), Voice::new((desk, 4_000).into(), AGENT_HZ));
    let mut callee = SippSetup::new("desk_answers", desk, daemon.sip, mouth.address()).start(&net);
    let mut citizen = SippSetup::new("citizen_calls", trunk, daemon.sip, ear.address()).start(&net);
    mouth.speak_to(callee.media());
    ear.speak_to(citizen.media());
    citizen.passes();
    callee.passes();
    hear_each_other(&ear.finish(), &mouth.finish());
    daemon.ends_clean();
}

#[test]
fn an_agent_hangs_up_and_the_call_ends_on_both_sides() {
    let net = Loopback::new("agent-hangs-up");
    let trunk = net.host(2);
    let daemon = Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").start();
    let setup = PhoneSetup { pickup: Pickup::WhenTold, ..PhoneSetup::new("1001", net.host(97), AGENT_HZ) };
    let mut agent = setup.register(&net, daemon.sip);
    let voice = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    let mut citizen = SippSetup::new("citizen_is_hung_up", trunk, daemon.sip, voice.address()).start(&net);
    agent.process.expect("incoming");
    citizen.says("ringing");
    agent.process.tell("answer 200");
    voice.speak_to(citizen.media());
    agent.process.expect("state CONFIRMED");
    std::thread::sleep(Duration::from_secs(1));
    agent.process.tell("hangup");
    citizen.says("bye");
    citizen.passes();
    daemon.ends_clean();
}

#[test]
fn a_call_over_ipv6_is_heard_on_both_sides() {
    let net = Loopback::new("ipv6");
    // There is one IPv6 loopback address: the parties differ by port, and one trunk is both ends.
    let party = |last: u8| SocketAddr::from((Ipv6Addr::LOCALHOST, net.port(last)));
    let daemon = Setup::at(&net, party(1)).trunk("six", party(8)).rings_trunk("six", "6000").start();
    let (ear, mouth) = (Voice::new(party(20), CITIZEN_HZ), Voice::new(party(24), AGENT_HZ));
    let callee = SippSetup::new("desk_answers", Ipv6Addr::LOCALHOST, daemon.sip, mouth.address());
    let mut callee = SippSetup { local: party(8), ..callee }.start(&net);
    let citizen = SippSetup::new("citizen_calls", Ipv6Addr::LOCALHOST, daemon.sip, ear.address());
    let mut citizen = SippSetup { local: party(2), ..citizen }.start(&net);
    mouth.speak_to(callee.media());
    ear.speak_to(citizen.media());
    citizen.passes();
    callee.passes();
    hear_each_other(&ear.finish(), &mouth.finish());
    daemon.ends_clean();
}
