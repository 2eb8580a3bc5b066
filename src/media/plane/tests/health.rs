//! Silence, stalls, loss and reports.

use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::sender_report::SenderReport;

use super::*;

/// F10: media stops on one side, and comes back.
#[test]
fn silence_is_told_once_after_five_seconds_and_its_end_too() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 8);
    bench.talk(&mut peer, 100, 0x11);
    assert_eq!(bench.facts(), [(1, Fact::FirstPacket)]);
    bench.pass(milliseconds(2_000));
    // The other leg has never been heard: its five seconds ran from the agreement.
    assert_eq!(bench.facts(), []);
    bench.pass(milliseconds(1_000));
    assert_eq!(bench.facts(), [(2, Fact::Silent { for_ms: 5_000, ever_heard: false })]);
    bench.pass(milliseconds(20_000));
    assert_eq!(bench.facts(), [(1, Fact::Silent { for_ms: 5_000, ever_heard: true })]);
    bench.talk(&mut peer, 1, 0x11);
    assert_eq!(bench.facts(), [(1, Fact::Resumed)]);
    bench.pass(milliseconds(5_000));
    assert_eq!(bench.facts(), [(1, Fact::Silent { for_ms: 5_000, ever_heard: true })]);
    assert_eq!((bench.plane.counters().silences, bench.plane.counters().one_way), (3, 1));
}

/// F10: reports (RTCP) are a second witness of a peer that says nothing; a goodbye among them is none.
#[test]
fn a_peer_that_reports_pauses_and_is_silent_when_the_reports_end() {
    let mut bench = Bench::with_a_talk();
    bench.agree(2, AgreedSession { receive: false, ..session(2, &[PCMA]) });
    let mut peer = Peer::new(1, 8);
    let report = |bench: &mut Bench, packet: &[u8]| {
        let from = SocketAddr::new(address(1).ip(), address(1).port() + 1);
        assert_eq!(bench.receive_at(bench.now, LegId(1), Channel::Rtcp, from, packet), Verdict::Noted);
        bench.facts()
    };
    const HERE: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 1];
    const BYE: [u8; 8] = [0x81, 203, 0, 1, 0, 0, 0, 1];
    bench.talk(&mut peer, 100, 0x11);
    bench.facts();
    assert_eq!(report(&mut bench, &HERE), []);
    bench.pass(milliseconds(4_000));
    assert_eq!(report(&mut bench, &HERE), []);
    bench.pass(milliseconds(1_000));
    assert_eq!(bench.facts(), [(1, Fact::Paused { ever_heard: true })]);
    for _ in 0..20 {
        bench.pass(milliseconds(7_000));
        assert_eq!(report(&mut bench, &HERE), []);
    }
    bench.pass(milliseconds(9_000));
    assert_eq!(report(&mut bench, &BYE), []);
    bench.pass(milliseconds(1_000));
    let facts = bench.facts();
    assert!(matches!(facts[..], [(1, Fact::Silent { for_ms: 154_000..=155_100, ever_heard: true })]), "{facts:?}");
    bench.pass(milliseconds(60_000));
    assert_eq!(bench.facts(), [], "once");
    assert_eq!(report(&mut bench, &HERE), [(1, Fact::Paused { ever_heard: true })], "it was away and is there again");
    bench.talk(&mut peer, 1, 0x11);
    assert_eq!(bench.facts(), [(1, Fact::Resumed)]);
    // Killed just after a report: that is noticed 10 s later.
    report(&mut bench, &HERE);
    bench.pass(milliseconds(9_900));
    assert_eq!(bench.facts(), [(1, Fact::Paused { ever_heard: true })]);
    bench.pass(milliseconds(100));
    assert!(matches!(bench.facts()[..], [(1, Fact::Silent { .. })]));
    assert_eq!(bench.plane.counters().silences, 2);
}

