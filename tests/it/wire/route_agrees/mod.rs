//! What `lianxian route` says would leave is what leaves: the INVITE to a trunk of every shipped profile, header by
//! header, of a call that arrives and of a call that is handed over.

mod citizen;
mod far_end;
mod house;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use citizen::Citizen;
use house::{House, number, profiles, region};

use super::client::Client;
use super::desk::response;
use super::loopback::PATIENCE;
use super::phone::PhoneSetup;
use super::sound::AGENT_HZ;

/// What differs in every message, or says nothing of who calls.
const NOT_COMPARED: [&str; 6] = ["Via", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type"];

/// A header line, made comparable.
type Line = (String, String);

/// A Request-URI and the header lines.
type Invite = (String, Vec<Line>);

#[test]
fn the_dry_run_and_the_wire_agree_for_every_shipped_profile() {
    let house = House::new("route-agrees");
    let _daemon = house.start();
    for withheld in [false, true] {
        let citizen = Citizen::new(house.net.host(2), house.daemon(), "+8613800138000", withheld);
        for (at, profile) in profiles().iter().enumerate() {
            for trust in ["trusted", "untrusted"] {
                let (name, called) = (format!("{profile}-{trust}-{withheld}"), number(at, trust));
                let peer = socket(house.peer(at, trust));
                let said =
                    house.asks(&["--from", "+8613800138000", "--dnis", &called, "--trunk", "citizens"], withheld);
                citizen.calls(&name, &called);
                let (seen, _) = invite(&peer);
                citizen.gives_up(&name, &called);
                agree(&name, said, seen, trust, withheld);
            }
        }
    }
}

/// One citizen's call, handed over by its agent to the 110 of one territory after the other, and taken back each time.
#[test]
fn the_dry_run_and_the_wire_agree_on_a_handover_to_every_shipped_profile() {
    let house = House::new("handover-agrees");
    let _daemon = house.start();
    let _agent = PhoneSetup::new("1001", house.net.host(97), AGENT_HZ).register(&house.net, house.daemon());
    let desk = Client { at: (house.net.host(1), 8080).into(), name: "cti" };
    for withheld in [false, true] {
        let citizen = Citizen::new(house.net.host(2), house.daemon(), "13800138000", withheld);
        let name = format!("handed-over-{withheld}");
        citizen.calls(&name, "12345");
        let tag = citizen.is_answered(&name, "12345");
        for (at, profile) in profiles().iter().enumerate() {
            for trust in ["trusted", "untrusted"] {
                let (what, territory) = (format!("{profile}, {trust}, handed over"), region(profile, trust));
                let peer = socket(house.peer(at, trust));
                let question = ["--from", "12345", "--to", "110", "--caller", "13800138000", "--territory", &territory];
                let said = house.asks(&[&question[..], &["--agent", "1001"]].concat(), withheld);
                let body = format!(r#"{{"to":"110","territory":"{territory}"}}"#);
                let pressed = desk.ask("POST", &format!("/v1/calls/sip:{name}/transfers"), "", &body);
                assert_eq!(pressed.status, 202, "{what}: {pressed:?}");
                let (seen, message) = invite(&peer);
                let taken_back = desk.ask("DELETE", pressed.header("location"), "", "");
                assert!((200..300).contains(&taken_back.status), "{what}: {taken_back:?}");
                is_cancelled(&peer, &message);
                agree(&what, said, seen, trust, withheld);
            }
        }
        citizen.hangs_up(&name, "12345", &tag);
    }
}

/// Carriers that accept only numbers of their own: after their 403 the same number is called once more with the trunk's
/// number, and the citizen's stands beside it.
#[test]
fn after_a_403_the_carrier_is_called_once_more_with_our_own_number() {
    let house = House::new("refused-number");
    let _daemon = house.start();
    let citizen = Citizen::new(house.net.host(2), house.daemon(), "13800138000", false);
    for profile in ["e1-gateway", "huawei", "mobile-ims", "telecom-ims"] {
        let at = profiles().iter().position(|name| name == profile).expect("it is shipped");
        let (name, called, peer) = (format!("refused-{profile}"), number(at, "trusted"), house.peer(at, "trusted"));
        let peer = socket(peer);
        citizen.calls(&name, &called);
        let ((first, shown), (text, daemon)) = invite(&peer);
        // Some show our own number in From from the beginning, and assert the citizen's.
        assert!(of(&shown, "P-Asserted-Identity").contains("13800138000"), "{profile}: {shown:?}");
        assert_eq!(of(&shown, "X-Citizen-Number"), "", "{profile}");
        peer.send_to(response(&text, "403 Forbidden", ";tag=peer", "").as_bytes(), daemon).unwrap();
        next(&peer, "ACK");
        let ((second, shown), _) = invite(&peer);
        citizen.gives_up(&name, &called);
        assert_eq!(first, second, "{profile}: the same callee");
        assert!(of(&shown, "From").contains("2161234567"), "{profile}: {shown:?}");
        assert!(of(&shown, "P-Asserted-Identity").contains("2161234567"), "{profile}: {shown:?}");
        assert!(of(&shown, "X-Citizen-Number").contains("13800138000"), "{profile}: {shown:?}");
    }
}

/// All values of a header.
fn of(headers: &[Line], name: &str) -> String {
    let values: Vec<&str> = headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect();
    values.join(", ")
}

/// The dry run has said what was seen; and nobody outside the trust domain learns a number that is withheld.
fn agree(what: &str, said: Invite, seen: Invite, trust: &str, withheld: bool) {
    assert_eq!(said.0, seen.0, "{what}, withheld {withheld}");
    assert_eq!(comparable(said.1.into_iter()), seen.1, "{what}, withheld {withheld}");
    let whole = format!("{:?}", seen.1);
    assert!(trust == "trusted" || !withheld || !whole.contains("13800138000"), "{what}: {whole}");
    let contact = seen.1.iter().find(|(name, _)| name == "Contact").expect("RFC 3261 8.1.1.8");
    assert!(contact.1.starts_with("<sip:lianxian@"), "our Contact names nobody (T9): {contact:?}");
}

fn socket(host: impl Into<IpAddr>) -> UdpSocket {
    let socket = UdpSocket::bind(SocketAddr::new(host.into(), 5060)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    socket
}

/// The INVITE that arrives, with its text; it is answered 100, so that it comes once.
fn invite(peer: &UdpSocket) -> (Invite, (String, SocketAddr)) {
    let (text, from) = next(peer, "INVITE");
    peer.send_to(response(&text, "100 Trying", "", "").as_bytes(), from).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let request = lines.next().unwrap().trim_start_matches("INVITE ").trim_end_matches(" SIP/2.0").to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = comparable(headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    ((request, headers), (text, from))
}

/// The peer's CANCEL is taken, and the INVITE ends.
fn is_cancelled(peer: &UdpSocket, (invite, daemon): &(String, SocketAddr)) {
    let (cancel, _) = next(peer, "CANCEL");
    peer.send_to(response(&cancel, "200 OK", ";tag=peer", "").as_bytes(), daemon).unwrap();
    peer.send_to(response(invite, "487 Request Terminated", ";tag=peer", "").as_bytes(), daemon).unwrap();
    next(peer, "ACK");
}

/// The next request of a method.
fn next(peer: &UdpSocket, method: &str) -> (String, SocketAddr) {
    let until = Instant::now() + PATIENCE;
    let mut buffer = [0; 65_536];
    loop {
        assert!(Instant::now() < until, "no {method} arrives at {}", peer.local_addr().unwrap());
        let Ok((length, from)) = peer.recv_from(&mut buffer) else { continue };
        if buffer[..length].starts_with(method.as_bytes()) {
            return (String::from_utf8(buffer[..length].to_vec()).unwrap(), from);
        }
    }
}

/// Without what is another in each message: tags, and the linkage id.
fn comparable(headers: impl Iterator<Item = Line>) -> Vec<Line> {
    let steady = |(name, value): Line| {
        let value = value.split(";tag=").next().unwrap_or_default().to_owned();
        (name, without_linkage(&value))
    };
    headers.filter(|(name, _)| !NOT_COMPARED.contains(&name.as_str())).map(steady).collect()
}

/// Thirty-two hexadecimal digits and more in a row are a linkage id.
fn without_linkage(value: &str) -> String {
    let (mut out, mut run) = (String::new(), String::new());
    for c in value.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() >= 32 { "<linkage>" } else { &run });
        run.clear();
        out.push(c);
    }
    out.trim_end().to_owned()
}
