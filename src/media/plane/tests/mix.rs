//! Three in one conversation: each hears the sum of the others, and the stream to each goes on without a break.

use super::*;
use crate::media::g711::{PCMA_TO_LINEAR, PCMU_TO_LINEAR, encode_pcma, encode_pcmu};
use crate::media::tone::{Goertzel, Tone};

/// A party with a tone of its own.
struct Voice {
    peer: Peer,
    tone: Tone,
    law: Codec,
}

impl Voice {
    fn new(leg: u64, frequency_hz: u32, law: Codec) -> Self {
        let payload_type = if law == Codec::Pcmu { 0 } else { 8 };
        Self { peer: Peer::new(leg, payload_type), tone: Tone::new(frequency_hz, 6_000), law }
    }

    fn packet(&mut self) -> Vec<u8> {
        let mut packet = self.peer.voice(0);
        let law = self.law;
        for code in &mut packet[12..] {
            let sample = self.tone.next_sample();
            *code = if law == Codec::Pcmu { encode_pcmu(sample) } else { encode_pcma(sample) };
        }
        packet
    }
}

const TONES: [u32; 3] = [500, 900, 1_300];

/// Three legs, the third in mu-law, each hearing the two others.
fn three() -> (Bench, [Voice; 3]) {
    let mut bench = Bench::new();
    bench.open(CALL, 1, &[PCMA, KEYS]);
    bench.open(CALL, 2, &[PCMA, KEYS]);
    bench.open(CALL, 3, &[PCMU]);
    mix(&mut bench);
    let voices = [
        Voice::new(1, TONES[0], Codec::Pcma),
        Voice::new(2, TONES[1], Codec::Pcma),
        Voice::new(3, TONES[2], Codec::Pcmu),
    ];
    (bench, voices)
}

fn mix(bench: &mut Bench) {
    for leg in 1..=3_u64 {
        bench.hear(leg, Source::Mix((1..=3).filter(|other| *other != leg).map(LegId).collect()));
    }
}

/// Everybody talks for so many packets; each packet is late by what `late` says, and lost if that is `None`.
fn talk(bench: &mut Bench, voices: &mut [Voice; 3], packets: u32, mut late: impl FnMut() -> Option<u64>) {
    let start = bench.now;
    let mut network: Vec<(Instant, Peer, Vec<u8>)> = Vec::new();
    for step in 0..packets {
        for voice in voices.iter_mut() {
            let packet = voice.packet();
            if let Some(late) = late() {
                let at = start + milliseconds(20 * u64::from(step)) + Duration::from_micros(late);
                network.push((at, voice.peer.clone(), packet));
            }
        }
    }
    network.sort_by_key(|(at, ..)| *at);
    for (at, peer, packet) in network {
        bench.pass(at - bench.now);
        bench.receive(&peer, &packet);
    }
    let end = start + milliseconds(20 * u64::from(packets));
    bench.pass(end - bench.now);
}

fn samples(sent: &[Sent], law: Codec) -> Vec<i16> {
    let linear = if law == Codec::Pcmu { &PCMU_TO_LINEAR } else { &PCMA_TO_LINEAR };
    sent.iter().flat_map(|sent| sent.payload().iter().map(|code| linear[usize::from(*code)])).collect()
}

/// The amplitudes of the three tones in what the leg was sent.
fn heard(sent: &[Sent], law: Codec) -> [f64; 3] {
    let sound = samples(sent, law);
    TONES.map(|tone| Goertzel::amplitude(tone, &sound))
}

/// What the peer of the leg was sent, everything else being left for the next question.
fn sent_to(bench: &Bench, leg: u64) -> Vec<Sent> {
    let rtp = bench.sent.iter().filter(|sent| sent.departure.port.channel == Channel::Rtp);
    rtp.filter(|sent| sent.departure.to == address(leg)).cloned().collect()
}

