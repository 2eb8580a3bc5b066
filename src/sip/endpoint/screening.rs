//! The refusals that a request earns by what it says, in the order of RFC 3261 8.2.

use crate::sip::dialog::mint::Mint;
use crate::sip::dialog::session_timer;
use crate::sip::message::{Method, Name, Request, Response, Scheme};

use super::body::{self, Kind};
use super::voice::{ALLOWED, SUPPORTED};

/// Looks at a request that is no ACK and no CANCEL. `Err` carries the answer.
pub(super) fn screen(request: &Request, mint: &Mint) -> Result<(), Box<Response>> {
    method(request)?;
    scheme(request)?;
    extensions(request)?;
    let inside = request.headers.to().is_ok_and(|to| to.tag().is_some());
    if matches!(request.method, Method::Invite | Method::Update) {
        content(request)?;
        session(request)?;
    }
    if request.method == Method::Invite && !inside {
        hops(request)?;
        circle(request, mint)?;
    }
    Ok(())
}

type Verdict = Result<(), Box<Response>>;

/// RFC 3261 8.2.1. Methods that we know and do not handle get 405 later, where their place is known.
fn method(request: &Request) -> Verdict {
    match request.method {
        Method::Other(_) => {
            let mut response = Response::new(501, request);
            response.headers.push(Name::Allow, ALLOWED);
            refuse(response)
        }
        Method::Invite
        | Method::Ack
        | Method::Bye
        | Method::Cancel
        | Method::Options
        | Method::Register
        | Method::Prack
        | Method::Update
        | Method::Info
        | Method::Refer
        | Method::Notify
        | Method::Subscribe
        | Method::Message
        | Method::Publish => Ok(()),
    }
}

/// RFC 3261 8.2.2.1.
fn scheme(request: &Request) -> Verdict {
    match request.uri.scheme() {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => Ok(()),
        Scheme::Other(_) => refuse(Response::new(416, request)),
    }
}

/// RFC 3261 8.2.2.3.
fn extensions(request: &Request) -> Verdict {
    let known = |option: &bytes::Bytes| SUPPORTED.iter().any(|known| option.eq_ignore_ascii_case(known.as_bytes()));
    let unknown: Vec<_> = request
        .headers
        .options(&Name::Require)
        .into_iter()
        .filter(|option| !option.is_empty() && !known(option))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let mut response = Response::new(420, request);
    response.headers.push(Name::Unsupported, unknown.join(&b", "[..]));
    refuse(response)
}

/// RFC 3261 8.2.3, and what the peer would accept from us (RFC 4475 3.3.15).
fn content(request: &Request) -> Verdict {
    let headers = &request.headers;
    let optional = headers
        .get(&Name::ContentDisposition)
        .is_some_and(|value| value.to_ascii_lowercase().windows(17).any(|part| part == b"handling=optional"));
    if body::kind(headers, &request.body) == Kind::Unknown && !optional {
        let mut response = Response::new(415, request);
        response.headers.push(Name::Accept, body::ACCEPTED);
        if headers.has(&Name::ContentEncoding) {
            response.headers.push(Name::parse(b"Accept-Encoding"), "identity");
        }
        return refuse(response);
    }
    let essence = |value: &bytes::Bytes| {
        let range = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
        matches!(range.as_slice(), b"application/sdp" | b"application/*" | b"*/*")
    };
    if request.method == Method::Invite
        && headers.has(&Name::Accept)
        && !headers.options(&Name::Accept).iter().any(essence)
    {
        return refuse(Response::new(406, request));
    }
    Ok(())
}

/// RFC 4028 9.
fn session(request: &Request) -> Verdict {
    if session_timer::asked(&request.headers) != session_timer::Wish::TooShort {
        return Ok(());
    }
    let mut response = Response::new(422, request);
    response.headers.push(Name::MinSe, session_timer::MIN_SE.as_secs().to_string());
    refuse(response)
}

/// RFC 3261 16.3: a request that would go on to somebody else must have a hop left (I43).
fn hops(request: &Request) -> Verdict {
    match request.headers.max_forwards() {
        Ok(Some(0)) => refuse(Response::new(483, request)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A new INVITE with a Call-ID or a Via of ours has gone in a circle (V37, V51).
fn circle(request: &Request, mint: &Mint) -> Verdict {
    let by_call_id = request.headers.call_id().is_ok_and(|call_id| mint.knows_call_id(&call_id));
    let by_via = || {
        let vias = request.headers.vias().unwrap_or_default();
        vias.iter().any(|via| via.branch().is_some_and(|branch| mint.knows_branch(branch)))
    };
    if by_call_id || by_via() { refuse(Response::new(482, request)) } else { Ok(()) }
}

fn refuse(response: Response) -> Verdict {
    Err(Box::new(response))
}
