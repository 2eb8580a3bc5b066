//! Ears and mouths: a party that sends its own tone as RTP and records what arrives, and the measurement of both.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lianxian::media::g711::{PCMA_TO_LINEAR, PCMU_TO_LINEAR, encode_pcma};
use lianxian::media::tone::{Goertzel, Tone};

/// The citizen's tone, the agent's and a third party's: no common harmonics, away from ringback (450 Hz) and keys.
pub(super) const CITIZEN_HZ: u32 = 500;
/// See [`CITIZEN_HZ`].
pub(super) const AGENT_HZ: u32 = 900;
/// See [`CITIZEN_HZ`].
pub(super) const THIRD_HZ: u32 = 1_300;

/// Peaks of a party's tone.
const AMPLITUDE: i16 = 8_000;

/// What counts as hearing a tone: half of what was sent, or more.
const HEARD: f64 = 4_000.0;

/// What counts as not hearing it: a hundredth of what was sent, above the rounding of G.711.
const LEAKED: f64 = 80.0;

/// The loudest sample that G.711 makes of silence.
const ROUNDING: u16 = 8;

/// 20 ms of sound, and when it is heard: by the sender's clock, as a jitter buffer plays it, so that what the machine
/// does to single packets is not taken for a gap.
type Piece = (Duration, Vec<i16>);

/// What a party has heard.
pub(super) struct Hearing {
    pieces: Vec<Piece>,
}

impl Hearing {
    /// What a WAV file holds, 8 kHz mono.
    pub(super) fn of_wav(path: &Path) -> Self {
        let mut reader = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!((reader.spec().sample_rate, reader.spec().channels), (8_000, 1), "{}", path.display());
        let samples: Vec<i16> = reader.samples::<i16>().map_while(Result::ok).collect();
        let pieces =
            samples.chunks_exact(160).zip(0..).map(|(piece, at)| (Duration::from_millis(20 * at), piece.to_vec()));
        Self { pieces: pieces.collect() }
    }

    /// For how long a tone was heard.
    pub(super) fn heard(&self, frequency_hz: u32) -> Duration {
        let pieces = self.pieces.iter().filter(|(_, piece)| Goertzel::amplitude(frequency_hz, piece) > HEARD).count();
        Duration::from_millis(20) * u32::try_from(pieces).expect("minutes of sound at most")
    }

