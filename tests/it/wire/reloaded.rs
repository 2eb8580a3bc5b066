//! SIGHUP while a citizen and a desk talk: the sound goes on without a gap, whether the new configuration is taken, with
//! the call's own trunk and hotline gone, or refused (F27, F28).

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use super::loopback::{Loopback, text_of};
use super::setup::{Daemon, Setup};
use super::sipp::SippSetup;
use super::sound::{AGENT_HZ, CITIZEN_HZ, Voice};

/// Whether a host is the daemon's trunk: a stranger is never answered.
fn is_known(host: Ipv4Addr, daemon: &Daemon, number: u32) -> bool {
    let socket = UdpSocket::bind((host, 5060)).expect("the address is free");
    socket.set_read_timeout(Some(Duration::from_millis(400))).expect("a time-out can be set");
    let sip = daemon.sip;
    let options = format!(
        "OPTIONS sip:{sip} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:5060;branch=z9hG4bK-known-{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:{host}>;tag=known\r\nTo: <sip:{sip}>\r\nCall-ID: known-{number}@{host}\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    );
    socket.send_to(options.as_bytes(), sip).expect("loopback carries it");
    socket.recv_from(&mut [0; 4_096]).is_ok()
}

#[test]
fn two_who_talk_hear_nothing_of_a_reload_good_or_bad() {
    let net = Loopback::new("reloaded");
    let (trunk, desk, second) = (net.host(2), net.host(8), net.host(12));
    let daemon = Setup::new(&net)
        .trunk("citizens", (trunk, 5060))
        .trunk("office", (desk, 5060))
        .rings_trunk("office", "6000")
        .hotline("12319", &[("office", "6001")])
        .start();
    let (ear, mouth) = (Voice::new((trunk, 4_000).into(), CITIZEN_HZ), Voice::new((desk, 4_000).into(), AGENT_HZ));
    let mut callee = SippSetup::new("desk_answers", desk, daemon.sip, mouth.address()).start(&net);
    let setup = SippSetup::new("citizen_calls", trunk, daemon.sip, ear.address());
    let mut citizen = SippSetup { talk: Duration::from_secs(5), ..setup }.start(&net);
    mouth.speak_to(callee.media());
    ear.speak_to(citizen.media());
    std::thread::sleep(Duration::from_secs(1));
    assert!(!is_known(second, &daemon, 1));

    // The call's hotline goes, and the trunk that brought it; another trunk comes.
    let (trunks, hotlines) = (text_of(&net.file("config/trunks.toml")), text_of(&net.file("config/hotlines.toml")));
    let others = &trunks[trunks.find("[[trunk]]\nid = \"office\"").expect("it is there")..];
    let left = &hotlines[..hotlines.find("[[hotline]]\nnumber = \"12345\"").expect("it is the last one")];
    net.write("config/trunks.toml", &format!("{others}[[trunk]]\nid = \"second\"\nnetworks = [\"{second}/32\"]\n"));
    net.write("config/hotlines.toml", left);
    daemon.process.reload();
    daemon.wait_for_metric("lianxian_config_reload_total", "result=\"taken\"", 1.0);
    assert!(is_known(second, &daemon, 2), "what is new is followed");

    let bad = "[[trunk]]\nid = \"third\"\nnetworks = [\"192.0.2.1/32\"]\ntrust = \"blind\"\n";
    net.write("config/trunks.toml", &format!("{trunks}{bad}"));
    daemon.process.reload();
    daemon.wait_for_metric("lianxian_config_reload_total", "result=\"refused\"", 1.0);
    assert!(is_known(second, &daemon, 3), "what is bad changes nothing");

    // The BYE of a trunk that is no more is served.
    citizen.passes();
    callee.passes();
    ear.finish().must_hear(AGENT_HZ, Duration::from_secs(4));
    mouth.finish().must_hear(CITIZEN_HZ, Duration::from_secs(4));
    daemon.ends_clean();
}
