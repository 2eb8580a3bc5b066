//! Stories of one voice on a network: late, lost, doubled, begun anew.

use super::*;
use crate::base::entropy::Entropy;
use crate::media::g711::encode_pcma;
use crate::media::tone::Tone;

/// A sender of a 437 Hz tone and the mix's clock, in samples.
struct Line {
    jitter: Jitter,
    tone: Tone,
    timestamp: u32,
    tick: u64,
}

impl Line {
    fn new() -> Self {
        Self { jitter: Jitter::new(), tone: Tone::new(437, 8_000), timestamp: u32::MAX - 3_000, tick: 10 }
    }

    /// The next 20 ms, as they leave the sender.
    fn packet(&mut self) -> (u32, Vec<u8>) {
        let mut samples = [0; FRAME];
        self.tone.fill(&mut samples);
        let packet = (self.timestamp, samples.iter().map(|sample| encode_pcma(*sample)).collect());
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        packet
    }

    fn put(&mut self, (timestamp, codes): &(u32, Vec<u8>)) {
        self.jitter.put(1, *timestamp, Codec::Pcma, codes);
    }

    fn read(&mut self) -> Option<[i16; FRAME]> {
        self.tick += 1;
        self.jitter.frame(self.tick).copied()
    }

    fn delay(&self) -> u32 {
        match self.jitter.reading {
            Reading::At(position) => position.delay,
            Reading::NotYet => 0,
        }
    }
}

fn loudest(samples: &[i16]) -> i16 {
    samples.iter().map(|sample| sample.saturating_abs()).max().unwrap_or(0)
}

/// The largest step from one sample to the next: a click is a large one. The tone itself moves by 2,750 at most.
fn steepest(samples: &[i16]) -> u16 {
    samples.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap_or(0)
}

#[test]
fn what_comes_in_time_is_read_at_the_next_tick_unchanged() {
    let mut line = Line::new();
    let mut sound = Vec::new();
    for _ in 0..50 {
        let packet = line.packet();
        line.put(&packet);
        sound.extend(line.read().unwrap());
    }
    let mut tone = Tone::new(437, 8_000);
    let differs = sound.iter().filter(|sample| tone.next_sample().abs_diff(**sample) > 256).count();
    assert_eq!((differs, line.delay(), line.jitter.late()), (0, 0, 0));
}

#[test]
fn everybody_who_asks_at_a_tick_gets_the_same() {
    let mut line = Line::new();
    let packet = line.packet();
    line.put(&packet);
    let first = line.jitter.frame(1).copied();
    assert_eq!(line.jitter.frame(1).copied(), first);
    assert!(first.is_some() && line.jitter.frame(0).copied() == first, "an earlier tick never moves the reading");
}

#[test]
fn a_lost_packet_is_concealed_without_a_click_and_a_long_gap_fades() {
    let mut line = Line::new();
    let mut sound = Vec::new();
    for step in 0..30 {
        let packet = line.packet();
        if step != 20 {
            line.put(&packet);
        }
        sound.extend(line.read().unwrap());
    }
    let gap = &sound[20 * FRAME..21 * FRAME];
    assert!(loudest(gap) > 4_000, "the gap is filled: {}", loudest(gap));
    assert!(steepest(&sound) < 3_200, "a click of {}", steepest(&sound));
    let mut levels = Vec::new();
    while let Some(frame) = line.read() {
        levels.push(loudest(&frame));
    }
    assert_eq!(levels.len(), 4, "60 ms of concealment, and one read that finds it at its end: {levels:?}");
    assert!(levels.windows(2).all(|pair| pair[0] > pair[1]), "it fades: {levels:?}");
    assert_eq!(line.read(), None);
}

#[test]
fn late_packets_make_the_delay_grow_and_quiet_moments_make_it_shrink() {
    let mut line = Line::new();
    for _ in 0..20 {
        let packet = line.packet();
        line.put(&packet);
        line.read();
    }
    // From now on every packet comes 45 ms later than the ones before.
    let mut waiting = std::collections::VecDeque::new();
    for step in 0..100 {
        waiting.push_back(line.packet());
        if step >= 3 {
            let packet = waiting.pop_front().unwrap();
            line.put(&packet);
        }
        line.read();
    }
    assert!((360..=DELAY_MAX).contains(&line.delay()), "{}", line.delay());
    // The network is fast again, and the party quiet.
    line.tone = Tone::new(437, 100);
    for packet in waiting {
        line.put(&packet);
    }
    for _ in 0..1_000 {
        let packet = line.packet();
        line.put(&packet);
        line.read();
    }
    assert!(line.delay() <= SAFETY + WORTHWHILE, "{}", line.delay());
}

#[test]
fn a_sender_that_begins_anew_is_heard_within_a_tenth_of_a_second() {
    for (ssrc, jump) in [(2, 77_777), (1, 500_000), (1, u32::MAX - 3_000), (1, u32::MAX - 50_000)] {
        let mut line = Line::new();
        for _ in 0..20 {
            let packet = line.packet();
            line.put(&packet);
            line.read();
        }
        line.timestamp = line.timestamp.wrapping_add(jump);
        for _ in 0..=LATE_RUN_MAX {
            let (timestamp, codes) = line.packet();
            line.jitter.put(ssrc, timestamp, Codec::Pcma, &codes);
            line.read();
        }
        let heard = line.read();
        assert!(heard.is_some_and(|frame| loudest(&frame) > 4_000), "source {ssrc}, jump {jump}");
        for _ in 0..10 {
            let (timestamp, codes) = line.packet();
            line.jitter.put(ssrc, timestamp, Codec::Pcma, &codes);
            assert!(line.read().is_some_and(|frame| loudest(&frame) > 7_000), "source {ssrc}, jump {jump}");
        }
    }
}

#[test]
fn no_packets_whatever_they_say_make_it_panic_or_grow() {
    for seed in 0..200 {
        let mut entropy = Entropy::from_number(seed);
        let mut jitter = Jitter::new();
        let mut tick = entropy.below(1_000);
        for _ in 0..300 {
            let timestamp =
                if entropy.below(3) == 0 { entropy.next_u64() as u32 } else { entropy.below(20_000) as u32 };
            let codes = vec![entropy.next_u64() as u8; entropy.below(1_500) as usize];
            let codec = [Codec::Pcma, Codec::Pcmu, Codec::TelephoneEvent][entropy.below(3) as usize];
            jitter.put(entropy.below(2) as u32, timestamp, codec, &codes);
            tick += entropy.below(50) * entropy.below(2);
            jitter.frame(tick);
            if let Reading::At(position) = jitter.reading {
                assert!(position.delay <= DELAY_MAX, "seed {seed}: {}", position.delay);
            }
        }
    }
}
