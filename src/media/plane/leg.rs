//! One leg: what was agreed, whom it hears, who hears it, how it goes.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use smallvec::SmallVec;

use super::{LegStatistics, Settings};
use crate::base::entropy::Entropy;
use crate::base::ids::{CallId, LegId};
use crate::base::time::Instant;
use crate::base::timer::TimerTable;
use crate::media::counters::Counters;
use crate::media::inband::ToneReader;
use crate::media::jitter::Jitter;
use crate::media::key::{Key, KeyReader, KeyWriter};
use crate::media::library::Recording;
use crate::media::order::{AgreedSession, Codec, Keys, Payload};
use crate::media::rate::Rate;
use crate::media::reception::Reception;
use crate::media::rtcp;
use crate::media::rtp::Header;
use crate::media::source::Gate;
use crate::media::stream::Stream;

/// Without a valid packet for this long a leg that may send is silent.
pub(super) const SILENT_AFTER: Duration = Duration::from_secs(5);

/// A report (RTCP) shows for this long that the peer is there: longer than any time between two of them (RFC 3550 6.3.1),
/// whose mean is 5 s.
pub(super) const WITNESSED_FOR: Duration = Duration::from_secs(10);

/// Who is to hear another and has got no packet for this long hears a stand-in (promise 1 allows 2 s of nothing). Longer
/// than any pause of a network that is no fault, and than those of a telephone that sends noise of its own now and then.
pub(super) const LULL_AFTER: Duration = Duration::from_secs(1);

/// Packets a second of one voice: five times what 20 ms packets need.
const VOICE_RATE: u32 = 250;

/// Packets a second of keys and comfort noise: twice what a finger needs.
const KEY_RATE: u32 = 100;

/// What a leg waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The next packet of a recording or of a key is due.
    Tick,
    /// The next 20 ms of a mix are due.
    Mix,
    /// The leg has heard nothing of whom it is to hear for [`LULL_AFTER`], unless a packet came meanwhile.
    Lull,
    /// The leg has been silent for [`SILENT_AFTER`], unless a packet came meanwhile; or nobody has reported for
    /// [`WITNESSED_FOR`], unless a report did.
    Silence,
    /// A key's end packets are all lost.
    KeyEnd,
    /// The next RTCP report is due.
    Control,
}

/// What a leg hears.
#[derive(Clone, Debug)]
pub(super) enum Hearing {
    Nothing,
    Leg(Heard),
    Mix(SmallVec<[Heard; 3]>),
    Playing(Playing),
}

/// A leg of the call that is heard: it may not be open yet, or not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) id: LegId,
    pub(super) slot: Option<usize>,
}

impl Hearing {
    /// The legs that are heard.
    pub(super) fn heard(&self) -> &[Heard] {
        match self {
            Self::Leg(heard) => std::slice::from_ref(heard),
            Self::Mix(heard) => heard,
            Self::Nothing | Self::Playing(_) => &[],
        }
    }

    /// The legs that are heard, to be linked.
    pub(super) fn heard_mut(&mut self) -> &mut [Heard] {
        match self {
            Self::Leg(heard) => std::slice::from_mut(heard),
            Self::Mix(heard) => heard,
            Self::Nothing | Self::Playing(_) => &mut [],
        }
    }
}

/// What stands in for a leg that is heard and says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StandIn {
    /// It talks or will talk: a quiet line.
    Noise,
    /// It rings: ringback.
    Ringback,
}

/// Whether the one who is heard says something.
#[derive(Clone, Debug)]
pub(super) enum Lull {
    /// Packets come, or it is too early to tell; the last one, or the moment since when they may.
    None { last: Instant },
    /// Nothing has come: the stand-in sounds.
    Filled(Playing),
}

/// A recording that sounds.
#[derive(Clone, Debug)]
pub(super) struct Playing {
    pub(super) name: String,
    pub(super) recording: Recording,
    pub(super) repeat: bool,
    pub(super) position: usize,
}

impl Playing {
    pub(super) const fn new(name: String, recording: Recording, repeat: bool) -> Self {
        Self { name, recording, repeat, position: 0 }
    }
}

/// Whether the peer is heard as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It may not send, so its silence means nothing.
    NotExpected,
    /// It may send; its last packet, or the moment from which it may.
    Expected { last: Instant },
    /// The call was told that it pauses: since its last packet nothing but reports has come.
    Paused { last: Instant },
    /// The call was told of its silence.
    Silent { last: Instant },
}

/// Whether the call wants to hear of the leg's next packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It waits for it.
    Awaited,
    /// It has been told.
    Told,
}

