//! Header values as types, read on demand: a defect in a header that nobody asks for harms nobody.

#![warn(clippy::indexing_slicing)]

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::headers::Headers;
use super::method::Method;
use super::name::Name;
use super::name_addr::NameAddr;
use super::params::Params;
use super::scan::{Scanner, split_list};
use super::via::Via;
use crate::sip::fact::Cause;

/// The longest Retry-After that is honoured; no timer of ours is longer (V29).
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// A header is missing or cannot be read; the peer's fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}: {problem}")]
pub struct HeaderError {
    /// Which header.
    pub name: Name,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// CSeq (RFC 3261 20.16).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CSeq {
    /// Below 2^31.
    pub number: u32,
    /// The method of the request.
    pub method: Method,
}

impl CSeq {
    /// Reads the value.
    pub fn parse(value: &[u8]) -> Result<Self, &'static str> {
        Self::of(&Bytes::copy_from_slice(value))
    }

    /// The value as written on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = self.number.to_string().into_bytes();
        out.push(b' ');
        out.extend_from_slice(self.method.as_bytes());
        out.into()
    }

    pub(in crate::sip) fn of(value: &Bytes) -> Result<Self, &'static str> {
        let text = value.trim_ascii();
        let space = memchr::memchr2(b' ', b'\t', text).ok_or("no method")?;
        let (number, method) = text.split_at_checked(space).ok_or("no method")?;
        let number = decimal(number).ok_or("no number")?;
        // RFC 3261 8.1.1.5.
        let number = u32::try_from(number).ok().filter(|number| *number < 1 << 31).ok_or("2^31 or more")?;
        let method = method.trim_ascii_start();
        if !is_token(method) {
            return Err("no method");
        }
        Ok(Self { number, method: Method::of(value, method) })
    }
}

/// What a Contact header holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contacts {
    /// `*`: all of them, in a REGISTER that removes.
    Star,
    /// Addresses; may be empty.
    List(Vec<NameAddr>),
}

/// Content-Type (RFC 3261 20.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype` in lower case.
    pub essence: Bytes,
    /// Parameters such as `boundary`.
    pub params: Params,
}

impl MediaType {
    /// Reads the value.
    pub fn parse(value: &Bytes) -> Result<Self, &'static str> {
        let text = value.trim_ascii();
        let (essence, params) = match memchr::memchr(b';', text).and_then(|at| text.split_at_checked(at)) {
            Some((essence, params)) => (essence, params.get(1..).unwrap_or_default()),
            None => (text, &[][..]),
        };
        let (main, sub) = memchr::memchr(b'/', essence)
            .and_then(|at| essence.split_at_checked(at))
            .map(|(main, sub)| (main.trim_ascii(), sub.get(1..).unwrap_or_default().trim_ascii()))
            .ok_or("no subtype")?;
        if !is_token(main) || !is_token(sub) {
            return Err("no media type");
        }
        let essence = [main, b"/", sub].concat().to_ascii_lowercase().into();
        Ok(Self { essence, params: Params::of_header(value, params)? })
    }

    /// Whether it is this type, given in lower case.
    pub fn is(&self, essence: &str) -> bool {
        self.essence == essence.as_bytes()
    }
}

impl Headers {
    /// The topmost Via.
    pub fn top_via(&self) -> Result<Via, HeaderError> {
        let line = self.get(&Name::Via).ok_or_else(|| missing(Name::Via))?;
        let first = split_list(line).next().unwrap_or_default();
        Via::of(&line.slice_ref(first)).map_err(of(Name::Via))
    }

    /// Every Via, topmost first.
    pub fn vias(&self) -> Result<Vec<Via>, HeaderError> {
        let read = |value: Bytes| Via::of(&value);
        self.values(&Name::Via).map(read).collect::<Result<_, _>>().map_err(of(Name::Via))
    }

