//! Keys on the plane: relayed, reported, made.

use super::*;
use crate::media::g711::{PCMA_TO_LINEAR, SILENCE_PCMA, encode_pcma};
use crate::media::tone::Tone;

/// A peer presses a key of `duration_ms`: its packets, with `lost` ends missing.
fn press(peer: &mut Peer, event: u8, duration_ms: u16) -> Vec<Vec<u8>> {
    let start = peer.header.timestamp;
    let mut packets = Vec::new();
    let steps = duration_ms / 20;
    for step in 1..=steps + 2 {
        let duration = (step.min(steps) * 160).to_be_bytes();
        let end = if step >= steps { 0x80 } else { 0 };
        let header = Header { marker: step == 1, payload_type: 101, timestamp: start, ..peer.header.clone() };
        let mut packet = header.to_bytes().to_vec();
        packet.extend([event, end | 10, duration[0], duration[1]]);
        packets.push(packet);
        peer.header.sequence = peer.header.sequence.wrapping_add(1);
    }
    peer.header.timestamp = start.wrapping_add(u32::from(duration_ms) * 8);
    packets
}

fn key(digit: char, duration_ms: u32) -> (u64, Fact) {
    (1, Fact::Key { digit, duration_ms })
}

/// I44: each key once, in order, with its timestamps as they were.
#[test]
fn a_key_is_relayed_and_reported_once() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 8);
    bench.talk(&mut peer, 3, 0x11);
    bench.facts();
    for event in [1, 1, 11] {
        for packet in press(&mut peer, event, 100) {
            bench.receive(&peer, &packet);
            bench.pass(milliseconds(20));
        }
        bench.talk(&mut peer, 3, 0x11);
    }
    assert_eq!(bench.facts(), [key('1', 100), key('1', 100), key('#', 100)]);
    let heard = bench.take_sent(2);
    let keys: Vec<&Sent> = heard.iter().filter(|sent| sent.header().payload_type == 101).collect();
    assert_eq!(keys.len(), 21);
    assert!(keys.chunks(7).all(|key| key.iter().all(|sent| sent.header().timestamp == key[0].header().timestamp)));
    assert!(keys.chunks(7).all(|key| key[0].header().marker && !key[1].header().marker));
    assert!(heard.windows(2).all(|pair| pair[1].header().sequence.wrapping_sub(pair[0].header().sequence) == 1));
}

/// A code for us in the making: who hears the leg gets nothing of it, and misses no packet.
#[test]
fn withheld_keys_are_told_and_leave_no_gap() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 8);
    bench.talk(&mut peer, 3, 0x11);
    bench.order(Order::Keys { leg: LegId(1), keys: Keys::Withheld });
    bench.facts();
    for packet in press(&mut peer, 10, 100) {
        assert_eq!(bench.receive(&peer, &packet), Verdict::Noted);
        bench.pass(milliseconds(20));
    }
    bench.talk(&mut peer, 3, 0x11);
    assert_eq!(bench.facts(), [key('*', 100)]);
    let heard = bench.take_sent(2);
    assert_eq!(heard.len(), 6);
    assert!(heard.iter().all(|sent| sent.header().payload_type == 8));
    assert!(heard.windows(2).all(|pair| pair[1].header().sequence.wrapping_sub(pair[0].header().sequence) == 1));
    bench.order(Order::Keys { leg: LegId(1), keys: Keys::Relayed });
    for packet in press(&mut peer, 1, 60) {
        assert_eq!(bench.receive(&peer, &packet), Verdict::Relayed(1));
    }
}

/// Keys in the voice alone, wherever in a packet each begins: told once; withheld, a listener hears 40 ms of it at the
/// most, for before that it is no key, and relayed, all of it.
#[test]
fn a_key_in_the_voice_is_told_and_where_withheld_heard_for_40_ms_at_the_most() {
    for (keys, heard_most) in [(Keys::Relayed, 800), (Keys::Withheld, 320)] {
        for lead in (0..160).step_by(13) {
            let mut bench = Bench::with_a_talk();
            bench.agree(1, AgreedSession { inband_keys: true, ..session(1, &[PCMA]) });
            bench.order(Order::Keys { leg: LegId(1), keys });
            let mut peer = Peer::new(1, 8);
            bench.talk(&mut peer, 3, SILENCE_PCMA);
            bench.take_sent(2);
            bench.facts();
            let mut tones = [Tone::new(770, 8_000), Tone::new(1_336, 8_000)];
            let key = std::iter::repeat_with(|| tones.iter_mut().map(Tone::next_sample).sum()).take(800);
            let said: Vec<i16> =
                std::iter::repeat_n(0, lead).chain(key).chain(std::iter::repeat_n(0, 640 - lead)).collect();
            for samples in said.chunks(160) {
                let mut packet = peer.voice(0);
                packet[12..].iter_mut().zip(samples).for_each(|(code, sample)| *code = encode_pcma(*sample));
                assert_eq!(bench.receive(&peer, &packet), Verdict::Relayed(1));
                bench.pass(milliseconds(20));
            }
            let facts = bench.facts();
            assert!(matches!(facts[..], [(1, Fact::Key { digit: '5', duration_ms: 90..=110 })]), "{lead}: {facts:?}");
            let heard = sound_of(&bench.take_sent(2));
            assert_eq!(heard.len(), said.len(), "noise is in the place of what is hidden, and no gap");
            // Ten times what comfort noise has at its loudest.
            let loud = |sample: &i16| sample.unsigned_abs() > 1_600;
            let first = heard.iter().position(loud).unwrap_or(0);
            let last = heard.iter().rposition(loud).unwrap_or(0);
            assert!(last - first < heard_most, "{keys:?}, {lead} samples into a packet: heard for {}", last - first);
            assert!(keys == Keys::Withheld || last - first > 790, "{} samples of what is relayed", last - first);
            bench.talk(&mut peer, 5, 0x11);
            assert_eq!(bench.take_sent(2).last().map(|sent| sent.payload().to_vec()), Some(vec![0x11; 160]));
        }
    }
}

