//! The way of a packet: who sent it, what it is, who hears it.

#![warn(clippy::indexing_slicing)]

use std::ops::Range;
use std::time::Duration;

use super::leg::{Health, Hearing, Leg, News, SILENT_AFTER, Timer, WITNESSED_FOR};
use super::{Arrival, Channel, Departure, Plane, Port, Reason, Verdict, push_fact};
use crate::base::time::Instant;
use crate::media::fact::Fact;
use crate::media::g711::{PCMA_TO_PCMU, PCMU_TO_PCMA};
use crate::media::key::PAYLOAD_LENGTH;
use crate::media::order::{Codec, Keys};
use crate::media::reception::Reception;
use crate::media::rtcp;
use crate::media::rtp::{self, HEADER_LENGTH, Header};
use crate::media::source::Admission;
use crate::media::stream::Origin;

/// What is older when we come to it belongs to a stall and would only be delay for the rest of the call (E7, F26).
const STALE_AFTER: Duration = Duration::from_millis(100);

/// Comfort noise (RFC 3389): a sign of life that is never agreed and never relayed.
const COMFORT_NOISE: u8 = 13;

/// A packet that goes on.
struct Accepted {
    header: Header,
    payload: Range<usize>,
    codec: Codec,
}

impl Plane {
    /// Takes a datagram in. `packet` is rewritten in place for each listener and handed to `send`.
    pub fn receive(
        &mut self,
        now: Instant,
        arrival: Arrival,
        packet: &mut [u8],
        send: &mut impl FnMut(Departure, &[u8]),
    ) -> Verdict {
        let slot = arrival.port.slot;
        self.attempt(|plane| plane.take(now, arrival, packet, send)).unwrap_or_else(|| {
            self.bear(now, slot);
            Verdict::Dropped(Reason::Panicked)
        })
    }

    fn take(
        &mut self,
        now: Instant,
        arrival: Arrival,
        packet: &mut [u8],
        send: &mut impl FnMut(Departure, &[u8]),
    ) -> Verdict {
        let slot = arrival.port.slot;
        let Some(leg) = self.legs.get(slot) else { return Verdict::Dropped(Reason::NoLeg) };
        let deadline = leg.timers.next_timeout();
        let taken = match arrival.port.channel {
            Channel::Rtp if !rtp::is_rtcp(packet) => self.accept(now, &arrival, packet),
            Channel::Rtp | Channel::Rtcp => self.note_control(now, &arrival, packet),
        };
        if self.legs.get(slot).is_some_and(|leg| leg.timers.next_timeout() != deadline) {
            self.refresh_deadline(slot);
        }
        match taken {
            Ok(Some(accepted)) if self.withholds(slot, &accepted) => {
                self.skip(slot);
                Verdict::Noted
            }
            Ok(Some(accepted)) => {
                self.hush(slot, &accepted, packet);
                self.put_into_mixes(slot, &accepted, packet);
                Verdict::Relayed(self.relay(now, &arrival, &accepted, packet, send))
            }
            Ok(None) => Verdict::Noted,
            Err(reason) => {
                self.count(slot, reason);
                Verdict::Dropped(reason)
            }
        }
    }

    /// Whether the packet is a key that nobody is to get.
    fn withholds(&self, slot: usize, accepted: &Accepted) -> bool {
        accepted.codec == Codec::TelephoneEvent && self.legs.get(slot).is_some_and(|leg| leg.pass == Keys::Withheld)
    }

    /// Puts noise in the place of a key in the voice that nobody is to get.
    fn hush(&self, slot: usize, accepted: &Accepted, packet: &mut [u8]) {
        if self.legs.get(slot).is_some_and(Leg::hides_its_voice)
            && let Some(sound) = packet.get_mut(accepted.payload.clone())
        {
            self.library.noise().copy(accepted.header.timestamp as usize, true, accepted.codec, sound);
        }
    }

