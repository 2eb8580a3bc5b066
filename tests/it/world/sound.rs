//! Sound that says who made it: RTP packets whose sign bits carry the name of the stream.
//!
//! The sign bit of a G.711 sample is the same in both laws, so the name survives a change of law, a new SSRC, new
//! sequence numbers and new timestamps; only the sound itself has to arrive. Each sign comes again inverted: where two
//! voices are mixed both signs are the same, and the mixture is nobody's voice.

use lianxian::media::g711::encode_pcma;

/// Which stream a packet's sound comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sound {
    /// A simulated party's stream, numbered by the world.
    Stream(u32),
    /// Something we cannot have made: ringback, music, an announcement.
    Machine,
}

const MAGIC: u64 = 0xA5C3;

/// 20 ms of sound of one stream.
pub fn voice(stream: u32, number: u32) -> Vec<u8> {
    let bits = (MAGIC << 48) | (u64::from(stream & 0xFF_FFFF) << 24) | u64::from(number & 0xFF_FFFF);
    let sign = |i: u32| match i {
        0..64 => (bits >> (63 - i)) & 1 == 1,
        64..128 => (bits >> (127 - i)) & 1 == 0,
        _ => false,
    };
    (0..160).map(|i| if sign(i) { 0x95 } else { 0x15 }).collect()
}

/// Whose sound it is.
pub fn listen(payload: &[u8]) -> Sound {
    if payload.len() < 128 {
        return Sound::Machine;
    }
    let signs = |samples: &[u8]| samples.iter().fold(0_u64, |bits, byte| (bits << 1) | u64::from(byte >> 7));
    let (bits, inverted) = (signs(&payload[..64]), signs(&payload[64..128]));
    if bits >> 48 == MAGIC && bits == !inverted {
        Sound::Stream(((bits >> 24) & 0xFF_FFFF) as u32)
    } else {
        Sound::Machine
    }
}

/// An RTP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rtp {
    /// The marker bit.
    pub marker: bool,
    /// Payload type.
    pub kind: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Payload.
    pub payload: Vec<u8>,
}

impl Rtp {
    /// Writes the packet.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0x80, (u8::from(self.marker) << 7) | self.kind];
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// Reads a packet without contributors and extensions.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < 12 || bytes[0] >> 6 != 2 || (192..=223).contains(&bytes[1]) {
            return None;
        }
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Some(Self {
            marker: bytes[1] >> 7 == 1,
            kind: bytes[1] & 0x7F,
            sequence: u16::from_be_bytes([bytes[2], bytes[3]]),
            timestamp: word(4),
            ssrc: word(8),
            payload: bytes[12..].to_vec(),
        })
    }
}

/// The telephone-event of a key (RFC 4733 2.3).
pub fn key_event(digit: char, end: bool, duration: u16) -> Vec<u8> {
    let code = match digit {
        '*' => 10,
        '#' => 11,
        'A'..='D' => digit as u8 - b'A' + 12,
        _ => digit as u8 - b'0',
    };
    vec![code, (u8::from(end) << 7) | 10, (duration >> 8) as u8, duration as u8]
}

/// 20 ms of the two tones of a key in A-law (ITU-T Q.23), the so many-th.
pub fn key_tones(digit: char, packet: u32) -> Vec<u8> {
    let place = "123A456B789C*0#D".find(digit).expect("a key");
    let (low, high) = ([697.0, 770.0, 852.0, 941.0][place / 4], [1209.0, 1336.0, 1477.0, 1633.0][place % 4]);
    let sample = |at: u32| {
        let turn = std::f64::consts::TAU * f64::from(at) / 8_000.0;
        encode_pcma((6_000.0 * ((turn * low).sin() + (turn * high).sin())) as i16)
    };
    (packet * 160..(packet + 1) * 160).map(sample).collect()
}

/// The key of a telephone-event, and whether this packet ends it.
pub fn key_of(payload: &[u8]) -> Option<(char, bool)> {
    let digit = "0123456789*#ABCD".chars().nth(usize::from(*payload.first()?))?;
    Some((digit, payload.get(1)? >> 7 == 1))
}
