//! A stranger at the media ports of a live call: it hears nothing and is not heard.

use std::net::UdpSocket;
use std::time::Duration;

use lianxian::media::g711::encode_pcma;
use lianxian::media::tone::Tone;

use super::loopback::Loopback;
use super::phone::PhoneSetup;
use super::setup::Setup;
use super::sipp::SippSetup;
use super::sound::{AGENT_HZ, CITIZEN_HZ, THIRD_HZ, Voice};

#[test]
fn a_stranger_who_sprays_every_port_hears_nothing_and_is_not_heard() {
    let net = Loopback::new("sprayed");
    let trunk = net.host(2);
    let daemon = Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").start();
    let stranger = UdpSocket::bind((net.host(66), 4_000)).expect("the stranger's address is free");
    stranger.set_nonblocking(true).expect("a socket can be made non-blocking");
    let mut tone = Tone::new(THIRD_HZ, 8_000);
    // The whole range once before the call, then again and again while it is talked.
    spray(&stranger, &net, &mut tone, 0);
    let mut agent = PhoneSetup::new("1001", net.host(97), AGENT_HZ).register(&net, daemon.sip);
    let voice = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    let mut citizen = SippSetup::new("citizen_calls", trunk, daemon.sip, voice.address()).start(&net);
    voice.speak_to(citizen.media());
    agent.process.expect("state CONFIRMED");
    for sequence in 1..60 {
        spray(&stranger, &net, &mut tone, sequence);
        std::thread::sleep(Duration::from_millis(20));
    }
    citizen.passes();
    let (citizen, agent) = (voice.finish(), agent.finish());
    citizen.must_hear(AGENT_HZ, Duration::from_millis(1_200));
    citizen.must_not_hear(THIRD_HZ);
    agent.must_hear(CITIZEN_HZ, Duration::from_millis(1_200));
    agent.must_not_hear(THIRD_HZ);
    assert!(stranger.recv(&mut [0; 2_048]).is_err(), "the stranger was sent something");
    // Two legs, 59 packets each, none of them used.
    assert!(daemon.metric("lianxian_rtp_dropped_total", "wrong_source") >= 118.0, "the stranger is counted");
    daemon.ends_clean();
}

/// One packet with a plausible header to every RTP port that a call of these tests can have.
fn spray(stranger: &UdpSocket, net: &Loopback, tone: &mut Tone, sequence: u16) {
    let mut packet = vec![0x80, 8];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(0x6666_6666_u32.to_be_bytes());
    packet.extend((0..160).map(|_| encode_pcma(tone.next_sample())));
    for port in (20_000..21_000).step_by(2) {
        // An ICMP error of a closed port is no failure of the test.
        drop(stranger.send_to(&packet, (net.host(super::setup::DAEMON), port)));
    }
}
