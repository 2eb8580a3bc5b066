//! Who may send, and where we send: V1, V2, V3, V25, V40, V46 on the whole plane.

use super::*;

/// V1, V2: a stranger is never heard, is never sent anything, and each of its packets is counted.
#[test]
fn a_stranger_is_neither_heard_nor_answered() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 8);
    let mut attacker = Peer { from: stranger(), ..Peer::new(1, 8) };
    for step in 0..300 {
        // Before the first legal packet, and during the call; with a guessed and with the copied source.
        if step > 100 {
            let packet = peer.voice(0x11);
            bench.receive(&peer.clone(), &packet);
        }
        attacker.header.ssrc = if step % 2 == 0 { 1 } else { 0xdead };
        let packet = attacker.voice(0x66);
        assert_eq!(bench.receive(&attacker.clone(), &packet), Verdict::Dropped(Reason::WrongSource));
        let control = [0x80, 201, 0, 1, 0, 0, 0, 1];
        bench.receive_at(bench.now, LegId(1), Channel::Rtcp, stranger(), &control);
        bench.pass(milliseconds(20));
    }
    assert!(bench.sent.iter().all(|sent| sent.departure.to != stranger()));
    let heard = bench.take_relayed(2);
    assert_eq!(heard.len(), 199);
    assert!(heard.iter().all(|sent| sent.payload()[0] == 0x11));
    assert_eq!(bench.plane.counters().wrong_source, 600);
    assert_eq!(bench.plane.statistics(LegId(1)).unwrap().wrong_source, 600);
}

/// V46: our probe, a hold or a refresh agrees the same session again while the phone pauses. That opens no window: the
/// stranger is not heard, the other party's voice goes where it went, and the phone is heard when it speaks again.
#[test]
fn the_same_session_agreed_again_in_a_pause_lets_no_stranger_in() {
    let behind_nat: SocketAddr = "198.51.100.77:61000".parse().unwrap();
    let learn = AgreedSession { rtp_source: RtpSource::Learn { window_ms: 1_000 }, ..session(1, &[PCMA]) };
    let held = AgreedSession { send_to: None, rtcp_to: None, ..learn.clone() };
    let blank = AgreedSession { signalled: "0.0.0.0:4000".parse().unwrap(), ..held.clone() };
    for between in [vec![], vec![held], vec![blank]] {
        let mut bench = Bench::with_a_talk();
        bench.agree(1, learn.clone());
        let mut phone = Peer { from: behind_nat, ..Peer::new(1, 8) };
        bench.talk(&mut phone, 100, 0x11);
        bench.pass(Duration::from_secs(6));
        for agreed in between.into_iter().chain([learn.clone()]) {
            bench.agree(1, agreed);
        }
        bench.sent.clear();
        let (mut attacker, mut two) = (Peer { from: stranger(), ..Peer::new(1, 8) }, Peer::new(2, 8));
        for _ in 0..50 {
            let packet = attacker.voice(0x66);
            assert_eq!(bench.receive(&attacker.clone(), &packet), Verdict::Dropped(Reason::WrongSource));
            let packet = two.voice(0x22);
            bench.receive(&two, &packet);
            bench.pass(milliseconds(20));
        }
        assert_eq!(bench.sent.iter().filter(|sent| sent.departure.to == behind_nat).count(), 50);
        assert!(bench.sent.iter().all(|sent| sent.departure.to != stranger()));
        bench.sent.clear();
        bench.talk(&mut phone, 10, 0x11);
        assert_eq!(bench.take_sent(2).len(), 10);
    }
}

/// V3: a phone behind a NAT shows its SDP while it rings and speaks seconds later, when its 200 shows the same SDP.
#[test]
fn nobody_heard_yet_and_the_window_opens_again() {
    let mut bench = Bench::with_a_talk();
    let learn = AgreedSession { rtp_source: RtpSource::Learn { window_ms: 1_000 }, ..session(1, &[PCMA]) };
    bench.agree(1, learn.clone());
    bench.pass(Duration::from_secs(10));
    bench.agree(1, learn);
    let mut phone = Peer { from: "198.51.100.77:61000".parse().unwrap(), ..Peer::new(1, 8) };
    bench.talk(&mut phone, 10, 0x11);
    assert_eq!(bench.take_relayed(2).len(), 10);
}