/// Who holds owes neither sound nor reports; who takes the other side back has 10 s for the first of them.
#[test]
fn a_pause_that_becomes_a_hold_is_no_silence() {
    let mut bench = Bench::with_a_talk();
    let held = AgreedSession { receive: false, ..session(1, &[PCMA]) };
    bench.agree(2, AgreedSession { receive: false, ..session(2, &[PCMA]) });
    let from = SocketAddr::new(address(1).ip(), address(1).port() + 1);
    bench.receive_at(bench.now, LegId(1), Channel::Rtcp, from, &[0x80, 201, 0, 1, 0, 0, 0, 1]);
    bench.pass(milliseconds(5_000));
    assert_eq!(bench.facts(), [(1, Fact::Paused { ever_heard: false })]);
    bench.agree(1, held);
    bench.pass(Duration::from_secs(120));
    assert_eq!(bench.facts(), []);
    bench.agree(1, session(1, &[PCMA]));
    bench.pass(milliseconds(9_900));
    assert_eq!(bench.facts(), []);
    bench.pass(milliseconds(100));
    assert!(matches!(bench.facts()[..], [(1, Fact::Silent { ever_heard: false, .. })]));
}

#[test]
fn a_leg_that_may_not_send_is_never_called_silent() {
    let mut bench = Bench::with_a_talk();
    let held = AgreedSession { receive: false, ..session(1, &[PCMA]) };
    bench.agree(1, held.clone());
    bench.agree(2, held);
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.facts(), []);
    bench.agree(1, session(1, &[PCMA]));
    bench.pass(milliseconds(4_999));
    assert_eq!(bench.facts(), []);
    bench.pass(milliseconds(1));
    assert_eq!(bench.facts(), [(1, Fact::Silent { for_ms: 5_000, ever_heard: false })]);
}

/// A silent leg that is asked by a re-INVITE, or that holds, stays silent until a packet comes.
#[test]
fn a_new_agreement_neither_ends_nor_repeats_a_silence() {
    let mut bench = Bench::with_a_talk();
    bench.pass(Duration::from_secs(6));
    assert_eq!(bench.facts().len(), 2);
    bench.agree(1, session(1, &[PCMA]));
    bench.agree(1, AgreedSession { receive: false, ..session(1, &[PCMA]) });
    bench.agree(1, session(1, &[PCMA]));
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.facts(), []);
    let mut peer = Peer::new(1, 8);
    bench.talk(&mut peer, 2, 0x11);
    assert_eq!(bench.facts(), [(1, Fact::FirstPacket)]);
    bench.pass(Duration::from_secs(6));
    bench.agree(1, session(1, &[PCMA]));
    bench.talk(&mut peer, 2, 0x11);
    assert_eq!(bench.facts(), [(1, Fact::Silent { for_ms: 5_000, ever_heard: true }), (1, Fact::Resumed)]);
}

/// Comfort noise is a sign of life, though nobody agreed to it and nobody gets it.
#[test]
fn comfort_noise_is_not_silence() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 13);
    for _ in 0..60 {
        let packet = peer.voice(0x40)[..13].to_vec();
        assert_eq!(bench.receive(&peer, &packet), Verdict::Noted);
        bench.pass(milliseconds(200));
    }
    assert!(bench.facts().iter().all(|(leg, fact)| *leg == 2 || *fact == Fact::FirstPacket));
    assert!(bench.take_relayed(2).is_empty());
}

/// E7, F26: stopped for five seconds, then everything that waited arrives at once.
#[test]
fn what_waited_through_a_stall_is_dropped_and_the_call_goes_on_in_time() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 8);
    bench.talk(&mut peer, 10, 0x11);
    let before = bench.take_sent(2);
    bench.facts();
    let stopped = bench.now;
    let waiting: Vec<Vec<u8>> = (0..250).map(|_| peer.voice(0x11)).collect();
    bench.now = stopped + milliseconds(5_000);
    for (step, packet) in waiting.iter().enumerate() {
        let at = stopped + milliseconds(20 * step as u64);
        bench.receive_at(at, LegId(1), Channel::Rtp, peer.from, packet);
    }
    bench.tick();
    let late = bench.take_sent(2);
    assert_eq!(late.len(), 5, "only what is younger than 100 ms");
    assert_eq!(bench.plane.counters().stale, 245);
    let silent: Vec<_> = bench.facts().into_iter().filter(|(leg, _)| *leg == 1).collect();
    assert_eq!(silent, [], "packets that waited are packets heard");
    bench.talk(&mut peer, 10, 0x11);
    let after = bench.take_sent(2);
    let (old, new) = (before.last().unwrap().header(), after[0].header());
    assert_eq!(new.timestamp.wrapping_sub(old.timestamp), 251 * 160);
    assert_eq!(after[0].header().ssrc, old.ssrc);
}

