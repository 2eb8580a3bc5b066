//! One message.

#![warn(clippy::indexing_slicing)]

use bytes::Bytes;

use super::head::{Head, Start};
use super::limits::{Broken, Defect, Limits};
use crate::sip::message::{CSeq, Message, Method, Name, NameAddr, Request, Response, Via, is_call_id, split_list};

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
static NEEDED: [(Name, Defect); 5] = [
    (Name::Via, Defect::Via),
    (Name::From, Defect::From),
    (Name::To, Defect::To),
    (Name::CallId, Defect::CallId),
    (Name::CSeq, Defect::CSeq),
];

/// Whether each needed header can be read, and whether all but Via are there once.
fn missing(head: &Head) -> Option<Defect> {
    let mut found: [Option<&Bytes>; 5] = [None; 5];
    for header in head.headers.iter() {
        let needed = NEEDED.iter().zip(&mut found).find(|((name, _), _)| *name == header.name);
        let Some(((name, defect), line)) = needed else { continue };
        // A second Via is another hop, a second of the others is a contradiction (RFC 4475 3.3.8).
        if line.is_some() && *name != Name::Via {
            return Some(*defect);
        }
        line.get_or_insert(&header.value);
    }
    let [via, from, to, call_id, cseq] = found;
    if via.and_then(|line| split_list(line).next()).is_none_or(|via| Via::check(via).is_err()) {
        return Some(Defect::Via);
    }
    if from.is_none_or(|from| NameAddr::check(from).is_err()) {
        return Some(Defect::From);
    }
    if to.is_none_or(|to| NameAddr::check(to).is_err()) {
        return Some(Defect::To);
    }
    if call_id.is_none_or(|call_id| !is_call_id(call_id)) {
        return Some(Defect::CallId);
    }
    let Some(Ok(cseq)) = cseq.map(CSeq::of) else { return Some(Defect::CSeq) };
    match &head.start {
        // RFC 4475 3.1.2.18: an unknown method is answered 501, whatever its CSeq says.
        Start::Request { method: Method::Other(_), .. } | Start::Response { .. } | Start::Unreadable { .. } => None,
        Start::Request { method, .. } => (*method != cseq.method).then_some(Defect::CSeqMethod),
    }
}
