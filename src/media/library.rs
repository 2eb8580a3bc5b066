//! What can be played: recordings in both laws, made once and shared by all threads without a lock.

use std::collections::HashMap;
use std::sync::Arc;

use super::g711::{SILENCE_PCMA, SILENCE_PCMU, encode_pcma, encode_pcmu};
use super::order::Codec;
use super::tone::{SAMPLE_RATE, Tone};

/// The loudest sample of comfort noise: about -50 dBm0 in all, as a quiet room has it. A listener hears that the line is
/// alive, and speech does not stand out from it when it comes back.
const NOISE_PEAK: i16 = 160;

/// 4 s of it, over again.
const NOISE_SAMPLES: u32 = 4 * SAMPLE_RATE;

/// A piece of sound at 8 kHz, encoded in both laws so that playing it computes nothing.
#[derive(Clone, Debug)]
pub struct Recording {
    pcma: Arc<[u8]>,
    pcmu: Arc<[u8]>,
}

impl Recording {
    /// A recording of linear samples at 8 kHz. An empty one is a single moment of silence, so that playing it again and
    /// again makes progress.
    pub fn from_samples(samples: &[i16]) -> Self {
        if samples.is_empty() {
            return Self { pcma: [SILENCE_PCMA; 160].into(), pcmu: [SILENCE_PCMU; 160].into() };
        }
        Self {
            pcma: samples.iter().map(|sample| encode_pcma(*sample)).collect(),
            pcmu: samples.iter().map(|sample| encode_pcmu(*sample)).collect(),
        }
    }

    /// How many samples it has; never zero.
    #[expect(clippy::len_without_is_empty, reason = "a recording is never empty")]
    pub fn len(&self) -> usize {
        self.pcma.len()
    }

    /// Copies what sounds from sample `position` on into `sound`, in the law of `codec`. Past its end it starts again
    /// if `repeat`, otherwise silence follows.
    pub(super) fn copy(&self, position: usize, repeat: bool, codec: Codec, sound: &mut [u8]) {
        let (law, silence) = match codec {
            Codec::Pcmu => (&self.pcmu, SILENCE_PCMU),
            Codec::Pcma | Codec::TelephoneEvent => (&self.pcma, SILENCE_PCMA),
        };
        for (offset, code) in sound.iter_mut().enumerate() {
            let at = position.saturating_add(offset);
            let at = if repeat { at.checked_rem(law.len()).unwrap_or(0) } else { at };
            *code = law.get(at).copied().unwrap_or(silence);
        }
    }
}

/// All recordings by name, and the three that are always there.
#[derive(Clone, Debug)]
pub struct Library {
    prompts: HashMap<String, Recording>,
    ringback: Recording,
    fallback: Recording,
    noise: Recording,
}

impl Library {
    /// A library of the given prompts.
    pub fn new(prompts: HashMap<String, Recording>) -> Self {
        Self {
            prompts,
            ringback: cadence(450, SAMPLE_RATE, 4 * SAMPLE_RATE),
            fallback: cadence(620, SAMPLE_RATE / 2, SAMPLE_RATE),
            noise: noise(),
        }
    }

    /// A library with no prompts: everything but ringback sounds as the fallback.
    pub fn empty() -> Self {
        Self::new(HashMap::new())
    }

    /// Ringback as the Chinese network has it: 450 Hz, 1 s on, 4 s off (GF 002-9002).
    pub const fn ringback(&self) -> &Recording {
        &self.ringback
    }

    /// Comfort noise: what a quiet line sounds like, -50 dBm0.
    pub const fn noise(&self) -> &Recording {
        &self.noise
    }

    /// The prompt of this name.
    pub fn prompt(&self, name: &str) -> Option<&Recording> {
        self.prompts.get(name)
    }

    /// What sounds in place of a prompt that is missing, so that nobody ever hears nothing: half a second of 620 Hz,
    /// a second of rest.
    pub const fn fallback(&self) -> &Recording {
        &self.fallback
    }
}

/// White noise, the same in every process: nobody has to be surprised by it.
fn noise() -> Recording {
    let mut state: u64 = 1;
    let mut sample = || {
        // Knuth's MMIX generator; its upper bits are as white as a listener can tell.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 48) as i16 % (NOISE_PEAK + 1)
    };
    Recording::from_samples(&(0..NOISE_SAMPLES).map(|_| sample()).collect::<Vec<_>>())
}

fn cadence(frequency_hz: u32, on_samples: u32, off_samples: u32) -> Recording {
    let mut samples = vec![0; on_samples as usize];
    Tone::new(frequency_hz, 8_000).fill(&mut samples);
    samples.resize((on_samples + off_samples) as usize, 0);
    Recording::from_samples(&samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ringback_is_one_second_in_five() {
        let library = Library::empty();
        assert_eq!(library.ringback().len(), 40_000);
        let mut sound = vec![0; 40_000];
        library.ringback().copy(0, true, Codec::Pcma, &mut sound);
        assert!(sound[8_000..].iter().all(|code| *code == SILENCE_PCMA));
        assert!(sound[..8_000].iter().filter(|code| **code == SILENCE_PCMA).count() < 400);
    }

    #[test]
    fn comfort_noise_is_quiet_and_never_stops() {
        use crate::media::g711::PCMA_TO_LINEAR;
        let mut sound = vec![0; 32_000];
        Library::empty().noise().copy(0, true, Codec::Pcma, &mut sound);
        let linear = |code: &u8| i32::from(PCMA_TO_LINEAR[usize::from(*code)]);
        assert!(sound.iter().all(|code| linear(code).abs() <= 2 * i32::from(NOISE_PEAK)));
        assert!(sound.chunks(160).all(|piece| piece.iter().any(|code| linear(code).abs() > 64)));
    }

    #[test]
    fn a_recording_repeats_or_falls_silent_at_its_end() {
        let recording = Recording::from_samples(&[8_000, -8_000, 4_000]);
        let (mut again, mut once) = ([0; 7], [0; 7]);
        recording.copy(2, true, Codec::Pcmu, &mut again);
        recording.copy(2, false, Codec::Pcmu, &mut once);
        assert_eq!(again[0], again[3]);
        assert_eq!(again[1], encode_pcmu(8_000));
        assert_eq!((once[0], once[1], once[6]), (encode_pcmu(4_000), SILENCE_PCMU, SILENCE_PCMU));
    }

    #[test]
    fn an_empty_recording_still_has_a_length() {
        assert_eq!(Recording::from_samples(&[]).len(), 160);
    }
}
