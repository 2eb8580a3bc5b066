//! What of a caller's INVITE reaches the far leg: our own headers, and nothing that a peer can smuggle in.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use lianxian::base::entropy::Entropy;
use lianxian::base::ids::{HotlineId, ProfileId, TrunkId};
use lianxian::base::time::Instant;
use lianxian::call::site::MediaAddress;
use lianxian::routing::config::{
    Class, Hotline, PeerClass, Priority, Step, Subscription, Transport as Kind, Trunk, TrunkLimits, Trust,
};
use lianxian::routing::gateway::Gateway;
use lianxian::routing::{self, profile::Profile};
use lianxian::sip::endpoint::{self, Listener, Reading, Transfers, TrunkAccess, Urgent};
use lianxian::sip::flow::{Flow, Transport};
use lianxian::sip::message::{Host, Message, Name, Request};
use lianxian::sip::transaction::timers::Timing;
use lianxian::sip::wire;
use lianxian::sip::{auth, registrar};
use lianxian::switch::{Input, Limits, Output, Settings, Switch};

use super::letter::Letter;

const HOME: &str = "192.0.2.1:5060";
const OUTSIDE: &str = "203.0.113.1:5060";
const POLICE: &str = "198.51.100.1:5060";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A switch between a trunk of the given trust, read as such trunks are, and the trusted trunk of 110.
fn switch(trust: Trust, reading: Reading) -> Switch {
    let trunk = |id: &str, peer: &str, trust| Trunk {
        id: TrunkId::from(id),
        networks: vec![format!("{}/32", address(peer).ip()).parse().unwrap()],
        gateways: Gateway::in_order([address(peer)]),
        probe_interval: Duration::ZERO,
        transport: Kind::Udp,
        profile: ProfileId::from("generic"),
        trust,
        class: PeerClass::Pbx,
        limits: TrunkLimits::default(),
        resource_priority: None,
        subscription: Subscription::default(),
        region: None,
        called: Vec::new(),
        correlation: Default::default(),
    };
    let access = |id: &str, peer: &str, reading| TrunkAccess {
        id: TrunkId::from(id),
        networks: vec![format!("{}/32", address(peer).ip()).parse().unwrap()],
        reading,
        invites_per_second: 100,
        invite_burst: 100,
        transfers: Transfers::Refused,
    };
    let hotline = Hotline {
        number: HotlineId::from("110"),
        name: String::new(),
        priority: Priority::Emergency,
        answer_on_queue: false,
        announcement: None,
        ring_timeout_s: 20,
        plan: vec![Step::Trunk { trunk: TrunkId::from("police"), number: "110".into(), class: Class::Normal }],
        tag: None,
        platform: None,
        org_code: String::new(),
        org_name: String::new(),
    };
    let settings = Settings {
        sip: endpoint::Settings {
            product: "lianxian".into(),
            listeners: vec![Listener { transport: Transport::Udp, address: address(HOME), advertised: None }],
            trunks: vec![access("outside", OUTSIDE, reading), access("police", POLICE, Reading::Tolerant)],
            urgent: Urgent::default(),
            softphone_networks: Vec::new(),
            auth: auth::Settings::new("lianxian.test"),
            registrar: registrar::Settings::default(),
            timing: Timing::default(),
            limits: endpoint::Limits::default(),
        },
        routing: routing::Config {
            trunks: vec![trunk("outside", OUTSIDE, trust), trunk("police", POLICE, Trust::Trusted)],
            hotlines: vec![hotline],
            profiles: vec![Profile::named("generic"), Profile::named("softphone")],
            ..routing::Config::default()
        },
        host: Host::Name(Bytes::from_static(b"lianxian.test")),
        media: vec![MediaAddress { bind: address(HOME).ip(), advertised: address(HOME).ip() }],
        media_ports: (20_000, 20_099),
        port_quarantine: Duration::from_secs(2),
        limits: Limits::default(),
    };
    Switch::new(settings, Entropy::from_number(1)).unwrap()
}

