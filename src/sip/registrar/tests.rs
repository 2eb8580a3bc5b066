use std::net::SocketAddr;

use super::*;
use crate::sip::flow::{ConnectionId, Transport};
use crate::sip::message::Message;
use crate::sip::wire;

fn at(seconds: u64) -> Instant {
    Instant::START + Duration::from_secs(seconds)
}

fn agent() -> AgentId {
    AgentId::from("8001")
}

fn udp(port: u16) -> Flow {
    let remote = SocketAddr::from(([198, 51, 100, 1], port));
    Flow { transport: Transport::Udp, local: SocketAddr::from(([192, 0, 2, 1], 5060)), remote, connection: None }
}

fn tcp(connection: u64) -> Flow {
    Flow { transport: Transport::Tcp, connection: Some(ConnectionId(connection)), ..udp(40000) }
}

/// A REGISTER of 8001 under Call-ID `call`, with further header lines.
fn request(call: &str, cseq: u32, lines: &str) -> Request {
    let text = format!(
        "REGISTER sip:12345.example SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK{call}{cseq}\r\n\
         From: <sip:8001@12345.example>;tag=1\r\nTo: <sip:8001@12345.example>\r\nCall-ID: {call}\r\n\
         CSeq: {cseq} REGISTER\r\nMax-Forwards: 70\r\n{lines}\r\nContent-Length: 0\r\n\r\n"
    );
    parsed(text.into())
}

