//! Tones: made by a sine, recognised by Goertzel's filter.

use std::f64::consts::TAU;

/// Samples a second of everything telephones say.
pub const SAMPLE_RATE: u32 = 8_000;

/// A sine that goes on for ever without a click between two calls.
#[derive(Clone, Debug)]
pub struct Tone {
    phase: f64,
    step: f64,
    amplitude: f64,
}

impl Tone {
    /// A tone of `frequency_hz` with peaks of `amplitude`, starting at zero.
    pub fn new(frequency_hz: u32, amplitude: i16) -> Self {
        Self {
            phase: 0.0,
            step: TAU * f64::from(frequency_hz) / f64::from(SAMPLE_RATE),
            amplitude: f64::from(amplitude),
        }
    }

    /// The next sample.
    pub fn next_sample(&mut self) -> i16 {
        let sample = self.phase.sin() * self.amplitude;
        self.phase = (self.phase + self.step) % TAU;
        sample as i16
    }

    /// Fills `samples` with what comes next.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            *sample = self.next_sample();
        }
    }
}

/// Goertzel's filter: how much of one frequency is in a piece of sound.
///
/// Its band is the inverse of the piece's length: 20 ms tell tones 50 Hz apart, 100 ms tell 10 Hz.
#[derive(Clone, Debug)]
pub struct Goertzel {
    coefficient: f64,
    last: f64,
    before_last: f64,
    count: u32,
}

impl Goertzel {
    /// A filter for `frequency_hz`.
    pub fn new(frequency_hz: u32) -> Self {
        let step = TAU * f64::from(frequency_hz) / f64::from(SAMPLE_RATE);
        Self { coefficient: 2.0 * step.cos(), last: 0.0, before_last: 0.0, count: 0 }
    }

    /// Takes one sample in.
    pub fn push(&mut self, sample: i16) {
        self.push_value(f64::from(sample));
    }

    /// Takes one sample in that a window has weighted.
    pub(super) fn push_value(&mut self, sample: f64) {
        let next = self.coefficient.mul_add(self.last, sample) - self.before_last;
        self.before_last = self.last;
        self.last = next;
        self.count = self.count.saturating_add(1);
    }

    /// The peak amplitude of the frequency in everything pushed since the last call, in the units of a sample.
    pub fn take_amplitude(&mut self) -> f64 {
        let cross = self.coefficient * self.last * self.before_last;
        let power = self.last.mul_add(self.last, self.before_last.mul_add(self.before_last, -cross)).max(0.0);
        let amplitude = if self.count == 0 { 0.0 } else { 2.0 * power.sqrt() / f64::from(self.count) };
        (self.last, self.before_last, self.count) = (0.0, 0.0, 0);
        amplitude
    }

    /// The peak amplitude of `frequency_hz` in `samples`.
    pub fn amplitude(frequency_hz: u32, samples: &[i16]) -> f64 {
        let mut filter = Self::new(frequency_hz);
        for sample in samples {
            filter.push(*sample);
        }
        filter.take_amplitude()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(frequency_hz: u32, count: usize) -> Vec<i16> {
        let mut samples = vec![0; count];
        Tone::new(frequency_hz, 10_000).fill(&mut samples);
        samples
    }

    #[test]
    fn a_tone_is_found_where_it_is_and_nowhere_else() {
        for made in [450, 500, 900, 1_300] {
            let sound = samples(made, 800);
            for sought in [450, 500, 900, 1_300] {
                let amplitude = Goertzel::amplitude(sought, &sound);
                if made == sought {
                    assert!((amplitude - 10_000.0).abs() < 200.0, "{made} Hz measures {amplitude}");
                } else {
                    assert!(amplitude < 200.0, "{sought} Hz in a tone of {made} Hz measures {amplitude}");
                }
            }
        }
    }

    #[test]
    fn a_tone_survives_both_laws() {
        use crate::media::g711::{PCMA_TO_LINEAR, PCMA_TO_PCMU, PCMU_TO_LINEAR, encode_pcma};
        let alaw: Vec<u8> = samples(900, 800).into_iter().map(encode_pcma).collect();
        let direct: Vec<i16> = alaw.iter().map(|code| PCMA_TO_LINEAR[usize::from(*code)]).collect();
        let by_mu_law: Vec<i16> =
            alaw.iter().map(|code| PCMU_TO_LINEAR[usize::from(PCMA_TO_PCMU[usize::from(*code)])]).collect();
        for sound in [direct, by_mu_law] {
            assert!((Goertzel::amplitude(900, &sound) - 10_000.0).abs() < 300.0);
        }
    }

    #[test]
    fn a_tone_has_no_click_between_pieces() {
        let whole = samples(450, 320);
        let mut pieces = vec![0; 320];
        let mut tone = Tone::new(450, 10_000);
        for piece in pieces.chunks_mut(7) {
            tone.fill(piece);
        }
        assert_eq!(whole, pieces);
    }
}