/// What was agreed, and the gate that guards it.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) agreed: AgreedSession,
    pub(super) gate: Gate,
}

#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) call: CallId,
    pub(super) id: LegId,
    pub(super) local: SocketAddr,
    /// The source that the port's former call was heard from: it may still be sending (V43).
    pub(super) former_ssrc: Option<u32>,
    pub(super) session: Option<Session>,
    pub(super) hears: Hearing,
    pub(super) stand_in: StandIn,
    pub(super) lull: Lull,
    pub(super) listeners: SmallVec<[usize; 4]>,
    /// Its voice for those who hear it in a mix; made when the first of them does, so that no packet allocates.
    pub(super) input: Option<Box<Jitter>>,
    pub(super) stream: Stream,
    pub(super) reception: Option<Reception>,
    pub(super) health: Health,
    pub(super) news: News,
    pub(super) keys: KeyReader,
    /// Reads them in its voice, if it has no other way to say them; made with the agreement, so that no packet allocates.
    pub(super) tones: Option<Box<ToneReader>>,
    /// What becomes of what they read.
    pub(super) pass: Keys,
    pub(super) key_writer: KeyWriter,
    pub(super) timers: TimerTable<Timer>,
    pub(super) voice_rate: Rate,
    pub(super) key_rate: Rate,
    pub(super) control: Control,
    pub(super) counted: LegStatistics,
    /// What this leg made panic, since it was last given up.
    pub(super) panics: u32,
}

/// The RTCP side of a leg.
#[derive(Clone, Debug)]
pub(super) struct Control {
    pub(super) cname: String,
    /// The middle of the peer's latest sender report, and when it came.
    pub(super) quote: Option<(u32, Instant)>,
    /// Where the peer's RTCP comes from.
    pub(super) from: Option<SocketAddr>,
    /// The peer's latest report that was no goodbye.
    pub(super) last: Option<Instant>,
}

impl Leg {
    pub(super) fn new(now: Instant, call: CallId, id: LegId, local: SocketAddr, entropy: &mut Entropy) -> Self {
        let [ssrc, start] = [entropy.next_u64() as u32, entropy.next_u64() as u32];
        Self {
            call,
            id,
            local,
            former_ssrc: None,
            session: None,
            hears: Hearing::Nothing,
            stand_in: StandIn::Noise,
            lull: Lull::None { last: now },
            listeners: SmallVec::new(),
            input: None,
            // The sequence starts in the lower half: an SRTP receiver then cannot mistake the first wrap (RFC 3711 3.3.1).
            stream: Stream::new(ssrc, (entropy.next_u64() & 0x7fff) as u16, start),
            reception: None,
            health: Health::NotExpected,
            news: News::Awaited,
            keys: KeyReader::default(),
            tones: None,
            pass: Keys::default(),
            key_writer: KeyWriter::default(),
            timers: TimerTable::default(),
            voice_rate: Rate::new(now, VOICE_RATE),
            key_rate: Rate::new(now, KEY_RATE),
            control: Control { cname: format!("{:016x}", entropy.next_u64()), quote: None, from: None, last: None },
            counted: LegStatistics::default(),
            panics: 0,
        }
    }

    /// Takes over a new agreement. The gate starts anew only if the agreement changes what it guards: our own probes,
    /// a hold and a refresh agree the same again, mostly in a pause of speech, and must let no stranger in (V46).
    pub(super) fn agree(
        &mut self,
        now: Instant,
        mut agreed: AgreedSession,
        settings: &Settings,
        counters: &mut Counters,
    ) {
        let kept = self.session.take().map(|session| session.gate);
        let gate = kept
            .filter(|gate| gate.still_guards(&agreed.rtp_source, agreed.signalled))
            .unwrap_or_else(|| Gate::new(agreed.rtp_source.clone(), agreed.signalled, now));
        for destination in [&mut agreed.send_to, &mut agreed.rtcp_to] {
            let refused = destination.is_some_and(|to| !gate.is_in_policy(to) || !self.may_send(to, settings));
            if refused {
                *destination = None;
                counters.destinations_refused += 1;
            }
        }
        if agreed.send_to.is_none() {
            self.stream.detach();
        }
        self.health = match self.health {
            // The call is told of the end of a silence by a packet only, whatever is agreed meanwhile.
            Health::Paused { .. } | Health::Silent { .. } => self.health,
            Health::NotExpected if agreed.receive => Health::Expected { last: now },
            Health::Expected { last } if agreed.receive => Health::Expected { last },
            Health::NotExpected | Health::Expected { .. } => Health::NotExpected,
        };
        match self.health {
            Health::Expected { last } => self.timers.set(Timer::Silence, last + SILENT_AFTER),
            // Who holds owes no reports either.
            Health::Paused { .. } if agreed.receive => self.timers.set(Timer::Silence, now + WITNESSED_FOR),
            Health::Paused { .. } | Health::NotExpected | Health::Silent { .. } => self.timers.stop(Timer::Silence),
        }
        if self.timers.get(Timer::Control).is_none() {
            self.timers.set(Timer::Control, now + rtcp::INTERVAL / 2);
        }
        self.tones = agreed.inband_keys.then(|| self.tones.take().unwrap_or_else(|| Box::new(ToneReader::new())));
        self.session = Some(Session { agreed, gate });
        self.watch_lull(now);
        self.arm_tick(now);
    }