/// V46: pauses of 0.3, 3 and 30 s let nobody in, on no policy that does not name the stranger.
#[test]
fn a_pause_of_speech_lets_no_stranger_in() {
    let networks = RtpSource::Networks(vec!["192.0.2.0/24".parse().unwrap()]);
    for policy in [RtpSource::Sdp, RtpSource::SameHost, networks, RtpSource::Learn { window_ms: 1_000 }] {
        for pause in [300, 3_000, 30_000] {
            let mut bench = Bench::with_a_talk();
            bench.agree(1, AgreedSession { rtp_source: policy.clone(), ..session(1, &[PCMA]) });
            bench.talk(&mut Peer::new(1, 8), 100, 0x11);
            bench.pass(milliseconds(pause));
            bench.sent.clear();
            let attacker = &mut Peer { from: stranger(), ..Peer::new(1, 8) };
            for _ in 0..50 {
                let packet = attacker.voice(0x66);
                assert_eq!(bench.receive(&attacker.clone(), &packet), Verdict::Dropped(Reason::WrongSource));
                let mut two = Peer::new(2, 8);
                let packet = two.voice(0x22);
                bench.receive(&two, &packet);
                bench.pass(milliseconds(20));
            }
            assert!(bench.sent.iter().all(|sent| sent.departure.to != stranger()), "{policy:?} {pause}");
            assert!(bench.take_relayed(2).is_empty(), "{policy:?} {pause}");
        }
    }
}

/// A softphone behind a NAT: its SDP shows a private address, its packets come from another one.
#[test]
fn a_learned_source_is_sent_to_and_no_other() {
    let mut bench = Bench::with_a_talk();
    let private: SocketAddr = "10.0.0.5:4000".parse().unwrap();
    let outside: SocketAddr = "198.51.100.9:61000".parse().unwrap();
    let learn = RtpSource::Learn { window_ms: 1_000 };
    let agreed =
        AgreedSession { signalled: private, send_to: Some(private), rtp_source: learn, ..session(1, &[PCMA, KEYS]) };
    bench.agree(1, agreed);
    bench.talk(&mut Peer::new(2, 8), 1, 0x22);
    assert_eq!(bench.sent[0].departure.to, private);
    let mut behind_nat = Peer { from: outside, ..Peer::new(1, 8) };
    bench.talk(&mut behind_nat, 1, 0x11);
    bench.sent.clear();
    bench.talk(&mut Peer::new(2, 8), 5, 0x22);
    assert!(bench.sent.iter().all(|sent| sent.departure.to == outside));
    // Its control port is not known, so nothing goes there until it shows itself.
    bench.pass(Duration::from_secs(30));
    assert!(bench.sent.iter().all(|sent| sent.departure.port.slot != 0 || sent.departure.port.channel == Channel::Rtp));
    let shown: SocketAddr = "198.51.100.9:61077".parse().unwrap();
    bench.receive_at(bench.now, LegId(1), Channel::Rtcp, shown, &[0x80, 201, 0, 1, 0, 0, 0, 1]);
    bench.pass(Duration::from_secs(30));
    assert!(bench.sent.iter().any(|sent| sent.departure.to == shown));
}

/// V43: the former call's peer goes on sending to a port that has a new call, longer than any quarantine.
#[test]
fn a_peer_of_the_ports_former_call_is_not_heard_in_the_new_one() {
    let networks = RtpSource::Networks(vec!["192.0.2.0/24".parse().unwrap()]);
    for policy in [networks, RtpSource::SameHost, RtpSource::Learn { window_ms: 60_000 }] {
        let mut bench = Bench::with_a_talk();
        let mut former = Peer { from: SocketAddr::new(address(1).ip(), 4_444), ..Peer::new(1, 8) };
        bench.agree(1, AgreedSession { signalled: former.from, ..session(1, &[PCMA]) });
        bench.talk(&mut former, 3, 0x66);
        bench.close(1);
        bench.pass(Duration::from_secs(2));
        // A call in between that is cancelled before anybody speaks does not make us forget.
        bench.open(CallId(3), 801, &[PCMA]);
        bench.close(801);
        bench.open(CallId(2), 401, &[PCMA]);
        bench.agree(401, AgreedSession { rtp_source: policy.clone(), ..session(1, &[PCMA]) });
        former.leg = LegId(401);
        let packet = former.voice(0x66);
        assert_eq!(bench.receive(&former, &packet), Verdict::Dropped(Reason::WrongSource), "{policy:?}");
        let mut peer = Peer::new(401, 8);
        peer.from = address(1);
        bench.talk(&mut peer, 3, 0x11);
    }
}

