//! Bytes to lines: a lossless view of a session description (RFC 8866 5), with limits.
//!
//! Lenient where devices are known to be wrong and nothing depends on it (a missing `s=` or `t=`, bare line feeds,
//! lines out of order); strict about every number and address that we act on.

#![warn(clippy::indexing_slicing)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use thiserror::Error;

/// The longest description that is read, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;
/// The most media sections (V24).
pub const MAX_MEDIA: usize = 16;
/// The most lines.
pub const MAX_LINES: usize = 1024;
/// The most formats in one media line: each payload number once.
pub const MAX_FORMATS: usize = 128;

/// The longest media line, in bytes: refused ones are kept for the whole dialog.
pub const MAX_MEDIA_LINE: usize = 1024;

/// What is wrong with a description: always the peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// Longer than [`MAX_LENGTH`].
    #[error("the SDP is too long")]
    TooLong,
    /// More than [`MAX_LINES`] lines.
    #[error("the SDP has too many lines")]
    TooManyLines,
    /// More than [`MAX_MEDIA`] media sections.
    #[error("the SDP has too many media lines")]
    TooManyMedia,
    /// It does not begin with `v=0`.
    #[error("the SDP does not begin with v=0")]
    BadVersion,
    /// A line that is not a letter, `=` and a value.
    #[error("the SDP has a line that is no SDP line")]
    BadLine,
    /// A `c=` line that is no connection.
    #[error("the SDP has a malformed connection line")]
    BadConnection,
    /// A `c=` line with a name instead of an address. Names are refused, never resolved (V45).
    #[error("the SDP names a host instead of an address")]
    NamedHost,
    /// An `m=` line that is no media description, or longer than [`MAX_MEDIA_LINE`], or with more than
    /// [`MAX_FORMATS`] formats.
    #[error("the SDP has a malformed media line")]
    BadMedia,
    /// A port that is no number up to 65535.
    #[error("the SDP has a port that is no port")]
    BadPort,
}

/// One line: its type letter and its value, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The letter before the `=`.
    pub letter: u8,
    /// What follows the `=`, without the line end.
    pub value: Bytes,
}

/// A session description. Every line is kept, unknown ones too, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The lines before the first `m=`.
    pub session: Vec<Line>,
    /// The connection of the session part.
    pub connection: Option<IpAddr>,
    /// The media sections.
    pub media: Vec<Media>,
}

/// One media section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, `application` ..
    pub kind: Bytes,
    /// The port; 0 disables the stream (RFC 3264 5.1).
    pub port: u16,
    /// `RTP/AVP`, `RTP/SAVP` ..
    pub protocol: Bytes,
    /// The formats, as written.
    pub formats: Bytes,
    /// The connection of this section.
    pub connection: Option<IpAddr>,
    /// The lines after the `m=`.
    pub lines: Vec<Line>,
}

/// Reads a description.
pub fn parse(text: &[u8]) -> Result<Description, ParseError> {
    if text.len() > MAX_LENGTH {
        return Err(ParseError::TooLong);
    }
    let text = Bytes::copy_from_slice(text);
    let mut lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let Some(first @ b"v=0") = lines.next() else {
        return Err(ParseError::BadVersion);
    };
    let mut description = Description { session: vec![line(&text, first)?], connection: None, media: Vec::new() };
    let mut count = 1;
    for raw in lines.filter(|raw| !raw.is_empty()) {
        count += 1;
        if count > MAX_LINES {
            return Err(ParseError::TooManyLines);
        }
        description.add(line(&text, raw)?)?;
    }
    Ok(description)
}

/// Splits `raw`, a part of `text`, at the equals sign.
fn line(text: &Bytes, raw: &[u8]) -> Result<Line, ParseError> {
    match raw {
        [letter @ b'a'..=b'z', b'=', value @ ..] => Ok(Line { letter: *letter, value: text.slice_ref(value) }),
        _ => Err(ParseError::BadLine),
    }
}

// === impl Description ===

impl Description {
    fn add(&mut self, line: Line) -> Result<(), ParseError> {
        if line.letter == b'm' {
            if self.media.len() == MAX_MEDIA {
                return Err(ParseError::TooManyMedia);
            }
            self.media.push(media(&line.value)?);
            return Ok(());
        }
        let (lines, found) = match self.media.last_mut() {
            Some(section) => (&mut section.lines, &mut section.connection),
            None => (&mut self.session, &mut self.connection),
        };
        // Several c= lines are a multicast hierarchy (RFC 8866 5.7), which no telephone speaks: the first one counts.
        if line.letter == b'c' {
            let address = connection(&line.value)?;
            found.get_or_insert(address);
        }
        lines.push(line);
        Ok(())
    }

