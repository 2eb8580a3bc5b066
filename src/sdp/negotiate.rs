//! Offer and answer (RFC 3264): what we offer, what we answer, and what the two together mean.

#![warn(clippy::indexing_slicing)]

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};
use thiserror::Error;

use super::build;
use super::parse::{self, Description, Media, ParseError};

/// A codec we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// G.711 A-law, static payload type 8.
    Pcma,
    /// G.711 mu-law, static payload type 0.
    Pcmu,
    /// Keys (RFC 4733), always with a dynamic payload type.
    TelephoneEvent,
}

/// A codec and the payload number it has in our description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalPayload {
    /// The codec.
    pub codec: Codec,
    /// The number that packets to us carry.
    pub number: u8,
}

/// Who sends, from the point of view of the one whose description it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Both send.
    SendRecv,
    /// Only we send.
    SendOnly,
    /// Only the peer sends.
    RecvOnly,
    /// Nobody sends.
    Inactive,
}

/// Our side of a leg's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalMedia {
    /// Our address, as the peer is to reach it.
    pub address: IpAddr,
    /// Our RTP port; RTCP is the next one.
    pub port: u16,
    /// The session id of `o=`: the same for the whole dialog.
    pub session_id: u64,
    /// The version of `o=`: one more whenever what we send has changed (I7).
    pub version: u64,
    /// What we speak, the preferred codec first. Our preference also orders our answers, so that both legs of a call
    /// settle on one codec and packets can be relayed.
    pub codecs: SmallVec<[LocalPayload; 4]>,
    /// What we want; the peer may want less.
    pub direction: Direction,
    /// Milliseconds of sound a packet that we like to receive.
    pub ptime_ms: u8,
    /// Where our audio line stands among lines that we refused.
    pub layout: Layout,
}

/// The media lines around our audio line, refused with port 0: `m=` values without the `m=`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Those above it.
    pub before: Vec<String>,
    /// Those below it.
    pub after: Vec<String>,
}

/// What offer and answer agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Our answer, to be sent. `None` when the peer's answer concluded our offer.
    pub sdp: Option<Bytes>,
    /// Where RTP goes. `None` while the peer wants none: 0.0.0.0 or port 0.
    pub send_to: Option<SocketAddr>,
    /// Where RTCP goes. `None` as above, or if the peer has no port for it.
    pub rtcp_to: Option<SocketAddr>,
    /// The address and port the peer shows, whatever they are.
    pub signalled: SocketAddr,
    /// Who sends, seen from us. `SendOnly` means the peer listens and is silent, `RecvOnly` that it has put us on hold.
    pub direction: Direction,
    /// What may be sent and received, our preferred codec first. Empty only if the stream is disabled by port 0.
    pub payloads: SmallVec<[AgreedPayload; 4]>,
    /// Milliseconds of sound a packet that the peer likes to receive.
    pub ptime_ms: u8,
    /// Where our audio line stands: what [`LocalMedia::layout`] must be from now on.
    pub layout: Layout,
}

/// One payload type of both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedPayload {
    /// The number in packets from the peer.
    pub receive_type: u8,
    /// The number in packets to the peer.
    pub send_type: u8,
    /// What they carry.
    pub codec: Codec,
}

/// Why a description cannot be agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The peer sent something that is no session description.
    #[error("{0}")]
    Malformed(#[from] ParseError),
    /// A packet time of 0 or beyond 200 ms, or a number where none is.
    #[error("the SDP has an attribute that makes no sense")]
    BadAttribute,
    /// Not one media line.
    #[error("the SDP has no media line")]
    NoMedia,
    /// Only streams that we do not speak: video, SRTP without key agreement, ..
    #[error("the SDP has no RTP/AVP audio stream")]
    NoAudio,
    /// No codec in common.
    #[error("no codec in common")]
    NoCodec,
    /// No address for the stream, or one of the other family than ours.
    #[error("the SDP has no address that we can reach")]
    NoAddress,
    /// The answer refused the stream, or has fewer lines than our offer.
    #[error("the peer's answer refuses the sound")]
    StreamRefused,
}

