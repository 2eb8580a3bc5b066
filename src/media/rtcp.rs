//! RTCP (RFC 3550 6): our own reports towards each peer, and what its reports say. Nothing in them ends anything (V40).

#![warn(clippy::indexing_slicing)]

use std::time::Duration;

use bytes::Bytes;
use rtc_rtcp::packet::Packet;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_rtcp::sender_report::SenderReport;
use rtc_rtcp::source_description::{SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem};

use super::reception::Report;
use super::rtp::Malformed;

/// Mean time between two reports (RFC 3550 6.2).
pub(super) const INTERVAL: Duration = Duration::from_secs(5);

/// Seconds from 1900, where NTP starts, to 1970.
const NTP_TO_UNIX_S: u64 = 2_208_988_800;

/// What our report says of our own sending.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) ntp: u64,
    pub(super) timestamp: u32,
    pub(super) packets: u32,
    pub(super) bytes: u32,
}

/// The peer's latest sender report, to be quoted back to it (LSR and DLSR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) middle: u32,
    pub(super) delay: u32,
}

/// What a compound packet from the peer says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The middle 32 bits of the NTP time in its sender report.
    pub(super) sender_middle: Option<u32>,
    /// Its report about our stream.
    pub(super) about_us: Option<AboutUs>,
    /// BYE packets.
    pub(super) byes: u32,
}

/// A report block about our stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AboutUs {
    pub(super) lost: u32,
    pub(super) last_report: u32,
    pub(super) delay: u32,
}

/// The NTP timestamp of `since_unix`.
pub(super) fn ntp(since_unix: Duration) -> u64 {
    let seconds = since_unix.as_secs().wrapping_add(NTP_TO_UNIX_S) & 0xffff_ffff;
    let fraction = (u64::from(since_unix.subsec_nanos()) << 32) / 1_000_000_000;
    (seconds << 32) | fraction
}

/// The middle 32 bits of an NTP timestamp: seconds and fractions of 1/65536 s.
pub(super) const fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// A compound packet: a sender report if we have sent, else a receiver report; then our CNAME, which names no host.
pub(super) fn write(
    ssrc: u32,
    cname: &str,
    sent: Option<Sent>,
    report: Option<(Report, Option<Quote>)>,
) -> Option<Bytes> {
    let reports = report.into_iter().map(|(report, quote)| block(report, quote)).collect();
    let first: Box<dyn Packet> = match sent {
        Some(sent) => Box::new(SenderReport {
            ssrc,
            ntp_time: sent.ntp,
            rtp_time: sent.timestamp,
            packet_count: sent.packets,
            octet_count: sent.bytes,
            reports,
            profile_extensions: Bytes::new(),
        }),
        None => Box::new(ReceiverReport { ssrc, reports, profile_extensions: Bytes::new() }),
    };
    let item = SourceDescriptionItem { sdes_type: SdesType::SdesCname, text: Bytes::copy_from_slice(cname.as_bytes()) };
    let description = SourceDescription { chunks: vec![SourceDescriptionChunk { source: ssrc, items: vec![item] }] };
    // It fails only for more than 31 blocks or a CNAME above 255 bytes, and we have one of each.
    rtc_rtcp::packet::marshal(&[first, Box::new(description)]).ok().map(bytes::BytesMut::freeze)
}

fn block(report: Report, quote: Option<Quote>) -> ReceptionReport {
    ReceptionReport {
        ssrc: report.ssrc,
        fraction_lost: report.fraction_lost,
        total_lost: report.lost,
        last_sequence_number: report.highest,
        jitter: report.jitter,
        last_sender_report: quote.map_or(0, |quote| quote.middle),
        delay: quote.map_or(0, |quote| quote.delay),
    }
}

/// Reads a compound packet. Only sender reports, receiver reports and BYE matter; the rest is passed over. Read by hand
/// because a stranger's bytes come here.
pub(super) fn read(packet: &[u8], our_ssrc: u32) -> Result<Heard, Malformed> {
    let mut heard = Heard::default();
    let mut rest = packet;
    if rest.is_empty() {
        return Err(Malformed::Short);
    }
    while let Some((&[first, kind, l0, l1], after)) = rest.split_first_chunk::<4>() {
        if first >> 6 != 2 || !(192..=223).contains(&kind) {
            return Err(Malformed::Version);
        }
        let length = usize::from(u16::from_be_bytes([l0, l1])) * 4;
        let (body, next) = after.split_at_checked(length).ok_or(Malformed::Short)?;
        match kind {
            200 => {
                heard.sender_middle = word(body, 4).zip(word(body, 8)).map(|(high, low)| (high << 16) | (low >> 16));
                heard.about_us = find_block(body, 24, first & 0x1f, our_ssrc).or(heard.about_us);
            }
            201 => heard.about_us = find_block(body, 4, first & 0x1f, our_ssrc).or(heard.about_us),
            203 => heard.byes += 1,
            _ => {}
        }
        rest = next;
    }
    if rest.is_empty() { Ok(heard) } else { Err(Malformed::Short) }
}