/// V3: a new SDP starts the lock anew; a new SSRC from the allowed source is a resync, never a drop.
#[test]
fn a_new_sdp_moves_the_leg_and_a_new_ssrc_is_heard_at_once() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 8);
    bench.talk(&mut peer, 3, 0x11);
    peer.header.ssrc = 0x7777;
    peer.header.sequence = 9;
    bench.talk(&mut peer, 3, 0x11);
    assert_eq!(bench.take_sent(2).len(), 6);
    let moved: SocketAddr = "192.0.2.99:7000".parse().unwrap();
    bench.agree(1, AgreedSession { signalled: moved, send_to: Some(moved), ..session(1, &[PCMA]) });
    let packet = peer.voice(0x11);
    assert_eq!(bench.receive(&peer, &packet), Verdict::Dropped(Reason::WrongSource));
    peer.from = moved;
    bench.talk(&mut peer, 1, 0x11);
    bench.sent.clear();
    bench.talk(&mut Peer::new(2, 8), 1, 0x22);
    assert_eq!(bench.sent[0].departure.to, moved);
}

/// V25: what must never be sent to is muted, whatever the SDP says.
#[test]
fn dangerous_destinations_are_muted() {
    let own = "192.0.2.200:20400";
    for refused in ["255.255.255.255:4000", "224.0.0.5:4000", "0.0.0.0:4000", "127.0.0.1:4000", "192.0.2.1:0", own] {
        let mut bench = Bench::with_a_talk();
        let to: SocketAddr = refused.parse().unwrap();
        bench.agree(1, AgreedSession { send_to: Some(to), rtcp_to: Some(to), ..session(1, &[PCMA]) });
        bench.talk(&mut Peer::new(2, 8), 5, 0x22);
        bench.hear(1, Source::Ringback);
        bench.pass(Duration::from_secs(20));
        assert!(bench.sent.iter().all(|sent| sent.departure.port.slot != 0), "{refused}");
        assert_eq!(bench.plane.counters().destinations_refused, 2, "{refused}");
    }
    let mut bench = Bench::with_a_talk();
    let networks = RtpSource::Networks(vec!["198.51.100.0/24".parse().unwrap()]);
    bench.agree(1, AgreedSession { rtp_source: networks, ..session(1, &[PCMA]) });
    bench.talk(&mut Peer::new(2, 8), 5, 0x22);
    assert!(bench.take_sent(1).is_empty(), "outside the trunk's networks");
}

/// V40: a flood gets the rate of one voice, one finger.
#[test]
fn floods_are_capped() {
    for (payload_type, limit) in [(8, 250), (101, 100), (13, 100), (77, 100)] {
        let mut bench = Bench::with_a_talk();
        let mut peer = Peer::new(1, payload_type);
        for _ in 0..20_000 {
            let packet = peer.voice(1);
            bench.receive(&peer.clone(), &packet);
            bench.pass(Duration::from_micros(500));
        }
        let passed = bench.take_sent(2).len();
        assert!(passed <= 11 * limit + 1, "{passed} packets of type {payload_type} in 10 s");
        assert!(bench.plane.counters().over_rate > 15_000);
    }
}

/// V40: RTCP BYE ends nothing.
#[test]
fn an_rtcp_bye_ends_nothing() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 8);
    bench.talk(&mut peer, 3, 0x11);
    bench.facts();
    let control = SocketAddr::new(peer.from.ip(), 4_001);
    let bye = [0x81, 203, 0, 1, 0, 0, 0, 1];
    assert_eq!(bench.receive_at(bench.now, LegId(1), Channel::Rtcp, control, &bye), Verdict::Noted);
    assert_eq!(bench.receive_at(bench.now, LegId(1), Channel::Rtp, peer.from, &bye), Verdict::Noted);
    bench.talk(&mut peer, 3, 0x11);
    assert_eq!(bench.take_sent(2).len(), 6);
    assert_eq!((bench.facts(), bench.plane.counters().control_bye_ignored), (vec![], 2));
}

#[test]
fn a_leg_that_holds_gets_nothing_and_gives_nothing() {
    let mut bench = Bench::with_a_talk();
    let held = AgreedSession { send_to: None, rtcp_to: None, receive: false, ..session(1, &[PCMA, KEYS]) };
    bench.agree(1, held);
    let mut one = Peer::new(1, 8);
    let packet = one.voice(0x11);
    assert_eq!(bench.receive(&one, &packet), Verdict::Dropped(Reason::NotAgreed));
    bench.talk(&mut Peer::new(2, 8), 3, 0x22);
    assert!(bench.sent.is_empty());
    bench.agree(1, session(1, &[PCMA, KEYS]));
    bench.talk(&mut one, 1, 0x11);
    bench.talk(&mut Peer::new(2, 8), 1, 0x22);
    assert_eq!(bench.sent.iter().filter(|sent| sent.departure.port.channel == Channel::Rtp).count(), 2);
}
