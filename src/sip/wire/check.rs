//! What an untrusted peer must get right beyond what is needed to answer it.

#![warn(clippy::indexing_slicing)]

use bytes::Bytes;

use super::limits::{Broken, Defect};
use crate::sip::message::{Method, Name, Request, Response, Scanner, is_token};

/// Checks the headers of a request that we read, and the form of those that we list.
///
/// For peers that are not trusted trunks: there, a defect in a header that we do not need never refuses an INVITE. The
/// verdicts are those of RFC 4475: what a lenient reader could guess is refused all the same.
pub fn validate(request: &Request) -> Result<(), Broken> {
    let defect = if request.headers.discarded() > 0 {
        Some(Defect::HeaderLine)
    } else if readable(request) && well_formed(request) {
        None
    } else {
        Some(Defect::Header)
    };
    let Some(reason) = defect else { return Ok(()) };
    let answer = (request.method != Method::Ack).then(|| Box::new(Response::new(reason.code(), request)));
    Err(Broken { reason, answer, close: false })
}

fn readable(request: &Request) -> bool {
    let headers = &request.headers;
    headers.max_forwards().is_ok()
        && headers.vias().is_ok()
        && headers.contacts_or_star().is_ok()
        && headers.routes().is_ok()
        && headers.record_routes().is_ok()
        && (!headers.has(&Name::ContentType) || headers.content_type().is_some())
}

fn well_formed(request: &Request) -> bool {
    let lists = [Name::Via, Name::Contact, Name::Route, Name::RecordRoute];
    let single = [Name::From, Name::To];
    let headers = &request.headers;
    lists.iter().flat_map(|name| headers.get_all(name)).all(no_empty_part)
        && lists.iter().skip(1).flat_map(|name| headers.values(name)).all(|value: Bytes| tidy_address(&value))
        && single.iter().flat_map(|name| headers.get_all(name)).all(|line| no_empty_part(line) && tidy_address(line))
}

/// No list member and no parameter is empty (RFC 4475 3.1.2.1).
fn no_empty_part(line: &Bytes) -> bool {
    let parts = |member| Scanner::new(member).split(b';');
    Scanner::new(line).split(b',').all(|member| parts(member).all(|part| !part.is_empty()))
}

/// The name is quoted or made of tokens, and the address stands close between its brackets (RFC 4475 3.1.2.14 and 15).
fn tidy_address(value: &Bytes) -> bool {
    let Some((name, rest)) = memchr::memchr2(b'<', b'"', value).and_then(|at| value.split_at_checked(at)) else {
        return true;
    };
    if rest.first() == Some(&b'"') {
        return name.is_empty() && tidy_brackets(after_name(rest));
    }
    let word = |word: &[u8]| is_token(word) || !word.is_ascii();
    name.split(u8::is_ascii_whitespace).filter(|part| !part.is_empty()).all(word) && tidy_brackets(rest)
}

fn after_name(quoted: &[u8]) -> &[u8] {
    let end = Scanner::new(quoted).closing_quote(0).and_then(|end| end.checked_add(1));
    end.and_then(|end| quoted.get(end..)).unwrap_or_default().trim_ascii_start()
}

fn tidy_brackets(rest: &[u8]) -> bool {
    let inside = memchr::memchr(b'>', rest).and_then(|end| rest.get(1..end)).unwrap_or_default();
    !inside.iter().any(u8::is_ascii_whitespace)
}
