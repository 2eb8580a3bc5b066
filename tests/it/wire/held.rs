//! Hold is our music: the caller hears it, and the caller's trunk sees no re-INVITE.

use std::time::Duration;

use super::baresip::Baresip;
use super::loopback::Loopback;
use super::phone::{PhoneSetup, Pickup};
use super::setup::Setup;
use super::sipp::SippSetup;
use super::sound::{AGENT_HZ, CITIZEN_HZ, Voice};

#[test]
fn a_held_citizen_hears_music_and_the_trunk_sees_nothing() {
    let net = Loopback::new("held");
    let trunk = net.host(2);
    let daemon = Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").start();
    let mut agent = PhoneSetup::new("1001", net.host(97), AGENT_HZ).register(&net, daemon.sip);
    let mut voice = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    // The scenario knows no re-INVITE: SIPp fails on one.
    let mut citizen = SippSetup::new("citizen_is_hung_up", trunk, daemon.sip, voice.address()).start(&net);
    voice.speak_to(citizen.media());
    agent.process.expect("state CONFIRMED");
    std::thread::sleep(Duration::from_secs(1));

    agent.process.tell("hold");
    agent.process.expect("media held");
    voice.so_far();
    std::thread::sleep(Duration::from_secs(2));
    let held = voice.so_far();
    assert!(held.any_sound() > Duration::from_millis(1_500), "held without music: {}", held.summary());
    assert!(held.heard(AGENT_HZ) < Duration::from_millis(100), "heard the agent while held: {}", held.summary());
    held.must_not_hear(CITIZEN_HZ);

    agent.process.tell("resume");
    std::thread::sleep(Duration::from_millis(700));
    voice.so_far();
    std::thread::sleep(Duration::from_secs(1));
    voice.so_far().must_hear(AGENT_HZ, Duration::from_millis(800));

    agent.process.tell("hangup");
    citizen.says("bye");
    citizen.passes();
    agent.finish().must_hear(CITIZEN_HZ, Duration::from_millis(1_500));
    daemon.ends_clean();
}

#[test]
fn baresip_holds_and_resumes() {
    let net = Loopback::new("held-baresip");
    let trunk = net.host(2);
    let daemon =
        Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").old_telephones().start();
    let mut agent = Baresip::register(&net, "1001", net.host(97), AGENT_HZ, daemon.sip);
    let mut voice = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    let mut citizen = SippSetup::new("citizen_is_hung_up", trunk, daemon.sip, voice.address()).start(&net);
    voice.speak_to(citizen.media());
    agent.process.expect("Call established");
    std::thread::sleep(Duration::from_millis(700));
    agent.command("hold");
    std::thread::sleep(Duration::from_millis(500));
    voice.so_far();
    std::thread::sleep(Duration::from_secs(1));
    let held = voice.so_far();
    assert!(held.any_sound() > Duration::from_millis(700), "held without music: {}", held.summary());
    assert!(held.heard(AGENT_HZ) < Duration::from_millis(100), "heard the agent while held: {}", held.summary());
    agent.command("resume");
    std::thread::sleep(Duration::from_millis(700));
    voice.so_far();
    std::thread::sleep(Duration::from_secs(1));
    voice.so_far().must_hear(AGENT_HZ, Duration::from_millis(800));
    agent.command("hangup");
    citizen.says("bye");
    citizen.passes();
    daemon.ends_clean();
}

#[test]
fn a_hotline_that_answers_on_queue_plays_until_a_person_comes() {
    let net = Loopback::new("queue");
    let trunk = net.host(2);
    let daemon =
        Setup::new(&net).trunk("citizens", (trunk, 5060)).answer_on_queue().rings_agents().agent("1001").start();
    let setup = PhoneSetup { pickup: Pickup::WhenTold, ..PhoneSetup::new("1001", net.host(97), AGENT_HZ) };
    let mut agent = setup.register(&net, daemon.sip);
    let mut voice = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    let mut citizen = SippSetup::new("citizen_is_hung_up", trunk, daemon.sip, voice.address()).start(&net);
    voice.speak_to(citizen.media());
    agent.process.expect("incoming");
    std::thread::sleep(Duration::from_secs(2));
    let waiting = voice.so_far();
    assert!(waiting.any_sound() > Duration::from_secs(1), "waited in dead air: {}", waiting.summary());
    agent.process.tell("answer 200");
    agent.process.expect("state CONFIRMED");
    std::thread::sleep(Duration::from_millis(1_500));
    voice.so_far().must_hear(AGENT_HZ, Duration::from_millis(800));
    agent.process.tell("hangup");
    citizen.says("bye");
    citizen.passes();
    daemon.ends_clean();
}