/// The INVITE that reaches the far side when this letter comes from outside.
fn far_invite(trust: Trust, reading: Reading, letter: &Letter) -> Option<(Request, Vec<u8>)> {
    let mut switch = switch(trust, reading);
    let flow = Flow { transport: Transport::Udp, local: address(HOME), remote: address(OUTSIDE), connection: None };
    let now = Instant::START + Duration::from_secs(1);
    switch.handle(now, Input::Received { flow, message: letter.bytes().into() });
    let mut found = None;
    while let Some(output) = switch.poll() {
        if let Output::Send { flow, message } = output
            && flow.remote == address(POLICE)
            && let Ok(Message::Request(request)) = wire::parse(message.clone(), &wire::Limits::default())
        {
            found = Some((request, message.to_vec()));
        }
    }
    found
}

fn invite() -> Letter {
    let body = super::letter::OFFER.replace("127.0.0.1", "203.0.113.1");
    Letter::request("INVITE", "sip:110@192.0.2.1")
        .body("application/sdp", body)
        .with("Via", "SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK-letter-1")
        .with("From", "<sip:13900001111@203.0.113.1>;tag=f-1")
        .with("Contact", "<sip:13900001111@203.0.113.1:5060>")
}

/// Ways to bring in a header that only a trusted peer may bring in; each carries the word `smuggled`.
fn smuggled() -> Vec<Letter> {
    let spellings =
        ["X-Trusted ", "P-Asserted-Identity\t", "p-asserted-identity", "Diversion ", "History-Info", "Remote-Party-ID"];
    let plain = spellings.iter().map(|name| invite().and(name, "<sip:110@smuggled.example>"));
    let folded = invite().and("P-Asserted-Identity", "\r\n <sip:110@smuggled.example>");
    let route = invite().and("Record-Route", "<sip:smuggled.example;lr>");
    let agent =
        invite().and("User-Agent", "smuggled").and("Server", "smuggled").and("Call-Info", "<http://smuggled.example>");
    plain.chain([folded, route, agent]).collect()
}

/// Ways that only a lenient reader overlooks.
fn torn() -> Vec<Letter> {
    vec![
        invite().and("X", "a\rP-Asserted-Identity: <sip:110@smuggled.example>"),
        invite().and("X", "a\0P-Asserted-Identity: <sip:110@smuggled.example>"),
        invite().and("P-Asserted-Identity\0", "<sip:110@smuggled.example>"),
        invite().with("From", "\"a\\\r\\\nP-Asserted-Identity: smuggled\" <sip:13900001111@203.0.113.1>;tag=f-1"),
    ]
}

#[test]
fn v16_no_header_of_an_untrusted_peer_reaches_the_far_leg() {
    for letter in smuggled() {
        let shown = letter.bytes().escape_ascii().to_string();
        let (request, bytes) =
            far_invite(Trust::Untrusted, Reading::Strict, &letter).unwrap_or_else(|| panic!("{shown}"));
        assert!(!bytes.windows(8).any(|window| window == b"smuggled"), "{shown}");
        let identity = request.headers.addresses(&Name::PAssertedIdentity).unwrap();
        let asserted = identity.iter().all(|address| address.uri.user().is_some_and(|user| user == "13900001111"));
        assert!(asserted, "what we assert is what we know: {shown}");
    }
}

#[test]
fn v16_what_only_a_lenient_reader_overlooks_reaches_nobody() {
    for letter in torn() {
        let shown = letter.bytes().escape_ascii().to_string();
        assert!(far_invite(Trust::Untrusted, Reading::Strict, &letter).is_none(), "refused: {shown}");
        if let Some((_, bytes)) = far_invite(Trust::Trusted, Reading::Tolerant, &letter) {
            assert!(!bytes.windows(8).any(|window| window == b"smuggled"), "{shown}");
        }
    }
}

#[test]
fn a_gbk_name_and_its_number_reach_the_far_leg() {
    let from = [b"\"", &[0xD5, 0x5C][..], b"\" <sip:13900001111@203.0.113.1>;tag=f-1"].concat();
    let (request, _) = far_invite(Trust::Trusted, Reading::Tolerant, &invite().with("From", from)).unwrap();
    let from = request.headers.from().unwrap();
    assert_eq!(from.uri.user().unwrap(), "13900001111");
    assert!(from.display.is_none() || from.display_text().unwrap() == "\u{8aa0}", "{:?}", from.display_text());
}