/// Our offer: everything that `local` has.
pub fn offer(local: &LocalMedia) -> Bytes {
    build::write(local, local.direction, &local.codecs)
}

/// Answers the peer's offer with what we and it have in common.
pub fn answer(offer: &[u8], local: &LocalMedia) -> Result<Agreed, Refusal> {
    let description = parse::parse(offer)?;
    if description.media.is_empty() {
        return Err(Refusal::NoMedia);
    }
    let Some((index, media)) = first_voice(&description, |media| media.port != 0) else {
        return answer_disabled(&description, local);
    };
    let layout = layout(&description, index);
    let peer = Peer::read(&description, media, local)?;
    // RFC 3264 6.1: the same number means the same codec in both directions, so we take the offerer's numbers.
    let payloads = local
        .codecs
        .iter()
        .filter_map(|ours| peer.number_of(ours.codec).map(|number| agreed(number, number, ours.codec)))
        .collect();
    let mut agreed = peer.agree(local.direction, payloads)?;
    let listed: SmallVec<[LocalPayload; 4]> =
        agreed.payloads.iter().map(|p| LocalPayload { codec: p.codec, number: p.receive_type }).collect();
    agreed.sdp = Some(build::write(&LocalMedia { layout: layout.clone(), ..local.clone() }, agreed.direction, &listed));
    agreed.layout = layout;
    Ok(agreed)
}

/// Concludes the offer we made from `local` with the peer's answer.
pub fn conclude(local: &LocalMedia, answer: &[u8]) -> Result<Agreed, Refusal> {
    let description = parse::parse(answer)?;
    let media = description.media.get(local.layout.before.len()).ok_or(Refusal::StreamRefused)?;
    if media.port == 0 {
        return Err(Refusal::StreamRefused);
    }
    let peer = Peer::read(&description, media, local)?;
    // An answerer may use other dynamic numbers than the offer's: each side sends with the receiver's number.
    let payloads = local
        .codecs
        .iter()
        .filter_map(|ours| peer.number_of(ours.codec).map(|theirs| agreed(ours.number, theirs, ours.codec)))
        .collect();
    let mut agreed = peer.agree(local.direction, payloads)?;
    agreed.layout = local.layout.clone();
    Ok(agreed)
}

fn agreed(receive_type: u8, send_type: u8, codec: Codec) -> AgreedPayload {
    AgreedPayload { receive_type, send_type, codec }
}

/// An offer that disables its sound with port 0: an old form of hold, answered in kind (RFC 3264 6).
fn answer_disabled(description: &Description, local: &LocalMedia) -> Result<Agreed, Refusal> {
    let (index, media) = first_voice(description, |_| true).ok_or(Refusal::NoAudio)?;
    let address = description.address_of(media).ok_or(Refusal::NoAddress)?;
    let refused: Vec<String> = description.media.iter().map(refused).collect();
    Ok(Agreed {
        sdp: Some(build::write_disabled(local, &refused)),
        send_to: None,
        rtcp_to: None,
        signalled: SocketAddr::new(address, 0),
        direction: Direction::Inactive,
        payloads: SmallVec::new(),
        ptime_ms: local.ptime_ms,
        // RFC 3264 8.1: the stream comes to life again on the same line.
        layout: layout(description, index),
    })
}

/// The first voice stream that `suits`, and its place.
fn first_voice(description: &Description, suits: impl Fn(&Media) -> bool) -> Option<(usize, &Media)> {
    let voice = |media: &Media| media.kind == "audio"[..] && media.protocol == "RTP/AVP"[..];
    description.media.iter().enumerate().find(|(_, media)| voice(media) && suits(media))
}

/// The lines of an offer around the one at `taken`, refused.
fn layout(description: &Description, taken: usize) -> Layout {
    Layout {
        before: description.media.iter().take(taken).map(refused).collect(),
        after: description.media.iter().skip(taken + 1).map(refused).collect(),
    }
}

fn refused(media: &Media) -> String {
    String::from_utf8_lossy(&media.value_with_port(0)).into_owned()
}

