//! What time brings: recordings and keys packet by packet, reports, silence.

use super::leg::{Health, Hearing, LULL_AFTER, Leg, Lull, Playing, SILENT_AFTER, StandIn, Timer};
use super::receive::since_start;
use super::{Channel, Departure, Plane, Port, push_fact};
use crate::base::time::Instant;
use crate::media::fact::Fact;
use crate::media::key::{PAYLOAD_LENGTH, Step};
use crate::media::order::Codec;
use crate::media::reception::Reception;
use crate::media::rtcp;
use crate::media::rtp::{HEADER_LENGTH, Header};
use crate::media::stream::LATE_MAX;

/// The longest packet that we make ourselves: 60 ms.
const PACKET_MAX: usize = HEADER_LENGTH + 480;

/// One packet that a tick makes: the first `length` bytes.
pub(super) struct Made {
    bytes: [u8; PACKET_MAX],
    length: usize,
}

impl Plane {
    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant, send: &mut impl FnMut(Departure, &[u8])) {
        while let Some(slot) = self.deadlines.expire(now) {
            match self.attempt(|plane| plane.fire(now, slot, send)) {
                Some(()) => self.refresh_deadline(slot),
                None => self.bear(now, slot),
            }
        }
    }

    /// Does what is due of one leg. Each timer is taken out before it is acted on, so that none can panic twice.
    fn fire(&mut self, now: Instant, slot: usize, send: &mut impl FnMut(Departure, &[u8])) {
        while let Some((timer, due)) = self.legs.get_mut(slot).and_then(|leg| due(leg, now)) {
            match timer {
                Timer::Tick => self.tick(now, due, slot, send),
                Timer::Mix => self.mix(now, due, slot, send),
                Timer::Lull => self.check_lull(now, slot),
                Timer::Silence => self.check_silence(now, slot),
                Timer::KeyEnd => self.end_key(now, slot),
                Timer::Control => self.report(now, slot, send),
            }
        }
    }

    fn tick(&mut self, now: Instant, due: Instant, slot: usize, send: &mut impl FnMut(Departure, &[u8])) {
        let Some(leg) = self.legs.get_mut(slot) else { return };
        let Some(session) = &leg.session else { return };
        let samples = session.samples_per_packet();
        // The grid is kept, so that receivers hear no drift; after a stall it starts anew (E7).
        let grid = if now.since(due) > LATE_MAX { now } else { due };
        leg.timers.set(Timer::Tick, grid + std::time::Duration::from_micros(u64::from(samples) * 125));
        let key = make_key(leg, now, samples);
        let (voice, ended) = make_voice(leg, now, usize::from(samples));
        if ended {
            leg.hears = Hearing::Nothing;
            push_fact(&mut self.facts, &mut self.counters, (leg.call, leg.id, Fact::PromptEnded));
        }
        leg.arm_tick(now);
        let destination = leg.destination();
        if let Some((made, to)) = key.or(voice).zip(destination) {
            self.count_sent(slot, made.length - HEADER_LENGTH);
            send(Departure { port: Port { slot, channel: Channel::Rtp }, to }, made.packet());
        }
    }

    /// Nobody is left with nothing because whom it hears says nothing: not for longer than a second (promise 1). A peer
    /// that suppresses silence (RFC 3551 4.1) is heard as the quiet line that it means, and early media that stops gives
    /// way to ringback; the first packet that comes is heard again, whole.
    fn check_lull(&mut self, now: Instant, slot: usize) {
        let Some(leg) = self.legs.get_mut(slot) else { return };
        let Lull::None { last } = leg.lull else { return };
        if leg.destination().is_none() {
            // It takes nothing at the moment; the next agreement looks again.
            return;
        }
        if now.since(last) < LULL_AFTER {
            // Packets move only `last`, not the timer, as with silence.
            leg.timers.set(Timer::Lull, last + LULL_AFTER);
            return;
        }
        let recording = match leg.stand_in {
            StandIn::Noise => self.library.noise(),
            StandIn::Ringback => self.library.ringback(),
        };
        leg.lull = Lull::Filled(Playing::new(String::new(), recording.clone(), true));
        self.counters.lulls += 1;
        leg.arm_tick(now);
    }

    fn check_silence(&mut self, now: Instant, slot: usize) {
        let Some(leg) = self.legs.get_mut(slot) else { return };
        let ever_heard = leg.counted.received_packets > 0;
        let last = match leg.health {
            Health::NotExpected | Health::Silent { .. } => return,
            Health::Expected { last } if now.since(last) < SILENT_AFTER => {
                // Voice moves only `last`, not the timer: the packet path is to be short.
                leg.timers.set(Timer::Silence, last + SILENT_AFTER);
                return;
            }
            Health::Expected { last } => {
                self.counters.silences += 1;
                self.counters.one_way += u64::from(!ever_heard);
                last
            }
            Health::Paused { last } => last,
        };
        let fact = match leg.witnessed_until().filter(|until| *until > now) {
            // It pauses and has been told so.
            Some(until) if matches!(leg.health, Health::Paused { .. }) => {
                leg.timers.set(Timer::Silence, until);
                return;
            }
            Some(until) => {
                leg.health = Health::Paused { last };
                leg.timers.set(Timer::Silence, until);
                Fact::Paused { ever_heard }
            }
            None => {
                leg.health = Health::Silent { last };
                let for_ms = u32::try_from(now.since(last).as_millis()).unwrap_or(u32::MAX);
                Fact::Silent { for_ms, ever_heard }
            }
        };
        push_fact(&mut self.facts, &mut self.counters, (leg.call, leg.id, fact));
    }

    fn end_key(&mut self, now: Instant, slot: usize) {
        let Some(leg) = self.legs.get_mut(slot) else { return };
        if let Some(key) = leg.end_key(now) {
            self.counters.keys_reported += 1;
            let fact = Fact::Key { digit: key.digit, duration_ms: key.duration_ms };
            push_fact(&mut self.facts, &mut self.counters, (leg.call, leg.id, fact));
        }
    }

    fn report(&mut self, now: Instant, slot: usize, send: &mut impl FnMut(Departure, &[u8])) {
        // Half to one and a half intervals, so that reports of many legs do not march in step (RFC 3550 6.3.1).
        let wait = rtcp::INTERVAL / 2 + rtcp::INTERVAL.mul_f64(self.entropy.below(1_000) as f64 / 1_000.0);
        let Some(leg) = self.legs.get_mut(slot) else { return };
        leg.timers.set(Timer::Control, now + wait);
        let Some(to) = leg.control_destination() else { return };
        let (packets, bytes) = leg.stream.sent();
        let ntp = rtcp::ntp(self.settings.wall_at_start + since_start(now));
        let sent = (packets > 0).then(|| rtcp::Sent { ntp, timestamp: leg.stream.timestamp_at(now), packets, bytes });
        let quote = leg.control.quote.map(|(middle, at)| {
            let delay = now.since(at).as_millis() * 65_536 / 1_000;
            rtcp::Quote { middle, delay: u32::try_from(delay).unwrap_or(u32::MAX) }
        });
        let report = leg.reception.as_mut().map(Reception::report).map(|report| (report, quote));
        if sent.is_none() && report.is_none() {
            // Nothing has passed either way: there is no session yet to report on, and no SDP of ours may have left.
            return;
        }
        if let Some(packet) = rtcp::write(leg.stream.ssrc(), &leg.control.cname, sent, report) {
            self.counters.control_sent += 1;
            send(Departure { port: Port { slot, channel: Channel::Rtcp }, to }, &packet);
        }
    }
}

