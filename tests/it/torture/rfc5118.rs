//! RFC 5118: IPv6 in every place where it can stand.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lianxian::sip::message::{Host, Message, Request};

use super::letter::Letter;
use super::verdict::Verdict::{Accept, Refuse};
use super::verdict::{Verdict, datagram, expect};

/// The section, the name of its message, and the verdict of the wire layer.
pub(super) const VERDICTS: &[(&str, &str, &[Verdict])] = &[
    ("4.1", "ipv6-good", &[Accept]),
    ("4.2", "ipv6-bad", &[Refuse(400)]),
    ("4.3", "port-ambiguous", &[Accept]),
    ("4.4", "port-unambiguous", &[Accept]),
    ("4.5", "via-received-param-with-delim", &[Accept]),
    ("4.5", "via-received-param-no-delim", &[Accept]),
    ("4.6", "ipv6-in-sdp", &[Accept]),
    ("4.7", "mult-ip-in-header", &[Accept]),
    ("4.8", "mult-ip-in-sdp", &[Accept]),
    ("4.9", "ipv4-mapped-ipv6", &[Accept]),
    ("4.10", "ipv6-correct-abnf-2-colons", &[Accept]),
    ("4.10", "ipv6-bug-abnf-3-colons", &[Accept]),
];

/// Our message for a section's name.
pub(super) fn letter(name: &str) -> Vec<u8> {
    let register = |uri| {
        Letter::request("REGISTER", uri)
            .with("Via", "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bK-six")
            .with("Contact", "\"Caller\" <sip:caller@[2001:db8::1]>")
    };
    let invite = || Letter::request("INVITE", "sip:12345@[2001:db8::10]");
    let options = |uri| Letter::request("OPTIONS", uri).with("To", format!("<{uri}>"));
    let letter = match name {
        "ipv6-good" => register("sip:[2001:db8::10]"),
        "ipv6-bad" => register("sip:2001:db8::10"),
        "port-ambiguous" => register("sip:[2001:db8::10:5070]"),
        "port-unambiguous" => register("sip:[2001:db8::10]:5070"),
        "via-received-param-with-delim" => Letter::request("BYE", "sip:[2001:db8::10]")
            .with("Via", "SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bK-last"),
        "via-received-param-no-delim" => options("sip:[2001:db8::10]")
            .with("Via", "SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bK-last"),
        "ipv6-in-sdp" => invite().body(
            "application/sdp",
            "v=0\r\no=- 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\nm=audio 42424 RTP/AVP 8\r\n",
        ),
        "mult-ip-in-header" => Letter::request("BYE", "sip:12345@hotline.example")
            .with("Via", "SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bK-1")
            .and("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-2")
            .and("Via", "SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK-3;received=192.0.2.200"),
        "mult-ip-in-sdp" => invite().body(
            "application/sdp",
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns= \r\nt=0 0\r\nm=audio 42424 RTP/AVP 8\r\nc=IN IP4 192.0.2.1\r\n\
             m=video 42426 RTP/AVP 31\r\nc=IN IP6 2001:db8::20\r\n",
        ),
        "ipv4-mapped-ipv6" => invite()
            .with("Via", "SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bK-1")
            .and("Via", "SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bK-2")
            .with("Contact", "\"desk\" <sip:desk@[::ffff:192.0.2.2]>")
            .offer(),
        "ipv6-correct-abnf-2-colons" => options("sip:12345@[2001:db8::192.0.2.1]"),
        "ipv6-bug-abnf-3-colons" => options("sip:12345@[2001:db8:::192.0.2.1]"),
        other => panic!("{other} has no letter"),
    };
    letter.named(name)
}

#[test]
fn every_message_of_rfc_5118_gets_its_verdict() {
    for (section, name, verdicts) in VERDICTS {
        drop(expect(&format!("{section} {name}"), &letter(name), verdicts));
    }
}

fn accepted(name: &str) -> Request {
    match datagram(&letter(name)).message() {
        Message::Request(request) => request,
        Message::Response(response) => panic!("{response:?}"),
    }
}

fn six(text: &str) -> Host {
    Host::Ip(IpAddr::V6(text.parse::<Ipv6Addr>().unwrap()))
}

#[test]
fn a_port_is_a_port_only_behind_the_bracket() {
    let ambiguous = accepted("port-ambiguous").uri;
    assert_eq!((ambiguous.host(), ambiguous.port()), (Some(&six("2001:db8::10:5070")), None));
    let unambiguous = accepted("port-unambiguous").uri;
    assert_eq!((unambiguous.host(), unambiguous.port()), (Some(&six("2001:db8::10")), Some(5070)));
}

#[test]
fn received_is_read_with_and_without_brackets() {
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        let via = accepted(name).headers.top_via().unwrap();
        assert_eq!(via.received(), Some("2001:db8::9:255".parse().unwrap()), "{name}");
        assert_eq!(via.branch().unwrap(), "z9hG4bK-last", "{name}");
    }
}

#[test]
fn three_colons_mean_two_and_are_written_as_two() {
    let (two, three) = (accepted("ipv6-correct-abnf-2-colons"), accepted("ipv6-bug-abnf-3-colons"));
    assert_eq!(two.uri.host(), three.uri.host());
    assert!(!three.uri.to_bytes().windows(3).any(|window| window == b":::"));
}

#[test]
fn a_mapped_address_is_the_ipv4_address() {
    let four = Host::Ip(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)));
    let request = accepted("ipv4-mapped-ipv6");
    assert_eq!(request.headers.top_via().unwrap().host, four);
    assert_eq!(
        accepted("mult-ip-in-header").headers.vias().unwrap()[2].received(),
        Some("192.0.2.200".parse().unwrap())
    );
}
