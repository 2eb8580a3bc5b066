//! What arrived from one source: loss and jitter as RFC 3550 A.1, A.3 and A.8 define them.

use crate::base::time::Instant;

/// A jump ahead by this many packets or more is a restart of the sender, not a loss (RFC 3550 A.1).
pub(super) const DROPOUT_MAX: u16 = 3_000;

/// A packet that lies further behind than this is a restart of the sender, not a late one (RFC 3550 A.1).
pub(super) const MISORDER_MAX: u16 = 100;

/// The state of one synchronisation source.
#[derive(Clone, Debug)]
pub(super) struct Reception {
    ssrc: u32,
    first: u32,
    highest: u32,
    received: u64,
    /// Of sources before this one, so that a leg's loss does not fall when its peer restarts.
    lost_before: u64,
    received_before: u64,
    transit: u32,
    /// In 1/16 of a timestamp unit, as the RFC's integer form has it.
    jitter: u32,
    expected_prior: u64,
    received_prior: u64,
}

/// One reception report block's figures (RFC 3550 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) ssrc: u32,
    pub(super) fraction_lost: u8,
    pub(super) lost: u32,
    pub(super) highest: u32,
    pub(super) jitter: u32,
}

impl Reception {
    /// The first packet of a leg's first source.
    pub(super) fn new(at: Instant, ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            ssrc,
            first: u32::from(sequence),
            highest: u32::from(sequence),
            received: 1,
            lost_before: 0,
            received_before: 0,
            transit: units(at).wrapping_sub(timestamp),
            jitter: 0,
            expected_prior: 0,
            received_prior: 0,
        }
    }

    /// One more packet. A new source, or a jump that cannot be loss, starts the count of sequence numbers anew.
    pub(super) fn take(&mut self, at: Instant, ssrc: u32, sequence: u16, timestamp: u32) {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        let behind = (self.highest as u16).wrapping_sub(sequence);
        if ssrc != self.ssrc || (ahead >= DROPOUT_MAX && behind > MISORDER_MAX) {
            let (lost_before, received_before) = (self.lost(), self.total());
            *self = Self { lost_before, received_before, ..Self::new(at, ssrc, sequence, timestamp) };
            return;
        }
        if ahead < DROPOUT_MAX {
            self.highest = self.highest.wrapping_add(u32::from(ahead));
        }
        self.received += 1;
        let transit = units(at).wrapping_sub(timestamp);
        let difference = transit.wrapping_sub(self.transit).cast_signed().unsigned_abs();
        self.transit = transit;
        // A sender that restarts its clock is not jitter: nothing on a telephone network varies by ten seconds.
        if difference < 80_000 {
            self.jitter = self.jitter + difference - ((self.jitter + 8) >> 4);
        }
    }

    /// The source that was heard last.
    pub(super) const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Packets received from all sources.
    pub(super) const fn total(&self) -> u64 {
        self.received_before + self.received
    }

    /// Packets lost from all sources; duplicates count against it, never below zero.
    pub(super) fn lost(&self) -> u64 {
        self.lost_before + self.expected().saturating_sub(self.received)
    }

    /// Interarrival jitter in milliseconds.
    pub(super) const fn jitter_ms(&self) -> u32 {
        (self.jitter >> 4) / 8
    }

    /// The report since the last one.
    pub(super) fn report(&mut self) -> Report {
        let (expected, received) = (self.expected(), self.received);
        let expected_interval = expected.saturating_sub(self.expected_prior);
        let lost_interval = expected_interval.saturating_sub(received.saturating_sub(self.received_prior));
        (self.expected_prior, self.received_prior) = (expected, received);
        let fraction = (lost_interval * 256).checked_div(expected_interval).unwrap_or(0).min(255);
        Report {
            ssrc: self.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            // 24 bits on the wire, clamped as A.3 says.
            lost: u32::try_from(expected.saturating_sub(received)).unwrap_or(u32::MAX).min(0x007f_ffff),
            highest: self.highest,
            jitter: self.jitter >> 4,
        }
    }

    fn expected(&self) -> u64 {
        u64::from(self.highest.wrapping_sub(self.first)) + 1
    }
}

/// Arrival time in timestamp units; it wraps, and only differences are used.
const fn units(at: Instant) -> u32 {
    (at.as_nanos() / 125_000) as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(milliseconds: u64) -> Instant {
        Instant::START + Duration::from_millis(milliseconds)
    }

    #[test]
    fn loss_is_counted_over_the_wrap_of_the_sequence() {
        let mut reception = Reception::new(at(0), 7, 65_530, 0);
        for step in 1..20_u16 {
            if step % 5 != 0 {
                reception.take(at(20 * u64::from(step)), 7, 65_530_u16.wrapping_add(step), 160 * u32::from(step));
            }
        }
        assert_eq!((reception.total(), reception.lost(), reception.jitter_ms()), (17, 3, 0));
        let report = reception.report();
        assert_eq!((report.lost, report.highest, report.fraction_lost), (3, 65_530 + 19, 38));
        assert_eq!(reception.report().fraction_lost, 0);
    }

    #[test]
    fn late_and_repeated_packets_are_not_loss() {
        let mut reception = Reception::new(at(0), 7, 10, 0);
        for (time, sequence) in [(20, 12), (40, 11), (60, 11), (80, 13)] {
            reception.take(at(time), 7, sequence, u32::from(sequence - 10) * 160);
        }
        assert_eq!((reception.total(), reception.lost()), (5, 0));
    }

    #[test]
    fn a_restarted_sender_keeps_the_legs_history() {
        let mut reception = Reception::new(at(0), 7, 10, 0);
        reception.take(at(20), 7, 12, 320);
        reception.take(at(40), 8, 40_000, 77);
        reception.take(at(60), 8, 20_000, 77);
        assert_eq!((reception.total(), reception.lost()), (4, 1));
    }

    #[test]
    fn jitter_follows_the_formula_of_the_standard() {
        let mut reception = Reception::new(at(0), 7, 0, 0);
        // Every second packet is 10 ms late: the mean deviation tends to 10 ms.
        for step in 1..400_u16 {
            let late = if step % 2 == 1 { 10 } else { 0 };
            reception.take(at(20 * u64::from(step) + late), 7, step, 160 * u32::from(step));
        }
        assert!((9..=10).contains(&reception.jitter_ms()), "{}", reception.jitter_ms());
    }
}
