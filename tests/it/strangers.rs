//! Every trunk against every unknown address: whoever is in no network gets nothing, not even an error (row V18).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use lianxian::base::entropy::Entropy;
use lianxian::base::ids::TrunkId;
use lianxian::base::time::Instant;
use lianxian::sip::auth;
use lianxian::sip::endpoint::{Endpoint, Limits, Listener, Reading, Settings, Transfers, TrunkAccess, Urgent};
use lianxian::sip::fact::{Event, Peer};
use lianxian::sip::flow::{ConnectionId, Flow, Transport};
use lianxian::sip::registrar;
use lianxian::sip::transaction::timers::Timing;

/// First and last address of each trunk's network, written out: the test does not trust prefix arithmetic.
const TRUNKS: [(&str, &str, &str, &str); 4] = [
    ("single", "203.0.113.7/32", "203.0.113.7", "203.0.113.7"),
    ("small", "203.0.113.128/29", "203.0.113.128", "203.0.113.135"),
    ("carrier", "10.211.0.0/16", "10.211.0.0", "10.211.255.255"),
    ("sixth", "2001:db8:5::/48", "2001:db8:5::", "2001:db8:5:ffff:ffff:ffff:ffff:ffff"),
];

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u32::from(v4).into(),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// Whose address it is, by comparing numbers.
fn owner(address: IpAddr) -> Option<&'static str> {
    let owner = TRUNKS.into_iter().find(|(_, _, first, last)| {
        let (first, last): (IpAddr, IpAddr) = (first.parse().unwrap(), last.parse().unwrap());
        first.is_ipv4() == address.is_ipv4() && (number(first)..=number(last)).contains(&number(address))
    });
    owner.map(|(id, ..)| id)
}

fn endpoint() -> Endpoint {
    let trunk = |(id, network, _, _): &(&str, &str, &str, &str)| TrunkAccess {
        id: TrunkId::from(*id),
        networks: vec![network.parse().unwrap()],
        reading: Reading::Strict,
        invites_per_second: 1_000_000,
        invite_burst: 1_000_000,
        transfers: Transfers::Refused,
    };
    let listener =
        |address: &str| Listener { transport: Transport::Udp, address: address.parse().unwrap(), advertised: None };
    Endpoint::new(
        Settings {
            product: "lianxian".to_owned(),
            listeners: vec![listener("192.0.2.1:5060"), listener("[2001:db8::1]:5060")],
            trunks: TRUNKS.iter().map(trunk).collect(),
            urgent: Urgent::default(),
            softphone_networks: Vec::new(),
            auth: auth::Settings::new("12345.example"),
            registrar: registrar::Settings::default(),
            timing: Timing::default(),
            limits: Limits::default(),
        },
        Entropy::from_number(1),
    )
}

/// What an INVITE from `source` leads to: the trunk that it is taken for, and whether anything is sent.
fn knock(endpoint: &mut Endpoint, source: IpAddr, knock: usize) -> (Option<String>, bool) {
    let (local, via) = match source {
        IpAddr::V4(v4) => ("192.0.2.1:5060", v4.to_string()),
        IpAddr::V6(v6) => ("[2001:db8::1]:5060", format!("[{v6}]")),
    };
    let flow = Flow {
        transport: Transport::Udp,
        local: local.parse().unwrap(),
        remote: SocketAddr::new(source, 5060),
        connection: None,
    };
    let invite = format!(
        "INVITE sip:12345@12345.example SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK{knock}\r\nMax-Forwards: 70\r\n\
         From: <sip:13900001111@trunk.example>;tag={knock}\r\nTo: <sip:12345@12345.example>\r\nCall-ID: {knock}@knock\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:{via}>\r\nContent-Length: 0\r\n\r\n"
    );
    endpoint.receive(Instant::START, flow, invite.into());
    let sent = std::iter::from_fn(|| endpoint.poll_transmit()).count() > 0;
    let taken_for = std::iter::from_fn(|| endpoint.poll_event()).find_map(|event| match event {
        Event::Incoming(incoming) => match incoming.peer {
            Peer::Trunk(trunk) => Some(trunk.as_str().to_owned()),
            Peer::Softphone(agent) => panic!("{agent:?} from {source}"),
        },
        _ => None,
    });
    (taken_for, sent)
}

#[test]
fn v18_every_address_is_its_trunk_or_nobody() {
    let mut entropy = Entropy::from_number(18);
    let mut addresses: Vec<IpAddr> = Vec::new();
    for (_, _, first, last) in TRUNKS {
        for edge in [first, last] {
            let edge: IpAddr = edge.parse().unwrap();
            // Around each edge, and with single bits turned.
            for offset in 0..3_u32 {
                addresses.extend([step(edge, i64::from(offset)), step(edge, -i64::from(offset))]);
            }
            addresses.extend((0..32).map(|bit| turned(edge, bit)));
        }
    }
    addresses.extend((0..500).map(|_| IpAddr::V4(Ipv4Addr::from(entropy.next_u64() as u32))));
    addresses.extend((0..500).map(|_| IpAddr::V6(Ipv6Addr::from(entropy.next_u128()))));
    let mapped: Vec<IpAddr> = addresses
        .iter()
        .filter_map(|address| match address {
            IpAddr::V4(v4) => Some(IpAddr::V6(v4.to_ipv6_mapped())),
            IpAddr::V6(_) => None,
        })
        .collect();
    addresses.extend(mapped);
    let mut endpoint = endpoint();
    let mut known = 0;
    for (index, address) in addresses.into_iter().enumerate() {
        let expected = owner(address.to_canonical());
        let (taken_for, sent) = knock(&mut endpoint, address, index);
        assert_eq!(taken_for.as_deref(), expected, "{address}");
        assert_eq!(sent, expected.is_some(), "{address}: silence for strangers, 100 for trunks");
        known += usize::from(expected.is_some());
    }
    assert!(known > 50, "{known} of the addresses lie inside: the test can tell the two apart");
}

fn step(address: IpAddr, by: i64) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4(u32::from(v4).wrapping_add_signed(by as i32).into()),
        IpAddr::V6(v6) => IpAddr::V6(u128::from(v6).wrapping_add_signed(by.into()).into()),
    }
}

fn turned(address: IpAddr, bit: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) ^ (1 << bit)).into()),
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) ^ (1 << (bit * 4))).into()),
    }
}

#[test]
fn v12_a_stream_of_nobody_is_closed_at_its_first_message_and_a_trunks_is_not() {
    let mut endpoint = endpoint();
    let mut closed = |source: &str, message: &'static str| {
        let flow = Flow {
            transport: Transport::Tcp,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: SocketAddr::new(source.parse().unwrap(), 40_000),
            connection: Some(ConnectionId(1)),
        };
        endpoint.receive(Instant::START, flow, message.into());
        let answers = std::iter::from_fn(|| endpoint.poll_transmit()).count();
        let closed: Vec<Flow> = std::iter::from_fn(|| endpoint.poll_disconnect()).collect();
        assert!(closed.iter().all(|closed| *closed == flow));
        (closed.len(), answers)
    };
    let options = "OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
                   From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(closed("198.51.100.1", options), (1, 0));
    assert_eq!(closed("198.51.100.1", "anything\r\nContent-Length: 0\r\n\r\n"), (1, 0));
    assert_eq!(closed("203.0.113.7", options), (0, 1));
}
