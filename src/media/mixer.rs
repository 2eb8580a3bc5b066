//! The sum of several voices, limited so that no peak is cut off.

use super::jitter::FRAME;

/// Up to here a sum passes as it is: three quarters of full scale. Above it the peaks are pressed together.
const KNEE: i32 = 24_576;

/// What is left above the knee.
const ROOM: i32 = i16::MAX as i32 - KNEE;

/// Several voices of 20 ms as one.
#[derive(Clone, Debug)]
pub(super) struct Sum([i32; FRAME]);

impl Sum {
    /// Silence.
    pub(super) const fn new() -> Self {
        Self([0; FRAME])
    }

    /// Adds a voice.
    pub(super) fn add(&mut self, voice: &[i16; FRAME]) {
        for (sum, sample) in self.0.iter_mut().zip(voice) {
            *sum += i32::from(*sample);
        }
    }

    /// The samples, limited.
    pub(super) fn samples(&self) -> impl Iterator<Item = i16> {
        self.0.iter().map(|sample| limit(*sample))
    }
}

/// Presses what is above the knee into the room that is left: monotone, smooth at the knee, never full scale.
fn limit(sample: i32) -> i16 {
    let over = sample.abs() - KNEE;
    let magnitude = if over <= 0 { sample.abs() } else { KNEE + ROOM * over / (over + ROOM) };
    i16::try_from(magnitude * sample.signum()).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_sums_are_exact_and_loud_ones_keep_their_order() {
        for sample in -KNEE..=KNEE {
            assert_eq!(i32::from(limit(sample)), sample);
        }
        let loud: Vec<i16> = (KNEE..4 * 32_768).step_by(64).map(limit).collect();
        assert!(loud.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(loud.last().is_some_and(|last| *last < i16::MAX));
        assert_eq!(limit(-100_000), -limit(100_000));
    }

    #[test]
    fn voices_add_up() {
        let mut sum = Sum::new();
        sum.add(&[1_000; FRAME]);
        sum.add(&[-300; FRAME]);
        assert!(sum.samples().all(|sample| sample == 700));
    }
}
