//! Calls that come to nothing: given up by the citizen, or refused because of who asks.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::loopback::Loopback;
use super::phone::{PhoneSetup, Pickup};
use super::setup::{REALM, Setup};
use super::sipp::SippSetup;
use super::sound::AGENT_HZ;

#[test]
fn a_citizen_who_gives_up_stops_the_ringing() {
    let net = Loopback::new("gives-up");
    let trunk = net.host(2);
    let daemon = Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").start();
    let setup = PhoneSetup { pickup: Pickup::WhenTold, ..PhoneSetup::new("1001", net.host(97), AGENT_HZ) };
    let mut agent = setup.register(&net, daemon.sip);
    let citizen = SippSetup::new("citizen_gives_up", trunk, daemon.sip, (trunk, 4_000).into()).start(&net);
    agent.process.expect("incoming");
    citizen.passes();
    agent.process.expect("state DISCONNECTED 487");
    daemon.ends_clean();
}

#[test]
fn a_stranger_gets_no_answer_at_all() {
    let net = Loopback::new("stranger");
    let (trunk, stranger) = (net.host(2), net.host(66));
    let daemon = Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").start();
    let socket = UdpSocket::bind((stranger, 5060)).expect("the stranger's address is free");
    let methods = ["OPTIONS", "INVITE", "REGISTER", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "BYE", "NONSENSE"];
    for method in methods {
        ask(&socket, daemon.sip, method);
    }
    assert_eq!(answer(&socket, Duration::from_millis(800)), None);
    assert!(daemon.metric("lianxian_sip_refused_total", "") > 8.5, "a stranger is counted");
    // The daemon is alive: who is known is answered.
    let known = UdpSocket::bind((trunk, 5060)).expect("the trunk's address is free");
    ask(&known, daemon.sip, "OPTIONS");
    let status = answer(&known, Duration::from_secs(3)).expect("a trunk's OPTIONS is answered");
    assert!(status.starts_with("SIP/2.0 200"), "{status}");
    daemon.ends_clean();
}

#[test]
fn a_wrong_password_registers_nobody() {
    let net = Loopback::new("wrong-password");
    let daemon = Setup::new(&net).rings_agents().agent("1001").start();
    let mut liar = PhoneSetup::new("1001", net.host(97), AGENT_HZ).start(&net, daemon.sip, "guessed");
    liar.process.expect("registered 40");
    let mut nobody = PhoneSetup::new("1999", net.host(98), AGENT_HZ).start(&net, daemon.sip, "guessed");
    nobody.process.expect("registered 40");
    // The known and the unknown user hear the same.
    let code = |text: String| text.lines().find_map(|line| line.strip_prefix("registered ").map(str::to_owned));
    assert_eq!(code(liar.process.printed()), code(nobody.process.printed()));
    daemon.ends_clean();
}

#[test]
fn v17_a_telephone_that_claims_another_number_shows_its_own() {
    let net = Loopback::new("claims");
    let desk = net.host(8);
    let daemon = Setup::new(&net).trunk("office", (desk, 5060)).rings_trunk("office", "6000").agent("1001").start();
    let mut agent = PhoneSetup::new("1001", net.host(97), AGENT_HZ).register(&net, daemon.sip);
    // The scenario's asserts fail on the claimed number anywhere in the INVITE.
    let mut callee = SippSetup::new("desk_sees_the_agent", desk, daemon.sip, (desk, 4_000).into()).start(&net);
    agent.process.tell(&format!("dial sip:12345@{REALM} 13911110110"));
    callee.media();
    agent.process.expect("state CONFIRMED");
    agent.process.tell("hangup");
    callee.passes();
    daemon.ends_clean();
}

#[test]
fn v45_names_in_sdp_are_refused_at_once_and_hold_up_nobody() {
    let net = Loopback::new("names");
    let trunk = net.host(2);
    let daemon = Setup::new(&net).trunk("citizens", (trunk, 5060)).rings_agents().agent("1001").start();
    let socket = UdpSocket::bind((trunk, 5060)).expect("the trunk's address is free");
    let body =
        "v=0\r\no=- 1 1 IN IP4 never.example\r\ns=-\r\nc=IN IP4 never.example\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";
    for attempt in 0..20 {
        let invite = format!(
            "INVITE sip:12345@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {trunk}:5060;branch=z9hG4bK-name-{attempt}\r\n\
             From: <sip:peer@{trunk}>;tag=n{attempt}\r\nTo: <sip:12345@{to}>\r\nCall-ID: name-{attempt}@{trunk}\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:peer@{trunk}:5060>\r\nMax-Forwards: 70\r\n\
             Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}",
            to = daemon.sip,
            length = body.len(),
        );
        socket.send_to(invite.as_bytes(), daemon.sip).expect("loopback carries it");
        // Others are answered meanwhile, within 200 ms.
        let asked = Instant::now();
        ask(&socket, daemon.sip, "OPTIONS");
        while !answer(&socket, Duration::from_secs(3)).expect("OPTIONS is answered").starts_with("SIP/2.0 200") {}
        assert!(asked.elapsed() < Duration::from_millis(200), "answered after {:?}", asked.elapsed());
    }
    assert!(daemon.metric("lianxian_sip_responses_total", "code_class=\"4xx\"") >= 20.0, "each of them is refused");
}

/// Sends a request that would be fine if its sender were known.
fn ask(socket: &UdpSocket, daemon: SocketAddr, method: &str) {
    let from = socket.local_addr().expect("a bound socket has an address");
    let request = format!(
        "{method} sip:12345@{daemon} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {from};branch=z9hG4bK-{method}\r\n\
         From: <sip:stranger@{from}>;tag=a\r\nTo: <sip:12345@{daemon}>\r\n\
         Call-ID: {method}@{from}\r\nCSeq: 1 {method}\r\nContact: <sip:stranger@{from}>\r\n\
         Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send_to(request.as_bytes(), daemon).expect("loopback carries it");
}

/// The first line of what comes back.
fn answer(socket: &UdpSocket, patience: Duration) -> Option<String> {
    socket.set_read_timeout(Some(patience)).expect("a time-out can be set");
    let mut buffer = [0; 4_096];
    let (length, _) = socket.recv_from(&mut buffer).ok()?;
    String::from_utf8_lossy(&buffer[..length]).lines().next().map(str::to_owned)
}
