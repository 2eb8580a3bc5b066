//! The torture messages against the running daemon, over UDP and TCP: after each one an OPTIONS is answered, and at
//! the end neither memory nor descriptors have grown (the replay rule).

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use super::loopback::Loopback;
use super::setup::{Daemon, Setup};
use crate::torture;

#[test]
fn every_torture_message_over_udp_leaves_the_daemon_answering() {
    replay("torture-udp", |from, daemon, letter| {
        let socket = UdpSocket::bind((from, 0)).expect("the trunk's address can be bound");
        socket.send_to(letter, daemon).expect("loopback carries it");
    });
}

#[test]
fn every_torture_message_over_tcp_leaves_the_daemon_answering() {
    replay("torture-tcp", |from, daemon, letter| {
        let mut stream = connect(from, daemon);
        // The daemon may close before it has read everything: that is its right.
        drop(stream.write_all(letter));
        drop(stream.shutdown(std::net::Shutdown::Write));
        drop(stream.read_to_end(&mut Vec::new()));
    });
}

fn replay(name: &str, send: impl Fn(IpAddr, SocketAddr, &[u8])) {
    let net = Loopback::new(name);
    let trunk = net.host(2);
    let daemon = Setup::new(&net).trunk("peer", (trunk, 5060)).start();
    let socket = UdpSocket::bind((trunk, 0)).expect("the trunk's address can be bound");
    socket.set_read_timeout(Some(Duration::from_millis(300))).expect("a time-out can be set");
    let letters = torture::letters();
    assert!(letters.len() >= 61, "the two RFCs have 61 messages, not {}", letters.len());
    answered(&socket, &daemon, "warm-up");
    let before = at_rest(&daemon);
    for (name, letter) in &letters {
        send(trunk.into(), daemon.sip, letter);
        answered(&socket, &daemon, name);
    }
    let after = footprint(&daemon);
    assert!(after.resident_kb < before.resident_kb + before.resident_kb / 10 + 4_096, "{before:?} grew to {after:?}");
    super::loopback::wait_for("the descriptors to be back", Duration::from_secs(15), || {
        (footprint(&daemon).descriptors <= before.descriptors).then_some(())
    });
    assert!(!daemon.process.printed().contains("panicked"), "{}", daemon.process.printed());
}

/// OPTIONS, up to five tries of 0.3 s each.
fn answered(socket: &UdpSocket, daemon: &Daemon, after: &str) {
    let from = socket.local_addr().expect("a bound socket has an address");
    for attempt in 0..5 {
        let call_id = format!("{after}-{attempt}@{from}");
        let options = format!(
            "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK-{after}-{attempt}\r\n\
             From: <sip:peer@{from}>;tag=o\r\nTo: <sip:{to}>\r\nCall-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\n\
             Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            to = daemon.sip,
        );
        socket.send_to(options.as_bytes(), daemon.sip).expect("loopback carries it");
        let mut buffer = [0; 4_096];
        while let Ok(length) = socket.recv(&mut buffer) {
            let answer = String::from_utf8_lossy(&buffer[..length]);
            if answer.starts_with("SIP/2.0 200") && answer.contains(&call_id) {
                return;
            }
        }
    }
    panic!("no answer to OPTIONS after {after}:\n{}", daemon.process.printed());
}

/// What the daemon holds.
#[derive(Debug)]
struct Footprint {
    resident_kb: u64,
    descriptors: usize,
}

/// What it holds when it has opened all its files, which it does beside its first answers.
fn at_rest(daemon: &Daemon) -> Footprint {
    super::loopback::wait_for("the daemon to have opened its files", Duration::from_secs(15), || {
        let first = footprint(daemon);
        std::thread::sleep(Duration::from_millis(500));
        let second = footprint(daemon);
        (first.descriptors == second.descriptors).then_some(second)
    })
}

fn footprint(daemon: &Daemon) -> Footprint {
    let process = format!("/proc/{}", daemon.process.id());
    let status = fs::read_to_string(format!("{process}/status")).expect("the daemon runs");
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells the resident memory");
    let resident_kb = resident.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    let descriptors = fs::read_dir(format!("{process}/fd")).expect("the daemon runs").count();
    Footprint { resident_kb, descriptors }
}

/// A connection from this address.
fn connect(from: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::for_address(to), socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::new(from, 0).into()).expect("the trunk's address can be bound");
    socket.connect_timeout(&to.into(), Duration::from_secs(2)).expect("the daemon accepts");
    let stream = TcpStream::from(socket);
    // A message that never ends is cut by the daemon's own deadline, not by ours.
    stream.set_read_timeout(Some(Duration::from_secs(1))).expect("a time-out can be set");
    stream
}