fn parsed(bytes: Bytes) -> Request {
    match wire::parse(bytes, &wire::Limits::default()).expect("a message") {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

fn registrar() -> Registrar {
    Registrar::new(Settings::default())
}

fn listed(outcome: &Outcome) -> Vec<String> {
    let contacts = outcome.headers.iter().filter(|(name, _)| *name == Name::Contact);
    contacts.map(|(_, value)| String::from_utf8(value.to_vec()).unwrap()).collect()
}

fn uris(registrar: &Registrar) -> Vec<String> {
    let contacts = registrar.contacts(&agent());
    contacts.iter().map(|route| String::from_utf8(route.uri.to_bytes().to_vec()).unwrap()).collect()
}

#[test]
fn a_phone_registers_refreshes_and_expires() {
    let mut registrar = registrar();
    let first =
        registrar.register(at(0), &agent(), &request("a", 1, "Contact: <sip:8001@10.0.0.1>;expires=60"), udp(5060));
    assert_eq!((first.code, listed(&first)), (200, vec!["<sip:8001@10.0.0.1>;expires=60".to_owned()]));
    match first.event {
        Some(Event::Registered { agent: who, contacts }) => {
            assert_eq!((who, contacts[0].flow), (agent(), udp(5060)), "calls go back over the flow, not to 10.0.0.1");
        }
        other => panic!("{other:?}"),
    }
    let again =
        registrar.register(at(50), &agent(), &request("a", 2, "Contact: <sip:8001@10.0.0.1>;expires=60"), udp(5060));
    assert!(again.event.is_none(), "a refresh changes nothing");
    assert_eq!(registrar.next_timeout(), Some(at(110)));
    assert!(registrar.handle_timeout(at(109)).is_empty());
    let fetch = registrar.register(at(109), &agent(), &request("b", 1, "X: y"), udp(5060));
    assert_eq!(listed(&fetch), ["<sip:8001@10.0.0.1>;expires=1"]);
    let last = registrar.register(at(109) + Duration::from_millis(500), &agent(), &request("b", 2, "X: y"), udp(5060));
    assert_eq!(listed(&last), ["<sip:8001@10.0.0.1>;expires=1"], "it still lives");
    assert!(matches!(registrar.handle_timeout(at(110))[..], [Event::Unregistered { .. }]));
    assert!(registrar.is_empty() && registrar.next_timeout().is_none() && registrar.flows.is_empty());
}

#[test]
fn several_contacts_are_ordered_by_preference_then_by_age() {
    let mut registrar = registrar();
    let both = "Contact: <sip:8001@a>;q=0.5, <sip:8001@b>";
    registrar.register(at(0), &agent(), &request("a", 1, both), udp(1));
    assert_eq!(uris(&registrar), ["sip:8001@b", "sip:8001@a"]);
    registrar.register(at(1), &agent(), &request("c", 1, "Contact: <sip:8001@c>"), udp(2));
    assert_eq!(uris(&registrar), ["sip:8001@c", "sip:8001@b", "sip:8001@a"]);
    let gone = registrar.register(at(2), &agent(), &request("c", 2, "Contact: <sip:8001@b>;expires=0"), udp(2));
    assert_eq!(listed(&gone).len(), 2);
    assert!(matches!(gone.event, Some(Event::Registered { contacts, .. }) if contacts.len() == 2));
}

#[test]
fn the_limit_drops_the_contact_not_refreshed_for_longest() {
    let mut registrar = registrar();
    for phone in 0..6 {
        let contact = format!("Contact: <sip:8001@phone{phone}>");
        assert_eq!(
            registrar.register(at(phone), &agent(), &request("a", phone as u32 + 1, &contact), udp(1)).code,
            200
        );
    }
    assert_eq!(uris(&registrar).len(), 5);
    assert!(!uris(&registrar).contains(&"sip:8001@phone0".to_owned()));
    let six = format!("Contact: {}", ["<sip:8001@x>"; 6].join(", "));
    assert_eq!(registrar.register(at(9), &agent(), &request("b", 1, &six), udp(1)).code, 400);
}

#[test]
fn a_telephone_that_restarts_takes_the_place_of_its_old_self() {
    let mut registrar = registrar();
    let contact = |host| format!("Contact: <sip:8001@{host}>;+sip.instance=\"<urn:uuid:1>\";reg-id=1");
    registrar.register(at(0), &agent(), &request("a", 1, &contact("10.0.0.1:5060")), tcp(1));
    registrar.register(at(1), &agent(), &request("b", 1, &contact("10.0.0.1:6060")), tcp(2));
    assert_eq!(uris(&registrar), ["sip:8001@10.0.0.1:6060"]);
    assert_eq!((registrar.flow_owner(&tcp(1)), registrar.flow_owner(&tcp(2))), (None, Some(&agent())));
}

#[test]
fn a_star_removes_everything() {
    let mut registrar = registrar();
    registrar.register(at(0), &agent(), &request("a", 1, "Contact: <sip:8001@a>, <sip:8001@b>"), udp(1));
    for wrong in ["Contact: *", "Contact: *\r\nExpires: 60", "Contact: *, <sip:8001@a>\r\nExpires: 0"] {
        assert_eq!(registrar.register(at(1), &agent(), &request("a", 2, wrong), udp(1)).code, 400, "{wrong}");
    }
    let gone = registrar.register(at(1), &agent(), &request("a", 2, "Contact: *\r\nExpires: 0"), udp(1));
    assert_eq!((gone.code, listed(&gone).len()), (200, 0));
    assert!(matches!(gone.event, Some(Event::Unregistered { .. })));
}

#[test]
fn an_older_register_never_acts() {
    let mut registrar = registrar();
    registrar.register(at(0), &agent(), &request("a", 5, "Contact: <sip:8001@a>"), udp(1));
    for late in ["Contact: <sip:8001@a>;expires=0", "Contact: *\r\nExpires: 0", "Contact: <sip:8001@b>, <sip:8001@a>"] {
        let refused = registrar.register(at(1), &agent(), &request("a", 5, late), udp(1));
        assert_eq!((refused.code, refused.event.is_some()), (500, false), "{late}");
    }
    assert_eq!(uris(&registrar), ["sip:8001@a"], "whole or not at all");
    let other = registrar.register(at(1), &agent(), &request("z", 1, "Contact: <sip:8001@a>;expires=0"), udp(1));
    assert_eq!(other.code, 200, "another Call-ID has its own order");
}

#[test]
fn the_expiry_is_kept_within_limits() {
    for (lines, code, left) in [
        ("Contact: <sip:8001@a>", 200, "300"),
        ("Contact: <sip:8001@a>\r\nExpires: 120", 200, "120"),
        ("Contact: <sip:8001@a>;expires=120\r\nExpires: 7", 200, "120"),
        ("Contact: <sip:8001@a>;expires=60", 200, "60"),
        ("Contact: <sip:8001@a>;expires=59", 423, "60"),
        ("Contact: <sip:8001@a>;expires=86400", 200, "3600"),
        ("Contact: <sip:8001@a>;expires=18446744073709551616", 200, "3600"),
        ("Contact: <sip:8001@a>;expires=4294967296\r\nExpires: 18446744073709551616", 200, "3600"),
        ("Contact: <sip:8001@a>;expires=soon", 200, "3600"),
        ("Contact: <sip:8001@a>;expires", 200, "3600"),
    ] {
        let outcome = registrar().register(at(0), &agent(), &request("a", 1, lines), udp(1));
        assert_eq!(outcome.code, code, "{lines}");
        let value = String::from_utf8(outcome.headers[0].1.to_vec()).unwrap();
        assert_eq!(value.rsplit('=').next(), Some(left), "{lines}");
    }
}

#[test]
fn an_agent_binds_only_itself() {
    let mut other = request("a", 1, "Contact: <sip:8001@a>");
    for (to, code) in [
        ("<sip:8002@12345.example>", 403),
        ("<sip:12345.example>", 403),
        ("<sip:8001%00@12345.example>", 403),
        ("<tel:8001>", 400),
        ("<isbn:2983792873>", 400),
        ("<sips:%38001@elsewhere.example>", 200),
    ] {
        other.headers.set(Name::To, to.as_bytes());
        assert_eq!(registrar().register(at(0), &agent(), &other, udp(1)).code, code, "{to}");
    }
}

#[test]
fn a_lost_flow_takes_its_contacts_with_it() {
    let mut registrar = registrar();
    let other = AgentId::from("8002");
    registrar.register(at(0), &agent(), &request("a", 1, "Contact: <sip:8001@a>"), tcp(1));
    registrar.register(at(0), &agent(), &request("b", 1, "Contact: <sip:8001@b>"), tcp(2));
    let mut second = request("c", 1, "Contact: <sip:8002@c>");
    second.headers.set(Name::To, "<sip:8002@12345.example>");
    registrar.register(at(0), &other, &second, tcp(1));
    assert_eq!(registrar.flow_owner(&tcp(1)), None, "a proxy's flow has no one owner");
    assert!(registrar.is_registered_over(&tcp(1), &other) && !registrar.is_registered_over(&tcp(2), &other));
    let events = registrar.flow_failed(&tcp(1));
    assert!(matches!(&events[..], [Event::Registered { contacts, .. }, Event::Unregistered { agent }]
        if contacts.len() == 1 && *agent == other));
    assert!(registrar.flow_failed(&tcp(1)).is_empty());
    assert_eq!((registrar.len(), uris(&registrar)), (1, vec!["sip:8001@b".to_owned()]));
}

#[test]
fn a_phone_that_moves_to_another_flow_is_called_there() {
    let mut registrar = registrar();
    registrar.register(at(0), &agent(), &request("a", 1, "Contact: <sip:8001@a>"), tcp(1));
    let moved = registrar.register(at(1), &agent(), &request("a", 2, "Contact: <sip:8001@a>"), tcp(2));
    assert!(matches!(moved.event, Some(Event::Registered { contacts, .. }) if contacts[0].flow == tcp(2)));
    assert!(registrar.flow_failed(&tcp(1)).is_empty(), "the old flow's end is no news");
    assert_eq!(registrar.len(), 1);
}

#[test]
fn rfc_4475_contacts_are_read_as_meant() {
    let contact = |line: &str| {
        let mut registrar = registrar();
        let outcome = registrar.register(at(0), &agent(), &request("a", 1, line), udp(1));
        (outcome.code, listed(&outcome), uris(&registrar))
    };
    // 3.3.12 cparam01: a parameter of the header. 3.3.13 cparam02: a parameter of the URI.
    let (code, list, uri) = contact("Contact: sip:+19725552222@gw1.example.net;unknownparam");
    assert_eq!((code, &list[0][..]), (200, "<sip:+19725552222@gw1.example.net>;unknownparam;expires=300"));
    assert_eq!(uri, ["sip:+19725552222@gw1.example.net"]);
    let (code, _, uri) = contact("Contact: <sip:+19725552222@gw1.example.net;unknownparam>");
    assert_eq!((code, &uri[0][..]), (200, "sip:+19725552222@gw1.example.net;unknownparam"));
    // 3.3.14 regescrt: the escaped Route is kept and listed, and never part of a Request-URI.
    let (code, list, uri) = contact("Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>");
    assert_eq!(code, 200);
    assert!(list[0].contains("?Route=%3Csip:sip.example.com%3E>"), "{list:?}");
    assert_eq!(uri, ["sip:user@example.com"]);
    // 3.1.2.13 regbadct: the same without brackets.
    assert_eq!(contact("Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E").0, 400);
    // 3.1.1.4 escnull: two contacts, none of them cut at the null.
    let (code, list, _) = contact("Contact: <sip:%00@host5.example.com>\r\nContact: <sip:%00%00@host5.example.com>");
    assert_eq!((code, list.len()), (200, 2));
    for unkeepable in ["<tel:+862112345>", "<name:John_Smith>", "<mailto:a@b>"] {
        assert_eq!(contact(&format!("Contact: {unkeepable}")).0, 400, "{unkeepable}");
    }
    assert_eq!(contact(&format!("Contact: <sip:{}@a>", "x".repeat(2000))).0, 400);
}

#[test]
fn a_preference_that_is_none_counts_as_one() {
    for (q, order) in [
        ("0.9", ["b", "a"]),
        ("0.999", ["b", "a"]),
        ("1.000", ["a", "b"]),
        ("2", ["a", "b"]),
        ("0.9999", ["a", "b"]),
        ("-1", ["a", "b"]),
    ] {
        let mut registrar = registrar();
        registrar.register(at(0), &agent(), &request("a", 1, &format!("Contact: <sip:a>;q={q}, <sip:b>")), udp(1));
        assert_eq!(uris(&registrar), order.map(|host| format!("sip:{host}")), "{q}");
    }
}