    /// From.
    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.one_address(Name::From)
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.one_address(Name::To)
    }

    /// Every Contact address; `*` is an error here.
    pub fn contacts(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.addresses(&Name::Contact)
    }

    /// Contact as a REGISTER may have it.
    pub fn contacts_or_star(&self) -> Result<Contacts, HeaderError> {
        let mut values = self.values(&Name::Contact);
        if values.next().is_some_and(|value| value == "*") {
            let alone = values.next().is_none();
            return alone
                .then_some(Contacts::Star)
                .ok_or(HeaderError { name: Name::Contact, problem: "`*` is not alone" });
        }
        self.contacts().map(Contacts::List)
    }

    /// The addresses of any list header of that form: Route, P-Asserted-Identity, Diversion, History-Info ..
    pub fn addresses(&self, name: &Name) -> Result<Vec<NameAddr>, HeaderError> {
        let read = |value: Bytes| NameAddr::of(&value);
        self.values(name).map(read).collect::<Result<_, _>>().map_err(of(name.clone()))
    }

    /// Route, topmost first.
    pub fn routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.addresses(&Name::Route)
    }

    /// Record-Route, topmost first.
    pub fn record_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.addresses(&Name::RecordRoute)
    }

    /// Call-ID, compared byte by byte.
    pub fn call_id(&self) -> Result<Bytes, HeaderError> {
        let value = self.single(Name::CallId)?;
        if !is_call_id(value) {
            return Err(HeaderError { name: Name::CallId, problem: "no call identifier" });
        }
        Ok(value.clone())
    }

    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        CSeq::of(self.single(Name::CSeq)?).map_err(of(Name::CSeq))
    }

    /// Max-Forwards, 0 to 255. `None` if there is none.
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        if !self.has(&Name::MaxForwards) {
            return Ok(None);
        }
        let number = decimal(self.single(Name::MaxForwards)?).and_then(|number| u8::try_from(number).ok());
        number.map(Some).ok_or(HeaderError { name: Name::MaxForwards, problem: "not between 0 and 255" })
    }

    /// Content-Type, if it is there and can be read.
    pub fn content_type(&self) -> Option<MediaType> {
        MediaType::parse(self.get(&Name::ContentType)?).ok()
    }

    /// Expires in seconds; what is too large for 32 bits is the largest. `None` if absent or no number.
    pub fn expires(&self) -> Option<u32> {
        decimal(self.get(&Name::Expires)?).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// The words of a list such as Require, Supported, Allow.
    pub fn options(&self, name: &Name) -> Vec<Bytes> {
        self.values(name).collect()
    }

    /// Whether a list such as Supported has this word, in any case.
    pub fn has_option(&self, name: &Name, option: &str) -> bool {
        self.values(name).any(|value| value.eq_ignore_ascii_case(option.as_bytes()))
    }

    /// Reason (RFC 3326): the first SIP and the first Q.850 cause.
    pub fn reason(&self) -> Cause {
        let mut cause = Cause::default();
        for value in self.values(&Name::Reason) {
            let mut parts = Scanner::new(&value).split(b';');
            let protocol = parts.next().unwrap_or_default();
            let number = parts.find_map(|part| {
                let (name, number) = part.split_at_checked(memchr::memchr(b'=', part)?)?;
                name.trim_ascii().eq_ignore_ascii_case(b"cause").then_some(number.get(1..)?)
            });
            let Some(number) = number.and_then(decimal) else { continue };
            if protocol.eq_ignore_ascii_case(b"SIP") {
                let code = u16::try_from(number).ok().filter(|code| (100..700).contains(code));
                cause.sip = cause.sip.or(code);
            } else if protocol.eq_ignore_ascii_case(b"Q.850") {
                let value = u8::try_from(number).ok().filter(|value| *value < 128);
                cause.q850 = cause.q850.or(value);
            }
        }
        cause
    }

    /// Retry-After, at most 24 h; comment and parameters are ignored.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.get(&Name::RetryAfter)?;
        let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
        let seconds = decimal(value.get(..end)?)?;
        Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
    }

    /// The only line of this name.
    pub(in crate::sip) fn single(&self, name: Name) -> Result<&Bytes, HeaderError> {
        let mut lines = self.get_all(&name);
        let found = (lines.next(), lines.next());
        drop(lines);
        match found {
            (Some(value), None) => Ok(value),
            (None, _) => Err(missing(name)),
            (Some(_), Some(_)) => Err(HeaderError { name, problem: "there more than once" }),
        }
    }

    fn one_address(&self, name: Name) -> Result<NameAddr, HeaderError> {
        NameAddr::of(self.single(name.clone())?).map_err(of(name))
    }
}

/// A number of decimal digits and nothing else; what is too large for 64 bits is the largest.
pub(in crate::sip) fn decimal(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        text.iter().fold(0_u64, |number, digit| {
            number.saturating_mul(10).saturating_add(u64::from(digit.saturating_sub(b'0')))
        }),
    )
}

/// Whether the bytes can be a Call-ID. RFC 3261 25.1 knows words only; we take what has no space and no comma.
pub(in crate::sip) fn is_call_id(text: &[u8]) -> bool {
    !text.is_empty() && !text.iter().any(|byte| matches!(byte, 0..=b' ' | b',' | 0x7f))
}

/// Whether the bytes are a token (RFC 3261 25.1).
pub(in crate::sip) fn is_token(text: &[u8]) -> bool {
    #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler: a wrong index does not compile")]
    const TOKEN: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0_usize;
        while byte < 128 {
            let letter = byte as u8;
            table[byte] = letter.is_ascii_alphanumeric()
                || matches!(letter, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
            byte += 1;
        }
        table
    };
    !text.is_empty() && text.iter().all(|byte| TOKEN.get(usize::from(*byte)) == Some(&true))
}

fn missing(name: Name) -> HeaderError {
    HeaderError { name, problem: "missing" }
}

fn of(name: Name) -> impl FnOnce(&'static str) -> HeaderError {
    move |problem| HeaderError { name, problem }
}