/// Takes out the leg's earliest timer that is due, with its deadline.
fn due(leg: &mut Leg, now: Instant) -> Option<(Timer, Instant)> {
    let deadline = leg.timers.next_timeout()?;
    Some((leg.timers.expire(now)?, deadline))
}

/// The next packet of the key that is being sent.
fn make_key(leg: &mut Leg, now: Instant, samples: u16) -> Option<Made> {
    let payload_type = leg.session.as_ref()?.send_type(Codec::TelephoneEvent);
    let step = leg.key_writer.tick(samples)?;
    // A new agreement may have taken the events away while keys waited; they are then spent unsent.
    let payload_type = payload_type?;
    let (header, payload) = match step {
        Step::Begin(payload) => (leg.stream.begin_key(now, payload_type), payload),
        Step::Continue(payload, elapsed) => (leg.stream.continue_key(payload_type, u32::from(elapsed)), payload),
        Step::Rest => return None,
    };
    let mut made = Made::of(PAYLOAD_LENGTH);
    made.fill(&header)?.copy_from_slice(&payload);
    Some(made)
}

/// The next packet of the recording that sounds, and whether the recording has ended. While a key is sent it goes on
/// unheard.
fn make_voice(leg: &mut Leg, now: Instant, samples: usize) -> (Option<Made>, bool) {
    let Some((codec, payload_type)) = leg.session.as_ref().and_then(super::leg::Session::voice) else {
        return (None, false);
    };
    let hidden = leg.key_writer.is_busy() || leg.destination().is_none();
    let Some(playing) = leg.playing() else { return (None, false) };
    let start = playing.position;
    let ended = playing.advance(samples);
    if hidden {
        return (None, ended);
    }
    let (recording, repeat) = (playing.recording.clone(), playing.repeat);
    let header = leg.stream.write(now, payload_type, u32::try_from(samples).unwrap_or(0));
    let mut made = Made::of(samples);
    let Some(sound) = made.fill(&header) else { return (None, ended) };
    recording.copy(start, repeat, codec, sound);
    (Some(made), ended)
}

impl Playing {
    /// Moves on. True at the end of what is played once.
    fn advance(&mut self, samples: usize) -> bool {
        let next = self.position + samples;
        if self.repeat {
            self.position = next % self.recording.len();
            return false;
        }
        self.position = next;
        next >= self.recording.len()
    }
}

impl Made {
    /// A packet of so many bytes of payload.
    pub(super) const fn of(payload: usize) -> Self {
        Self { bytes: [0; PACKET_MAX], length: HEADER_LENGTH + payload }
    }

    /// The whole packet.
    pub(super) fn packet(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Writes the header and gives the place of the payload.
    pub(super) fn fill(&mut self, header: &Header) -> Option<&mut [u8]> {
        let (head, rest) = self.bytes.split_first_chunk_mut::<HEADER_LENGTH>()?;
        *head = header.to_bytes();
        rest.get_mut(..self.length - HEADER_LENGTH)
    }
}