    /// The longest silence of a tone between its first and its last piece.
    pub(super) fn longest_gap(&self, frequency_hz: u32) -> Duration {
        let times = self.times(frequency_hz);
        let gaps =
            times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]).saturating_sub(Duration::from_millis(20)));
        gaps.max().unwrap_or(Duration::MAX)
    }

    /// The longest time without any sound between the first and the last piece.
    pub(super) fn longest_silence(&self) -> Duration {
        let loud: Vec<Duration> = self.pieces.iter().filter(|(_, piece)| is_loud(piece)).map(|(at, _)| *at).collect();
        loud.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(Duration::MAX)
    }

    /// The longest time without anything, not even a quiet line, from the first packet to the last.
    pub(super) fn longest_dead_air(&self) -> Duration {
        let alive = |piece: &[i16]| piece.iter().any(|sample| sample.unsigned_abs() > ROUNDING);
        let times: Vec<Duration> = self.pieces.iter().filter(|(_, piece)| alive(piece)).map(|(at, _)| *at).collect();
        times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or(Duration::MAX)
    }

    /// Fails unless both tones were heard, one after the other, with a silence of at most 60 ms between them (the dead-air
    /// budget of a switch).
    pub(super) fn must_switch(&self, from_hz: u32, to_hz: u32) {
        let (before, after) = (self.times(from_hz), self.times(to_hz));
        let (Some(last), Some(first)) = (before.last(), after.first()) else {
            panic!("no switch from {from_hz} Hz to {to_hz} Hz; {}", self.summary());
        };
        let silence = first.saturating_sub(*last).saturating_sub(Duration::from_millis(20));
        assert!(
            *last < *first + Duration::from_millis(200),
            "{from_hz} Hz goes on under {to_hz} Hz: {}",
            self.summary()
        );
        assert!(silence <= Duration::from_millis(60), "{silence:?} between {from_hz} Hz and {to_hz} Hz");
    }

    /// Fails if nothing at all was heard for more than 200 ms anywhere between the first sound and the last.
    pub(super) fn must_never_be_silent(&self) {
        let silence = self.longest_silence().saturating_sub(Duration::from_millis(20));
        assert!(silence <= Duration::from_millis(200), "silence of {silence:?}; {}", self.summary());
    }

    /// Fails unless a tone was heard for `at_least`, without a gap of more than 200 ms (the dead-air budget).
    pub(super) fn must_hear(&self, frequency_hz: u32, at_least: Duration) {
        let (heard, gap) = (self.heard(frequency_hz), self.longest_gap(frequency_hz));
        assert!(heard >= at_least, "heard {frequency_hz} Hz for {heard:?}, wanted {at_least:?}; {}", self.summary());
        assert!(gap <= Duration::from_millis(200), "a gap of {gap:?} in {frequency_hz} Hz; {}", self.summary());
    }

    /// Fails if a tone was heard at all, however faintly.
    pub(super) fn must_not_hear(&self, frequency_hz: u32) {
        // 100 ms tell tones 10 Hz apart; a shorter piece would smear the loud tone over the silent one.
        let samples: Vec<i16> = self.pieces.iter().flat_map(|(_, piece)| piece).copied().collect();
        let faint = |piece: &[i16]| {
            let whole = piece.iter().map(|sample| f64::from(*sample).abs()).fold(0.0, f64::max);
            let amplitude = Goertzel::amplitude(frequency_hz, piece);
            // Where another tone starts or stops, its edge has a bit of every frequency.
            amplitude <= LEAKED.max(whole / 10.0)
        };
        let leaks = samples.chunks_exact(800).filter(|piece| !faint(piece)).count();
        assert!(leaks == 0, "{frequency_hz} Hz leaked into {leaks} tenths of a second; {}", self.summary());
    }

    /// How long each tone of the tests was heard.
    pub(super) fn summary(&self) -> String {
        let tones = [450, CITIZEN_HZ, AGENT_HZ, THIRD_HZ].map(|hz| format!("{hz} Hz {:?}", self.heard(hz)));
        format!("{} pieces of 20 ms: {}", self.pieces.len(), tones.join(", "))
    }

    /// For how long anything at all was heard that is not silence.
    pub(super) fn any_sound(&self) -> Duration {
        let loud = self.pieces.iter().filter(|(_, piece)| is_loud(piece)).count();
        Duration::from_millis(20) * u32::try_from(loud).expect("minutes of sound at most")
    }

    fn times(&self, frequency_hz: u32) -> Vec<Duration> {
        let heard = self.pieces.iter().filter(|(_, piece)| Goertzel::amplitude(frequency_hz, piece) > HEARD);
        heard.map(|(at, _)| *at).collect()
    }
}

/// Whether a piece holds more than line noise.
fn is_loud(piece: &[i16]) -> bool {
    piece.iter().any(|sample| sample.unsigned_abs() > 300)
}

/// A party's mouth and ear: one UDP socket and a thread that sends a packet of tone every 20 ms.
pub(super) struct Voice {
    address: SocketAddr,
    target: Arc<Mutex<Option<SocketAddr>>>,
    ended: Arc<AtomicBool>,
    heard: Arc<Mutex<Vec<Piece>>>,
    thread: Option<JoinHandle<()>>,
}

