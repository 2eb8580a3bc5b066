//! Who hears whom, and as what.

use super::*;
use crate::media::g711::PCMA_TO_PCMU;

#[test]
fn each_hears_the_other_and_not_itself() {
    let mut bench = Bench::with_a_talk();
    let (mut one, mut two) = (Peer::new(1, 8), Peer::new(2, 8));
    bench.talk(&mut one, 5, 0x11);
    assert!(bench.sent.iter().all(|sent| sent.departure.to != address(1)));
    let heard = bench.take_sent(2);
    assert_eq!(heard.len(), 5);
    assert!(heard.iter().all(|sent| sent.payload() == [0x11; 160]));
    bench.talk(&mut two, 5, 0x22);
    assert_eq!(bench.take_sent(1).len(), 5);
}

/// T27: each leg has its own payload types, and they may change in mid-call.
#[test]
fn payload_types_are_rewritten_for_each_leg() {
    let mut bench = Bench::with_a_talk();
    let mut one = Peer::new(1, 8);
    bench.talk(&mut one, 1, 0x11);
    let moved = [Payload { receive_type: 110, send_type: 96, codec: Codec::Pcma }, KEYS];
    bench.agree(2, session(2, &moved));
    bench.talk(&mut one, 1, 0x11);
    let types: Vec<u8> = bench.take_sent(2).iter().map(|sent| sent.header().payload_type).collect();
    assert_eq!(types, [8, 96]);
    let mut two = Peer::new(2, 110);
    bench.talk(&mut two, 1, 0x22);
    assert_eq!(bench.take_sent(1)[0].header().payload_type, 8);
}

#[test]
fn the_other_law_is_heard_as_the_same_sound() {
    let mut bench = Bench::new();
    bench.open(CALL, 1, &[PCMA]);
    bench.open(CALL, 2, &[PCMU]);
    bench.open(CALL, 3, &[PCMU, PCMA]);
    bench.hear(2, Source::Leg(LegId(1)));
    bench.hear(3, Source::Leg(LegId(1)));
    let packet = Peer::new(1, 8).voice(0x2a);
    assert_eq!(bench.receive(&Peer::new(1, 8), &packet), Verdict::Relayed(2));
    let sent = bench.sent.clone();
    let (converted, kept) = (bench.take_sent(2), sent.iter().find(|sent| sent.departure.to == address(3)).unwrap());
    assert_eq!((converted[0].header().payload_type, converted[0].payload()[0]), (0, PCMA_TO_PCMU[0x2a]));
    // The third takes A-law too, though it likes mu-law better: what needs no change is not changed.
    assert_eq!((kept.header().payload_type, kept.payload()[0]), (8, 0x2a));
}

#[test]
fn contributing_sources_extension_and_padding_are_taken_off() {
    let mut bench = Bench::with_a_talk();
    let peer = Peer::new(1, 8);
    let mut packet = peer.header.to_bytes().to_vec();
    packet[0] = 0x80 | 0x20 | 0x10 | 1;
    packet.extend([9, 9, 9, 9, 0xbe, 0xde, 0, 1, 7, 7, 7, 7]);
    packet.extend([0x33; 80]);
    packet.extend([0, 0, 0, 4]);
    assert_eq!(bench.receive(&peer, &packet), Verdict::Relayed(1));
    let heard = &bench.take_sent(2)[0];
    assert_eq!((heard.packet[0], heard.payload()), (0x80, [0x33; 80].as_slice()));
}

