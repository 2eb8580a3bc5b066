//! Writes our own descriptions: one audio line that sounds, and the lines of others refused with port 0.

use std::fmt::Write;
use std::net::IpAddr;

use bytes::Bytes;

use super::negotiate::{Codec, Direction, LocalMedia, LocalPayload};

/// Our description of `local`, with the direction and payloads to be written.
pub(super) fn write(local: &LocalMedia, direction: Direction, payloads: &[LocalPayload]) -> Bytes {
    let mut out = String::with_capacity(384);
    header(&mut out, local);
    for refused in &local.layout.before {
        line(&mut out, format_args!("m={refused}"));
    }
    let mut numbers = String::new();
    for payload in payloads {
        write!(numbers, " {}", payload.number).expect("a String takes every write");
    }
    line(&mut out, format_args!("m=audio {} RTP/AVP{numbers}", local.port));
    for payload in payloads {
        let number = payload.number;
        line(&mut out, format_args!("a=rtpmap:{number} {}/8000", payload.codec.encoding()));
        if payload.codec == Codec::TelephoneEvent {
            line(&mut out, format_args!("a=fmtp:{number} 0-15"));
        }
    }
    line(&mut out, format_args!("a=ptime:{}", local.ptime_ms));
    line(&mut out, format_args!("a={}", direction.attribute()));
    for refused in &local.layout.after {
        line(&mut out, format_args!("m={refused}"));
    }
    out.into()
}

/// Our answer to an offer whose every stream is disabled: all lines again, all with port 0.
pub(super) fn write_disabled(local: &LocalMedia, refused: &[String]) -> Bytes {
    let mut out = String::with_capacity(192);
    header(&mut out, local);
    for refused in refused {
        line(&mut out, format_args!("m={refused}"));
    }
    out.into()
}

fn header(out: &mut String, local: &LocalMedia) {
    let family = match local.address {
        IpAddr::V4(_) => "IP4",
        IpAddr::V6(_) => "IP6",
    };
    let (id, version, address) = (local.session_id, local.version, local.address);
    line(out, format_args!("v=0"));
    // RFC 8866 5.2: the user name tells nothing about us (V42).
    line(out, format_args!("o=- {id} {version} IN {family} {address}"));
    line(out, format_args!("s=-"));
    line(out, format_args!("c=IN {family} {address}"));
    line(out, format_args!("t=0 0"));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).and_then(|()| out.write_str("\r\n")).expect("a String takes every write");
}
