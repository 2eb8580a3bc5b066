//! One party's voice on its way into a mix: put in order by its timestamps, read 20 ms at a time, its gaps concealed.
//!
//! Invariants: everything lies in one ring of fixed size, so that no flood makes it grow; a sample is read once; from
//! the first packet until 60 ms after the last one every read gives something to hear. The delay adapts: a packet that
//! comes too late moves the reading back by as much as it was late, a quiet moment moves it on again once nothing has
//! been late for two seconds.

#[cfg(test)]
mod tests;

use super::g711::{PCMA_TO_LINEAR, PCMU_TO_LINEAR};
use super::order::Codec;

/// Samples of one read: 20 ms.
pub(super) const FRAME: usize = 160;

/// Samples of the ring: 512 ms, a power of two so that a timestamp's low bits are its place.
const RING: usize = 4_096;

/// The reading is moved back by at most this much in all: 100 ms.
const DELAY_MAX: u32 = 800;

/// What is this far ahead of the reading is a jump of the sender, not a burst of the network: 300 ms.
const AHEAD_MAX: i32 = 2_400;

/// What is this far behind the reading is a jump of the sender, not a late packet: 1 s.
const BEHIND_MAX: i32 = 8_000;

/// So many packets in a row that come too late for any delay are a sender that has begun anew.
const LATE_RUN_MAX: u8 = 5;

/// How much more than it was late a packet moves the reading back: 5 ms.
const SAFETY: u32 = 40;

/// Packets after which the delay is looked at: 2 s.
const WINDOW: u32 = 100;

/// A delay that is too long by less than this is left alone: 10 ms.
const WORTHWHILE: u32 = 80;

/// A quiet moment: nothing in it is louder than this.
const QUIET: u16 = 400;

/// A concealed gap fades away within this many samples: 60 ms.
const FADE: usize = 480;

/// What concealment is made of: the last 64 ms, a power of two.
const HISTORY: usize = 512;

/// The pitches that are looked for: 50 to 200 Hz, as in ITU-T G.711 appendix I.
const PITCHES: std::ops::RangeInclusive<usize> = 40..=160;

/// The voice comes back over its concealment within this many samples: 4 ms.
const OVERLAP: usize = 32;

/// One party's voice.
#[derive(Clone, Debug)]
pub(super) struct Jitter {
    ring: Box<[Option<i16>; RING]>,
    reading: Reading,
    past: Past,
    voice: Voice,
    latest: Frame,
    /// The number of the tick that `latest` was read for.
    tick: Option<u64>,
    /// Samples that came too late for any delay.
    late: u64,
}

#[derive(Clone, Copy, Debug)]
enum Reading {
    /// No packet yet.
    NotYet,
    At(Position),
}

/// Where the reading stands in the sender's time.
#[derive(Clone, Copy, Debug)]
struct Position {
    ssrc: u32,
    /// The timestamp of the next sample.
    next: u32,
    /// How far the reading has been moved back in all.
    delay: u32,
    /// The least that a packet of this window was ahead of the reading.
    slack: i32,
    /// Packets of this window.
    packets: u32,
    late_run: u8,
    /// Samples that may be left out at the next quiet moment.
    spare: u32,
}

/// Whose sample comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    /// The party's own.
    Own,
    /// One made up, after so many of them.
    Concealed { gap: usize, pitch: usize },
    /// The party's own, over what would have been made up.
    Returning { gap: usize, pitch: usize, done: usize },
    /// None: the party is not heard.
    Silent,
}

/// 20 ms of one party.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "one for each voice, made anew every 20 ms: no allocation")]
enum Frame {
    Silence,
    Sound([i16; FRAME]),
}

impl Jitter {
    /// A buffer that has heard nothing.
    pub(super) fn new() -> Self {
        Self {
            ring: Box::new([None; RING]),
            reading: Reading::NotYet,
            past: Past { samples: [0; HISTORY], end: 0 },
            voice: Voice::Silent,
            latest: Frame::Silence,
            tick: None,
            late: 0,
        }
    }