fn sound_of(sent: &[Sent]) -> Vec<i16> {
    sent.iter().flat_map(|sent| sent.payload()).map(|code| PCMA_TO_LINEAR[usize::from(*code)]).collect()
}

#[test]
fn a_leg_without_telephone_events_gets_none_and_the_call_is_told() {
    let mut bench = Bench::with_a_talk();
    bench.agree(2, session(2, &[PCMA]));
    let mut peer = Peer::new(1, 8);
    for packet in press(&mut peer, 5, 60) {
        assert_eq!(bench.receive(&peer, &packet), Verdict::Relayed(0));
    }
    assert_eq!(bench.facts(), [(1, Fact::FirstPacket), key('5', 60)]);
    bench.order(Order::Key { leg: LegId(2), digit: '5', duration_ms: 60 });
    assert_eq!(bench.plane.counters().keys_refused, 1);
}

#[test]
fn a_key_whose_ends_are_all_lost_is_reported_after_half_a_second() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 8);
    let packets = press(&mut peer, 9, 100);
    for packet in &packets[..4] {
        bench.receive(&peer, packet);
    }
    bench.facts();
    bench.pass(milliseconds(499));
    assert_eq!(bench.facts(), []);
    bench.pass(milliseconds(1));
    assert_eq!(bench.facts(), [key('9', 80)]);
}

/// Keys from the call, for instance from INFO, while the other party talks on.
#[test]
fn ordered_keys_are_sent_whole_and_the_stream_stays_one() {
    let mut bench = Bench::with_a_talk();
    let mut peer = Peer::new(1, 8);
    bench.talk(&mut peer, 5, 0x11);
    for digit in ['7', '#'] {
        bench.order(Order::Key { leg: LegId(2), digit, duration_ms: 100 });
    }
    bench.talk(&mut peer, 40, 0x11);
    let heard = bench.take_sent(2);
    let keys: Vec<&Sent> = heard.iter().filter(|sent| sent.header().payload_type == 101).collect();
    let ends: Vec<u8> =
        keys.iter().filter(|sent| sent.payload()[1] & 0x80 != 0).map(|sent| sent.payload()[0]).collect();
    assert_eq!(ends, [7, 7, 7, 11, 11, 11]);
    assert!(heard.windows(2).all(|pair| pair[1].header().sequence.wrapping_sub(pair[0].header().sequence) == 1));
    let start = heard[0].header().timestamp;
    let late = |sent: &Sent| {
        i64::from(sent.header().timestamp.wrapping_sub(start)) - (sent.at - heard[0].at).as_millis() as i64 * 8
    };
    assert!(heard.iter().filter(|sent| sent.header().payload_type == 8).all(|sent| late(sent).abs() <= 320));
    assert!(heard.windows(2).all(|pair| pair[1].header().timestamp.wrapping_sub(pair[0].header().timestamp) < 1 << 31));
    // Voice is back after the keys: two of 160 ms with their pauses take under half a second.
    assert!(heard.last().unwrap().payload() == [0x11; 160] && heard.len() > 30);
    assert_eq!(bench.plane.counters().keys_sent, 2);
}

#[test]
fn keys_that_can_no_longer_be_sent_do_not_block_the_voice() {
    let mut bench = Bench::with_a_talk();
    bench.order(Order::Key { leg: LegId(2), digit: '7', duration_ms: 100 });
    bench.agree(2, session(2, &[PCMA]));
    bench.pass(milliseconds(900));
    bench.talk(&mut Peer::new(1, 8), 3, 0x11);
    assert_eq!(bench.take_sent(2).len(), 3);
}
