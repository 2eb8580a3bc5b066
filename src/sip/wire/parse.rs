//! One message.

#![warn(clippy::indexing_slicing)]

use bytes::Bytes;

use super::head::{Head, Start};
use super::limits::{Broken, Defect, Limits};
use crate::sip::message::{Headers, Message, Method, Request, Response};

/// Reads one datagram, or one message that [`super::Framer`] has cut from a stream. Bytes behind the length that the
/// message says are ignored (RFC 3261 18.3).
///
/// What comes out has a readable Via on top, and exactly one From, To, Call-ID and CSeq, each readable. Everything else
/// may be missing or wrong, and shows when it is asked for.
pub fn parse(bytes: Bytes, limits: &Limits) -> Result<Message, Broken> {
    let silent = |reason| Broken { reason, answer: None, close: true };
    let start =
        bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).ok_or_else(|| silent(Defect::KeepAlive))?;
    let bytes = bytes.slice(start..);
    let end = end_of_head(&bytes, 0).filter(|(end, _)| *end <= limits.head);
    let Some((head_end, body_start)) = end else {
        let whole = bytes.len() <= limits.head;
        let reason = if whole { Defect::Truncated } else { Defect::HeadTooLarge };
        return Err(Head::read(&bytes.slice(..bytes.len().min(limits.head)), limits).refuse(reason, true));
    };
    let head = Head::read(&bytes.slice(..head_end), limits);
    let rest = bytes.slice(body_start..);
    let body = match cut_body(&head, rest, limits) {
        Ok(body) => body,
        Err(reason) => return Err(head.refuse(reason, true)),
    };
    if let Some(reason) = head.defect.or_else(|| missing(&head)) {
        return Err(head.refuse(reason, false));
    }
    let Head { start, headers, .. } = head;
    match start {
        Start::Request { method, uri } => Ok(Message::Request(Request { method, uri, headers, body })),
        Start::Response { code, reason } => Ok(Message::Response(Response { code, reason, headers, body })),
        Start::Unreadable { .. } => Err(silent(Defect::NotSip)),
    }
}

/// Where the head ends and the body begins, looking from `from` on. An empty line ends the head.
pub(super) fn end_of_head(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    for at in memchr::memchr_iter(b'\n', bytes.get(from..)?) {
        let next = from.checked_add(at)?.checked_add(1)?;
        match bytes.get(next..)? {
            [b'\n', ..] => return Some((next, next.checked_add(1)?)),
            [b'\r', b'\n', ..] => return Some((next, next.checked_add(2)?)),
            _ => {}
        }
    }
    None
}

fn cut_body(head: &Head, rest: Bytes, limits: &Limits) -> Result<Bytes, Defect> {
    let available = rest.len();
    let body = match head.length {
        None => rest,
        Some(length) => {
            let length = usize::try_from(length).ok().filter(|length| *length <= available);
            rest.slice(..length.ok_or(Defect::ContentLength)?)
        }
    };
    if body.len() > limits.body { Err(Defect::BodyTooLarge) } else { Ok(body) }
}

/// The five headers without which nothing can be matched or answered (RFC 3261 8.1.1, 8.2.6).
fn missing(head: &Head) -> Option<Defect> {
    let headers: &Headers = &head.headers;
    if headers.top_via().is_err() {
        return Some(Defect::Via);
    }
    if headers.from().is_err() {
        return Some(Defect::From);
    }
    if headers.to().is_err() {
        return Some(Defect::To);
    }
    if headers.call_id().is_err() {
        return Some(Defect::CallId);
    }
    let Ok(cseq) = headers.cseq() else { return Some(Defect::CSeq) };
    match &head.start {
        // RFC 4475 3.1.2.18: an unknown method is answered 501, whatever its CSeq says.
        Start::Request { method: Method::Other(_), .. } | Start::Response { .. } | Start::Unreadable { .. } => None,
        Start::Request { method, .. } => (*method != cseq.method).then_some(Defect::CSeqMethod),
    }
}