/// What the peer's description says of its voice stream.
struct Peer {
    signalled: SocketAddr,
    rtcp: Option<SocketAddr>,
    direction: Direction,
    /// The codec of each payload number that the stream lists.
    codecs: [Mapping; 128],
    ptime_ms: u8,
}

/// What a payload number stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mapping {
    /// The stream does not list it.
    Unlisted,
    /// Listed, and not told by a=rtpmap: the static meaning (RFC 3551 6) holds.
    Listed,
    /// One of ours.
    Codec(Codec),
    /// Something that we do not speak.
    Foreign,
}

// === impl Peer ===

impl Peer {
    fn read(description: &Description, media: &Media, local: &LocalMedia) -> Result<Self, Refusal> {
        let address = description.address_of(media).ok_or(Refusal::NoAddress)?;
        if !address.is_unspecified() && address.is_ipv4() != local.address.is_ipv4() {
            return Err(Refusal::NoAddress);
        }
        Ok(Self {
            signalled: SocketAddr::new(address, media.port),
            rtcp: rtcp(media, address)?,
            direction: direction(description, media),
            codecs: codecs(media)?,
            ptime_ms: packet_time(media)?.unwrap_or(local.ptime_ms),
        })
    }

    /// The number that the peer gave to a codec: the first one if it gave several.
    fn number_of(&self, codec: Codec) -> Option<u8> {
        let index = self.codecs.iter().position(|mapping| *mapping == Mapping::Codec(codec))?;
        u8::try_from(index).ok()
    }

    fn agree(&self, wanted: Direction, payloads: SmallVec<[AgreedPayload; 4]>) -> Result<Agreed, Refusal> {
        if payloads.iter().all(|payload| payload.codec == Codec::TelephoneEvent) {
            return Err(Refusal::NoCodec);
        }
        // RFC 3264 8.4: the address 0.0.0.0 is the older hold: nothing may be sent, whatever the attribute says.
        let held = self.signalled.ip().is_unspecified();
        let reachable = |to: SocketAddr| (!to.ip().is_unspecified() && to.port() != 0).then_some(to);
        Ok(Agreed {
            sdp: None,
            send_to: reachable(self.signalled),
            rtcp_to: self.rtcp.and_then(reachable),
            signalled: self.signalled,
            direction: Direction::new(
                wanted.sends() && self.direction.receives() && !held,
                wanted.receives() && self.direction.sends(),
            ),
            payloads,
            ptime_ms: self.ptime_ms,
            layout: Layout::default(),
        })
    }
}

/// RFC 3605: `a=rtcp:PORT [IN IP4 ADDRESS]`; otherwise the port after RTP, which 65535 does not have.
fn rtcp(media: &Media, address: IpAddr) -> Result<Option<SocketAddr>, Refusal> {
    let Some(value) = media.attributes(b"rtcp").next() else {
        return Ok(media.port.checked_add(1).map(|port| SocketAddr::new(address, port)));
    };
    let mut words = parse::words(value);
    let port = words.next().and_then(parse::number::<u16>).ok_or(Refusal::BadAttribute)?;
    let address = match (words.next(), words.next(), words.next()) {
        (None, _, _) => address,
        (Some(b"IN"), Some(family), Some(host)) => parse::address(family, host)?,
        (Some(_), _, _) => return Err(Refusal::BadAttribute),
    };
    Ok(Some(SocketAddr::new(address, port)))
}

/// The direction of the stream: its own attribute, else the session's, else both ways (RFC 8866 6.7).
fn direction(description: &Description, media: &Media) -> Direction {
    let stated = |lines: &[parse::Line]| {
        lines.iter().filter(|line| line.letter == b'a').find_map(|line| Direction::from_attribute(&line.value))
    };
    stated(&media.lines).or_else(|| stated(&description.session)).unwrap_or(Direction::SendRecv)
}

