//! What the plane counts: a closed set, so that no peer's packet can make a new metric (rule 12).

/// Upper bounds of the jitter histogram, in milliseconds; the last bucket has none.
pub const JITTER_BOUNDS_MS: [u32; 6] = [5, 10, 20, 40, 60, 100];

/// Totals since the plane was made. They only rise; the engine subtracts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Valid RTP packets from peers.
    pub received_packets: u64,
    /// Their payload, in bytes.
    pub received_bytes: u64,
    /// RTP packets to peers.
    pub sent_packets: u64,
    /// Their payload, in bytes.
    pub sent_bytes: u64,
    /// Packets that peers sent and we never saw, by their sequence numbers (RFC 3550 A.3), of closed legs.
    pub lost_packets: u64,
    /// Packets from an address that the leg's policy does not accept (V2).
    pub wrong_source: u64,
    /// Datagrams that are not RTP, or not RTCP on the RTCP port.
    pub malformed: u64,
    /// Packets of a payload type that was not agreed.
    pub unknown_payload: u64,
    /// Packets before an agreement, or while the peer may not send.
    pub not_agreed: u64,
    /// Packets older than 100 ms when we came to them: the process had stalled (E7, F26).
    pub stale: u64,
    /// Packets above the rate of one voice, or of one finger (V40).
    pub over_rate: u64,
    /// Packets from before the latest change of source, which would have jumped back (T26).
    pub late_after_switch: u64,
    /// Samples that came too late to be heard in a mix.
    pub mixed_late_samples: u64,
    /// Valid RTCP packets from peers.
    pub control_received: u64,
    /// RTCP packets to peers.
    pub control_sent: u64,
    /// RTCP BYE packets, which never end anything (V40).
    pub control_bye_ignored: u64,
    /// Keys reported to calls.
    pub keys_reported: u64,
    /// Keys sent to legs.
    pub keys_sent: u64,
    /// Keys not sent, because the leg agreed to no telephone-events or too many were waiting.
    pub keys_refused: u64,
    /// Agreements whose address we refuse to send to: our own ports, multicast, outside the trunk's networks (V25).
    pub destinations_refused: u64,
    /// Prompts that are not in the library; the fallback sounded.
    pub prompts_missing: u64,
    /// Legs that fell silent for five seconds although the peer may send.
    pub silences: u64,
    /// Of those, legs that were never heard: one-way sound.
    pub one_way: u64,
    /// Times that somebody heard a stand-in because nothing came from whom it was to hear.
    pub lulls: u64,
    /// Facts that were lost because the engine did not fetch them.
    pub facts_lost: u64,
    /// Packets, timers and orders whose handling panicked, each a bug; the leg went on without it.
    pub panics: u64,
    /// Jitter of closed legs (RFC 3550 A.8) by [`JITTER_BOUNDS_MS`].
    pub jitter: [u64; 7],
    /// Legs opened.
    pub opened: u64,
    /// Legs closed. `opened - closed` are open now.
    pub closed: u64,
}

impl Counters {
    /// Adds another plane's totals.
    pub fn add(&mut self, other: &Self) {
        let mine = [
            &mut self.received_packets,
            &mut self.received_bytes,
            &mut self.sent_packets,
            &mut self.sent_bytes,
            &mut self.lost_packets,
            &mut self.wrong_source,
            &mut self.malformed,
            &mut self.unknown_payload,
            &mut self.not_agreed,
            &mut self.stale,
            &mut self.over_rate,
            &mut self.late_after_switch,
            &mut self.mixed_late_samples,
            &mut self.control_received,
            &mut self.control_sent,
            &mut self.control_bye_ignored,
            &mut self.keys_reported,
            &mut self.keys_sent,
            &mut self.keys_refused,
            &mut self.destinations_refused,
            &mut self.prompts_missing,
            &mut self.silences,
            &mut self.one_way,
            &mut self.lulls,
            &mut self.facts_lost,
            &mut self.panics,
            &mut self.opened,
            &mut self.closed,
        ];
        let theirs = [
            other.received_packets,
            other.received_bytes,
            other.sent_packets,
            other.sent_bytes,
            other.lost_packets,
            other.wrong_source,
            other.malformed,
            other.unknown_payload,
            other.not_agreed,
            other.stale,
            other.over_rate,
            other.late_after_switch,
            other.mixed_late_samples,
            other.control_received,
            other.control_sent,
            other.control_bye_ignored,
            other.keys_reported,
            other.keys_sent,
            other.keys_refused,
            other.destinations_refused,
            other.prompts_missing,
            other.silences,
            other.one_way,
            other.lulls,
            other.facts_lost,
            other.panics,
            other.opened,
            other.closed,
        ];
        for (mine, theirs) in mine.into_iter().zip(theirs) {
            *mine += theirs;
        }
        for (mine, theirs) in self.jitter.iter_mut().zip(other.jitter) {
            *mine += theirs;
        }
    }

    /// Takes in the jitter of a leg that closes.
    pub(super) fn observe_jitter(&mut self, jitter_ms: u32) {
        let bucket = JITTER_BOUNDS_MS.iter().position(|bound| jitter_ms <= *bound).unwrap_or(JITTER_BOUNDS_MS.len());
        if let Some(count) = self.jitter.get_mut(bucket) {
            *count += 1;
        }
    }
}