    /// Leaves a packet out of what the listeners get: what follows it begins anew, or they would take it for lost.
    fn skip(&mut self, slot: usize) {
        let Some(listeners) = self.legs.get(slot).map(|leg| leg.listeners.clone()) else { return };
        for listener in listeners {
            if let Some(leg) = self.legs.get_mut(listener)
                && let Hearing::Leg(_) = leg.hears
            {
                leg.stream.detach();
            }
        }
    }

    fn accept(&mut self, now: Instant, arrival: &Arrival, packet: &[u8]) -> Result<Option<Accepted>, Reason> {
        let leg = self.legs.get_mut(arrival.port.slot).ok_or(Reason::NoLeg)?;
        let (header, payload) = Header::parse(packet).map_err(|_| Reason::Malformed)?;
        let session = leg.session.as_mut().ok_or(Reason::NotAgreed)?;
        let agreed = session.received(header.payload_type);
        // A peer of the port's former call that goes on sending must not be taken for the new one.
        let former = leg.former_ssrc == Some(header.ssrc);
        let plausible = agreed.is_some() && header.ssrc != 0 && !payload.is_empty() && !former;
        if session.gate.admit(arrival.at, arrival.from, plausible) == Admission::WrongSource {
            return Err(Reason::WrongSource);
        }
        if !session.agreed.receive {
            return Err(Reason::NotAgreed);
        }
        let codec = agreed.map(|payload| payload.codec);
        let rate = match codec {
            Some(Codec::Pcma | Codec::Pcmu) => &mut leg.voice_rate,
            Some(Codec::TelephoneEvent) | None => &mut leg.key_rate,
        };
        if !rate.admits(arrival.at) {
            return Err(Reason::OverRate);
        }
        match &mut leg.reception {
            Some(reception) => reception.take(arrival.at, header.ssrc, header.sequence, header.timestamp),
            None => {
                let first = Reception::new(arrival.at, header.ssrc, header.sequence, header.timestamp);
                leg.reception = Some(first);
            }
        }
        if codec.is_none() && header.payload_type != COMFORT_NOISE {
            return Err(Reason::UnknownPayload);
        }
        let sound = packet.get(payload.clone()).unwrap_or_default();
        self.note_life(arrival, sound.len());
        let Some(codec) = codec else { return Ok(None) };
        self.note_keys(arrival, &header, codec, sound);
        if now.since(arrival.at) > STALE_AFTER {
            return Err(Reason::Stale);
        }
        Ok((!payload.is_empty()).then_some(Accepted { header, payload, codec }))
    }

    /// The peer is alive: first packet, or sound again after silence.
    fn note_life(&mut self, arrival: &Arrival, bytes: usize) {
        let Some(leg) = self.legs.get_mut(arrival.port.slot) else { return };
        leg.counted.received_packets += 1;
        leg.counted.received_bytes += bytes as u64;
        self.counters.received_packets += 1;
        self.counters.received_bytes += bytes as u64;
        let was = std::mem::replace(&mut leg.health, Health::Expected { last: arrival.at });
        let fact = match (std::mem::replace(&mut leg.news, News::Told), was) {
            (News::Awaited, _) => Fact::FirstPacket,
            (News::Told, Health::Paused { .. } | Health::Silent { .. }) => Fact::Resumed,
            (News::Told, Health::Expected { .. } | Health::NotExpected) => return,
        };
        leg.timers.set(Timer::Silence, arrival.at + SILENT_AFTER);
        push_fact(&mut self.facts, &mut self.counters, (leg.call, leg.id, fact));
    }

    fn note_keys(&mut self, arrival: &Arrival, header: &Header, codec: Codec, payload: &[u8]) {
        let Some(leg) = self.legs.get_mut(arrival.port.slot) else { return };
        for key in leg.read_keys(arrival.at, header, codec, payload) {
            self.counters.keys_reported += 1;
            let fact = Fact::Key { digit: key.digit, duration_ms: key.duration_ms };
            push_fact(&mut self.facts, &mut self.counters, (leg.call, leg.id, fact));
        }
    }