fn codecs(media: &Media) -> Result<[Mapping; 128], Refusal> {
    let mut codecs = [Mapping::Unlisted; 128];
    for number in media.payload_numbers() {
        if let Some(entry) = codecs.get_mut(usize::from(number)) {
            *entry = Mapping::Listed;
        }
    }
    for value in media.attributes(b"rtpmap") {
        let mut words = parse::words(value);
        let number = words.next().and_then(parse::number::<u8>).ok_or(Refusal::BadAttribute)?;
        let entry = codecs.get_mut(usize::from(number)).ok_or(Refusal::BadAttribute)?;
        match entry {
            // A mapping for a number that the stream does not list means nothing; a second one does not count.
            Mapping::Unlisted | Mapping::Codec(_) | Mapping::Foreign => {}
            Mapping::Listed => {
                *entry = words.next().and_then(Codec::from_encoding).map_or(Mapping::Foreign, Mapping::Codec);
            }
        }
    }
    for (number, codec) in [(0, Codec::Pcmu), (8, Codec::Pcma)] {
        if let Some(entry @ Mapping::Listed) = codecs.get_mut(number) {
            *entry = Mapping::Codec(codec);
        }
    }
    Ok(codecs)
}

/// The packet time that the peer likes, if it is one that a G.711 relay can keep: tens of milliseconds up to 60.
fn packet_time(media: &Media) -> Result<Option<u8>, Refusal> {
    let Some(value) = media.attributes(b"ptime").next() else {
        return Ok(None);
    };
    // RFC 8866 6.4 allows a fraction, which no telephone uses.
    let whole = value.split(|byte| *byte == b'.').next().unwrap_or_default();
    match parse::number::<u8>(whole.trim_ascii()) {
        Some(ms @ (10 | 20 | 30 | 40 | 50 | 60)) => Ok(Some(ms)),
        Some(1..=200) => Ok(None),
        Some(_) | None => Err(Refusal::BadAttribute),
    }
}

// === impl Codec ===

impl Codec {
    /// The encoding name of `a=rtpmap`; the clock is 8 kHz for each.
    pub const fn encoding(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
            Self::TelephoneEvent => "telephone-event",
        }
    }

    /// `PCMA/8000`, `telephone-event/8000/1`: one channel at 8 kHz; names ignore case (RFC 4855 3).
    fn from_encoding(text: &[u8]) -> Option<Self> {
        let mut parts = text.split(|byte| *byte == b'/');
        let name = parts.next()?;
        let (b"8000", None | Some(b"1")) = (parts.next()?, parts.next()) else {
            return None;
        };
        [Self::Pcma, Self::Pcmu, Self::TelephoneEvent]
            .into_iter()
            .find(|codec| codec.encoding().as_bytes().eq_ignore_ascii_case(name))
    }
}

// === impl Direction ===

impl Direction {
    const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the owner of the description sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the owner of the description receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The attribute's name.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    fn from_attribute(value: &[u8]) -> Option<Self> {
        // Some gateways write a space after it; a hold must not be missed for that.
        let value = value.trim_ascii_end();
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive]
            .into_iter()
            .find(|direction| direction.attribute().as_bytes() == value)
    }
}

// === impl Refusal ===

impl Refusal {
    /// The status code that says it: 400 for what is broken, 488 for what is merely not ours.
    pub const fn code(self) -> u16 {
        match self {
            // V45: the syntax is legal, the address is not acceptable.
            Self::Malformed(ParseError::NamedHost) => 488,
            Self::Malformed(_) | Self::BadAttribute => 400,
            Self::NoMedia | Self::NoAudio | Self::NoCodec | Self::NoAddress | Self::StreamRefused => 488,
        }
    }
}

// === impl LocalMedia ===

impl LocalMedia {
    /// Both G.711 laws, A-law first, and keys as payload 101; sound both ways in packets of 20 ms.
    pub fn new(address: IpAddr, port: u16, session_id: u64) -> Self {
        Self {
            address,
            port,
            session_id,
            version: 1,
            codecs: smallvec![
                LocalPayload { codec: Codec::Pcma, number: 8 },
                LocalPayload { codec: Codec::Pcmu, number: 0 },
                LocalPayload { codec: Codec::TelephoneEvent, number: 101 },
            ],
            direction: Direction::SendRecv,
            ptime_ms: 20,
            layout: Layout::default(),
        }
    }
}
