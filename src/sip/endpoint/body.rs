//! Finding the session description in a body, alone or as a part of a multipart one (RFC 5621).

#![warn(clippy::indexing_slicing)]

use bytes::Bytes;

use crate::sip::message::{Headers, Name};

/// What Accept says.
pub const ACCEPTED: &str = "application/sdp, multipart/mixed";

/// Parts of a multipart body that are looked at. Beyond it, the body has no session description (V26).
const MAX_PARTS: usize = 16;

/// What kind of body a message has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// None.
    Empty,
    /// A session description.
    Session(Bytes),
    /// Something that we do not understand: 415.
    Unknown,
}

/// The session description of a message, if it has one.
pub fn session_description(headers: &Headers, body: &Bytes) -> Option<Bytes> {
    match kind(headers, body) {
        Kind::Session(sdp) => Some(sdp),
        Kind::Empty | Kind::Unknown => None,
    }
}

/// What kind of body a message has.
pub fn kind(headers: &Headers, body: &Bytes) -> Kind {
    if body.is_empty() {
        return Kind::Empty;
    }
    if headers.get(&Name::ContentEncoding).is_some_and(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
        return Kind::Unknown;
    }
    let Some(media) = headers.content_type() else { return Kind::Unknown };
    if media.is("application/sdp") {
        return Kind::Session(body.clone());
    }
    if !media.essence.starts_with(b"multipart/") {
        return Kind::Unknown;
    }
    let Some(boundary) = media.params.unquoted("boundary") else { return Kind::Unknown };
    // RFC 2046 5.1.1: 1 to 70 characters.
    if boundary.is_empty() || boundary.len() > 70 {
        return Kind::Unknown;
    }
    part(body, &boundary).map_or(Kind::Unknown, Kind::Session)
}

/// The first part that is a session description.
fn part(body: &Bytes, boundary: &[u8]) -> Option<Bytes> {
    let delimiter = [b"--", boundary].concat();
    let mut starts =
        memchr::memmem::find_iter(body, &delimiter).filter(|at| *at == 0 || body.get(at - 1) == Some(&b'\n'));
    let mut from = starts.next()?.checked_add(delimiter.len())?;
    for _ in 0..MAX_PARTS {
        let next = starts.next()?;
        let raw = body.get(from..next)?;
        if let Some(sdp) = sdp_of_part(raw) {
            return Some(body.slice_ref(sdp));
        }
        from = next.checked_add(delimiter.len())?;
    }
    None
}

/// The content of a part whose Content-Type is SDP: between the empty line and the line end before the delimiter.
fn sdp_of_part(raw: &[u8]) -> Option<&[u8]> {
    let end = memchr::memmem::find(raw, b"\r\n\r\n")?;
    let (head, rest) = raw.split_at_checked(end)?;
    let content = rest.get(4..)?;
    let is_sdp = head.split(|byte| *byte == b'\n').any(|line| {
        let Some(colon) = memchr::memchr(b':', line) else { return false };
        let (name, value) = line.split_at_checked(colon).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default();
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
        (name.trim_ascii().eq_ignore_ascii_case(b"content-type") || name.trim_ascii().eq_ignore_ascii_case(b"c"))
            && essence.trim_ascii().eq_ignore_ascii_case(b"application/sdp")
    });
    is_sdp.then(|| content.strip_suffix(b"\r\n").unwrap_or(content))
}
