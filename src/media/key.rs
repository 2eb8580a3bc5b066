//! Keys as telephone-events (RFC 4733): read once each and in order (I44), written with three end packets.

use std::collections::VecDeque;
use std::time::Duration;

use smallvec::SmallVec;

use super::rtp::Header;
use crate::base::time::Instant;

/// How long after its last packet a key counts as released although no end packet came.
pub(super) const END_LOST_AFTER: Duration = Duration::from_millis(500);

/// A packet this far behind the latest key, in samples, belongs to an older one; further back the sender restarted.
const LATE_MAX: i32 = 40_000;

/// Keys that may wait to be sent to one leg.
const QUEUE_MAX: usize = 32;

/// Length of the payload.
pub(super) const PAYLOAD_LENGTH: usize = 4;

/// A key that somebody pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) digit: char,
    pub(super) duration_ms: u32,
}

const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

// === reading ===

/// The keys of one sender.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyReader {
    latest: Option<Latest>,
}

#[derive(Clone, Copy, Debug)]
struct Latest {
    ssrc: u32,
    timestamp: u32,
    event: u8,
    duration: u16,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Pressed { last: Instant },
    Reported,
}

impl KeyReader {
    /// Takes a telephone-event packet and gives the keys that ended with it: none, itself, or an earlier one whose end
    /// was lost.
    pub(super) fn take(&mut self, at: Instant, header: &Header, payload: &[u8]) -> SmallVec<[Key; 2]> {
        let mut ended = SmallVec::new();
        let &[event, flags, d0, d1, ..] = payload else { return ended };
        let duration = u16::from_be_bytes([d0, d1]);
        let latest = match self.latest {
            Some(latest) if latest.ssrc == header.ssrc => {
                let ahead = header.timestamp.wrapping_sub(latest.timestamp).cast_signed();
                if (-LATE_MAX..0).contains(&ahead) {
                    return ended;
                }
                if ahead == 0 { latest } else { self.next(&mut ended, at, header, event) }
            }
            Some(_) | None => self.next(&mut ended, at, header, event),
        };
        if latest.phase == Phase::Reported {
            return ended;
        }
        let duration = duration.max(latest.duration);
        let mut latest = Latest { duration, phase: Phase::Pressed { last: at }, ..latest };
        if flags & 0x80 != 0 {
            ended.extend(latest.report());
        }
        self.latest = Some(latest);
        ended
    }

    /// When a pressed key counts as released.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.latest?.phase {
            Phase::Pressed { last } => Some(last + END_LOST_AFTER),
            Phase::Reported => None,
        }
    }

    /// Reports the pressed key if its end was lost.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Key> {
        let due = self.deadline().is_some_and(|deadline| deadline <= now);
        if due { self.latest.as_mut().and_then(Latest::report) } else { None }
    }

    fn next(&mut self, ended: &mut SmallVec<[Key; 2]>, at: Instant, header: &Header, event: u8) -> Latest {
        if let Some(latest) = &mut self.latest
            && latest.phase != Phase::Reported
        {
            ended.extend(latest.report());
        }
        Latest {
            ssrc: header.ssrc,
            timestamp: header.timestamp,
            event,
            duration: 0,
            phase: Phase::Pressed { last: at },
        }
    }
}

impl Latest {
    fn report(&mut self) -> Option<Key> {
        self.phase = Phase::Reported;
        // Events above 15 are flash, fax and modem tones: relayed, but no keys.
        let digit = DIGITS.get(usize::from(self.event))?;
        Some(Key { digit: *digit, duration_ms: u32::from(self.duration) / 8 })
    }
}

// === writing ===

/// The keys that wait for one receiver, and the one being sent.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyWriter {
    waiting: VecDeque<(u8, u16)>,
    phase: Writing,
}

