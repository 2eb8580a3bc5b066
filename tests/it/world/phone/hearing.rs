//! The phone's ear and voice: sound that names its stream, and what of it came.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use lianxian::base::time::Instant;

use super::super::sound::{Rtp, Sound, key_event, key_of, key_tones, listen, voice};
use super::{Health, Phase, Phone, PhoneOutput, Todo};

/// When one kind of sound was heard.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Last packet.
    pub last: Instant,
    /// How many.
    pub count: u64,
}

/// What a dialog hears.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// By source.
    pub sounds: BTreeMap<Sound, Span>,
    /// Keys, each once, when they came, by RFC 4733 or INFO.
    pub keys: Vec<(Instant, char)>,
    /// The last packet of any sound.
    pub last: Option<Instant>,
    /// The longest time between two packets of any sound.
    pub longest_gap: Duration,
    /// Sequence numbers that did not follow, SSRC changes, timestamps that went back.
    pub discontinuities: u32,
    last_key_at: Option<u32>,
    previous: Option<Rtp>,
}

impl Heard {
    /// How many packets of this sound.
    pub fn count(&self, sound: Sound) -> u64 {
        self.sounds.get(&sound).map_or(0, |span| span.count)
    }

    /// The keys without their times.
    pub fn digits(&self) -> String {
        self.keys.iter().map(|(_, digit)| digit).collect()
    }

    pub(super) fn stop(&mut self, _now: Instant) {
        self.previous = None;
    }

    fn packet(&mut self, now: Instant, rtp: Rtp, events: Option<u8>) {
        if let Some(last) = self.last {
            self.longest_gap = self.longest_gap.max(now - last);
        }
        self.last = Some(now);
        if let Some(previous) = &self.previous
            && (previous.ssrc != rtp.ssrc || rtp.sequence.wrapping_sub(previous.sequence) > 0x8000)
        {
            self.discontinuities += 1;
        }
        if events == Some(rtp.kind) {
            if let Some((digit, true)) = key_of(&rtp.payload)
                && self.last_key_at != Some(rtp.timestamp)
            {
                self.last_key_at = Some(rtp.timestamp);
                self.keys.push((now, digit));
            }
        } else {
            let sound = listen(&rtp.payload);
            let span = self.sounds.entry(sound).or_insert(Span { last: now, count: 0 });
            span.last = now;
            span.count += 1;
        }
        self.previous = Some(rtp);
    }
}

/// What a dialog says.
#[derive(Clone, Debug, Default)]
pub(super) struct Voice {
    running: bool,
    sequence: u16,
    timestamp: u32,
    number: u32,
    /// Packets of keys that go out before more sound: payload and marker.
    keys: Vec<(Vec<u8>, bool, u32)>,
    /// Packets of sound that go out in place of its own.
    tones: VecDeque<Vec<u8>>,
}

/// A receiver report without blocks (RFC 3550 6.4.2).
fn report(ssrc: u32) -> Vec<u8> {
    [&[0x80, 201, 0, 1], ssrc.to_be_bytes().as_slice()].concat()
}

impl Phone {
    /// Takes one packet at one of its ports.
    pub fn receive_rtp(&mut self, now: Instant, to: SocketAddr, bytes: &[u8]) {
        if self.health == Health::Dead {
            return;
        }
        let Some(rtp) = Rtp::parse(bytes) else { return };
        let found = self.dialogs.iter_mut().rev().find(|dialog| dialog.mine.address == to);
        if let Some(dialog) = found
            && !matches!(dialog.phase, Phase::Over(_))
        {
            let events =
                dialog.mine.codecs.iter().find(|(_, name)| name == "telephone-event").map(|(number, _)| *number);
            dialog.heard.packet(now, rtp, events);
        }
    }