    /// Queues a key towards the peer.
    pub(super) fn press(&mut self, now: Instant, digit: char, duration_ms: u32, counters: &mut Counters) {
        let agreed = self.session.as_ref().is_some_and(|session| session.send_type(Codec::TelephoneEvent).is_some());
        if agreed && self.key_writer.press(digit, duration_ms) {
            counters.keys_sent += 1;
            self.arm_tick(now);
        } else {
            counters.keys_refused += 1;
        }
    }

    /// Starts the ticks if there is something to send on them.
    pub(super) fn arm_tick(&mut self, now: Instant) {
        let wanted = self.playing().is_some() || self.key_writer.is_busy();
        if !wanted {
            self.timers.stop(Timer::Tick);
        } else if self.session.is_some() && self.timers.get(Timer::Tick).is_none() {
            self.timers.set(Timer::Tick, now);
        }
    }

    /// The recording that sounds at the moment.
    pub(super) const fn playing(&mut self) -> Option<&mut Playing> {
        match (&mut self.hears, &mut self.lull) {
            (Hearing::Playing(playing), _) | (Hearing::Leg(_), Lull::Filled(playing)) => Some(playing),
            (Hearing::Nothing | Hearing::Leg(_) | Hearing::Mix(_), _) => None,
        }
    }

    /// It is to hear somebody from now on, or something else in that one's place.
    pub(super) fn begin_lull_watch(&mut self, now: Instant) {
        self.lull = Lull::None { last: now };
        self.timers.set(Timer::Lull, now + LULL_AFTER);
    }

    /// Takes a packet to those who read keys in it, and gives the keys that ended.
    pub(super) fn read_keys(
        &mut self,
        at: Instant,
        header: &Header,
        codec: Codec,
        payload: &[u8],
    ) -> SmallVec<[Key; 2]> {
        let ended = match (codec, &mut self.tones) {
            (Codec::TelephoneEvent, _) => self.keys.take(at, header, payload),
            (Codec::Pcma | Codec::Pcmu, Some(tones)) => tones.take(at, header, codec, payload),
            (Codec::Pcma | Codec::Pcmu, None) => return SmallVec::new(),
        };
        let in_voice = self.tones.as_ref().and_then(|tones| tones.deadline());
        match self.keys.deadline().or(in_voice) {
            Some(deadline) => self.timers.set(Timer::KeyEnd, deadline),
            None => self.timers.stop(Timer::KeyEnd),
        }
        ended
    }

    /// The key that ended because nothing of it comes any more.
    pub(super) fn end_key(&mut self, now: Instant) -> Option<Key> {
        let in_voice = |tones: &mut Box<ToneReader>| tones.handle_timeout(now);
        self.keys.handle_timeout(now).or_else(|| self.tones.as_mut().and_then(in_voice))
    }

    /// Whether what it says now is a key in the voice that nobody is to get.
    pub(super) fn hides_its_voice(&self) -> bool {
        self.pass == Keys::Withheld && self.tones.as_ref().is_some_and(|tones| tones.is_pressed())
    }

    /// Until when the peer's latest report shows that it is there.
    pub(super) fn witnessed_until(&self) -> Option<Instant> {
        self.control.last.map(|last| last + WITNESSED_FOR)
    }

    /// Goes on looking after lulls, or ends it, as what it hears and its session have it.
    pub(super) fn watch_lull(&mut self, now: Instant) {
        let watched = matches!(self.hears, Hearing::Leg(_)) && self.destination().is_some();
        if !watched {
            self.lull = Lull::None { last: now };
            self.timers.stop(Timer::Lull);
        } else if self.timers.get(Timer::Lull).is_none() && matches!(self.lull, Lull::None { .. }) {
            self.lull = Lull::None { last: now };
            self.timers.set(Timer::Lull, now + LULL_AFTER);
        }
    }

