//! One look at 20 ms of sound: which of the eight tones it has, how strong and how true, and whether it has nothing else.

use std::f64::consts::{PI, TAU};

use crate::media::tone::{Goertzel, SAMPLE_RATE};

/// The four low tones (a row of keys each), then the four high ones (a column each), in hertz (ITU-T Q.23).
pub(super) const TONES: [u32; 8] = [697, 770, 852, 941, 1_209, 1_336, 1_477, 1_633];

/// Samples that are looked at together: 20 ms tell one row from the next.
pub(super) const WINDOW: usize = 160;

/// Samples from one look to the next: 5 ms.
pub(super) const HOP: usize = 40;

/// The weakest tone, as the peak of its sine: -28 dBm0, where 3.14 dBm0 is full scale (ITU-T G.711).
const WEAKEST: f64 = 900.0;

/// How far a tone may be off in one look, as a part of its frequency: in the middle between what has to be
/// taken (1.5 %) and what has to be refused (3.5 %), and a little less.
const OFF_BY: f64 = 0.0225;

/// The power of the high tone over that of the low one: from -8 dB to 4 dB, and half a decibel for measuring.
const TWIST: std::ops::RangeInclusive<f64> = 0.141..=2.82;

/// The part of all power that is in the two tones where a key begins or ends within the window.
const SHARE: f64 = 0.85;

/// The same where the whole window is one key: noise may be 12 dB below it.
const CLEAN_SHARE: f64 = 0.93;

/// The power at twice a tone's frequency over that of the tone: -17 dB. Voices have far more.
const HARMONIC: f64 = 0.02;

/// Tones nearer to each other than this, in hertz, are in each other's way within one window.
const APART: u32 = 150;

/// What one look sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// The power of each tone: the square of its peak.
    pub(super) powers: Powers,
    /// The key that it shows.
    pub(super) shown: Option<Shown>,
}

/// The power of each of the eight tones.
pub(super) type Powers = [f64; 8];

/// A key in one window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// The places of its two tones in [`TONES`].
    pub(super) tones: [usize; 2],
    /// How far each is off, in hertz.
    pub(super) off_hz: [f64; 2],
    pub(super) purity: Purity,
}

/// How much else there is in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purity {
    /// The edge of a key, or a noisy one.
    Mixed,
    /// Next to nothing.
    Clean,
}

/// Looks at sound, window by window.
#[derive(Clone, Debug)]
pub(super) struct Eye {
    coefficients: [f64; 8],
    hann: [f64; WINDOW],
    /// Real and imaginary part of each tone at the end of the window before.
    phasors: [Phasor; 8],
}

/// A tone at the end of a window: how strong it is and how far it has turned.
#[derive(Clone, Copy, Debug, Default)]
struct Phasor {
    re: f64,
    im: f64,
}

/// The strongest of four tones.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    tone: usize,
    frequency_hz: u32,
    /// The square of its peak, as it would be in the middle of its band.
    power: f64,
    off_hz: f64,
}

impl Eye {
    pub(super) fn new() -> Self {
        let mut hann = [0.0; WINDOW];
        for (index, weight) in hann.iter_mut().enumerate() {
            *weight = 0.5 - 0.5 * (TAU * (index as f64 + 0.5) / WINDOW as f64).cos();
        }
        let coefficients = TONES.map(|tone| 2.0 * (TAU * f64::from(tone) / f64::from(SAMPLE_RATE)).cos());
        Self { coefficients, hann, phasors: [Phasor::default(); 8] }
    }

    /// What comes next does not follow on what was looked at last.
    pub(super) fn lose(&mut self) {
        self.phasors = [Phasor::default(); 8];
    }