    /// Samples that came too late for any delay.
    pub(super) const fn late(&self) -> u64 {
        self.late
    }

    /// Takes one packet of `codes` in the law of `codec`, whose first sample has `timestamp`.
    pub(super) fn put(&mut self, ssrc: u32, timestamp: u32, codec: Codec, codes: &[u8]) {
        let table = match codec {
            Codec::Pcma => &PCMA_TO_LINEAR,
            Codec::Pcmu => &PCMU_TO_LINEAR,
            Codec::TelephoneEvent => return,
        };
        let mut position = match self.reading {
            Reading::At(position) if position.is_of(ssrc, timestamp) => position,
            Reading::At(_) | Reading::NotYet => {
                self.ring.fill(None);
                Position::new(ssrc, timestamp)
            }
        };
        position.meet(timestamp);
        let mut at = timestamp;
        for code in codes {
            let ahead = at.wrapping_sub(position.next).cast_signed();
            if ahead < 0 {
                self.late += 1;
            } else if let (true, Some(place)) = (ahead < RING as i32, self.ring.get_mut(at as usize % RING)) {
                *place = table.get(usize::from(*code)).copied();
            }
            at = at.wrapping_add(1);
        }
        self.reading = Reading::At(position);
    }

    /// What the party says in the 20 ms that the mix's tick number `tick` sends: the same for everybody who asks at
    /// that tick. `None` while there is nothing to hear.
    pub(super) fn frame(&mut self, tick: u64) -> Option<&[i16; FRAME]> {
        let passed = self.tick.map_or(1, |last| tick.saturating_sub(last));
        if passed > 0 {
            // Ticks that a stall has swallowed are not made up for; after a whole ring the sender's place is lost.
            for _ in 1..passed.min((RING / FRAME) as u64) {
                self.leave_out(FRAME as u32);
            }
            self.latest = self.read();
            self.tick = Some(tick);
        }
        match &self.latest {
            Frame::Silence => None,
            Frame::Sound(samples) => Some(samples),
        }
    }

    fn read(&mut self) -> Frame {
        let Reading::At(position) = self.reading else { return Frame::Silence };
        let (mut samples, mut at, mut silent) = ([0; FRAME], position.next, true);
        for sample in &mut samples {
            let own = self.ring.get_mut(at as usize % RING).and_then(Option::take);
            silent &= own.is_none() && self.voice == Voice::Silent;
            *sample = self.voice.sound(own, &mut self.past);
            at = at.wrapping_add(1);
        }
        self.reading = Reading::At(Position { next: at, ..position });
        if position.spare > 0 && samples.iter().all(|sample| sample.unsigned_abs() < QUIET) {
            self.leave_out(position.spare);
        }
        if silent { Frame::Silence } else { Frame::Sound(samples) }
    }

    /// Moves the reading on without hearing what lies between.
    fn leave_out(&mut self, samples: u32) {
        let Reading::At(position) = &mut self.reading else { return };
        for _ in 0..samples {
            if let Some(place) = self.ring.get_mut(position.next as usize % RING) {
                *place = None;
            }
            position.next = position.next.wrapping_add(1);
        }
        position.delay = position.delay.saturating_sub(samples);
        position.spare = 0;
    }
}

impl Position {
    /// The first packet of a sender is read at the next tick.
    const fn new(ssrc: u32, timestamp: u32) -> Self {
        Self { ssrc, next: timestamp, delay: 0, slack: i32::MAX, packets: 0, late_run: 0, spare: 0 }
    }

    /// Whether a packet goes on with what was sent before.
    fn is_of(&self, ssrc: u32, timestamp: u32) -> bool {
        let ahead = timestamp.wrapping_sub(self.next).cast_signed();
        ssrc == self.ssrc && (-BEHIND_MAX..=AHEAD_MAX).contains(&ahead) && self.late_run < LATE_RUN_MAX
    }