    /// Presses a key and says so in the sound (RFC 4733): three packets, then the end thrice.
    pub fn press_by_rtp(&mut self, _now: Instant, call_id: &str, digit: char) {
        let Some(dialog) = self.dialog(call_id) else { return };
        if dialog.phase != Phase::Up {
            return;
        }
        dialog.pressed.push(digit);
        let start = dialog.voice.timestamp.wrapping_add(160 * (1 + dialog.voice.keys.len() as u32));
        for step in 1_u16..=6 {
            let end = step > 3;
            let payload = key_event(digit, end, step.min(4) * 160);
            dialog.voice.keys.push((payload, step == 1, start));
        }
    }

    /// Presses a key and says so by nothing but its two tones in the voice, 100 ms long.
    pub fn press_by_tones(&mut self, call_id: &str, digit: char) {
        let Some(dialog) = self.dialog(call_id) else { return };
        if dialog.phase == Phase::Up {
            dialog.pressed.push(digit);
            dialog.voice.tones.extend((0..5).map(|packet| key_tones(digit, packet)));
        }
    }

    pub(super) fn start_voice(&mut self, now: Instant, call_id: &str) {
        let (sequence, timestamp) = (self.chance.next() as u16, self.chance.next() as u32);
        let Some(dialog) = self.dialog(call_id) else { return };
        if !dialog.voice.running {
            dialog.voice = Voice { running: true, sequence, timestamp, number: 0, ..Voice::default() };
            self.later(now, Todo::Voice { call_id: call_id.to_owned() });
        }
    }

    pub(super) fn speak(&mut self, now: Instant, call_id: &str) {
        let (every, health) = (self.manners.voice_every, self.health);
        let Some(dialog) = self.dialog(call_id) else { return };
        if matches!(dialog.phase, Phase::Over(_)) {
            dialog.voice.running = false;
            return;
        }
        let ssrc = 0x4C58_0000 | dialog.stream;
        if let (Some(theirs), Health::Pausing) = (&dialog.theirs, health)
            && dialog.voice.timestamp % 40_000 < (every.as_millis() * 8) as u32
        {
            let beside = |rtp: SocketAddr| SocketAddr::new(rtp.ip(), rtp.port() + 1);
            let (from, to) = (beside(dialog.mine.address), beside(theirs.address));
            self.out.push_back(PhoneOutput::Rtp { from, to, packet: report(ssrc) });
        } else if let (Some(theirs), Health::Well) = (&dialog.theirs, health)
            && dialog.mine.direction.sends()
            && theirs.direction.listens()
        {
            let to = theirs.address;
            let common = |name: &str| theirs.codecs.iter().find(|(_, other)| other == name).map(|(number, _)| *number);
            let sound = dialog.mine.codecs.iter().filter(|(_, name)| name != "telephone-event");
            let sound_kind = sound.filter_map(|(_, name)| common(name)).next();
            let key_kind = common("telephone-event");
            let from = dialog.mine.address;
            let voice_state = &mut dialog.voice;
            let packet = match (key_kind, voice_state.keys.is_empty()) {
                (Some(kind), false) => {
                    let (payload, marker, timestamp) = voice_state.keys.remove(0);
                    Some((kind, payload, marker, timestamp))
                }
                (Some(_) | None, _) => sound_kind.map(|kind| {
                    let own = || voice(dialog.stream, voice_state.number);
                    let sound = voice_state.tones.pop_front().unwrap_or_else(own);
                    (kind, sound, voice_state.number == 0, voice_state.timestamp)
                }),
            };
            if let Some((kind, payload, marker, timestamp)) = packet {
                let rtp = Rtp { marker, kind, sequence: voice_state.sequence, timestamp, ssrc, payload };
                voice_state.sequence = voice_state.sequence.wrapping_add(1);
                voice_state.number += 1;
                self.out.push_back(PhoneOutput::Rtp { from, to, packet: rtp.to_bytes() });
            }
        }
        if let Some(dialog) = self.dialog(call_id) {
            let samples = (every.as_millis() * 8) as u32;
            dialog.voice.timestamp = dialog.voice.timestamp.wrapping_add(samples);
        }
        self.later(now + every, Todo::Voice { call_id: call_id.to_owned() });
    }
}
