//! INFO: keys as some peers send them (RFC 6086, `application/dtmf-relay` and `application/dtmf`).

use std::time::Duration;

use super::context::Context;
use crate::sip::dialog::Dialog;
use crate::sip::fact::LegFact;
use crate::sip::message::{Method, Name, Request, Response};
use crate::sip::transaction::table::TxId;

/// How long a key is when the peer does not say.
const DEFAULT_DURATION: Duration = Duration::from_millis(160);
/// No key is longer than this, whatever a peer says.
const LONGEST: Duration = Duration::from_secs(8);

/// What an INFO body says.
enum Body {
    Empty,
    Key(char, Duration),
    Malformed,
    Unsupported,
}

/// Answers an INFO and tells the key it carries.
pub fn receive(cx: &mut Context<'_>, tx: TxId, request: &Request) {
    match read(request) {
        // RFC 6086 4.2.2: an INFO without a body is answered 200.
        Body::Empty => cx.answer(tx, request, 200),
        Body::Key(digit, duration) => {
            cx.answer(tx, request, 200);
            cx.fact(LegFact::Digit { digit, duration });
        }
        Body::Malformed => cx.answer(tx, request, 400),
        Body::Unsupported => {
            let mut response = Response::new(415, request);
            response.headers.push(Name::Accept, "application/dtmf-relay, application/dtmf");
            cx.respond(tx, &response);
        }
    }
}

/// An INFO that carries a key.
pub fn key(dialog: &mut Dialog, digit: char, duration_ms: u32) -> Request {
    let mut request = dialog.request(Method::Info);
    request.headers.push(Name::ContentType, "application/dtmf-relay");
    request.body = format!("Signal={digit}\r\nDuration={duration_ms}\r\n").into();
    request
}

fn read(request: &Request) -> Body {
    if request.body.is_empty() {
        return Body::Empty;
    }
    let Some(kind) = request.headers.get(&Name::ContentType) else { return Body::Unsupported };
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let Ok(text) = std::str::from_utf8(&request.body) else { return Body::Malformed };
    if kind.eq_ignore_ascii_case(b"application/dtmf-relay") {
        relay(text)
    } else if kind.eq_ignore_ascii_case(b"application/dtmf") {
        digit(text).map_or(Body::Malformed, |digit| Body::Key(digit, DEFAULT_DURATION))
    } else {
        Body::Unsupported
    }
}

fn relay(text: &str) -> Body {
    let (mut key, mut duration) = (None, DEFAULT_DURATION);
    for line in text.lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        if name.trim().eq_ignore_ascii_case("signal") {
            key = digit(value);
        } else if name.trim().eq_ignore_ascii_case("duration")
            && let Ok(milliseconds) = value.trim().parse::<u32>()
        {
            duration = Duration::from_millis(milliseconds.into()).min(LONGEST);
        }
    }
    key.map_or(Body::Malformed, |digit| Body::Key(digit, duration))
}

/// One key: by its sign, or by its event number (10 is `*`, 11 is `#`), as some gateways write it.
fn digit(text: &str) -> Option<char> {
    let text = text.trim();
    match text {
        "10" => return Some('*'),
        "11" => return Some('#'),
        _ => {}
    }
    let mut signs = text.chars();
    let sign = signs.next()?.to_ascii_uppercase();
    (signs.next().is_none() && matches!(sign, '0'..='9' | '*' | '#' | 'A'..='D')).then_some(sign)
}
