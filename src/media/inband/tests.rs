//! ITU-T Q.24 as a table, and talk.

use std::f64::consts::{PI, TAU};

use super::look::TONES;
use super::*;
use crate::base::entropy::Entropy;
use crate::media::g711::{encode_pcma, encode_pcmu};

const LAWS: [Codec; 2] = [Codec::Pcma, Codec::Pcmu];

/// The level of a sine at full scale (ITU-T G.711).
#[allow(clippy::approx_constant, reason = "it is a level, and no angle")]
const FULL_SCALE_DBM0: f64 = 3.14;

/// One key as it is sent: levels in dBm0 for each tone, how far it is off in percent, samples of sound.
#[derive(Clone, Copy, Debug)]
struct Sent {
    digit: char,
    low_dbm0: f64,
    high_dbm0: f64,
    low_off: f64,
    high_off: f64,
    samples: usize,
}

impl Sent {
    /// A key as Q.24 likes it: -10 dBm0, 80 ms.
    const fn plain(digit: char) -> Self {
        Self { digit, low_dbm0: -10.0, high_dbm0: -10.0, low_off: 0.0, high_off: 0.0, samples: 640 }
    }

    fn sound(self) -> Vec<f64> {
        let (row, column) = place(self.digit);
        let sine = |frequency: u32, off: f64, dbm0: f64, at: usize| {
            let peak = 32_256.0 * 10_f64.powf((dbm0 - FULL_SCALE_DBM0) / 20.0);
            peak * (TAU * f64::from(frequency) * (1.0 + off / 100.0) * at as f64 / 8_000.0).sin()
        };
        (0..self.samples)
            .map(|at| {
                sine(TONES[row], self.low_off, self.low_dbm0, at)
                    + sine(TONES[4 + column], self.high_off, self.high_dbm0, at)
            })
            .collect()
    }
}

fn place(digit: char) -> (usize, usize) {
    let places = (0..16).map(|place| (place / 4, place % 4));
    places.into_iter().find(|(row, column)| KEYS[*row][*column] == digit).unwrap()
}

fn all_keys() -> impl Iterator<Item = char> {
    KEYS.into_iter().flatten()
}

/// A line: packets of 20 ms in one law.
struct Line {
    reader: ToneReader,
    codec: Codec,
    header: Header,
    at: Instant,
    heard: Vec<Key>,
}

impl Line {
    fn new(codec: Codec) -> Self {
        let header = Header { marker: false, payload_type: 8, sequence: 65_530, timestamp: u32::MAX - 1_000, ssrc: 7 };
        Self { reader: ToneReader::new(), codec, header, at: Instant::START, heard: Vec::new() }
    }

    fn say(&mut self, sound: &[f64]) {
        for packet in sound.chunks(160) {
            let encode = match self.codec {
                Codec::Pcma | Codec::TelephoneEvent => encode_pcma,
                Codec::Pcmu => encode_pcmu,
            };
            let codes: Vec<u8> = packet.iter().map(|sample| encode(*sample as i16)).collect();
            self.heard.extend(self.reader.take(self.at, &self.header, self.codec, &codes));
            self.skip(codes.len(), true);
        }
    }

    /// Time that no packet says anything of: lost ones, or none.
    fn skip(&mut self, samples: usize, sent: bool) {
        self.header.sequence = self.header.sequence.wrapping_add(u16::from(sent));
        self.header.timestamp = self.header.timestamp.wrapping_add(samples as u32);
        self.at += std::time::Duration::from_micros(samples as u64 * 125);
    }

    fn digits(&mut self) -> String {
        self.heard.drain(..).map(|key| key.digit).collect()
    }
}

/// What is heard of one key between two pauses, which begins at each of eight places in a packet.
fn heard_of(sent: Sent) -> Vec<String> {
    let mut heard = Vec::new();
    for codec in LAWS {
        for shift in (0..160).step_by(23) {
            let mut line = Line::new(codec);
            line.say(&[vec![0.0; 320 + shift], sent.sound(), vec![0.0; 480 - shift]].concat());
            heard.push(line.digits());
        }
    }
    heard
}

fn taken(sent: Sent) {
    let heard = heard_of(sent);
    assert!(heard.iter().all(|heard| *heard == sent.digit.to_string()), "{sent:?} is heard as {heard:?}");
}

fn refused(sent: Sent) {
    let heard = heard_of(sent);
    assert!(heard.iter().all(String::is_empty), "{sent:?} is heard as {heard:?}");
}

