//! Keys in the voice itself (ITU-T Q.23), for telephones and gateways that have no telephone-events (RFC 4733).
//!
//! Decides: when a key is pressed and when it is released, from decoded G.711 alone. A window of 20 ms (Hann) moves on by
//! 5 ms; in each the strongest of the four low and of the four high tones is taken, and how far each has turned since the
//! window before tells its frequency to the hertz ([`look`]).
//! Invariants: what ITU-T Q.24 has to be taken is taken and what it has to be refused is refused: tones within 1.5 % and
//! beyond 3.5 %, from -25 dBm0 up and below -31 dBm0 each, a high tone 4 dB above to 8 dB below the low one, 40 ms and
//! 23 ms of sound, a pause of 30 ms and a break of 10 ms. Speech is told by what a telephone's tones never do: there is
//! something beside the two tones and at twice their frequency, its pitch glides, and it swells and fades where tones are
//! switched on and off. Nothing here allocates.
//! Does not do: anything for a peer that agreed to telephone-events; those count then.

mod look;
#[cfg(test)]
mod tests;

use smallvec::SmallVec;

use self::look::{Eye, HOP, Look, Powers, Purity, Shown, WINDOW};
use super::g711::{PCMA_TO_LINEAR, PCMU_TO_LINEAR};
use super::key::{END_LOST_AFTER, Key};
use super::order::Codec;
use super::rtp::Header;
use crate::base::time::Instant;

/// The keys, row by row.
const KEYS: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Milliseconds from one look to the next.
const HOP_MS: u32 = 5;

/// So many looks in a row that show one key are a press. Sound of 40 ms gives six of them at the least, of 23 ms four at
/// the most.
const PRESSED_AFTER: u32 = 5;

/// Of them so many in a row are clean and of one frequency: a voice glides through a key's tones, a telephone holds them.
/// Sound of 40 ms gives four windows that lie within it.
const CLEAN_AFTER: u32 = 4;

/// What is the same frequency from one look to the next, in hertz.
const STEADY_HZ: f64 = 4.0;

/// So many looks in a row without the key are its release: a break of 10 ms gives three, a pause of 30 ms seven.
const RELEASED_AFTER: u32 = 6;

/// The part of a key's power that may be in its tones just before it and just after it: a telephone switches its tones
/// on and off, a voice lets them swell and fade.
const AROUND: f64 = 0.05;

/// The power of a key's tones once it is a press over that in the first look that showed it: a voice swells on.
const SWELL: f64 = 1.3;

/// So many looks before the first one that shows a key, its window has next to nothing of it.
const RISE: usize = 3;

/// A gap of so many samples in which packets were lost says nothing; a longer one is a pause: 60 ms.
const LOST_MAX: i32 = 480;

/// What is further behind than this, in samples, is a sender that began anew: 1 s.
const LATE_MAX: i32 = 8_000;

/// Reads the keys in one peer's voice.
#[derive(Clone, Debug)]
pub(super) struct ToneReader {
    eye: Eye,
    samples: [f64; WINDOW],
    filled: usize,
    next: Option<Place>,
    /// The tones of the latest looks, the oldest first.
    past: [Powers; RISE],
    run: Option<Run>,
    pressed: Option<Pressed>,
}

/// What the peer's next packet begins with.
#[derive(Clone, Copy, Debug)]
struct Place {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

/// How a packet joins the one before it.
enum Joint {
    /// Right behind it.
    Seamless,
    /// Packets between them are missing.
    Lost,
    /// The sender was silent between them, or is another one.
    Pause,
    /// It came too late.
    Late,
}

/// Looks in a row that showed one key.
#[derive(Clone, Copy, Debug)]
struct Run {
    shown: Shown,
    looks: u32,
    /// Of them, those in a row that were clean and as the one before.
    clean: u32,
    /// The power of its tones in the first look, and [`RISE`] looks before that.
    first: f64,
    before: f64,
}

/// A key that is pressed.
#[derive(Clone, Copy, Debug)]
struct Pressed {
    tones: [usize; 2],
    power: f64,
    /// Looks from its first one to its last one.
    looks: u32,
    /// Looks since then.
    missed: u32,
    /// The last packet.
    last: Instant,
}

impl ToneReader {
    /// A reader that has heard nothing.
    pub(super) fn new() -> Self {
        Self {
            eye: Eye::new(),
            samples: [0.0; WINDOW],
            filled: 0,
            next: None,
            past: [[0.0; 8]; RISE],
            run: None,
            pressed: None,
        }
    }

    /// Takes one packet of `codes` in the law of `codec` and gives the keys that were released in it.
    pub(super) fn take(&mut self, at: Instant, header: &Header, codec: Codec, codes: &[u8]) -> SmallVec<[Key; 2]> {
        let mut ended = SmallVec::new();
        let table = match codec {
            Codec::Pcma => &PCMA_TO_LINEAR,
            Codec::Pcmu => &PCMU_TO_LINEAR,
            Codec::TelephoneEvent => return ended,
        };
        match self.follow(header, codes.len()) {
            Joint::Seamless => {}
            Joint::Lost => self.lose(),
            Joint::Pause => (0..WINDOW + RELEASED_AFTER as usize * HOP).for_each(|_| ended.extend(self.push(at, 0.0))),
            Joint::Late => return ended,
        }
        for code in codes {
            let sample = table.get(usize::from(*code)).copied().unwrap_or(0);
            ended.extend(self.push(at, f64::from(sample)));
        }
        if let Some(pressed) = &mut self.pressed {
            pressed.last = at;
        }
        ended
    }

