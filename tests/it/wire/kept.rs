//! The caller is kept when a phone is lost, not hung up.

use std::time::Duration;

use super::loopback::Loopback;
use super::namespace::Namespace;
use super::phone::PhoneSetup;
use super::setup::Setup;
use super::sipp::SippSetup;
use super::sound::{AGENT_HZ, CITIZEN_HZ, THIRD_HZ, Voice};

#[test]
fn a_killed_phone_loses_no_caller_the_next_agent_takes_over() {
    let net = Loopback::new("killed-phone");
    let trunk = net.host(2);
    let daemon = Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").agent("1002").start();
    let first = PhoneSetup { transport: "tcp", ..PhoneSetup::new("1001", net.host(97), AGENT_HZ) };
    let mut first = first.register(&net, daemon.sip);
    let mut voice = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    let mut citizen = SippSetup::new("citizen_is_hung_up", trunk, daemon.sip, voice.address()).start(&net);
    voice.speak_to(citizen.media());
    first.process.expect("state CONFIRMED");
    let mut second = PhoneSetup::new("1002", net.host(98), THIRD_HZ).register(&net, daemon.sip);
    std::thread::sleep(Duration::from_secs(1));
    voice.so_far().must_hear(AGENT_HZ, Duration::from_millis(500));

    // Nothing says goodbye: the connection is gone, and 5 s of silence and 10 s without a report show that the phone is, too.
    first.process.kill();
    second.process.expect_within("state CONFIRMED", Duration::from_secs(15));
    std::thread::sleep(Duration::from_secs(1));
    let heard = voice.so_far();
    heard.must_hear(THIRD_HZ, Duration::from_millis(600));
    // The line falls quiet after a second; when the reports end the telephone is asked, and the caller hears music meanwhile.
    assert!(heard.longest_dead_air() < Duration::from_secs(2), "nothing for {:?}", heard.longest_dead_air());

    second.process.tell("hangup");
    citizen.says("bye");
    citizen.passes();
    second.finish().must_hear(CITIZEN_HZ, Duration::from_millis(600));
    daemon.ends_clean();
}

#[test]
fn a_busy_first_choice_is_followed_by_the_next() {
    let net = Loopback::new("busy");
    let (trunk, busy, desk) = (net.host(2), net.host(7), net.host(8));
    let daemon = Setup::new(&net)
        .trunk("citizens", (trunk, 5060))
        .trunk("busy", (busy, 5060))
        .trunk("office", (desk, 5060))
        .rings_trunk("busy", "6000")
        .rings_trunk("office", "6001")
        .start();
    let (ear, mouth) = (Voice::new((trunk, 4_000).into(), CITIZEN_HZ), Voice::new((desk, 4_000).into(), AGENT_HZ));
    let refusal = SippSetup::new("desk_is_busy", busy, daemon.sip, mouth.address()).start(&net);
    let mut callee = SippSetup::new("desk_answers", desk, daemon.sip, mouth.address()).start(&net);
    let mut citizen = SippSetup::new("citizen_calls", trunk, daemon.sip, ear.address()).start(&net);
    mouth.speak_to(callee.media());
    ear.speak_to(citizen.media());
    refusal.passes();
    citizen.passes();
    callee.passes();
    ear.finish().must_hear(AGENT_HZ, Duration::from_millis(1_500));
    daemon.ends_clean();
}

#[test]
fn an_office_in_another_network_is_called_over_its_cable() {
    let (net, cable) = (Loopback::new("cable"), Namespace::new());
    let (trunk, desk) = (net.host(2), cable.inside(1));
    let daemon = Setup::at(&net, (cable.outside(1), 5060).into())
        .trunk("citizens", (trunk, 5060))
        .trunk("office", (desk, 5060))
        .rings_trunk("office", "6000")
        .start();
    // Only signalling runs over the cable; the ears are outside.
    let ear = Voice::new((cable.outside(2), 4_000).into(), CITIZEN_HZ);
    let mouth = Voice::new((cable.outside(3), 4_000).into(), AGENT_HZ);
    let mut callee = SippSetup::new("desk_answers", desk, daemon.sip, mouth.address()).start_inside(&net, &cable);
    let mut citizen = SippSetup::new("citizen_calls", trunk, daemon.sip, ear.address()).start(&net);
    mouth.speak_to(callee.media());
    ear.speak_to(citizen.media());
    citizen.passes();
    callee.passes();
    ear.finish().must_hear(AGENT_HZ, Duration::from_millis(1_500));
    mouth.finish().must_hear(CITIZEN_HZ, Duration::from_millis(1_500));
    daemon.ends_clean();
}
