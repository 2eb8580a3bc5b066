//! The RTP header (RFC 3550 5.1), read and written by hand: the packet path touches these twelve bytes and no more.

#![warn(clippy::indexing_slicing)]

use std::ops::Range;

use thiserror::Error;

/// Bytes of a header without contributing sources and extension.
pub const HEADER_LENGTH: usize = 12;

/// The largest datagram that a media socket reads; longer ones are cut by the kernel and refused as malformed.
pub const DATAGRAM_LENGTH_MAX: usize = 1_500;

/// What is wrong with a packet. Always the sender's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Shorter than its header says.
    #[error("the packet ends before its header does")]
    Short,
    /// Not RTP version 2.
    #[error("the version is not 2")]
    Version,
    /// The padding is longer than the payload.
    #[error("the padding is longer than the packet")]
    Padding,
}

/// The fields of a header that matter to a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// First packet after silence (RFC 3551 4.1), or first packet of a key (RFC 4733 2.5.1.1).
    pub marker: bool,
    /// The payload type.
    pub payload_type: u8,
    /// The sequence number.
    pub sequence: u16,
    /// The sampling instant, in units of 1/8000 s.
    pub timestamp: u32,
    /// The synchronisation source.
    pub ssrc: u32,
}

impl Header {
    /// Reads the header, and where the payload lies: after contributing sources and extension, before the padding.
    pub fn parse(packet: &[u8]) -> Result<(Self, Range<usize>), Malformed> {
        let (fixed, rest) = packet.split_first_chunk::<HEADER_LENGTH>().ok_or(Malformed::Short)?;
        let [first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *fixed;
        if first >> 6 != 2 {
            return Err(Malformed::Version);
        }
        let mut start = HEADER_LENGTH + usize::from(first & 0x0f) * 4;
        if first & 0x10 != 0 {
            let words = rest.get(start - HEADER_LENGTH + 2..start - HEADER_LENGTH + 4).ok_or(Malformed::Short)?;
            let words = words.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            start += 4 + words * 4;
        }
        let padding = match packet.last() {
            Some(count) if first & 0x20 != 0 => usize::from(*count),
            Some(_) | None => 0,
        };
        if start > packet.len() {
            return Err(Malformed::Short);
        }
        let end = packet.len().checked_sub(padding).filter(|end| *end >= start).ok_or(Malformed::Padding)?;
        if first & 0x20 != 0 && padding == 0 {
            return Err(Malformed::Padding);
        }
        let header = Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
        };
        Ok((header, start..end))
    }

    /// The header in its shortest form.
    pub const fn to_bytes(&self) -> [u8; HEADER_LENGTH] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [c0, c1, c2, c3] = self.ssrc.to_be_bytes();
        let marker = if self.marker { 0x80 } else { 0 };
        [0x80, marker | (self.payload_type & 0x7f), s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]
    }
}

/// Whether a datagram on an RTP port is RTCP all the same (RFC 5761 4: second byte 192 to 223).
pub fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [_, 192..=223, ..])
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test that indexes wrongly fails, which is what it is for")]
mod tests {
    use bytes::Bytes;
    use rtc_rtp::Packet;
    use rtc_shared::marshal::{Marshal, Unmarshal};

    use super::*;
    use crate::base::entropy::Entropy;

    #[test]
    fn a_header_comes_back_as_it_was_written() {
        let header =
            Header { marker: true, payload_type: 101, sequence: 0xfedc, timestamp: 0x89ab_cdef, ssrc: 0x0123_4567 };
        let mut packet = header.to_bytes().to_vec();
        packet.extend([1, 2, 3]);
        assert_eq!(Header::parse(&packet), Ok((header, 12..15)));
    }

    /// Packets with every mixture of contributing sources, extension and padding, made by another implementation.
    #[test]
    fn another_implementation_agrees_on_what_a_packet_says() {
        for seed in 0..500 {
            let mut entropy = Entropy::from_number(seed);
            let mut made = Packet::default();
            made.header.version = 2;
            made.header.marker = entropy.below(2) == 0;
            made.header.payload_type = entropy.below(128) as u8;
            made.header.sequence_number = entropy.next_u64() as u16;
            made.header.timestamp = entropy.next_u64() as u32;
            made.header.ssrc = entropy.next_u64() as u32;
            made.header.csrc = (0..entropy.below(16)).map(|_| entropy.next_u64() as u32).collect();
            if entropy.below(2) == 0 {
                made.header.set_extension(1, Bytes::from(vec![7; 1 + entropy.below(16) as usize])).unwrap();
            }
            made.payload = (0..entropy.below(200)).map(|_| entropy.next_u64() as u8).collect();
            let bytes = made.marshal().unwrap();
            let (header, payload) = Header::parse(&bytes).unwrap();
            assert_eq!(&bytes[payload], &made.payload, "seed {seed}");
            assert_eq!(header.marker, made.header.marker);
            assert_eq!(header.payload_type, made.header.payload_type);
            assert_eq!(header.sequence, made.header.sequence_number);
            assert_eq!((header.timestamp, header.ssrc), (made.header.timestamp, made.header.ssrc));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_the_payload_lies_inside() {
        for seed in 0..4_000 {
            let mut entropy = Entropy::from_number(seed);
            let mut bytes: Vec<u8> = (0..entropy.below(60)).map(|_| entropy.next_u64() as u8).collect();
            if let Some(first) = bytes.first_mut() {
                *first = 0x80 | (*first & 0x3f);
            }
            if let Ok((_, payload)) = Header::parse(&bytes) {
                assert!(HEADER_LENGTH <= payload.start && payload.start <= payload.end && payload.end <= bytes.len());
                if bytes[0] & 0x30 == 0 {
                    let other = Packet::unmarshal(&mut Bytes::copy_from_slice(&bytes)).unwrap();
                    assert_eq!(&bytes[payload], &other.payload, "seed {seed}");
                }
            }
        }
    }

    #[test]
    fn control_packets_are_told_by_their_second_byte() {
        assert!(is_rtcp(&[0x80, 200, 0, 0]) && is_rtcp(&[0x80, 203]));
        assert!(!is_rtcp(&[0x80, 8 | 0x80]) && !is_rtcp(&[0x80]));
    }
}