fn assert_continuous(sent: &[Sent]) {
    for pair in sent.windows(2) {
        let (before, after) = (pair[0].header(), pair[1].header());
        assert_eq!(after.ssrc, before.ssrc);
        assert_eq!(after.sequence, before.sequence.wrapping_add(1), "at {:?}", pair[1].at);
        let step = after.timestamp.wrapping_sub(before.timestamp);
        assert!((1..=480).contains(&step), "the timestamp moves by {step}");
    }
}

#[test]
fn i14_each_of_three_hears_the_two_others_and_not_itself() {
    let (mut bench, mut voices) = three();
    talk(&mut bench, &mut voices, 100, || Some(0));
    for leg in 1..=3_u64 {
        let sent = sent_to(&bench, leg);
        assert!((99..=101).contains(&sent.len()), "one packet each 20 ms, not {}", sent.len());
        assert_continuous(&sent);
        assert!(sent.windows(2).all(|pair| pair[1].at - pair[0].at == milliseconds(20)), "the tick is exact");
        let law = voices[leg as usize - 1].law;
        for (speaker, amplitude) in (1..=3_u64).zip(heard(&sent[10..], law)) {
            if speaker == leg {
                assert!(amplitude < 100.0, "party {leg} hears itself: {amplitude}");
            } else {
                assert!((5_500.0..6_500.0).contains(&amplitude), "party {leg} hears {speaker} at {amplitude}");
            }
        }
    }
    assert_eq!(bench.plane.counters().mixed_late_samples, 0);
}

/// F12: 5 % loss and up to 30 ms of jitter with reordering; the voices stay whole enough, and nothing grows.
#[test]
fn f12_loss_and_jitter_are_concealed() {
    let (mut bench, mut voices) = three();
    let mut entropy = Entropy::from_number(7);
    talk(&mut bench, &mut voices, 500, || (entropy.below(100) >= 5).then(|| entropy.below(30_000)));
    for leg in 1..=3_u64 {
        let law = voices[leg as usize - 1].law;
        let sent = sent_to(&bench, leg);
        assert_continuous(&sent);
        let sound = samples(&sent[50..], law);
        let broken = sound.chunks(80).filter(|piece| piece.iter().all(|sample| sample.abs() < 300)).count();
        assert_eq!(broken, 0, "party {leg} has pieces of 10 ms without any sound");
        for (speaker, amplitude) in (1..=3_u64).zip(heard(&sent[50..], law)) {
            assert!(speaker == leg || amplitude > 4_000.0, "party {leg} hears {speaker} at {amplitude}");
        }
    }
}

#[test]
fn a_silent_party_is_concealed_and_then_a_quiet_line() {
    let (mut bench, mut voices) = three();
    talk(&mut bench, &mut voices, 10, || Some(0));
    bench.sent.clear();
    bench.pass(milliseconds(1_000));
    let sent = sent_to(&bench, 1);
    assert_eq!(sent.len(), 50);
    let sound = samples(&sent, Codec::Pcma);
    assert!(sound[480 * 2..].iter().all(|sample| sample.abs() < 300), "no voice is made up for longer than 60 ms");
}

/// T26: from relay to mix, to music, back to relay; one stream for the receiver.
#[test]
fn t26_relay_mix_music_and_back_are_one_stream() {
    let (mut bench, mut voices) = three();
    for (leg, other) in [(1, 2), (2, 1)] {
        bench.hear(leg, Source::Leg(LegId(other)));
    }
    talk(&mut bench, &mut voices, 20, || Some(0));
    mix(&mut bench);
    talk(&mut bench, &mut voices, 20, || Some(0));
    bench.hear(1, Source::Ringback);
    talk(&mut bench, &mut voices, 20, || Some(0));
    bench.hear(1, Source::Leg(LegId(2)));
    talk(&mut bench, &mut voices, 20, || Some(0));
    let sent = sent_to(&bench, 1);
    assert_continuous(&sent);
    let gap = sent.windows(2).map(|pair| pair[1].at - pair[0].at).max();
    assert!(gap.is_some_and(|gap| gap <= milliseconds(40)), "{gap:?}");
    let from_two = heard(&sent[65..], Codec::Pcma);
    assert!(from_two[1] > 5_000.0 && from_two[2] < 200.0, "after the mix only the partner is heard: {from_two:?}");
    let input = |leg: u64| bench.plane.legs[bench.plane.slot(LegId(leg)).unwrap()].input.is_some();
    assert!(input(1) && input(2) && input(3), "legs 2 and 3 still hear a mix, of 1 and 3, of 1 and 2");
    bench.hear(2, Source::Nothing);
    bench.hear(3, Source::Nothing);
    let input = |leg: u64| bench.plane.legs[bench.plane.slot(LegId(leg)).unwrap()].input.is_some();
    assert!(!input(1) && !input(2) && !input(3), "nobody hears a mix any more: its buffers are gone");
}

