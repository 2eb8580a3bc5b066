//! What one receiver gets: one SSRC for its whole life, sequence and timestamp without a jump, whoever is heard (T26).
//!
//! Packets of one origin keep their distances, so the receiver sees the network's loss and order as they are. At a
//! change of origin the next packet follows the last one sent, by the wall clock. What an origin sent before the change
//! and arrives after it is dropped: it would jump back.

use std::time::Duration;

use super::reception::{DROPOUT_MAX, MISORDER_MAX};
use super::rtp::Header;
use crate::base::time::Instant;

/// How far an origin's timestamps may leave the wall clock before it counts as restarted, in samples (2 s).
const DRIFT_MAX: i64 = 16_000;

/// An own stream that is later than this does not catch up: what it missed is left out (E7).
pub(super) const LATE_MAX: Duration = Duration::from_millis(100);

/// Where relayed packets come from: a leg's slot and its synchronisation source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) slot: usize,
    pub(super) ssrc: u32,
}

/// The packet is from before the latest change of origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Late;

/// The stream towards one receiver.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// When `timestamp` was first sent; `None` before the first packet.
    sent_at: Option<Instant>,
    /// The first packet: what the timestamps of later changes of origin are reckoned from, so that the half packets
    /// lost and won at each of them do not add up.
    anchor: Option<(Instant, u32)>,
    /// Samples that the packet with `timestamp` covers.
    span: u32,
    writer: Writer,
    packets: u32,
    bytes: u32,
}

/// Who writes the stream at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    Nobody,
    Origin(Mapping),
    /// A recording, or a key.
    Ourselves,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mapping {
    origin: Origin,
    sequence_offset: u16,
    timestamp_offset: u32,
    highest: u16,
    highest_timestamp: u32,
    highest_at: Instant,
    /// How far `highest` has moved since the change of origin, at most `MISORDER_MAX`.
    depth: u16,
}