#[derive(Clone, Copy, Debug, Default)]
enum Writing {
    #[default]
    Idle,
    Pressed {
        event: u8,
        elapsed: u16,
        duration: u16,
    },
    /// The end is sent three times (RFC 4733 2.5.1.4).
    Released {
        event: u8,
        duration: u16,
        sent: u8,
    },
    /// Between two keys, so that the receiver tells `11` from `1`.
    Pause {
        elapsed: u16,
    },
}

/// What one tick sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The first packet of a key.
    Begin([u8; PAYLOAD_LENGTH]),
    /// A further packet, which covers so many samples.
    Continue([u8; PAYLOAD_LENGTH], u16),
    /// Nothing: a pause.
    Rest,
}

impl KeyWriter {
    /// Queues a key of 60 ms to 5 s. False if it is no key or too many wait.
    pub(super) fn press(&mut self, digit: char, duration_ms: u32) -> bool {
        let event = DIGITS.iter().position(|known| *known == digit.to_ascii_uppercase());
        let Some(event) = event.and_then(|event| u8::try_from(event).ok()) else { return false };
        if self.waiting.len() >= QUEUE_MAX {
            return false;
        }
        let duration = u16::try_from(duration_ms.clamp(60, 5_000) * 8).unwrap_or(u16::MAX);
        self.waiting.push_back((event, duration));
        true
    }

    /// Whether a key is being sent or waits: voice stands back meanwhile.
    pub(super) fn is_busy(&self) -> bool {
        match self.phase {
            Writing::Idle => !self.waiting.is_empty(),
            Writing::Pressed { .. } | Writing::Released { .. } | Writing::Pause { .. } => true,
        }
    }

    /// One tick of `step` samples. `None` when all is sent.
    pub(super) fn tick(&mut self, step: u16) -> Option<Step> {
        match self.phase {
            Writing::Idle => {
                let (event, duration) = self.waiting.pop_front()?;
                self.phase = Writing::Pressed { event, elapsed: step, duration };
                Some(Step::Begin(payload(event, 0, step)))
            }
            Writing::Pressed { event, elapsed, duration } => {
                let elapsed = elapsed.saturating_add(step);
                if elapsed < duration {
                    self.phase = Writing::Pressed { event, elapsed, duration };
                    return Some(Step::Continue(payload(event, 0, elapsed), elapsed));
                }
                self.phase = Writing::Released { event, duration, sent: 1 };
                Some(Step::Continue(payload(event, 0x80, duration), duration))
            }
            Writing::Released { event, duration, sent } if sent < 3 => {
                self.phase = Writing::Released { event, duration, sent: sent + 1 };
                Some(Step::Continue(payload(event, 0x80, duration), duration))
            }
            Writing::Released { .. } => {
                self.phase = Writing::Pause { elapsed: step };
                Some(Step::Rest)
            }
            Writing::Pause { elapsed } if elapsed < 400 => {
                self.phase = Writing::Pause { elapsed: elapsed.saturating_add(step) };
                Some(Step::Rest)
            }
            Writing::Pause { .. } => {
                self.phase = Writing::Idle;
                self.tick(step)
            }
        }
    }
}