    /// A packet of whom it hears goes to it. True if that ends a lull.
    pub(super) fn hear_packet(&mut self, now: Instant) -> bool {
        let ended = matches!(self.lull, Lull::Filled(_));
        self.lull = Lull::None { last: now };
        if ended {
            self.watch_lull(now);
        }
        ended
    }

    /// Whether it already hears the leg `id`, and nobody else.
    pub(super) fn hears_leg(&self, id: LegId) -> bool {
        matches!(self.hears, Hearing::Leg(Heard { id: heard, slot: Some(_) }) if heard == id)
    }

    /// Whether it already hears just these legs, added up.
    pub(super) fn hears_mix(&self, ids: &[LegId]) -> bool {
        matches!(&self.hears, Hearing::Mix(heard) if heard.iter().map(|heard| heard.id).eq(ids.iter().copied()))
    }

    /// Whether it is to hear the leg `id` as soon as that is open.
    pub(super) fn awaits(&self, id: LegId) -> bool {
        self.hears.heard().contains(&Heard { id, slot: None })
    }

    /// Whether it hears this prompt over and over: ordered again, it must not start again.
    pub(super) fn repeats(&self, name: &str) -> bool {
        matches!(&self.hears, Hearing::Playing(playing) if playing.repeat && playing.name == name)
    }

    /// Where its RTP goes at the moment.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        let session = self.session.as_ref()?;
        let signalled = session.agreed.send_to?;
        Some(session.gate.learned().unwrap_or(signalled))
    }

    /// Where its RTCP goes. A learned source behind a NAT has a control port that nobody has told us; then only what
    /// came from there shows it.
    pub(super) fn control_destination(&self) -> Option<SocketAddr> {
        let session = self.session.as_ref()?;
        let signalled = session.agreed.rtcp_to?;
        match session.gate.learned() {
            Some(learned) if learned != session.agreed.signalled => {
                self.control.from.filter(|from| from.ip() == learned.ip())
            }
            Some(_) | None => Some(signalled),
        }
    }

    pub(super) fn statistics(&self) -> LegStatistics {
        LegStatistics {
            lost_packets: self.reception.as_ref().map_or(0, Reception::lost),
            jitter_ms: self.reception.as_ref().map_or(0, Reception::jitter_ms),
            ..self.counted
        }
    }

    fn may_send(&self, to: SocketAddr, settings: &Settings) -> bool {
        let unicast = match to.ip() {
            IpAddr::V4(ip) => !ip.is_broadcast() && !ip.is_multicast(),
            IpAddr::V6(ip) => !ip.is_multicast(),
        };
        let own = to.ip() == self.local.ip() && settings.own_ports.contains(&to.port());
        let reachable = self.local.ip().is_loopback() || !to.ip().is_loopback();
        unicast && !own && reachable && !to.ip().is_unspecified() && to.port() != 0
    }
}

impl Session {
    /// The agreed payload type that the peer sends as `payload_type`.
    pub(super) fn received(&self, payload_type: u8) -> Option<Payload> {
        self.agreed.payloads.iter().copied().find(|payload| payload.receive_type == payload_type)
    }

    /// The payload type under which the peer takes `codec`.
    pub(super) fn send_type(&self, codec: Codec) -> Option<u8> {
        self.agreed.payloads.iter().find(|payload| payload.codec == codec).map(|payload| payload.send_type)
    }

    /// The codec and payload type in which the peer gets voice, the preferred one first.
    pub(super) fn voice(&self) -> Option<(Codec, u8)> {
        let voice = self.agreed.payloads.iter().find(|payload| payload.codec != Codec::TelephoneEvent)?;
        Some((voice.codec, voice.send_type))
    }

    /// How sound in `codec` reaches the peer: as it is, or in the other law. `None` if it cannot.
    pub(super) fn outgoing(&self, codec: Codec) -> Option<(Codec, u8)> {
        match (self.send_type(codec), codec) {
            (Some(send_type), _) => Some((codec, send_type)),
            (None, Codec::TelephoneEvent) => None,
            (None, Codec::Pcma | Codec::Pcmu) => self.voice(),
        }
    }

    /// Samples in one of our own packets.
    pub(super) fn samples_per_packet(&self) -> u16 {
        u16::from(self.agreed.ptime_ms.clamp(10, 60)) * 8
    }
}