#[test]
fn sixteen_keys_at_every_level_and_twist() {
    for digit in all_keys() {
        let plain = Sent::plain(digit);
        for level in [-3.0, -10.0, -18.0, -25.0] {
            taken(Sent { low_dbm0: level, high_dbm0: level, ..plain });
        }
        for level in [-31.0, -40.0] {
            refused(Sent { low_dbm0: level, high_dbm0: level, ..plain });
        }
        taken(Sent { low_dbm0: -10.0, high_dbm0: -6.0, ..plain });
        taken(Sent { low_dbm0: -6.0, high_dbm0: -14.0, ..plain });
        refused(Sent { low_dbm0: -12.0, high_dbm0: -6.0, ..plain });
        refused(Sent { low_dbm0: -6.0, high_dbm0: -16.0, ..plain });
    }
}

#[test]
fn sixteen_keys_may_be_off_by_a_little() {
    for digit in all_keys() {
        let plain = Sent::plain(digit);
        for off in [-1.5, 1.5] {
            taken(Sent { low_off: off, high_off: off, ..plain });
            taken(Sent { low_off: off, high_off: -off, low_dbm0: -25.0, high_dbm0: -25.0, samples: 320, ..plain });
        }
        for off in [-5.0, -3.5, 3.5, 5.0] {
            refused(Sent { low_off: off, ..plain });
            refused(Sent { high_off: off, ..plain });
            refused(Sent { low_off: off, high_off: off, ..plain });
        }
    }
}

#[test]
fn sixteen_keys_of_40_ms_and_none_of_23() {
    for digit in all_keys() {
        for level in [-3.0, -25.0] {
            let plain = Sent { low_dbm0: level, high_dbm0: level, ..Sent::plain(digit) };
            taken(Sent { samples: 320, ..plain });
            taken(Sent { samples: 4_000, ..plain });
            refused(Sent { samples: 184, ..plain });
        }
        refused(Sent { low_dbm0: -90.0, ..Sent::plain(digit) });
        refused(Sent { high_dbm0: -90.0, ..Sent::plain(digit) });
    }
}

#[test]
fn a_key_pressed_again_after_30_ms_is_two_and_a_break_of_10_ms_is_none() {
    for codec in LAWS {
        for digit in all_keys() {
            let key = Sent { samples: 400, ..Sent::plain(digit) }.sound();
            let mut line = Line::new(codec);
            line.say(&[vec![0.0; 200], key.clone(), vec![0.0; 240], key.clone(), vec![0.0; 400]].concat());
            assert_eq!(line.digits(), format!("{digit}{digit}"));
            line.say(&[key.clone(), vec![0.0; 80], key, vec![0.0; 400]].concat());
            assert_eq!(line.digits(), digit.to_string());
        }
        let mut line = Line::new(codec);
        for digit in "*110#".chars() {
            line.say(&[Sent { samples: 320, ..Sent::plain(digit) }.sound(), vec![0.0; 240]].concat());
        }
        line.say(&[0.0; 400]);
        assert_eq!(line.digits(), "*110#", "faster than Q.24 lets a machine type");
    }
}

#[test]
fn a_key_says_how_long_it_was() {
    for milliseconds in [40, 80, 100, 250, 1_000] {
        let mut line = Line::new(Codec::Pcma);
        let key = Sent { samples: milliseconds as usize * 8, ..Sent::plain('5') };
        line.say(&[vec![0.0; 333], key.sound(), vec![0.0; 487]].concat());
        let said = line.heard.first().map_or(0, |key| key.duration_ms);
        assert!(said.abs_diff(milliseconds) <= 10, "{milliseconds} ms measure {said}");
    }
}

#[test]
fn noise_on_the_line_hides_no_key() {
    let mut entropy = Entropy::from_number(24);
    for digit in all_keys() {
        let noise = |sample: f64, entropy: &mut Entropy| sample + entropy.below(3_000) as f64 - 1_500.0;
        let key: Vec<f64> = Sent::plain(digit).sound().into_iter().map(|sample| noise(sample, &mut entropy)).collect();
        let mut line = Line::new(Codec::Pcma);
        line.say(&[vec![0.0; 300], key, vec![0.0; 500]].concat());
        assert_eq!(line.digits(), digit.to_string());
    }
}