impl Stream {
    /// A stream whose first packet carries `sequence` and `timestamp`.
    pub(super) const fn new(ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            ssrc,
            sequence: sequence.wrapping_sub(1),
            timestamp,
            sent_at: None,
            anchor: None,
            span: 0,
            writer: Writer::Nobody,
            packets: 0,
            bytes: 0,
        }
    }

    /// The header under which a packet of `origin` that covers `samples` goes on; its payload type is still the origin's.
    pub(super) fn follow(
        &mut self,
        now: Instant,
        at: Instant,
        origin: Origin,
        header: &Header,
        samples: u32,
    ) -> Result<Header, Late> {
        let (mut mapping, fresh) = match self.writer {
            Writer::Origin(mapping) if mapping.origin == origin && !mapping.has_restarted(at, header) => {
                (mapping, false)
            }
            Writer::Origin(_) | Writer::Nobody | Writer::Ourselves => (self.map(now, at, origin, header), true),
        };
        if !mapping.advance(at, header) {
            return Err(Late);
        }
        let sequence = header.sequence.wrapping_add(mapping.sequence_offset);
        let timestamp = header.timestamp.wrapping_add(mapping.timestamp_offset);
        if fresh || sequence.wrapping_sub(self.sequence).cast_signed() > 0 {
            self.sequence = sequence;
        }
        if fresh || timestamp.wrapping_sub(self.timestamp).cast_signed() > 0 {
            self.stamp(now, timestamp);
        }
        self.span = samples;
        self.writer = Writer::Origin(mapping);
        Ok(Header {
            marker: header.marker || fresh,
            payload_type: header.payload_type,
            sequence,
            timestamp,
            ssrc: self.ssrc,
        })
    }

    /// The header of our own next packet of `samples`. The marker is set where own sound begins.
    pub(super) fn write(&mut self, now: Instant, payload_type: u8, samples: u32) -> Header {
        let late = self.sent_at.is_some_and(|at| now.since(at) > self.span_time() + LATE_MAX);
        let fresh = self.writer != Writer::Ourselves || late;
        let timestamp = if fresh { self.next_timestamp(now) } else { self.timestamp.wrapping_add(self.span) };
        self.sequence = self.sequence.wrapping_add(1);
        self.stamp(now, timestamp);
        self.span = samples;
        self.writer = Writer::Ourselves;
        Header { marker: fresh, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc }
    }

    /// The header of the first packet of our own key, whose timestamp all its packets share (RFC 4733 2.1).
    pub(super) fn begin_key(&mut self, now: Instant, payload_type: u8) -> Header {
        let timestamp = self.next_timestamp(now);
        self.sequence = self.sequence.wrapping_add(1);
        self.stamp(now, timestamp);
        self.span = 0;
        // What comes after the key is a change of writer again.
        self.writer = Writer::Nobody;
        Header { marker: true, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc }
    }

    /// The header of a further packet of the same key, which has lasted for `samples` by now.
    pub(super) const fn continue_key(&mut self, payload_type: u8, samples: u32) -> Header {
        self.sequence = self.sequence.wrapping_add(1);
        self.span = samples;
        Header { marker: false, payload_type, sequence: self.sequence, timestamp: self.timestamp, ssrc: self.ssrc }
    }

    /// The next packet, whoever sends it, begins anew: the receiver paused, or hears something else.
    pub(super) const fn detach(&mut self) {
        self.writer = Writer::Nobody;
    }

    /// Counts one packet that went out with so many bytes of payload.
    pub(super) const fn count(&mut self, bytes: u32) {
        self.packets = self.packets.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(bytes);
    }

    /// Packets and bytes of payload sent; both wrap as in a sender report (RFC 3550 6.4.1).
    pub(super) const fn sent(&self) -> (u32, u32) {
        (self.packets, self.bytes)
    }

    /// The stream's synchronisation source.
    pub(super) const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The timestamp that corresponds to `now`.
    pub(super) fn timestamp_at(&self, now: Instant) -> u32 {
        self.timestamp.wrapping_add(self.sent_at.map_or(0, |at| samples_in(now.since(at))))
    }

    fn map(&self, now: Instant, at: Instant, origin: Origin, header: &Header) -> Mapping {
        Mapping {
            origin,
            sequence_offset: self.sequence.wrapping_add(1).wrapping_sub(header.sequence),
            timestamp_offset: self.next_timestamp(now).wrapping_sub(header.timestamp),
            highest: header.sequence,
            highest_timestamp: header.timestamp,
            highest_at: at,
            depth: 0,
        }
    }

    /// The timestamp of `now` by the wall clock, but never inside what the last packet covers.
    fn next_timestamp(&self, now: Instant) -> u32 {
        let earliest = self.timestamp.wrapping_add(self.span);
        let Some((at, start)) = self.anchor else { return earliest };
        let wall = start.wrapping_add(samples_in(now.since(at)));
        if wall.wrapping_sub(earliest).cast_signed() > 0 { wall } else { earliest }
    }

    fn stamp(&mut self, now: Instant, timestamp: u32) {
        (self.timestamp, self.sent_at) = (timestamp, Some(now));
        self.anchor = self.anchor.or(Some((now, timestamp)));
    }

    fn span_time(&self) -> Duration {
        Duration::from_micros(u64::from(self.span) * 125)
    }
}

impl Mapping {
    /// Whether the origin has jumped, in sequence or in time, further than a network can explain.
    fn has_restarted(&self, at: Instant, header: &Header) -> bool {
        let ahead = header.sequence.wrapping_sub(self.highest);
        let behind = self.highest.wrapping_sub(header.sequence);
        if ahead >= DROPOUT_MAX {
            return behind > MISORDER_MAX;
        }
        let step = i64::from(header.timestamp.wrapping_sub(self.highest_timestamp).cast_signed());
        (step - i64::from(samples_in(at.since(self.highest_at)))).abs() > DRIFT_MAX
    }

    /// Moves on with a packet. False if it lies before the change of origin.
    fn advance(&mut self, at: Instant, header: &Header) -> bool {
        let ahead = header.sequence.wrapping_sub(self.highest);
        if ahead >= DROPOUT_MAX {
            return self.highest.wrapping_sub(header.sequence) <= self.depth;
        }
        self.depth = self.depth.saturating_add(ahead).min(MISORDER_MAX);
        (self.highest, self.highest_timestamp, self.highest_at) = (header.sequence, header.timestamp, at);
        true
    }
}

/// How many samples a span of time covers.
fn samples_in(span: Duration) -> u32 {
    // Wraps after six days, as the timestamp itself does.
    (span.as_secs() * 8_000 + u64::from(span.subsec_nanos() / 125_000)) as u32
}
