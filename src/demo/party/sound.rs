//! A voice that is one tone, and ears that know everybody's.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::super::line::{Heard, Span};
use crate::media::g711::{PCMA_TO_LINEAR, encode_pcma};
use crate::media::rtp::Header;
use crate::media::tone::{Goertzel, Tone};

/// Samples in a packet of 20 ms.
const PACKET: usize = 160;
/// Samples in a step of the ear: 10 ms, in which tones 100 Hz apart are told apart.
const STEP: usize = 80;
/// Milliseconds of a step.
const STEP_MS: u32 = 10;
/// How loud a voice is, and from where on it counts as heard.
const LOUD: i16 = 8_000;
const HEARD: f64 = 2_000.0;
/// Steps in a row that make a sound: less is the edge of a switch.
const STEPS: u32 = 3;
/// The longest recording: a minute.
const LONGEST: usize = 60 * 8_000;
/// PCMA (RFC 3551).
const PAYLOAD_TYPE: u8 = 8;

/// A voice and ears on one socket.
#[derive(Debug)]
pub(super) struct Sound {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    rtp: SocketAddr,
    tone_hz: u32,
}

#[derive(Debug, Default)]
struct Shared {
    quiet: AtomicBool,
    destination: Mutex<Option<SocketAddr>>,
    recording: Mutex<Recording>,
}

/// Sound by the sender's time, silence where nothing came.
#[derive(Debug, Default)]
struct Recording {
    start: Option<u32>,
    samples: Vec<i16>,
    packets: u32,
}

impl Sound {
    /// Ears and voice that are still quiet.
    pub(super) fn new(rtp: SocketAddr, tone_hz: u32) -> Self {
        Self { shared: Arc::default(), thread: None, rtp, tone_hz }
    }

    /// Speaks to `destination` from now on, and listens.
    pub(super) fn speak_to(&mut self, destination: SocketAddr) -> io::Result<()> {
        *self.shared.destination.lock().unwrap_or_else(PoisonError::into_inner) = Some(destination);
        if self.thread.is_none() {
            let socket = UdpSocket::bind(self.rtp)?;
            socket.set_nonblocking(true)?;
            let (shared, tone_hz) = (Arc::clone(&self.shared), self.tone_hz);
            let talk = move || talk(&socket, &shared, tone_hz);
            self.thread = Some(std::thread::Builder::new().name("sound".to_owned()).spawn(talk)?);
        }
        Ok(())
    }

    /// Falls silent.
    pub(super) fn hush(&mut self) {
        self.shared.quiet.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A sound thread that panicked leaves a recording that ends there: the story does not come true.
            thread.join().ok();
        }
    }

    /// What was heard so far.
    pub(super) fn heard(&self, tones_hz: &[u32]) -> Heard {
        let recording = self.shared.recording.lock().unwrap_or_else(PoisonError::into_inner);
        let timeline = timeline(&recording.samples, tones_hz);
        let mut heard = Heard { packets: recording.packets, timeline, ..Heard::default() };
        for tone in tones_hz {
            let (sound_ms, gap_ms) = measure(&recording.samples, *tone);
            heard.tones_ms.insert(*tone, sound_ms);
            heard.longest_gap_ms.insert(*tone, gap_ms);
        }
        heard
    }
}

