//! SIGTERM while a citizen and a desk talk: they may finish, new calls are declined, and when the daemon's patience is
//! over both are told goodbye before it ends.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use super::loopback::{Loopback, PATIENCE};
use super::setup::Setup;
use super::sipp::SippSetup;
use super::sound::{AGENT_HZ, CITIZEN_HZ, Voice};

#[test]
fn two_who_talk_go_on_talking_and_are_told_goodbye_at_the_end() {
    let net = Loopback::new("shut-down");
    let (trunk, desk) = (net.host(2), net.host(8));
    let mut daemon = Setup::new(&net)
        .trunk("citizens", (trunk, 5060))
        .trunk("office", (desk, 5060))
        .rings_trunk("office", "6000")
        .start();
    let mut ear = Voice::new((trunk, 4_000).into(), CITIZEN_HZ);
    let mouth = Voice::new((desk, 4_000).into(), AGENT_HZ);
    let mut callee = SippSetup::new("desk_answers", desk, daemon.sip, mouth.address()).start(&net);
    let mut citizen = SippSetup::new("citizen_is_hung_up", trunk, daemon.sip, ear.address()).start(&net);
    mouth.speak_to(callee.media());
    ear.speak_to(citizen.media());
    std::thread::sleep(Duration::from_secs(1));

    ear.so_far();
    let asked = Instant::now();
    daemon.process.terminate();
    let late = UdpSocket::bind((trunk, 5070)).expect("the address is free");
    late.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    let told = new_call(&late, daemon.sip);
    assert!(told.starts_with("SIP/2.0 503 "), "a new call meets {told}");

    // Both scenarios wait for a BYE of ours.
    citizen.says("bye");
    let talked = asked.elapsed();
    assert!(talked > Duration::from_millis(1_700), "limits.shutdown_s is 2, and they were cut off after {talked:?}");
    citizen.passes();
    callee.passes();
    assert!(daemon.process.ended(PATIENCE).success());
    ear.finish().must_hear(AGENT_HZ, Duration::from_millis(1_500));
    let printed = daemon.process.printed();
    assert!(printed.contains("\"calls_cut\":1"), "the log says how many were cut off:\n{printed}");
    assert!(!printed.contains("panicked"), "{printed}");
}

/// The final answer to a new INVITE.
fn new_call(citizen: &UdpSocket, daemon: std::net::SocketAddr) -> String {
    let own = citizen.local_addr().expect("it is bound");
    let invite = format!(
        "INVITE sip:12345@{daemon} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-late\r\nMax-Forwards: 70\r\n\
         From: <sip:13900002222@{ip}>;tag=late\r\nTo: <sip:12345@{daemon}>\r\nCall-ID: late\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:{own}>\r\nContent-Length: 0\r\n\r\n",
        ip = own.ip(),
    );
    // SIGTERM takes a moment to arrive: the first word may still be a 100.
    std::thread::sleep(Duration::from_millis(200));
    citizen.send_to(invite.as_bytes(), daemon).expect("loopback carries it");
    let mut buffer = [0; 4_096];
    loop {
        let (length, _) = citizen.recv_from(&mut buffer).expect("an answer");
        let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if !answer.starts_with("SIP/2.0 1") {
            return answer;
        }
    }
}