/// What the network does to a key: a lost packet is no release; silence that is not sent is one; a late one is nothing.
#[test]
fn a_lost_packet_splits_no_key_and_unsent_silence_does() {
    let key = Sent { samples: 800, ..Sent::plain('1') }.sound();
    let mut line = Line::new(Codec::Pcma);
    line.say(&key);
    line.skip(160, true);
    line.say(&key);
    assert!(line.reader.is_pressed());
    let late = Header { sequence: line.header.sequence - 1, timestamp: line.header.timestamp - 160, ..line.header };
    assert!(line.reader.take(line.at, &late, Codec::Pcma, &[0xd5; 160]).is_empty());
    line.skip(1_600, false);
    assert_eq!(line.digits(), "");
    line.say(&key);
    assert_eq!(line.digits(), "1");
    line.header.ssrc += 1;
    line.say(&key);
    assert_eq!(line.digits(), "1", "another sender presses anew");
    let deadline = line.reader.deadline().unwrap();
    assert_eq!(line.reader.handle_timeout(line.at), None);
    assert_eq!(line.reader.handle_timeout(deadline).map(|key| key.digit), Some('1'), "nothing comes any more");
    assert!(!line.reader.is_pressed());
}

/// Syllables, sharper and steadier than a throat makes them: a gliding pitch through three resonances, hisses, pauses;
/// and noise. These minutes of a hundred are the ones in which laxer readers heard keys.
#[test]
fn three_minutes_of_talk_press_no_key() {
    let mut pressed = Vec::new();
    for seed in [82, 1_001, 1_063] {
        let mut entropy = Entropy::from_number(seed);
        let mut line = Line::new(LAWS[seed as usize % 2]);
        let mut said = 0;
        while said < 60 * 8_000 {
            let syllable = syllable(&mut entropy);
            said += syllable.len();
            line.say(&syllable);
        }
        let hiss: Vec<f64> = (0..2 * 8_000).map(|_| entropy.below(16_000) as f64 - 8_000.0).collect();
        line.say(&hiss);
        pressed.extend(line.heard.drain(..).map(|key| (seed, key)));
    }
    assert_eq!(pressed, []);
}

/// Two tones of a voice, true to a key's in frequency and level: they swell on, or glide off where a key would end.
#[test]
fn what_swells_on_or_glides_off_is_no_key() {
    let key = Sent { samples: 800, ..Sent::plain('D') };
    let swell = |(at, sample): (usize, f64)| sample * (at as f64 / 400.0).min(1.0);
    let swelling: Vec<f64> = key.sound().into_iter().enumerate().map(swell).collect();
    let beside = Sent { low_off: 3.0, high_off: 3.0, samples: 1_600, ..key };
    let gliding = [key.sound(), beside.sound()].concat();
    for codec in LAWS {
        for (sound, heard) in [(&key.sound(), "D"), (&swelling, ""), (&gliding, "")] {
            let mut line = Line::new(codec);
            line.say(&[vec![0.0; 333], sound.clone(), vec![0.0; 800]].concat());
            assert_eq!(line.digits(), heard);
        }
    }
}

fn syllable(entropy: &mut Entropy) -> Vec<f64> {
    let mut between = |least: u64, most: u64| (least + entropy.below(most - least)) as f64;
    let formants = [between(250, 950), between(900, 2_400), between(2_300, 3_400)];
    let (pitch, glide) = (between(80, 330), between(0, 60) - 30.0);
    let (voiced, hissed, pause) = (between(800, 3_200), between(0, 1_000), between(0, 2_400));
    let loud = between(2_000, 12_000);
    let mut phase = 0.0;
    let mut sound = Vec::new();
    for at in 0..voiced as usize {
        let done = at as f64 / voiced;
        let pitch = glide.mul_add(done, pitch);
        phase += TAU * pitch / 8_000.0;
        let mut sample = 0.0;
        for harmonic in 1..=(3_400.0 / pitch) as u32 {
            let frequency = pitch * f64::from(harmonic);
            let near = |formant: f64| 1.0 / (1.0 + ((frequency - formant) / 60.0).powi(2));
            let strength = near(formants[0]) + 0.7 * near(formants[1]) + 0.3 * near(formants[2]);
            sample += strength * (phase * f64::from(harmonic)).sin();
        }
        sound.push(sample * loud * (PI * done).sin());
    }
    sound.extend((0..hissed as usize).map(|_| entropy.below(4_000) as f64 - 2_000.0));
    sound.extend(std::iter::repeat_n(0.0, pause as usize));
    sound
}