/// Sends a packet each 20 ms and takes in what comes, until hushed.
fn talk(socket: &UdpSocket, shared: &Shared, tone_hz: u32) {
    let mut tone = Tone::new(tone_hz, LOUD);
    let mut header =
        Header { marker: true, payload_type: PAYLOAD_TYPE, sequence: 1, timestamp: 0, ssrc: 0x1000 + tone_hz };
    let mut buffer = [0; 2_048];
    let mut next = Instant::now();
    while !shared.quiet.load(Ordering::Relaxed) {
        let mut packet = header.to_bytes().to_vec();
        packet.extend((0..PACKET).map(|_| encode_pcma(tone.next_sample())));
        if let Some(destination) = *shared.destination.lock().unwrap_or_else(PoisonError::into_inner) {
            // A refused packet shows at the other end as silence.
            socket.send_to(&packet, destination).ok();
        }
        header.marker = false;
        header.sequence = header.sequence.wrapping_add(1);
        header.timestamp = header.timestamp.wrapping_add(160);
        next += Duration::from_millis(20);
        while Instant::now() < next {
            while let Ok((length, _)) = socket.recv_from(&mut buffer) {
                listen(shared, buffer.get(..length).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn listen(shared: &Shared, packet: &[u8]) {
    let Ok((header, payload)) = Header::parse(packet) else { return };
    if header.payload_type != PAYLOAD_TYPE {
        return;
    }
    let mut recording = shared.recording.lock().unwrap_or_else(PoisonError::into_inner);
    recording.packets = recording.packets.saturating_add(1);
    let start = *recording.start.get_or_insert(header.timestamp);
    let at = usize::try_from(header.timestamp.wrapping_sub(start)).unwrap_or(usize::MAX);
    let codes = packet.get(payload).unwrap_or_default();
    // A packet from before the first one, or from a clock that has jumped, has no place in the recording.
    let end = at.saturating_add(codes.len());
    if end > LONGEST {
        return;
    }
    if recording.samples.len() < end {
        recording.samples.resize(end, 0);
    }
    for (sample, code) in recording.samples.iter_mut().skip(at).zip(codes) {
        *sample = PCMA_TO_LINEAR.get(usize::from(*code)).copied().unwrap_or(0);
    }
}

/// How long a tone is heard, and the longest pause in it, in milliseconds.
fn measure(samples: &[i16], tone_hz: u32) -> (u32, u32) {
    let loud = samples.chunks_exact(STEP).map(|step| Goertzel::amplitude(tone_hz, step) > HEARD);
    let mut runs: Vec<(bool, u32)> = Vec::new();
    for loud in loud {
        match runs.last_mut() {
            Some((same, length)) if *same == loud => *length += 1,
            Some(_) | None => runs.push((loud, 1)),
        }
    }
    let mut by_word: BTreeMap<bool, Vec<u32>> = BTreeMap::new();
    let first = runs.iter().position(|(loud, length)| *loud && *length >= STEPS);
    let last = runs.iter().rposition(|(loud, length)| *loud && *length >= STEPS);
    if let (Some(first), Some(last)) = (first, last) {
        for (loud, length) in runs.get(first..=last).unwrap_or_default() {
            by_word.entry(*loud).or_default().push(*length);
        }
    }
    let sound: u32 = by_word.get(&true).map_or(0, |lengths| lengths.iter().sum());
    let gap = by_word.get(&false).and_then(|lengths| lengths.iter().max().copied()).unwrap_or(0);
    (sound * STEP_MS, gap * STEP_MS)
}

/// Which tone is heard when, from the first sound to the last.
fn timeline(samples: &[i16], tones_hz: &[u32]) -> Vec<Span> {
    let loudest = |step: &[i16]| {
        let heard = tones_hz.iter().map(|tone| (*tone, Goertzel::amplitude(*tone, step)));
        let loud = heard.filter(|(_, amplitude)| *amplitude > HEARD);
        loud.max_by(|one, other| one.1.total_cmp(&other.1)).map(|(tone, _)| tone)
    };
    let steps = samples.chunks_exact(STEP).map(|step| Span { tone_hz: loudest(step), ms: STEP_MS });
    let runs = merged(steps);
    let sounds = |span: &Span| span.tone_hz.is_some();
    let cleaned = merged(
        runs.into_iter().map(|span| Span { tone_hz: span.tone_hz.filter(|_| span.ms >= STEPS * STEP_MS), ms: span.ms }),
    );
    let (first, last) = (cleaned.iter().position(sounds), cleaned.iter().rposition(sounds));
    let inside = first.zip(last).and_then(|(first, last)| cleaned.get(first..=last));
    inside.map(<[Span]>::to_vec).unwrap_or_default()
}

/// Neighbours of the same tone are one stretch.
fn merged(spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if last.tone_hz == span.tone_hz => last.ms += span.ms,
            Some(_) | None => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_and_its_longest_pause_are_measured_and_other_tones_are_not_heard() {
        let mut samples = Vec::new();
        let mut tone = Tone::new(900, LOUD);
        samples.extend((0..8_000).map(|_| tone.next_sample()));
        samples.extend([0; 1_600]);
        samples.extend((0..4_000).map(|_| tone.next_sample()));
        assert_eq!(measure(&samples, 900), (1_500, 200));
        assert_eq!(measure(&samples, 1_300), (0, 0));
    }

    #[test]
    fn the_timeline_tells_who_was_heard_when_and_for_how_long_nobody() {
        let mut samples = vec![0; 800];
        for (tone_hz, steps) in [(500, 40), (900, 50)] {
            let mut tone = Tone::new(tone_hz, LOUD);
            samples.extend((0..steps * STEP).map(|_| tone.next_sample()));
            samples.extend([0; 2 * STEP]);
        }
        // The edge of a switch is nobody's voice.
        let mut edge = Tone::new(1_300, LOUD);
        samples.extend((0..2 * STEP).map(|_| edge.next_sample()));
        let spans = [(Some(500), 400), (None, 20), (Some(900), 500)].map(|(tone_hz, ms)| Span { tone_hz, ms });
        assert_eq!(timeline(&samples, &[500, 900, 1_300]), spans);
    }
}