    /// Reads RTCP. A BYE in it ends nothing: only signalling ends calls (V40).
    fn note_control(&mut self, now: Instant, arrival: &Arrival, packet: &[u8]) -> Result<Option<Accepted>, Reason> {
        let leg = self.legs.get_mut(arrival.port.slot).ok_or(Reason::NoLeg)?;
        let session = leg.session.as_ref().ok_or(Reason::NotAgreed)?;
        if !session.gate.admits_control(arrival.from) {
            return Err(Reason::WrongSource);
        }
        let heard = rtcp::read(packet, leg.stream.ssrc()).map_err(|_| Reason::Malformed)?;
        self.counters.control_received += 1;
        self.counters.control_bye_ignored += u64::from(heard.byes);
        if arrival.port.channel == Channel::Rtcp {
            leg.control.from = Some(arrival.from);
        }
        if let Some(middle) = heard.sender_middle {
            leg.control.quote = Some((middle, arrival.at));
        }
        if heard.byes == 0 {
            leg.control.last = Some(arrival.at);
            if let Health::Silent { last } = leg.health {
                leg.health = Health::Paused { last };
                leg.timers.set(Timer::Silence, arrival.at + WITNESSED_FOR);
                let ever_heard = leg.counted.received_packets > 0;
                push_fact(&mut self.facts, &mut self.counters, (leg.call, leg.id, Fact::Paused { ever_heard }));
            }
        }
        if let Some(about) = heard.about_us {
            leg.counted.remote_lost_packets = about.lost;
            if about.last_report != 0 {
                let here = rtcp::middle(rtcp::ntp(self.settings.wall_at_start + since_start(now)));
                let units = here.wrapping_sub(about.last_report).wrapping_sub(about.delay);
                // A peer may write anything here; a minute is more than any telephone network takes.
                leg.counted.round_trip_ms = Some(u64::from(units) * 1_000 / 65_536)
                    .filter(|ms| *ms < 60_000)
                    .and_then(|ms| u32::try_from(ms).ok());
            }
        }
        Ok(None)
    }

    /// Those who hear the leg in a mix get its voice at their next tick. Keys are not mixed: each is told to the call,
    /// which passes on what is to be passed on.
    fn put_into_mixes(&mut self, slot: usize, accepted: &Accepted, packet: &[u8]) {
        let Some(input) = self.legs.get_mut(slot).and_then(|leg| leg.input.as_mut()) else { return };
        let late = input.late();
        let codes = packet.get(accepted.payload.clone()).unwrap_or_default();
        input.put(accepted.header.ssrc, accepted.header.timestamp, accepted.codec, codes);
        self.counters.mixed_late_samples += input.late() - late;
    }

    /// Hands the packet to every listener: first to those who take it as it is, then, in the other law, to the rest.
    fn relay(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        accepted: &Accepted,
        packet: &mut [u8],
        send: &mut impl FnMut(Departure, &[u8]),
    ) -> u32 {
        let Some(listeners) = self.legs.get(arrival.port.slot).map(|leg| leg.listeners.clone()) else { return 0 };
        let other = match accepted.codec {
            Codec::Pcma => Some((Codec::Pcmu, &PCMA_TO_PCMU)),
            Codec::Pcmu => Some((Codec::Pcma, &PCMU_TO_PCMA)),
            Codec::TelephoneEvent => None,
        };
        let mut copies = 0;
        let mut converted = false;
        for wanted in std::iter::once(accepted.codec).chain(other.map(|(codec, _)| codec)) {
            for slot in &listeners {
                let Some(leg) = self.legs.get_mut(*slot) else { continue };
                let outgoing = leg.session.as_ref().and_then(|session| session.outgoing(accepted.codec));
                let Some((_, payload_type)) = outgoing.filter(|(codec, _)| *codec == wanted) else { continue };
                if let (false, true, Some((_, table))) = (converted, wanted != accepted.codec, other) {
                    convert(packet, accepted.payload.clone(), table);
                    converted = true;
                }
                let Some(header) = self.readdress(now, arrival, accepted, *slot, payload_type, packet) else {
                    continue;
                };
                let Some((to, sound)) = self.legs.get(*slot).and_then(Leg::destination).zip(write_header(
                    packet,
                    &accepted.payload,
                    &header,
                )) else {
                    continue;
                };
                self.count_sent(*slot, accepted.payload.len());
                send(Departure { port: Port { slot: *slot, channel: Channel::Rtp }, to }, sound);
                copies += 1;
            }
        }
        copies
    }