    /// Looks at the window that follows the last one by [`HOP`].
    pub(super) fn look(&mut self, samples: &[f64; WINDOW]) -> Look {
        let mut sound = *samples;
        let mut energy = 0.0;
        for (sample, weight) in sound.iter_mut().zip(&self.hann) {
            *sample *= weight;
            energy += *sample * *sample;
        }
        // A sine with a peak of 1 has half of the window's own energy.
        let all = energy / (WINDOW as f64 * 3.0 / 16.0);
        if all < WEAKEST * WEAKEST {
            // Too quiet for any key, or for the half of one: nothing is measured in a pause.
            self.lose();
            return Look { powers: [0.0; 8], shown: None };
        }
        let phasors = self.measure(&sound);
        let before = std::mem::replace(&mut self.phasors, phasors);
        let powers = phasors.map(Phasor::power);
        let low = strongest(0, &before, &phasors);
        let high = strongest(4, &before, &phasors);
        let share = (low.power + high.power) / all;
        let is_key = low.is_tone() && high.is_tone() && TWIST.contains(&(high.power / low.power)) && share >= SHARE;
        // Where the low tone's harmonic would lie beside the high tone, that one would be taken for it.
        let hidden = high.frequency_hz.abs_diff(2 * low.frequency_hz) < APART;
        let is_plain = is_key && (hidden || low.is_plain(&sound)) && high.is_plain(&sound);
        let purity = if share >= CLEAN_SHARE { Purity::Clean } else { Purity::Mixed };
        let shown = Shown { tones: [low.tone, high.tone], off_hz: [low.off_hz, high.off_hz], purity };
        Look { powers, shown: is_plain.then_some(shown) }
    }

    /// Goertzel's filter for all eight tones at once.
    fn measure(&self, sound: &[f64; WINDOW]) -> [Phasor; 8] {
        let (mut last, mut before_last) = ([0.0; 8], [0.0; 8]);
        for sample in sound {
            let mut next = [0.0; 8];
            for (((next, coefficient), last), before_last) in
                next.iter_mut().zip(&self.coefficients).zip(&last).zip(&before_last)
            {
                *next = coefficient * last - before_last + sample;
            }
            before_last = last;
            last = next;
        }
        let mut phasors = [Phasor::default(); 8];
        let state = last.iter().zip(&before_last).zip(&self.coefficients);
        for (phasor, ((last, before_last), coefficient)) in phasors.iter_mut().zip(state) {
            let cos = coefficient / 2.0;
            *phasor = Phasor { re: last - cos * before_last, im: (1.0 - cos * cos).sqrt() * before_last };
        }
        phasors
    }
}

impl Phasor {
    /// The window halves every sine.
    fn power(self) -> f64 {
        let peak = 4.0 * self.re.hypot(self.im) / WINDOW as f64;
        peak * peak
    }

    /// How far beside `frequency_hz` a tone is that has turned from `before` to this.
    fn off_hz(self, before: Self, frequency_hz: u32) -> f64 {
        let hop_s = HOP as f64 / f64::from(SAMPLE_RATE);
        let turned = self.im.atan2(self.re) - before.im.atan2(before.re) - TAU * f64::from(frequency_hz) * hop_s;
        (turned - TAU * (turned / TAU).round()) / (TAU * hop_s)
    }
}

impl Found {
    fn is_tone(&self) -> bool {
        self.off_hz.abs() <= OFF_BY * f64::from(self.frequency_hz) && self.power >= WEAKEST * WEAKEST
    }

    /// Whether there is next to nothing at twice its frequency.
    fn is_plain(&self, sound: &[f64; WINDOW]) -> bool {
        let mut harmonic = Goertzel::new(2 * self.frequency_hz);
        sound.iter().for_each(|sample| harmonic.push_value(*sample));
        let peak = 2.0 * harmonic.take_amplitude();
        peak * peak <= HARMONIC * self.power
    }
}

/// The strongest of the four tones from `first` on.
fn strongest(first: usize, before: &[Phasor; 8], phasors: &[Phasor; 8]) -> Found {
    let four = TONES.into_iter().zip(before.iter().zip(phasors)).enumerate().skip(first).take(4);
    let loudest = four.max_by(|(_, (_, (_, one))), (_, (_, (_, other)))| one.power().total_cmp(&other.power()));
    let Some((tone, (frequency_hz, (before, now)))) = loudest else { return Found::default() };
    let off_hz = now.off_hz(*before, frequency_hz);
    let gain = hann_gain(off_hz);
    Found { tone, frequency_hz, power: now.power() / (gain * gain), off_hz }
}

/// What is left of a tone that is `off_hz` beside the middle, as far as such a tone may be a key's at all.
fn hann_gain(off_hz: f64) -> f64 {
    let off = (off_hz * WINDOW as f64 / f64::from(SAMPLE_RATE)).abs().clamp(1e-6, 0.9);
    (PI * off).sin() / (PI * off) / (1.0 - off * off)
}