#[test]
fn a_party_that_leaves_is_heard_no_more_and_one_that_comes_late_is() {
    let (mut bench, mut voices) = three();
    talk(&mut bench, &mut voices, 20, || Some(0));
    bench.close(3);
    bench.sent.clear();
    talk(&mut bench, &mut voices, 50, || Some(0));
    let [_, second, third] = heard(&sent_to(&bench, 1)[10..], Codec::Pcma);
    assert!(second > 5_000.0 && third < 100.0, "{second} {third}");
    bench.open(CALL, 3, &[PCMU]);
    bench.sent.clear();
    talk(&mut bench, &mut voices, 50, || Some(0));
    let [_, second, third] = heard(&sent_to(&bench, 1)[10..], Codec::Pcma);
    assert!(second > 5_000.0 && third > 5_000.0, "{second} {third}");
}

#[test]
fn keys_are_told_and_not_mixed() {
    let (mut bench, mut voices) = three();
    talk(&mut bench, &mut voices, 10, || Some(0));
    bench.facts();
    bench.sent.clear();
    let mut header = voices[0].peer.header.clone();
    header.payload_type = 101;
    let mut packet = header.to_bytes().to_vec();
    packet.extend([5, 0x8a, 0x03, 0x20]);
    bench.receive(&voices[0].peer.clone(), &packet);
    bench.pass(milliseconds(40));
    assert_eq!(bench.facts(), [(1, Fact::Key { digit: '5', duration_ms: 100 })]);
    assert!(bench.sent.iter().all(|sent| sent.header().payload_type != 101), "no key reaches another party");
}

/// A key of ours has the stream for itself; the mix goes on behind it.
#[test]
fn a_key_of_ours_silences_the_mix_meanwhile() {
    let (mut bench, mut voices) = three();
    talk(&mut bench, &mut voices, 10, || Some(0));
    bench.sent.clear();
    bench.order(Order::Key { leg: LegId(1), digit: '7', duration_ms: 100 });
    talk(&mut bench, &mut voices, 20, || Some(0));
    let sent = sent_to(&bench, 1);
    let kinds: Vec<u8> = sent.iter().map(|sent| sent.header().payload_type).collect();
    let first_voice = kinds.iter().rposition(|kind| *kind == 101).unwrap() + 1;
    assert!(kinds[..first_voice].iter().all(|kind| *kind == 101) && kinds[first_voice..].iter().all(|kind| *kind == 8));
    assert!(kinds.len() - first_voice >= 8, "the mix is back after the key");
}

/// A stall of the process is not made up for: the delay afterwards is what it was (E7, F26).
#[test]
fn e7_a_stall_leaves_no_delay() {
    let (mut bench, mut voices) = three();
    talk(&mut bench, &mut voices, 50, || Some(0));
    bench.now += milliseconds(2_000);
    bench.tick();
    bench.sent.clear();
    bench.pass(milliseconds(200));
    let sent = sent_to(&bench, 1);
    assert!((9..=11).contains(&sent.len()), "no burst after the stall: {}", sent.len());
    assert_continuous(&sent);
}

#[test]
#[should_panic(expected = "own voice")]
fn nobody_can_be_told_to_hear_himself() {
    let (mut bench, _) = three();
    let slot = bench.plane.slot(LegId(1)).unwrap();
    bench.plane.hear_mix(bench.now, slot, &[LegId(1)]);
}