    /// Adapts the delay to a packet that has come.
    fn meet(&mut self, timestamp: u32) {
        let ahead = timestamp.wrapping_sub(self.next).cast_signed();
        if ahead < 0 {
            let back = ahead.unsigned_abs() + SAFETY;
            if self.delay + back <= DELAY_MAX {
                self.next = self.next.wrapping_sub(back);
                self.delay += back;
                self.late_run = 0;
            } else {
                self.late_run = self.late_run.saturating_add(1);
            }
            (self.slack, self.packets, self.spare) = (i32::MAX, 0, 0);
            return;
        }
        self.late_run = 0;
        self.slack = self.slack.min(ahead);
        self.packets += 1;
        if self.packets >= WINDOW {
            let spare = self.slack.unsigned_abs().saturating_sub(SAFETY);
            self.spare = if spare >= WORTHWHILE { spare.min(FRAME as u32) } else { 0 };
            (self.slack, self.packets) = (i32::MAX, 0);
        }
    }
}

// === concealment ===

impl Voice {
    /// One sample: the party's own, or one made up in its place.
    fn sound(&mut self, own: Option<i16>, past: &mut Past) -> i16 {
        let (next, sample) = match (*self, own) {
            (Self::Own | Self::Silent, Some(own)) => {
                past.push(own);
                (Self::Own, own)
            }
            (Self::Concealed { gap, pitch }, Some(own)) => {
                (Self::Returning { gap: gap + 1, pitch, done: 1 }, blend(past.again(gap, pitch), own, 0))
            }
            (Self::Returning { done: OVERLAP.., .. }, Some(own)) => {
                past.push(own);
                (Self::Own, own)
            }
            (Self::Returning { gap, pitch, done }, Some(own)) => {
                let sample = blend(past.again(gap, pitch), own, done);
                (Self::Returning { gap: gap + 1, pitch, done: done + 1 }, sample)
            }
            (Self::Own, None) => {
                let pitch = past.pitch();
                (Self::Concealed { gap: 1, pitch }, past.again(0, pitch))
            }
            (Self::Concealed { gap, pitch } | Self::Returning { gap, pitch, .. }, None) if gap < FADE => {
                (Self::Concealed { gap: gap + 1, pitch }, past.again(gap, pitch))
            }
            (Self::Concealed { .. } | Self::Returning { .. } | Self::Silent, None) => (Self::Silent, 0),
        };
        *self = next;
        sample
    }
}

/// The last samples that were the party's own.
#[derive(Clone, Debug)]
struct Past {
    samples: [i16; HISTORY],
    end: usize,
}

impl Past {
    fn push(&mut self, sample: i16) {
        if let Some(place) = self.samples.get_mut(self.end % HISTORY) {
            *place = sample;
        }
        self.end = self.end.wrapping_add(1);
    }

    /// The sample `back` places before the end.
    fn before_end(&self, back: usize) -> i16 {
        self.samples.get(self.end.wrapping_sub(back) % HISTORY).copied().unwrap_or(0)
    }

    /// The sample number `gap` of a gap: the last pitch again and again, fading away.
    fn again(&self, gap: usize, pitch: usize) -> i16 {
        let sample = i32::from(self.before_end(pitch - gap % pitch));
        let left = i32::try_from(FADE.saturating_sub(gap)).unwrap_or(0);
        i16::try_from(sample * left / FADE as i32).unwrap_or(0)
    }

    /// The pitch after which the last 20 ms look most like those before: the least mean difference.
    fn pitch(&self) -> usize {
        let difference = |pitch: &usize| -> u32 {
            let samples = 1..=FRAME;
            samples.map(|back| self.before_end(back).abs_diff(self.before_end(back + pitch))).map(u32::from).sum()
        };
        PITCHES.min_by_key(difference).unwrap_or(FRAME)
    }
}

/// From what was made up to what is the party's own, a little more at each of `OVERLAP` samples.
fn blend(made_up: i16, own: i16, done: usize) -> i16 {
    let done = i32::try_from(done.min(OVERLAP)).unwrap_or(0);
    let whole = OVERLAP as i32;
    i16::try_from((i32::from(made_up) * (whole - done) + i32::from(own) * done) / whole).unwrap_or(own)
}