fn find_block(body: &[u8], start: usize, count: u8, our_ssrc: u32) -> Option<AboutUs> {
    let blocks = body.get(start..)?.chunks_exact(24).take(usize::from(count));
    blocks.into_iter().find(|block| word(block, 0) == Some(our_ssrc)).and_then(|block| {
        Some(AboutUs { lost: word(block, 4)? & 0x00ff_ffff, last_report: word(block, 16)?, delay: word(block, 20)? })
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*word))
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test that indexes wrongly fails, which is what it is for")]
mod tests {
    use super::*;
    use crate::base::entropy::Entropy;

    const REPORT: Report = Report { ssrc: 0xaaaa, fraction_lost: 12, lost: 300, highest: 70_000, jitter: 44 };

    #[test]
    fn another_implementation_reads_what_we_write() {
        let sent = Sent { ntp: ntp(Duration::from_secs(1_700_000_000)), timestamp: 5, packets: 6, bytes: 7 };
        let written = write(0xbbbb, "x1y2", Some(sent), Some((REPORT, Some(Quote { middle: 9, delay: 10 })))).unwrap();
        let packets = rtc_rtcp::packet::unmarshal(&mut written.clone()).unwrap();
        let report = packets[0].as_any().downcast_ref::<SenderReport>().unwrap();
        assert_eq!((report.ssrc, report.packet_count, report.octet_count, report.rtp_time), (0xbbbb, 6, 7, 5));
        assert_eq!(report.ntp_time >> 32, 1_700_000_000 + NTP_TO_UNIX_S);
        let block = &report.reports[0];
        assert_eq!((block.ssrc, block.total_lost, block.last_sender_report, block.delay), (0xaaaa, 300, 9, 10));
        let description = packets[1].as_any().downcast_ref::<SourceDescription>().unwrap();
        assert_eq!(description.chunks[0].items[0].text, "x1y2");
    }

    #[test]
    fn we_read_what_we_write() {
        let quote = Some(Quote { middle: 9, delay: 10 });
        let sender = Sent { ntp: 0x0000_1234_5678_0000, timestamp: 5, packets: 6, bytes: 7 };
        for sent in [Some(sender), None] {
            let written = write(0xbbbb, "x", sent, Some((REPORT, quote))).unwrap();
            let heard = read(&written, 0xaaaa).unwrap();
            assert_eq!(heard.sender_middle, sent.map(|_| 0x1234_5678));
            assert_eq!(heard.about_us, Some(AboutUs { lost: 300, last_report: 9, delay: 10 }));
            assert_eq!(read(&written, 0xcccc).unwrap().about_us, None);
        }
        assert_eq!(read(&write(1, "x", None, None).unwrap(), 1), Ok(Heard::default()));
    }

    #[test]
    fn a_bye_is_seen_and_bad_lengths_are_refused() {
        assert_eq!(read(&[0x81, 203, 0, 1, 0, 0, 0, 7], 7).map(|heard| heard.byes), Ok(1));
        assert_eq!(read(&[0x81, 203, 0, 2, 0, 0, 0, 7], 7), Err(Malformed::Short));
        assert_eq!(read(&[0x81, 203, 0, 1, 0, 0, 0, 7, 1], 7), Err(Malformed::Short));
        assert_eq!(read(&[0x41, 203, 0, 0], 7), Err(Malformed::Version));
        assert_eq!(read(&[0x80, 8, 0, 0], 7), Err(Malformed::Version));
        assert_eq!(read(&[], 7), Err(Malformed::Short));
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        let mut entropy = Entropy::from_number(1);
        let sound = write(1, "abcdefgh", None, Some((REPORT, None))).unwrap();
        for _ in 0..5_000 {
            let mut bytes = sound.to_vec();
            for _ in 0..=entropy.below(4) {
                let at = entropy.below(bytes.len() as u64) as usize;
                bytes[at] = entropy.next_u64() as u8;
            }
            bytes.truncate(entropy.below(bytes.len() as u64 + 1) as usize);
            let byes = read(&bytes, 0xaaaa).map_or(0, |heard| heard.byes);
            assert!(byes as usize <= bytes.len() / 4);
        }
    }
}
