//! A panic in the handling of one leg, planted where the plane hands out a packet: the others never notice.

use super::*;

/// Two talks; everything that goes to `broken` panics.
fn bench() -> (Bench, Peer) {
    let mut bench = Bench::with_a_talk();
    bench.open(CallId(2), 3, &[PCMA]);
    bench.open(CallId(2), 4, &[PCMA]);
    bench.hear(4, Source::Leg(LegId(3)));
    (bench, Peer::new(3, 8))
}

fn receive_and_break(bench: &mut Bench, peer: &mut Peer) -> Verdict {
    let packet = peer.voice(0x11);
    let port = Port { slot: bench.plane.slot(peer.leg).unwrap(), channel: Channel::Rtp };
    let arrival = Arrival { port, from: peer.from, at: bench.now };
    bench.plane.receive(bench.now, arrival, &mut packet.clone(), &mut |_, _| panic!("planted"))
}

#[test]
fn a_packet_that_panics_is_lost_and_nothing_else() {
    let (mut bench, mut peer) = bench();
    bench.talk(&mut peer, 5, 0x11);
    assert_eq!(receive_and_break(&mut bench, &mut peer), Verdict::Dropped(Reason::Panicked));
    assert_eq!(bench.plane.counters().panics, 1);
    bench.sent.clear();
    bench.talk(&mut peer, 5, 0x11);
    assert_eq!(bench.take_sent(4).len(), 5);
    bench.talk(&mut Peer::new(1, 8), 5, 0x22);
    assert_eq!(bench.take_sent(2).len(), 5);
}

#[test]
fn a_leg_that_panics_again_and_again_is_given_up_and_its_call_is_told() {
    let (mut bench, mut peer) = bench();
    bench.facts();
    for _ in 0..20 {
        receive_and_break(&mut bench, &mut peer);
        bench.pass(milliseconds(20));
    }
    assert_eq!(bench.plane.counters().panics, 8);
    assert_eq!(bench.facts(), [(3, Fact::FirstPacket), (3, Fact::OpenFailed)]);
    bench.talk(&mut Peer::new(1, 8), 5, 0x22);
    assert_eq!(bench.take_sent(2).len(), 5);
    for leg in 1..=4 {
        bench.close(leg);
    }
    assert!(bench.plane.is_empty());
}

/// The timers of the other legs are due at the same moment; a leg that breaks first takes none of them along.
#[test]
fn a_tick_that_panics_leaves_every_recording_playing() {
    let (mut bench, _) = bench();
    for leg in [1, 2, 3, 4] {
        bench.hear(leg, Source::Ringback);
    }
    let (now, mut handed_out) = (bench.now, 0);
    bench.plane.handle_timeout(now, &mut |_, _| {
        handed_out += 1;
        assert!(handed_out > 1, "planted");
    });
    assert_eq!(handed_out, 4);
    assert_eq!(bench.plane.counters().panics, 1);
    bench.now += milliseconds(1);
    bench.pass(milliseconds(99));
    let sent = std::mem::take(&mut bench.sent);
    for leg in [1, 2, 3, 4] {
        let count = sent.iter().filter(|sent| sent.departure.to == address(leg)).count();
        assert!(count >= 4, "leg {leg}: {count}");
    }
}
