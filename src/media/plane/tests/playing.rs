//! Ringback, prompts and what sounds when a prompt is missing.

use super::*;
use crate::media::g711::PCMA_TO_LINEAR;
use crate::media::library::Recording;
use crate::media::tone::{Goertzel, Tone};

fn linear(sent: &[Sent]) -> Vec<i16> {
    sent.iter().flat_map(|sent| sent.payload()).map(|code| PCMA_TO_LINEAR[usize::from(*code)]).collect()
}

fn prompt(name: &str, frequency_hz: u32, length_ms: usize) -> Library {
    let mut samples = vec![0; length_ms * 8];
    Tone::new(frequency_hz, 8_000).fill(&mut samples);
    Library::new([(name.to_owned(), Recording::from_samples(&samples))].into())
}

#[test]
fn ringback_is_450_hz_on_a_grid_of_20_ms() {
    let mut bench = Bench::new();
    bench.open(CALL, 1, &[PCMA]);
    bench.hear(1, Source::Ringback);
    bench.pass(milliseconds(10_000 - 1));
    let heard = bench.take_sent(1);
    assert_eq!(heard.len(), 500);
    assert!(heard.windows(2).all(|pair| pair[1].at - pair[0].at == milliseconds(20)));
    assert!(heard.windows(2).all(|pair| pair[1].header().timestamp.wrapping_sub(pair[0].header().timestamp) == 160));
    assert!(heard.windows(2).all(|pair| pair[1].header().sequence.wrapping_sub(pair[0].header().sequence) == 1));
    assert_eq!(heard.iter().filter(|sent| sent.header().marker).count(), 1);
    let sound = linear(&heard);
    for (second, expected) in [(0, true), (1, false), (4, false), (5, true), (6, false)] {
        let piece = &sound[second * 8_000 + 100..second * 8_000 + 7_900];
        assert_eq!(Goertzel::amplitude(450, piece) > 6_000.0, expected, "second {second}");
    }
}

#[test]
fn ringback_ordered_again_keeps_its_cadence() {
    let mut bench = Bench::new();
    bench.open(CALL, 1, &[PCMA]);
    for _ in 0..10 {
        bench.hear(1, Source::Ringback);
        bench.pass(milliseconds(500));
    }
    let sound = linear(&bench.take_sent(1));
    assert!(Goertzel::amplitude(450, &sound[100..7_900]) > 6_000.0);
    assert!(Goertzel::amplitude(450, &sound[8_000..]) < 100.0);
}

#[test]
fn a_prompt_played_once_ends_and_says_so() {
    let mut bench = Bench::with(prompt("all_busy", 700, 210), 1);
    bench.open(CALL, 1, &[PCMU]);
    bench.hear(1, Source::Prompt { name: "all_busy".to_owned(), repeat: false });
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.take_sent(1).len(), 11, "210 ms in whole packets");
    assert_eq!(bench.facts(), [(1, Fact::PromptEnded)]);
}

#[test]
fn a_repeated_prompt_goes_on_when_ordered_again_and_over_its_end() {
    let mut bench = Bench::with(prompt("hold_music", 700, 1_000), 1);
    bench.open(CALL, 1, &[PCMA]);
    let music = Source::Prompt { name: "hold_music".to_owned(), repeat: true };
    bench.hear(1, music.clone());
    bench.pass(milliseconds(990));
    bench.hear(1, music);
    bench.pass(milliseconds(2_000));
    let sound = linear(&bench.take_sent(1));
    // 700 whole waves a second: there is no click to be heard where it starts again.
    assert!(
        sound.chunks(800).filter(|piece| piece.len() == 800).all(|piece| Goertzel::amplitude(700, piece) > 7_000.0)
    );
    assert_eq!(bench.facts(), []);
}

#[test]
fn a_missing_prompt_is_a_tone_and_not_silence() {
    let mut bench = Bench::new();
    bench.open(CALL, 1, &[PCMA]);
    bench.hear(1, Source::Prompt { name: "nowhere".to_owned(), repeat: true });
    bench.pass(Duration::from_secs(3));
    let sound = linear(&bench.take_sent(1));
    // Promise 1: a caller never hears nothing for two seconds.
    assert!(sound.chunks(12_000).all(|piece| piece.iter().any(|sample| sample.abs() > 4_000)));
    assert_eq!(bench.plane.counters().prompts_missing, 1);
}

#[test]
fn a_prompt_ordered_before_the_agreement_starts_with_it() {
    let mut bench = Bench::new();
    bench.order(Order::Open { call: CALL, leg: LegId(1), local: address(100) });
    bench.hear(1, Source::Ringback);
    bench.pass(Duration::from_secs(1));
    assert!(bench.sent.is_empty());
    bench.agree(1, session(1, &[PCMA]));
    bench.pass(milliseconds(99));
    assert_eq!(bench.take_sent(1).len(), 5);
}

#[test]
fn the_packet_length_is_the_agreed_one() {
    let mut bench = Bench::new();
    bench.open(CALL, 1, &[PCMA]);
    for (ptime_ms, samples, step_ms) in [(10, 80, 10), (30, 240, 30), (60, 480, 60), (0, 80, 10), (255, 480, 60)] {
        bench.agree(1, AgreedSession { ptime_ms, ..session(1, &[PCMA]) });
        bench.hear(1, Source::Nothing);
        bench.hear(1, Source::Ringback);
        bench.pass(milliseconds(599));
        let heard = bench.take_sent(1);
        assert!(heard.iter().all(|sent| sent.payload().len() == samples), "{ptime_ms}");
        assert_eq!(heard.len(), 600 / step_ms, "{ptime_ms}");
    }
}

/// E7: a stalled thread does not pour out what it has missed.
#[test]
fn a_recording_does_not_catch_up_after_a_stall() {
    let mut bench = Bench::new();
    bench.open(CALL, 1, &[PCMA]);
    bench.hear(1, Source::Ringback);
    bench.pass(milliseconds(99));
    let before = bench.take_sent(1);
    bench.now += Duration::from_secs(5);
    bench.tick();
    let after = bench.take_sent(1);
    assert_eq!(after.len(), 1);
    let (last, next) = (before.last().unwrap().header(), after[0].header());
    assert_eq!(next.sequence, last.sequence.wrapping_add(1));
    let gap = after[0].at - before.last().unwrap().at;
    assert_eq!(u128::from(next.timestamp.wrapping_sub(last.timestamp)), gap.as_millis() * 8);
    bench.pass(milliseconds(100));
    assert_eq!(bench.take_sent(1).len(), 5);
}

#[test]
fn nothing_means_that_nothing_is_sent() {
    let mut bench = Bench::with_a_talk();
    bench.hear(2, Source::Nothing);
    bench.talk(&mut Peer::new(1, 8), 5, 0x11);
    assert!(bench.take_sent(2).is_empty());
}
