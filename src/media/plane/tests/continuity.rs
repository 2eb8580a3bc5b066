//! One stream per receiver, whatever happens before it (T26, F12): seeded sources, faults and switches.

use std::collections::HashSet;

use super::*;
use crate::media::library::Recording;

/// A peer behind a network that loses, repeats and reorders, and that restarts now and then.
struct BadPeer {
    peer: Peer,
    delayed: Option<Vec<u8>>,
}

impl BadPeer {
    fn step(&mut self, bench: &mut Bench, entropy: &mut Entropy, faults: u64) {
        if faults > 0 && entropy.below(150) == 0 {
            // Asterisk does this at its own transfers: new source, or only new numbers.
            self.peer.header.sequence = entropy.next_u64() as u16;
            self.peer.header.timestamp = entropy.next_u64() as u32;
            if entropy.below(2) == 0 {
                self.peer.header.ssrc = entropy.next_u64() as u32 | 1;
            }
            self.delayed = None;
        }
        let packet = self.peer.voice(self.peer.leg.0 as u8);
        let late = self.delayed.take();
        match entropy.below(100) {
            fault if fault < faults => {}
            fault if fault < 2 * faults => self.delayed = Some(packet),
            fault if fault < 3 * faults => {
                bench.receive(&self.peer, &packet);
                bench.receive(&self.peer, &packet);
            }
            _ => {
                bench.receive(&self.peer, &packet);
            }
        }
        if let Some(late) = late {
            bench.receive(&self.peer, &late);
        }
    }
}

/// Runs a minute in which leg 1 hears legs 2 and 3, music and ringback in turn.
fn run(seed: u64, faults: u64) -> Vec<Sent> {
    let mut entropy = Entropy::from_number(seed);
    let music = Recording::from_samples(&[500; 8_000]);
    let mut bench = Bench::with(Library::new([("hold_music".to_owned(), music)].into()), seed);
    for leg in 1..=3 {
        bench.open(CALL, leg, &[PCMA, KEYS]);
    }
    let mut peers: Vec<BadPeer> =
        [2, 3].map(|leg| BadPeer { peer: Peer::new(leg, 8), delayed: None }).into_iter().collect();
    for step in 0..3_000 {
        if step % 100 == 0 || entropy.below(200) == 0 {
            let source = match entropy.below(5) {
                0 => Source::Ringback,
                1 => Source::Prompt { name: "hold_music".to_owned(), repeat: true },
                2 if step > 0 => Source::Nothing,
                leg => Source::Leg(LegId(2 + leg % 2)),
            };
            bench.hear(1, source);
        }
        if entropy.below(300) == 0 {
            bench.order(Order::Key { leg: LegId(1), digit: '1', duration_ms: 100 });
        }
        bench.pass(milliseconds(entropy.below(8)));
        for peer in &mut peers {
            peer.step(&mut bench, &mut entropy, faults);
        }
        let next = bench.now.since(Instant::START).as_millis() as u64;
        bench.pass(milliseconds(20 - next % 20));
    }
    bench.take_sent(1)
}

#[test]
fn without_faults_every_packet_follows_the_last_one() {
    for seed in 0..10 {
        let sent = run(seed, 0);
        assert!(sent.len() > 1_500, "seed {seed}");
        let mut since = sent[0].at;
        for pair in sent.windows(2) {
            let (before, after) = (pair[0].header(), pair[1].header());
            assert_eq!(after.sequence, before.sequence.wrapping_add(1), "seed {seed}");
            assert_eq!(after.ssrc, before.ssrc, "seed {seed}");
            let step = i64::from(after.timestamp.wrapping_sub(before.timestamp).cast_signed());
            // The packets of a key share one timestamp: what follows is measured from the first of them.
            let wall = (pair[1].at - since).as_millis() as i64 * 8;
            // 20 ms of jitter in the peers, and what a packet sent just before a switch still covers.
            assert!(step == 0 || (1..=wall + 480).contains(&step), "seed {seed}: {step} samples in {wall}");
            assert!(step == 0 || step >= wall - 480, "seed {seed}: {step} samples in {wall}");
            assert!(step > 0 || after.payload_type == 101, "seed {seed}: only keys share a timestamp");
            since = if step == 0 { since } else { pair[1].at };
        }
        assert!(drift(&sent).abs() < 800, "seed {seed}: {} samples", drift(&sent));
    }
}

/// How far the stream's time has left the wall clock at its last voice packet, in samples.
fn drift(sent: &[Sent]) -> i64 {
    let mut voice = sent.iter().filter(|sent| sent.header().payload_type == 8);
    let (first, last) = (voice.next().unwrap(), voice.next_back().unwrap());
    let stream = i64::from(last.header().timestamp.wrapping_sub(first.header().timestamp));
    stream - (last.at - first.at).as_millis() as i64 * 8
}

#[test]
fn with_faults_the_stream_never_jumps_back_or_repeats_itself() {
    for seed in 100..115 {
        let sent = run(seed, 5);
        let first = sent[0].header();
        let mut seen: HashSet<(u16, u32, u8)> = HashSet::new();
        let mut order: Vec<(u16, u32)> = Vec::new();
        for packet in &sent {
            let header = packet.header();
            assert_eq!(header.ssrc, first.ssrc, "seed {seed}");
            let position =
                (header.sequence.wrapping_sub(first.sequence), header.timestamp.wrapping_sub(first.timestamp));
            // The same number may come twice only as the network's own copy of the same packet.
            let fresh = seen.insert((header.sequence, header.timestamp, packet.payload()[0]));
            let taken = order.iter().rev().take(300).find(|(sequence, _)| *sequence == position.0);
            assert!(
                taken.is_none_or(|taken| !fresh && *taken == position),
                "seed {seed}: {position:?} is not {taken:?}"
            );
            order.push(position);
        }
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.windows(2).all(|pair| pair[0].1 <= pair[1].1), "seed {seed}: time runs against the sequence");
        let jumps = order.windows(2).filter(|pair| pair[1].0.wrapping_sub(pair[0].0).cast_signed().abs() > 8).count();
        assert_eq!(jumps, 0, "seed {seed}");
        assert!(drift(&sent).abs() < 16_000, "seed {seed}: {} samples", drift(&sent));
    }
}

#[test]
fn each_change_of_source_is_marked() {
    let mut bench = Bench::with_a_talk();
    bench.open(CALL, 3, &[PCMA]);
    let (mut one, mut three) = (Peer::new(1, 8), Peer::new(3, 8));
    bench.talk(&mut one, 3, 1);
    bench.hear(2, Source::Leg(LegId(3)));
    bench.talk(&mut three, 3, 3);
    bench.hear(2, Source::Leg(LegId(1)));
    bench.talk(&mut one, 3, 1);
    let marks: Vec<bool> = bench.take_sent(2).iter().map(|sent| sent.header().marker).collect();
    assert_eq!(marks, [true, false, false, true, false, false, true, false, false]);
}