/// I12: orders that would join calls join nothing.
#[test]
fn no_packet_crosses_from_call_to_call() {
    for seed in 0..100 {
        let mut entropy = Entropy::from_number(seed);
        let mut bench = Bench::new();
        for leg in 1..=9 {
            bench.open(CallId(u128::from(leg % 3)), leg, &[PCMA]);
        }
        let mut peers: Vec<Peer> = (1..=9).map(|leg| Peer::new(leg, 8)).collect();
        for _ in 0..200 {
            let leg = 1 + entropy.below(9);
            match entropy.below(8) {
                0 => bench.close(leg),
                1 => bench.open(CallId(u128::from(leg % 3)), leg, &[PCMA]),
                2..5 => bench.hear(leg, Source::Leg(LegId(1 + entropy.below(9)))),
                _ => {
                    let peer = &mut peers[leg as usize - 1];
                    let packet = peer.voice(leg as u8);
                    bench.receive(&peer.clone(), &packet);
                }
            }
            bench.pass(milliseconds(entropy.below(20)));
        }
        for sent in bench.sent.iter().filter(|sent| sent.departure.port.channel == Channel::Rtp && sent.is_said()) {
            let std::net::IpAddr::V4(to) = sent.departure.to.ip() else { panic!("all peers are IPv4") };
            let (speaker, listener) = (sent.payload()[0], to.octets()[3]);
            assert_eq!(speaker % 3, listener % 3, "seed {seed}: {listener} hears {speaker} of another call");
            assert_ne!(speaker, listener, "seed {seed}: {listener} hears itself");
        }
    }
}

/// V35: whatever a half-made call leaves behind, closing takes it all.
#[test]
fn nothing_is_left_of_closed_legs() {
    let mut bench = Bench::new();
    for seed in 0..120 {
        let mut entropy = Entropy::from_number(seed);
        let call = CallId(u128::from(seed));
        for leg in seed * 3..seed * 3 + 3 {
            match entropy.below(4) {
                0 => bench.order(Order::Open { call, leg: LegId(leg), local: address(leg) }),
                1 => bench.open(call, leg, &[]),
                _ => bench.open(call, leg, &[PCMA, KEYS]),
            }
            match entropy.below(4) {
                0 => bench.hear(leg, Source::Ringback),
                1 => bench.hear(leg, Source::Leg(LegId(seed * 3 + entropy.below(3)))),
                2 => bench.order(Order::Key { leg: LegId(leg), digit: '5', duration_ms: 100 }),
                _ => {}
            }
            bench.pass(milliseconds(entropy.below(50)));
        }
        for leg in seed * 3..seed * 3 + 3 {
            bench.close(leg);
            bench.close(leg);
        }
    }
    assert!(bench.plane.is_empty());
    assert_eq!(bench.plane.next_timeout(), None);
    assert_eq!(bench.plane.counters().opened, bench.plane.counters().closed);
}

#[test]
fn a_leg_that_is_opened_later_is_heard_as_ordered_before() {
    let mut bench = Bench::new();
    bench.open(CALL, 2, &[PCMA]);
    bench.hear(2, Source::Leg(LegId(1)));
    bench.open(CALL, 1, &[PCMA]);
    bench.talk(&mut Peer::new(1, 8), 1, 0x11);
    assert_eq!(bench.take_sent(2).len(), 1);
}

#[test]
fn orders_said_again_change_nothing() {
    let mut bench = Bench::with_a_talk();
    let mut one = Peer::new(1, 8);
    bench.talk(&mut one, 2, 0x11);
    bench.open(CALL, 1, &[PCMA, KEYS]);
    bench.open(CALL, 2, &[PCMA, KEYS]);
    bench.hear(2, Source::Leg(LegId(1)));
    bench.talk(&mut one, 2, 0x11);
    let heard = bench.take_sent(2);
    let first = heard[0].header();
    for (step, sent) in heard.iter().enumerate() {
        assert_eq!(sent.header().sequence, first.sequence.wrapping_add(step as u16));
        assert_eq!(sent.header().ssrc, first.ssrc);
    }
    assert_eq!(heard.len(), 4, "one copy each");
}

#[test]
fn malformed_packets_are_counted_and_harmless() {
    let mut bench = Bench::with_a_talk();
    let peer = Peer::new(1, 8);
    for seed in 0..800 {
        let mut entropy = Entropy::from_number(seed);
        let mut packet = peer.clone().voice(0x11);
        for _ in 0..=entropy.below(3) {
            let at = entropy.below(16) as usize;
            packet[at] = entropy.next_u64() as u8;
        }
        packet.truncate(entropy.below(173) as usize);
        bench.receive(&peer, &packet);
        bench.receive_at(bench.now, peer.leg, Channel::Rtcp, peer.from, &packet);
        bench.pass(milliseconds(20));
    }
    assert!(bench.plane.counters().malformed > 50);
    assert!(bench.sent.iter().all(|sent| sent.departure.to.ip() != stranger().ip()));
}
