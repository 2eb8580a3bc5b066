//! Legs that hear several others: the sum of their voices, every 20 ms.
//!
//! All legs of a call tick at the same instants, so that each voice is read and concealed once for all who hear it;
//! calls tick at different ones, so that their work does not come at once.

use std::time::Duration;

use super::leg::{Heard, Hearing, Leg, Timer};
use super::tick::Made;
use super::{Channel, Departure, Plane, Port};
use crate::base::ids::{CallId, LegId};
use crate::base::time::Instant;
use crate::media::g711::{encode_pcma, encode_pcmu};
use crate::media::jitter::FRAME;
use crate::media::library::Recording;
use crate::media::mixer::Sum;
use crate::media::order::Codec;
use crate::media::stream::LATE_MAX;

/// Nanoseconds from one tick to the next.
const TICK: u64 = 20_000_000;

impl Plane {
    /// Lets the leg in `slot` hear the sum of `ids`, those that are open now and the others as soon as they are.
    pub(super) fn hear_mix(&mut self, now: Instant, slot: usize, ids: &[LegId]) {
        self.unlink(slot);
        let Some(leg) = self.legs.get_mut(slot) else { return };
        assert!(!ids.contains(&leg.id), "nobody is to hear the own voice come back (I14)");
        leg.hears = Hearing::Mix(ids.iter().map(|id| Heard { id: *id, slot: None }).collect());
        leg.stream.detach();
        let first = next_tick(leg.call, now);
        leg.timers.set(Timer::Mix, first);
        leg.arm_tick(now);
        for id in ids {
            self.link(slot, *id);
        }
    }

    /// Sends 20 ms of the mix to the leg in `slot`.
    pub(super) fn mix(&mut self, now: Instant, due: Instant, slot: usize, send: &mut impl FnMut(Departure, &[u8])) {
        let Some(leg) = self.legs.get_mut(slot) else { return };
        let Hearing::Mix(heard) = leg.hears.clone() else { return };
        // After a stall it goes on from now: what was missed would only be delay for the rest of the call (E7).
        let due = if now.since(due) > LATE_MAX { last_tick(leg.call, now) } else { due };
        leg.timers.set(Timer::Mix, due + Duration::from_nanos(TICK));
        let tick = due.as_nanos() / TICK;
        let (mut sum, mut voices) = (Sum::new(), 0);
        for source in heard.iter().filter_map(|heard| heard.slot) {
            let input = self.legs.get_mut(source).and_then(|leg| leg.input.as_mut());
            if let Some(voice) = input.and_then(|input| input.frame(tick)) {
                sum.add(voice);
                voices += 1;
            }
        }
        // Nobody says anything: a quiet line, for the same reason as in a lull of two.
        let noise = (voices == 0).then(|| (self.library.noise(), tick));
        let Some(leg) = self.legs.get_mut(slot) else { return };
        if let Some((made, to)) = make_mix(leg, now, &sum, noise).zip(leg.destination()) {
            self.count_sent(slot, FRAME);
            send(Departure { port: Port { slot, channel: Channel::Rtp }, to }, made.packet());
        }
    }
}

/// The packet of a mix, or of the tick's piece of the recording that stands in for it; none while a key has the stream for itself, or the peer wants nothing.
fn make_mix(leg: &mut Leg, now: Instant, sum: &Sum, stand_in: Option<(&Recording, u64)>) -> Option<Made> {
    let (codec, payload_type) = leg.session.as_ref()?.voice()?;
    if leg.key_writer.is_busy() || leg.destination().is_none() {
        return None;
    }
    let header = leg.stream.write(now, payload_type, FRAME as u32);
    let mut made = Made::of(FRAME);
    let codes = made.fill(&header)?;
    if let Some((recording, tick)) = stand_in {
        let pieces = (recording.len() / FRAME).max(1);
        recording.copy((tick as usize % pieces) * FRAME, true, codec, codes);
        return Some(made);
    }
    for (code, sample) in codes.iter_mut().zip(sum.samples()) {
        *code = match codec {
            Codec::Pcmu => encode_pcmu(sample),
            Codec::Pcma | Codec::TelephoneEvent => encode_pcma(sample),
        };
    }
    Some(made)
}

/// Where the ticks of a call lie between those of others, in nanoseconds: one of twenty places.
fn phase(call: CallId) -> u64 {
    (call.0 as u64 % 20) * (TICK / 20)
}

/// The last tick of the call that is not after `now`.
fn last_tick(call: CallId, now: Instant) -> Instant {
    let phase = phase(call);
    Instant::from_nanos(now.as_nanos().saturating_sub(phase) / TICK * TICK + phase)
}

/// The first tick of the call after `now`.
fn next_tick(call: CallId, now: Instant) -> Instant {
    last_tick(call, now) + Duration::from_nanos(TICK)
}