/// F12 on the statistics: what the network lost is seen, and told to the peer that sent it.
#[test]
fn loss_is_in_the_statistics_and_in_our_report() {
    let mut bench = Bench::with_a_talk();
    bench.hear(1, Source::Nothing);
    let mut peer = Peer::new(1, 8);
    for step in 0..1_000 {
        let packet = peer.voice(0x11);
        if step % 10 != 3 {
            bench.receive(&peer.clone(), &packet);
        }
        bench.pass(milliseconds(20));
    }
    let statistics = bench.plane.statistics(LegId(1)).unwrap();
    assert_eq!((statistics.received_packets, statistics.lost_packets, statistics.jitter_ms), (900, 100, 0));
    let control: Vec<&Sent> = bench.sent.iter().filter(|sent| sent.departure.port.channel == Channel::Rtcp).collect();
    assert!((2..=9).contains(&control.iter().filter(|sent| sent.departure.port.slot == 0).count()));
    for sent in control {
        let leg = if sent.departure.port.slot == 0 { 1 } else { 2 };
        assert_eq!(sent.departure.to, SocketAddr::new(address(leg).ip(), 4_001));
        let packets = rtc_rtcp::packet::unmarshal(&mut sent.packet.as_slice()).unwrap();
        assert_eq!(packets.len(), 2, "report and description");
        if leg == 1 {
            // Nothing was sent to the first leg, so it gets a receiver report.
            let report = packets[0].as_any().downcast_ref::<ReceiverReport>().unwrap();
            assert!((24..=27).contains(&report.reports[0].fraction_lost));
        } else {
            let report = packets[0].as_any().downcast_ref::<SenderReport>().unwrap();
            assert_eq!(report.octet_count, report.packet_count * 160);
        }
    }
    bench.close(1);
    assert_eq!(bench.plane.counters().lost_packets, 100);
}

#[test]
fn the_round_trip_is_read_from_the_peers_report() {
    let mut bench = Bench::with_a_talk();
    bench.talk(&mut Peer::new(2, 8), 400, 0x22);
    let to_first = |sent: &&Sent| sent.departure.port == Port { slot: 0, channel: Channel::Rtcp };
    let report = bench.sent.iter().rfind(to_first).unwrap().clone();
    let ours = rtc_rtcp::packet::unmarshal(&mut report.packet.as_slice()).unwrap();
    let ours = ours[0].as_any().downcast_ref::<SenderReport>().unwrap();
    // The peer answers at once; with the way there and back it is 80 ms.
    bench.now = report.at + milliseconds(80);
    let mut answer = vec![0x81, 201, 0, 7, 0, 0, 0, 1];
    answer.extend(ours.ssrc.to_be_bytes());
    answer.extend([0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
    answer.extend(((ours.ntp_time >> 16) as u32).to_be_bytes());
    answer.extend([0, 0, 0, 0]);
    let from = SocketAddr::new(address(1).ip(), 4_001);
    assert_eq!(bench.receive_at(bench.now, LegId(1), Channel::Rtcp, from, &answer), Verdict::Noted);
    let statistics = bench.plane.statistics(LegId(1)).unwrap();
    assert_eq!(statistics.remote_lost_packets, 3);
    assert!((79..=81).contains(&statistics.round_trip_ms.unwrap()), "{:?}", statistics.round_trip_ms);
}

#[test]
fn a_failed_opening_is_told_and_the_facts_have_a_limit() {
    let mut bench = Bench::new();
    for _ in 0..FACTS_MAX + 10 {
        bench.plane.open_failed(CALL, LegId(7));
    }
    let facts = bench.facts();
    assert_eq!((facts.len(), &facts[0]), (FACTS_MAX, &(7, Fact::OpenFailed)));
    assert_eq!(bench.plane.counters().facts_lost, 10);
}