impl Voice {
    /// A party at `address` with a tone of its own. It is silent until it knows whom it speaks to.
    pub(super) fn new(address: SocketAddr, frequency_hz: u32) -> Self {
        let socket = UdpSocket::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        socket.set_nonblocking(true).expect("a socket can be made non-blocking");
        let target = Arc::new(Mutex::new(None));
        let ended = Arc::new(AtomicBool::new(false));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let thread = std::thread::spawn({
            let (target, ended, heard) = (Arc::clone(&target), Arc::clone(&ended), Arc::clone(&heard));
            move || speak_and_listen(&socket, &target, &ended, &heard, Tone::new(frequency_hz, AMPLITUDE))
        });
        Self { address, target, ended, heard, thread: Some(thread) }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Speaks to `target` from now on.
    pub(super) fn speak_to(&self, target: SocketAddr) {
        *self.target.lock().expect("no holder panics") = Some(target);
    }

    /// Its mouth, for whoever learns later whom to speak to.
    pub(super) fn mouth(&self) -> Mouth {
        Mouth(Arc::clone(&self.target))
    }

    /// What it has heard since it was last asked.
    pub(super) fn so_far(&mut self) -> Hearing {
        Hearing { pieces: std::mem::take(&mut *self.heard.lock().expect("no holder panics")) }
    }

    /// Stops, and gives what it has heard since it was last asked.
    pub(super) fn finish(mut self) -> Hearing {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.take().expect("it is finished once").join().expect("the voice's thread does not panic");
        self.so_far()
    }
}

/// Says where a voice speaks to.
pub(super) struct Mouth(Arc<Mutex<Option<SocketAddr>>>);

impl Mouth {
    /// Speaks to `target` from now on.
    pub(super) fn speak_to(&self, target: SocketAddr) {
        *self.0.lock().expect("no holder panics") = Some(target);
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn speak_and_listen(
    socket: &UdpSocket,
    target: &Mutex<Option<SocketAddr>>,
    ended: &AtomicBool,
    heard: &Mutex<Vec<Piece>>,
    mut tone: Tone,
) {
    let start = Instant::now();
    let mut next = start;
    let (mut sequence, mut timestamp) = (1_u16, 160_u32);
    let mut buffer = [0; 2048];
    let mut playing = None;
    while !ended.load(Ordering::Relaxed) {
        while let Ok((length, _)) = socket.recv_from(&mut buffer) {
            if let Some((stream, timestamp, piece)) = decode(&buffer[..length]) {
                let at = play_at(&mut playing, stream, timestamp, start.elapsed());
                heard.lock().expect("no holder panics").push((at, piece));
            }
        }
        if Instant::now() >= next {
            next += Duration::from_millis(20);
            if let Some(target) = *target.lock().expect("no holder panics") {
                let mut packet = vec![0x80, 8];
                packet.extend(sequence.to_be_bytes());
                packet.extend(timestamp.to_be_bytes());
                packet.extend(0x1234_5678_u32.to_be_bytes());
                packet.extend((0..160).map(|_| encode_pcma(tone.next_sample())));
                // An ICMP error of an ended call is no failure of the test.
                drop(socket.send_to(&packet, target));
                sequence = sequence.wrapping_add(1);
                timestamp = timestamp.wrapping_add(160);
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A stream: its SSRC, its first timestamp, and when that came.
type Playing = Option<(u32, u32, Duration)>;

/// When a packet is played: as far from the first one of its stream as its timestamp says.
fn play_at(playing: &mut Playing, stream: u32, timestamp: u32, now: Duration) -> Duration {
    let (first, began) = match *playing {
        Some((same, first, began)) if same == stream => (first, began),
        Some(_) | None => {
            *playing = Some((stream, timestamp, now));
            (timestamp, now)
        }
    };
    let samples = timestamp.wrapping_sub(first).cast_signed();
    let span = Duration::from_micros(u64::from(samples.unsigned_abs()) * 125);
    if samples < 0 { began.saturating_sub(span) } else { began + span }
}

/// SSRC, timestamp and samples of one G.711 packet with a plain header.
fn decode(packet: &[u8]) -> Option<(u32, u32, Vec<i16>)> {
    let table = match packet.get(1)? & 0x7f {
        0 => &PCMU_TO_LINEAR,
        8 => &PCMA_TO_LINEAR,
        _ => return None,
    };
    let number = |at: usize| Some(u32::from_be_bytes(packet.get(at..at + 4)?.try_into().ok()?));
    let samples = packet.get(12..)?.iter().map(|code| table[usize::from(*code)]).collect();
    Some((number(8)?, number(4)?, samples))
}

#[test]
fn two_voices_hear_each_other_and_not_themselves() {
    let loopback = super::loopback::Loopback::new("voices");
    let one = Voice::new((loopback.host(2), 4_000).into(), CITIZEN_HZ);
    let two = Voice::new((loopback.host(3), 4_000).into(), AGENT_HZ);
    one.speak_to(two.address());
    two.speak_to(one.address());
    std::thread::sleep(Duration::from_millis(700));
    let (one, two) = (one.finish(), two.finish());
    one.must_hear(AGENT_HZ, Duration::from_millis(400));
    one.must_not_hear(CITIZEN_HZ);
    two.must_hear(CITIZEN_HZ, Duration::from_millis(400));
    two.must_not_hear(THIRD_HZ);
}