    /// The header under which the packet goes to the leg in `slot`; `None` if it does not go there.
    fn readdress(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        accepted: &Accepted,
        slot: usize,
        payload_type: u8,
        packet: &[u8],
    ) -> Option<Header> {
        let leg = self.legs.get_mut(slot)?;
        if let Hearing::Mix(_) = leg.hears {
            return None;
        }
        // Our own key has the stream for itself; a leg that pauses gets nothing.
        if leg.key_writer.is_busy() || leg.destination().is_none() {
            return None;
        }
        let origin = Origin { slot: arrival.port.slot, ssrc: accepted.header.ssrc };
        let samples = match accepted.codec {
            Codec::Pcma | Codec::Pcmu => u32::try_from(accepted.payload.len()).unwrap_or(0),
            Codec::TelephoneEvent => key_samples(packet.get(accepted.payload.clone())?),
        };
        match leg.stream.follow(now, arrival.at, origin, &accepted.header, samples) {
            Ok(header) => {
                if leg.hear_packet(now) {
                    self.refresh_deadline(slot);
                }
                Some(Header { payload_type, ..header })
            }
            Err(_) => {
                self.counters.late_after_switch += 1;
                None
            }
        }
    }

    pub(super) fn count_sent(&mut self, slot: usize, bytes: usize) {
        self.counters.sent_packets += 1;
        self.counters.sent_bytes += bytes as u64;
        if let Some(leg) = self.legs.get_mut(slot) {
            leg.counted.sent_packets += 1;
            leg.stream.count(u32::try_from(bytes).unwrap_or(u32::MAX));
        }
    }

    fn count(&mut self, slot: usize, reason: Reason) {
        let counter = match reason {
            // What panicked is counted where it is caught.
            Reason::NoLeg | Reason::Panicked => return,
            Reason::Malformed => &mut self.counters.malformed,
            Reason::WrongSource => &mut self.counters.wrong_source,
            Reason::NotAgreed => &mut self.counters.not_agreed,
            Reason::UnknownPayload => &mut self.counters.unknown_payload,
            Reason::OverRate => &mut self.counters.over_rate,
            Reason::Stale => &mut self.counters.stale,
        };
        *counter += 1;
        let Some(leg) = self.legs.get_mut(slot) else { return };
        match reason {
            Reason::WrongSource => leg.counted.wrong_source += 1,
            Reason::Stale => leg.counted.stale += 1,
            Reason::NoLeg
            | Reason::Panicked
            | Reason::Malformed
            | Reason::NotAgreed
            | Reason::UnknownPayload
            | Reason::OverRate => {}
        }
    }
}

/// Writes the header right before the payload, over extension and contributing sources, and gives the whole packet.
fn write_header<'a>(packet: &'a mut [u8], payload: &Range<usize>, header: &Header) -> Option<&'a [u8]> {
    let start = payload.start.checked_sub(HEADER_LENGTH)?;
    packet.get_mut(start..payload.start)?.copy_from_slice(&header.to_bytes());
    packet.get(start..payload.end)
}

fn convert(packet: &mut [u8], payload: Range<usize>, table: &[u8; 256]) {
    for code in packet.get_mut(payload).unwrap_or_default() {
        *code = table.get(usize::from(*code)).copied().unwrap_or(*code);
    }
}

/// How long the key has lasted at this packet, in samples.
fn key_samples(payload: &[u8]) -> u32 {
    match payload.first_chunk::<PAYLOAD_LENGTH>() {
        Some([_, _, d0, d1]) => u32::from(u16::from_be_bytes([*d0, *d1])),
        None => 0,
    }
}

/// Time since the start of the time line.
pub(super) const fn since_start(now: Instant) -> Duration {
    Duration::from_nanos(now.as_nanos())
}
