//! F11: whatever the weather on SIP over UDP, every call completes, and the far side sees exactly one INVITE of each.
//! And many at once, which cost little each.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::chaos::{Chaos, Places, Weather};
use super::loopback::{Loopback, wait_for};
use super::phone::PhoneSetup;
use super::setup::{DAEMON, Setup};
use super::sipp::{Sipp, SippSetup, Surprises};
use super::sound::{AGENT_HZ, CITIZEN_HZ, Voice};

/// How many calls weather each storm.
const CALLS: u32 = 12;

#[test]
fn every_call_completes_with_a_hundredth_lost() {
    every_call_completes("storm-1", 1);
}

#[test]
fn every_call_completes_with_a_twentieth_lost() {
    every_call_completes("storm-5", 5);
}

#[test]
fn every_call_completes_with_a_fifth_lost() {
    every_call_completes("storm-20", 20);
}

/// Citizens and a desk, each behind weather of its own: what is lost on the way in is not what is lost on the way out.
fn every_call_completes(name: &str, lost: u64) {
    let net = Loopback::new(name);
    let (trunk, trunk_seen, desk, desk_seen) = (net.host(2), net.host(3), net.host(7), net.host(8));
    let daemon = Setup::new(&net)
        .trunk("citizens", (trunk_seen, 5060))
        .trunk("office", (desk_seen, 5060))
        .rings_trunk("office", "6000")
        .start();
    let here = net.host(DAEMON);
    let places = Places { party: trunk, party_seen: trunk_seen, daemon: here, daemon_seen: net.host(4) };
    let inwards = Chaos::between(places, Weather::losing(lost), Weather::losing(lost), 11 + lost);
    let places = Places { party: desk, party_seen: desk_seen, daemon: here, daemon_seen: net.host(5) };
    let outwards = Chaos::between(places, Weather::losing(lost), Weather::losing(lost), 31 + lost);
    let stormy = |setup| SippSetup { calls: CALLS, surprises: Surprises::Pass, talk: Duration::from_secs(1), ..setup };
    let desk_setup = SippSetup::new("desk_answers_through_a_storm", desk, outwards.daemon_seen, (desk, 4_000).into());
    let mut callee = stormy(desk_setup).start(&net);
    let citizen_setup =
        SippSetup::new("citizen_calls_through_a_storm", trunk, inwards.daemon_seen, (trunk, 4_000).into());
    let mut citizen = stormy(citizen_setup).start(&net);
    chatter(&mut [&mut citizen, &mut callee], [(trunk, 4_000).into(), (desk, 4_000).into()]);
    citizen.passes();
    callee.passes();

    let (inwards, outwards) = (inwards.passed(), outwards.passed());
    assert_eq!(outwards.invites.len(), CALLS as usize, "calls at the desk: {:?}", outwards.invites);
    assert!(outwards.invites.values().all(|branches| branches.len() == 1), "one INVITE each: {:?}", outwards.invites);
    assert!(lost < 5 || inwards.lost > 0 && outwards.lost > 0, "it was no storm: {inwards:?} {outwards:?}");
    daemon.ends_clean();
}

/// Says something to everybody now and then, so that nobody counts as silent, until both scenarios have ended.
fn chatter(parties: &mut [&mut Sipp], mouths: [SocketAddr; 2]) {
    let deadline = Instant::now() + Duration::from_secs(70);
    let mouths = mouths.map(|address| UdpSocket::bind(address).unwrap_or_else(|error| panic!("{address}: {error}")));
    let mut sequence = 0_u16;
    while parties.iter_mut().any(|party| party.runs()) {
        assert!(Instant::now() < deadline, "the storm does not end");
        sequence += 1;
        let mut packet = vec![0x80, 8];
        packet.extend(sequence.to_be_bytes());
        packet.extend((u32::from(sequence) * 1_600).to_be_bytes());
        packet.extend(0x1234_5678_u32.to_be_bytes());
        packet.extend([0xd5; 160]);
        for (mouth, party) in mouths.iter().zip(parties.iter()) {
            for ear in party.all_media() {
                // A call that has ended answers by ICMP.
                drop(mouth.send_to(&packet, ear));
            }
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// I36: calls that are up cost the process this much memory each at most, in bytes; DESIGN 7 has 20 kB to reach.
const MEMORY_A_CALL: f64 = 100_000.0;

#[test]
fn i36_a_call_that_is_up_costs_little_memory() {
    const MANY: u32 = 150;
    let net = Loopback::new("memory");
    let (trunk, desk) = (net.host(2), net.host(7));
    let daemon = Setup::new(&net)
        .trunk("citizens", (trunk, 5060))
        .trunk("office", (desk, 5060))
        .rings_trunk("office", "6000")
        .start();
    let many = |setup| SippSetup { calls: MANY, talk: Duration::from_secs(18), surprises: Surprises::Pass, ..setup };
    let before = daemon.metric("process_resident_memory_bytes", "");
    let mut callee =
        many(SippSetup::new("desk_answers_through_a_storm", desk, daemon.sip, (desk, 4_000).into())).start(&net);
    let mut citizen =
        many(SippSetup::new("citizen_calls_through_a_storm", trunk, daemon.sip, (trunk, 4_000).into())).start(&net);
    let grown = std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            wait_for("all of the calls to be up", Duration::from_secs(25), || {
                let (up, memory) = (daemon.metric("lianxian_calls_active", ""), "process_resident_memory_bytes");
                (up >= f64::from(MANY)).then(|| daemon.metric(memory, "") - before)
            })
        });
        chatter(&mut [&mut citizen, &mut callee], [(trunk, 4_000).into(), (desk, 4_000).into()]);
        watching.join().expect("the calls come up")
    });
    let each = grown / f64::from(MANY);
    eprintln!("a call that is up costs {each:.0} bytes");
    assert!(each < MEMORY_A_CALL, "a call costs {each:.0} bytes");
    citizen.passes();
    callee.passes();
    daemon.ends_clean();
}

#[test]
fn a_softphone_in_bad_weather_registers_and_talks() {
    let net = Loopback::new("storm-phone");
    let (trunk, phone) = (net.host(2), net.host(97));
    let daemon = Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").start();
    let places = Places { party: phone, party_seen: net.host(98), daemon: net.host(DAEMON), daemon_seen: net.host(4) };
    let weather = Chaos::between(places, Weather::losing(5), Weather::losing(5), 7);
    let mut agent = PhoneSetup::new("1001", phone, AGENT_HZ).register(&net, weather.daemon_seen);
    let voice = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    let mut citizen = SippSetup::new("citizen_calls", trunk, daemon.sip, voice.address()).start(&net);
    voice.speak_to(citizen.media());
    agent.process.expect("state CONFIRMED");
    citizen.passes();
    agent.process.expect("state DISCONNECTED");
    voice.finish().must_hear(AGENT_HZ, Duration::from_millis(1_200));
    agent.finish().must_hear(CITIZEN_HZ, Duration::from_millis(1_200));
    assert_eq!(weather.passed().invites.len(), 1);
    daemon.ends_clean();
}