/// Event, end bit with a volume of -10 dBm0, duration.
const fn payload(event: u8, end: u8, duration: u16) -> [u8; PAYLOAD_LENGTH] {
    let [d0, d1] = duration.to_be_bytes();
    [event, end | 10, d0, d1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::Entropy;

    fn packets(writer: &mut KeyWriter, start: u32) -> Vec<(Header, Vec<u8>)> {
        let (mut packets, mut timestamp, mut now) = (Vec::new(), start, start);
        while let Some(step) = writer.tick(160) {
            let payload = match step {
                Step::Begin(payload) => {
                    timestamp = now;
                    Some(payload)
                }
                Step::Continue(payload, _) => Some(payload),
                Step::Rest => None,
            };
            if let Some(payload) = payload {
                let sequence = packets.len() as u16;
                let header = Header { marker: false, payload_type: 101, sequence, timestamp, ssrc: 1 };
                packets.push((header, payload.to_vec()));
            }
            now = now.wrapping_add(160);
        }
        packets
    }

    fn read(reader: &mut KeyReader, packets: &[(Header, Vec<u8>)]) -> String {
        let mut keys = String::new();
        let mut now = Instant::START;
        for (header, payload) in packets {
            keys.extend(reader.take(now, header, payload).iter().map(|key| key.digit));
            now += Duration::from_millis(20);
        }
        keys.extend(reader.handle_timeout(now + END_LOST_AFTER).map(|key| key.digit));
        keys
    }

    #[test]
    fn written_keys_are_read_with_their_duration() {
        let mut writer = KeyWriter::default();
        assert!(writer.press('#', 100) && writer.press('d', 10));
        assert!(!writer.press('x', 100));
        let packets = packets(&mut writer, u32::MAX - 1_000);
        let ends = packets.iter().filter(|(_, payload)| payload[1] & 0x80 != 0).count();
        assert_eq!(ends, 6, "each end is sent three times");
        let mut reader = KeyReader::default();
        let keys: Vec<Key> =
            packets.iter().flat_map(|(header, payload)| reader.take(Instant::START, header, payload)).collect();
        assert_eq!(keys, [Key { digit: '#', duration_ms: 100 }, Key { digit: 'D', duration_ms: 60 }]);
        assert!(!writer.is_busy());
    }

    /// I44 under loss, repetition and reordering: once each, in order.
    #[test]
    fn keys_arrive_once_each_in_order_on_a_bad_network() {
        for seed in 0..100 {
            let mut entropy = Entropy::from_number(seed);
            let mut writer = KeyWriter::default();
            let pressed: String = (0..8).map(|_| DIGITS[entropy.below(16) as usize]).collect();
            assert!(pressed.chars().all(|digit| writer.press(digit, 80)));
            let mut network = Vec::new();
            for (index, packet) in packets(&mut writer, entropy.next_u64() as u32).into_iter().enumerate() {
                // At most two of a key's seven packets are lost, so that each key is at least seen.
                if index % 4 != 0 || entropy.below(2) == 0 {
                    network.push(packet.clone());
                }
                if entropy.below(4) == 0 {
                    network.push(packet);
                }
                let count = network.len();
                if count > 1 && entropy.below(4) == 0 {
                    network.swap(count - 1, count - 2);
                }
            }
            assert_eq!(read(&mut KeyReader::default(), &network), pressed, "seed {seed}");
        }
    }

    #[test]
    fn a_key_whose_end_is_lost_is_reported_by_the_next_key_or_by_time() {
        let mut writer = KeyWriter::default();
        assert!(writer.press('1', 100) && writer.press('1', 100));
        let cut: Vec<_> = packets(&mut writer, 0).into_iter().filter(|(_, payload)| payload[1] & 0x80 == 0).collect();
        assert_eq!(read(&mut KeyReader::default(), &cut), "11");
    }

    #[test]
    fn a_restarted_sender_is_heard_again() {
        let mut reader = KeyReader::default();
        for (start, ssrc) in [(1_000_000, 1), (500, 1), (500, 2)] {
            let mut writer = KeyWriter::default();
            assert!(writer.press('5', 100));
            let mut packets = packets(&mut writer, start);
            for (header, _) in &mut packets {
                header.ssrc = ssrc;
            }
            assert_eq!(read(&mut reader, &packets), "5", "start {start}, source {ssrc}");
        }
    }

    #[test]
    fn the_queue_of_keys_has_a_limit() {
        let mut writer = KeyWriter::default();
        assert_eq!((0..100).filter(|_| writer.press('1', 100)).count(), QUEUE_MAX);
    }

    #[test]
    fn short_payloads_and_unknown_events_are_no_keys() {
        let mut reader = KeyReader::default();
        let header = Header { marker: true, payload_type: 101, sequence: 0, timestamp: 0, ssrc: 1 };
        assert!(reader.take(Instant::START, &header, &[1, 0x80, 0]).is_empty());
        assert!(reader.take(Instant::START, &header, &[16, 0x80, 1, 0]).is_empty());
    }
}