    /// Whether a key is pressed at the moment.
    pub(super) const fn is_pressed(&self) -> bool {
        self.pressed.is_some()
    }

    /// When a pressed key counts as released because nothing comes any more.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.pressed.map(|pressed| pressed.last + END_LOST_AFTER)
    }

    /// Reports the pressed key if nothing has come since.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Key> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        self.pressed.take().map(Pressed::key)
    }

    fn follow(&mut self, header: &Header, samples: usize) -> Joint {
        let joint = match self.next {
            Some(next) if next.ssrc == header.ssrc => {
                let ahead = header.timestamp.wrapping_sub(next.timestamp).cast_signed();
                match ahead {
                    0 => Joint::Seamless,
                    1..=LOST_MAX if header.sequence != next.sequence => Joint::Lost,
                    ahead if (-LATE_MAX..0).contains(&ahead) => return Joint::Late,
                    _ => Joint::Pause,
                }
            }
            Some(_) | None => Joint::Pause,
        };
        self.next = Some(Place {
            ssrc: header.ssrc,
            sequence: header.sequence.wrapping_add(1),
            timestamp: header.timestamp.wrapping_add(u32::try_from(samples).unwrap_or(0)),
        });
        joint
    }

    /// What is missing may have been anything, so that neither frequency nor rise is told across it.
    fn lose(&mut self) {
        self.filled = 0;
        self.eye.lose();
        self.past = [[0.0; 8]; RISE];
    }

    fn push(&mut self, at: Instant, sample: f64) -> Option<Key> {
        if let Some(place) = self.samples.get_mut(self.filled) {
            *place = sample;
        }
        self.filled += 1;
        if self.filled < WINDOW {
            return None;
        }
        let look = self.eye.look(&self.samples);
        self.samples.copy_within(HOP.., 0);
        self.filled = WINDOW - HOP;
        self.note(at, &look)
    }

    /// Counts one look in. The key that is released by it.
    fn note(&mut self, at: Instant, look: &Look) -> Option<Key> {
        let [before, ..] = self.past;
        self.past.rotate_left(1);
        if let Some(latest) = self.past.last_mut() {
            *latest = look.powers;
        }
        self.run = look.shown.map(|shown| match self.run {
            Some(run) if run.shown.tones == shown.tones => run.and(shown),
            Some(_) | None => Run::new(shown, look, &before),
        });
        let released = self.release(look);
        if self.pressed.is_none() {
            self.pressed = self.run.and_then(|run| run.press(at, look));
        }
        released
    }

    fn release(&mut self, look: &Look) -> Option<Key> {
        let pressed = self.pressed.as_mut()?;
        if look.shown.is_some_and(|shown| shown.tones == pressed.tones) {
            pressed.looks = pressed.looks.saturating_add(pressed.missed + 1);
            pressed.missed = 0;
        } else {
            pressed.missed += 1;
        }
        if pressed.missed < RELEASED_AFTER {
            return None;
        }
        let faded = power(&look.powers, pressed.tones) > AROUND * pressed.power;
        self.pressed.take().filter(|_| !faded).map(Pressed::key)
    }
}

impl Run {
    fn new(shown: Shown, look: &Look, before: &Powers) -> Self {
        Self { shown, looks: 1, clean: 1, first: power(&look.powers, shown.tones), before: power(before, shown.tones) }
    }

    fn and(self, shown: Shown) -> Self {
        let mut moved = self.shown.off_hz.iter().zip(shown.off_hz).map(|(before, off)| (before - off).abs());
        let clean = match (shown.purity, moved.all(|hz| hz <= STEADY_HZ)) {
            (Purity::Clean, true) => self.clean + 1,
            (Purity::Clean, false) => 1,
            (Purity::Mixed, true | false) => 0,
        };
        Self { shown, looks: self.looks.saturating_add(1), clean, ..self }
    }

    /// The press that it is, if it is one.
    fn press(self, at: Instant, look: &Look) -> Option<Pressed> {
        let power = power(&look.powers, self.shown.tones);
        let is_switched_on = self.before <= AROUND * self.first && power <= SWELL * self.first;
        let is_press = self.looks >= PRESSED_AFTER && self.clean >= CLEAN_AFTER && is_switched_on;
        is_press.then_some(Pressed { tones: self.shown.tones, power, looks: self.looks, missed: 0, last: at })
    }
}

impl Pressed {
    /// A look needs three quarters of its window, so that a key gives as many looks as it has hops, and one less.
    fn key(self) -> Key {
        let [row, column] = self.tones;
        let digit = KEYS.as_flattened().get(row * 4 + column - 4).copied().unwrap_or_default();
        Key { digit, duration_ms: self.looks.saturating_add(1).saturating_mul(HOP_MS) }
    }
}

/// The power of two tones.
fn power(powers: &Powers, tones: [usize; 2]) -> f64 {
    tones.iter().filter_map(|tone| powers.get(*tone)).sum()
}