    /// The address of a section: its own, else the session's.
    pub fn address_of(&self, media: &Media) -> Option<IpAddr> {
        media.connection.or(self.connection)
    }

    /// The description again, every line in its place, with CRLF line ends.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::new();
        let mut put = |line: &Line| {
            out.extend_from_slice(&[line.letter, b'=']);
            out.extend_from_slice(&line.value);
            out.extend_from_slice(b"\r\n");
        };
        self.session.iter().for_each(&mut put);
        for media in &self.media {
            put(&Line { letter: b'm', value: media.value() });
            media.lines.iter().for_each(&mut put);
        }
        out.into()
    }
}

// === impl Media ===

impl Media {
    /// The values of an attribute: `a=NAME:VALUE`, or the empty value of `a=NAME`.
    pub fn attributes<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        attributes(&self.lines, name)
    }

    /// The numbers in the format list; what is no payload number is left out.
    pub fn payload_numbers(&self) -> impl Iterator<Item = u8> + '_ {
        words(&self.formats).filter_map(number::<u8>).filter(|number| *number < 128)
    }

    /// The value of this section's `m=` line.
    fn value(&self) -> Bytes {
        self.value_with_port(self.port)
    }

    /// The value of this section's `m=` line with another port; 0 refuses the stream in an answer (RFC 3264 6).
    pub fn value_with_port(&self, port: u16) -> Bytes {
        let port = port.to_string();
        [&self.kind, port.as_bytes(), &self.protocol, &self.formats].join(&b' ').into()
    }
}

/// The values of an attribute among `lines`.
pub fn attributes<'a>(lines: &'a [Line], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    lines.iter().filter(|line| line.letter == b'a').filter_map(move |line| {
        let rest = line.value.strip_prefix(name)?;
        match rest.strip_prefix(b":") {
            Some(value) => Some(value),
            None => rest.is_empty().then_some(rest),
        }
    })
}

/// `audio 4000 RTP/AVP 8 0`; a port may be followed by `/COUNT`, which only multicast uses and is dropped.
fn media(value: &Bytes) -> Result<Media, ParseError> {
    // The line may come back in our answer: nothing but printable ASCII gets there.
    if value.len() > MAX_MEDIA_LINE || !value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(ParseError::BadMedia);
    }
    let mut words = words(value);
    let (Some(kind), Some(port), Some(protocol)) = (words.next(), words.next(), words.next()) else {
        return Err(ParseError::BadMedia);
    };
    let port = port.split(|byte| *byte == b'/').next().and_then(number::<u16>).ok_or(ParseError::BadPort)?;
    let formats: Vec<&[u8]> = words.collect();
    if formats.is_empty() || formats.len() > MAX_FORMATS {
        return Err(ParseError::BadMedia);
    }
    Ok(Media {
        kind: value.slice_ref(kind),
        port,
        protocol: value.slice_ref(protocol),
        formats: formats.join(&b' ').into(),
        connection: None,
        lines: Vec::new(),
    })
}

/// `IN IP4 192.0.2.1`, perhaps with a multicast `/TTL`.
fn connection(value: &[u8]) -> Result<IpAddr, ParseError> {
    let mut words = words(value);
    let (Some(b"IN"), Some(family), Some(host), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err(ParseError::BadConnection);
    };
    address(family, host)
}

/// The address that follows `IP4` or `IP6`. The family word need not agree: some devices write IP4 always.
pub fn address(family: &[u8], host: &[u8]) -> Result<IpAddr, ParseError> {
    if family != b"IP4" && family != b"IP6" {
        return Err(ParseError::BadConnection);
    }
    let host = host.split(|byte| *byte == b'/').next().unwrap_or_default();
    let host = std::str::from_utf8(host).map_err(|_| ParseError::BadConnection)?;
    if let Ok(v4) = host.parse::<Ipv4Addr>() {
        return Ok(IpAddr::V4(v4));
    }
    host.parse::<Ipv6Addr>().map(|v6| IpAddr::V6(v6).to_canonical()).map_err(|_| ParseError::NamedHost)
}

/// The words of a value, separated by any number of spaces.
pub fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b' ').filter(|word| !word.is_empty())
}

/// A decimal number without sign, within the range of its type.
pub fn number<N: std::str::FromStr>(digits: &[u8]) -> Option<N> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
