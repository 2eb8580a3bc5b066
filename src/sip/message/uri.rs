//! URIs: sip, sips, tel, and any other scheme kept as bytes (RFC 3261 19.1, RFC 3966).

#![warn(clippy::indexing_slicing)]

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::host::{Host, cut_port, is_host};
use super::params::Params;
use crate::base::pii::Pii;

/// Number of escaped headers that one URI may carry.
const HEADERS_MAX: usize = 32;

/// Schemes that we read; anything else is kept, so that 416 can be answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scheme {
    /// RFC 3261.
    Sip,
    /// RFC 3261; TLS all the way.
    Sips,
    /// RFC 3966: a telephone number.
    Tel,
    /// Any other, in lower case.
    Other(Bytes),
}

impl Scheme {
    /// The scheme as it is written before the colon.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sip => b"sip",
            Self::Sips => b"sips",
            Self::Tel => b"tel",
            Self::Other(name) => name,
        }
    }
}

/// Why bytes are no URI; the peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("not a URI: {0}")]
pub struct UriError(pub &'static str);

/// A URI. `PartialEq` compares what is written; [`Uri::equivalent`] compares what is meant (RFC 3261 19.1.4).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Uri {
    scheme: Scheme,
    /// The part before `@` and its password, or the number of a tel URI, or all of an unknown scheme; still escaped.
    user: Option<Bytes>,
    password: Option<Bytes>,
    host: Option<Host>,
    port: Option<u16>,
    params: Params,
    headers: Vec<(Bytes, Bytes)>,
}

impl Uri {
    /// Reads a URI that has nothing round it.
    pub fn parse(text: &[u8]) -> Result<Self, UriError> {
        let source = Bytes::copy_from_slice(text);
        Self::of(&source, &source)
    }

    /// A `sip:` URI. The user part is escaped as needed.
    pub fn sip(user: Option<&str>, host: Host, port: Option<u16>) -> Self {
        Self { user: user.map(|user| escape(user.as_bytes())), host: Some(host), port, ..Self::empty(Scheme::Sip) }
    }

    /// A `tel:` URI. `number` is a number with or without `+`; bytes that RFC 3966 does not know are left out.
    pub fn tel(number: &str) -> Self {
        let digits: Vec<u8> = number.bytes().filter(|byte| is_tel(*byte)).collect();
        Self { user: Some(digits.into()), ..Self::empty(Scheme::Tel) }
    }

    /// The scheme.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The user part of a SIP URI, or the number of a tel URI; unescaped once. An empty user part counts as none.
    pub fn user(&self) -> Option<Bytes> {
        self.user.as_ref().filter(|user| !user.is_empty()).map(unescape)
    }

    /// The host; tel URIs and unknown schemes have none.
    pub fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// The port, if one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters, as written.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The value of a parameter, unescaped once: `None` if it is absent, `Some(None)` if it has no value.
    pub fn param(&self, name: &str) -> Option<Option<Bytes>> {
        // RFC 4475 3.1.1.3: the name may be escaped too.
        let named = |(known, _): &(&Bytes, Option<&Bytes>)| unescape(known).eq_ignore_ascii_case(name.as_bytes());
        self.params.iter().find(named).map(|(_, value)| value.map(unescape))
    }

    /// Sets a parameter; the value is escaped as needed.
    pub fn set_param(&mut self, name: &str, value: Option<&str>) {
        self.params.set(name, value.map(|value| escape_with(value.as_bytes(), b"-_.!~*'()[]/:&+$")));
    }

    /// Removes every parameter of this name, escaped names too.
    pub fn remove_param(&mut self, name: &str) {
        self.params.retain(|known| !unescape(known).eq_ignore_ascii_case(name.as_bytes()));
    }

    /// The headers behind `?`, still escaped (RFC 3261 19.1.1). [`Uri::header`] unescapes one.
    pub fn headers(&self) -> &[(Bytes, Bytes)] {
        &self.headers
    }

    /// The value of an escaped header, unescaped once.
    pub fn header(&self, name: &str) -> Option<Bytes> {
        let named = |(known, _): &&(Bytes, Bytes)| unescape(known).eq_ignore_ascii_case(name.as_bytes());
        self.headers.iter().find(named).map(|(_, value)| unescape(value))
    }

    /// The same URI without its escaped headers: what may become a Request-URI.
    #[must_use]
    pub fn without_headers(mut self) -> Self {
        self.headers.clear();
        self
    }

    /// The same URI with one more header, escaped as needed (RFC 3261 19.1.1).
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((Bytes::copy_from_slice(name.as_bytes()), escape_header(value.as_bytes())));
        self
    }

    /// The same URI with another user part, escaped as needed.
    #[must_use]
    pub fn with_user(mut self, user: &str) -> Self {
        self.user = Some(escape(user.as_bytes()));
        self.password = None;
        self
    }

    /// The URI as written on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(64);
        self.write(&mut out);
        out.into()
    }

    /// Whether both mean the same (RFC 3261 19.1.4, RFC 3966 5).
    pub fn equivalent(&self, other: &Self) -> bool {
        let hosts = match (&self.host, &other.host) {
            (Some(one), Some(two)) => one.equivalent(two),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let users = match self.scheme {
            Scheme::Tel => self.user.as_ref().map(digits) == other.user.as_ref().map(digits),
            Scheme::Sip | Scheme::Sips | Scheme::Other(_) => self.user() == other.user(),
        };
        let passwords = self.password.as_ref().map(unescape) == other.password.as_ref().map(unescape);
        self.scheme == other.scheme
            && users
            && hosts
            && passwords
            && self.port == other.port
            && self.params_agree(other)
            && self.headers_agree(other)
    }

    /// Reads `text`, which lies in `source`.
    pub(in crate::sip) fn of(source: &Bytes, text: &[u8]) -> Result<Self, UriError> {
        let parts = Parts::read(text)?;
        let own = |part: &[u8]| source.slice_ref(part);
        let host = parts.host.map(|host| Host::of(source, host).ok_or(UriError("no host"))).transpose()?;
        Ok(Self {
            scheme: parts.scheme,
            user: parts.user.map(own),
            password: parts.password.map(own),
            host,
            port: parts.port,
            params: Params::of_uri(source, parts.params).map_err(UriError)?,
            headers: header_pairs(parts.headers).map(|(name, value)| (own(name), own(value))).collect(),
        })
    }

    /// Whether [`Uri::of`] can read it.
    pub(super) fn check(text: &[u8]) -> Result<(), UriError> {
        Parts::read(text).map(drop)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.scheme.as_bytes());
        out.push(b':');
        out.extend_from_slice(self.user.as_deref().unwrap_or_default());
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend_from_slice(password);
        }
        if let Some(host) = &self.host {
            if self.user.is_some() {
                out.push(b'@');
            }
            write_host(host, self.port, out);
        }
        self.params.write(out);
        for (index, (name, value)) in self.headers.iter().enumerate() {
            out.push(if index == 0 { b'?' } else { b'&' });
            out.extend_from_slice(name);
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }

    fn empty(scheme: Scheme) -> Self {
        let params = Params::default();
        Self { scheme, user: None, password: None, host: None, port: None, params, headers: Vec::new() }
    }

    fn params_agree(&self, other: &Self) -> bool {
        // RFC 3261 19.1.4: these never match when only one URI has them; any other is ignored then.
        const DECISIVE: [&str; 8] = ["user", "ttl", "method", "maddr", "transport", "isub", "phone-context", "ext"];
        let named = |params: &Params, name: &Bytes| {
            let same = |(known, _): &(&Bytes, Option<&Bytes>)| unescape(known).eq_ignore_ascii_case(&unescape(name));
            params.iter().find(same).map(|(_, value)| value.map(|value| unescape(value).to_ascii_lowercase()))
        };
        let decisive = |name: &Bytes| DECISIVE.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        let agree = |one: &Params, two: &Params| {
            one.iter().all(|(name, _)| {
                let theirs = named(two, name);
                if theirs.is_none() { !decisive(name) } else { theirs == named(one, name) }
            })
        };
        agree(&self.params, &other.params) && agree(&other.params, &self.params)
    }

    fn headers_agree(&self, other: &Self) -> bool {
        let holds = |one: &Self, two: &Self| {
            one.headers.iter().all(|(name, value)| {
                let same = |(known, text): &(Bytes, Bytes)| {
                    unescape(known).eq_ignore_ascii_case(&unescape(name)) && unescape(text) == unescape(value)
                };
                two.headers.iter().any(same)
            })
        };
        self.headers.len() == other.headers.len() && holds(self, other) && holds(other, self)
    }
}

/// A URI cut into its parts, which have been checked and not yet been copied.
struct Parts<'a> {
    scheme: Scheme,
    user: Option<&'a [u8]>,
    password: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    port: Option<u16>,
    params: &'a [u8],
    headers: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(text: &'a [u8]) -> Result<Self, UriError> {
        let (name, rest) = cut_at(b':', text);
        let rest = rest.ok_or(UriError("no scheme"))?;
        if !name.first().is_some_and(u8::is_ascii_alphabetic)
            || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        {
            return Err(UriError("no scheme"));
        }
        if rest.iter().fold(false, |found, byte| found | matches!(byte, 0..=b' ' | b'<' | b'>' | b'"' | 0x7f)) {
            return Err(UriError("a byte that no URI may contain"));
        }
        if name.eq_ignore_ascii_case(b"sip") {
            Self::sip(rest, Scheme::Sip)
        } else if name.eq_ignore_ascii_case(b"sips") {
            Self::sip(rest, Scheme::Sips)
        } else if name.eq_ignore_ascii_case(b"tel") {
            Self::tel(rest)
        } else {
            let scheme = Scheme::Other(name.to_ascii_lowercase().into());
            Ok(Self { user: Some(rest), ..Self::empty(scheme) })
        }
    }

    fn empty(scheme: Scheme) -> Self {
        Self { scheme, user: None, password: None, host: None, port: None, params: &[], headers: &[] }
    }

    fn sip(rest: &'a [u8], scheme: Scheme) -> Result<Self, UriError> {
        // The user part may contain `;`, `?` and `=` (RFC 3261 25.1), so the first `@` is looked for first.
        let (user, password, rest) = match cut_at(b'@', rest) {
            (user, Some(rest)) => {
                let (user, password) = cut_at(b':', user);
                (Some(user), password, rest)
            }
            (rest, None) => (None, None, rest),
        };
        let (rest, headers) = cut_at(b'?', rest);
        let (place, params) = cut_at(b';', rest);
        let (host, port) = cut_port(place).filter(|(host, _)| is_host(host)).ok_or(UriError("no host"))?;
        let params = params.unwrap_or_default();
        Params::check_uri(params).map_err(UriError)?;
        let headers = headers.unwrap_or_default();
        if header_pairs(headers).nth(HEADERS_MAX).is_some() {
            return Err(UriError("too many headers"));
        }
        Ok(Self { scheme, user, password, host: Some(host), port, params, headers })
    }

    fn tel(rest: &'a [u8]) -> Result<Self, UriError> {
        let (number, params) = cut_at(b';', rest);
        if !number.iter().any(|byte| is_tel(*byte)) || !number.iter().all(|byte| is_tel(*byte) || is_separator(byte)) {
            return Err(UriError("no telephone number"));
        }
        let params = params.unwrap_or_default();
        Params::check_uri(params).map_err(UriError)?;
        Ok(Self { user: Some(number), params, ..Self::empty(Scheme::Tel) })
    }
}

/// What stands before the first `separator`, and what behind it, if it is there.
pub(super) fn cut_at(separator: u8, text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(separator, text).and_then(|at| text.split_at_checked(at)) {
        Some((head, tail)) => (head, tail.get(1..)),
        None => (text, None),
    }
}

fn header_pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let items = text.split(|byte| *byte == b'&').filter(|item| !item.is_empty());
    items.map(|item| cut_at(b'=', item)).map(|(name, value)| (name, value.unwrap_or_default()))
}

impl fmt::Debug for Uri {
    /// The user part is masked: it may be a citizen's number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", String::from_utf8_lossy(self.scheme.as_bytes()))?;
        if let Some(user) = self.user() {
            write!(f, "{}", Pii::new(String::from_utf8_lossy(&user)))?;
        }
        if let Some(host) = &self.host {
            write!(f, "@{host}")?;
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Removes one level of `%41` escapes. What is no escape stays as it is.
pub fn unescape(text: &Bytes) -> Bytes {
    if memchr::memchr(b'%', text).is_none() {
        return text.clone();
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest: &[u8] = text;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                plain.push(hex(*high) << 4 | hex(*low));
                rest = tail;
            }
            _ => plain.push(*byte),
        }
    }
    plain.into()
}

/// Escapes a text for the user part of a URI (RFC 3261 25.1, `user`).
pub fn escape(text: &[u8]) -> Bytes {
    escape_with(text, b"-_.!~*'()&=+$,;?/")
}

/// Escapes a text for the value of a URI's header (RFC 3261 25.1, `hvalue`).
pub fn escape_header(text: &[u8]) -> Bytes {
    escape_with(text, b"-_.!~*'()[]/?:+$")
}

pub(super) fn write_host(host: &Host, port: Option<u16>, out: &mut Vec<u8>) {
    use std::io::Write as _;
    let written = match (host, port) {
        (Host::Name(name), Some(port)) => out.write_all(name).and_then(|()| write!(out, ":{port}")),
        (Host::Name(name), None) => out.write_all(name),
        (Host::Ip(_), Some(port)) => write!(out, "{host}:{port}"),
        (Host::Ip(_), None) => write!(out, "{host}"),
    };
    written.expect("writing to memory cannot fail");
}

fn escape_with(text: &[u8], unreserved: &[u8]) -> Bytes {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    let mut escaped = Vec::with_capacity(text.len());
    for byte in text {
        if byte.is_ascii_alphanumeric() || unreserved.contains(byte) {
            escaped.push(*byte);
        } else {
            escaped.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    escaped.into()
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

fn digits(number: &Bytes) -> Vec<u8> {
    number.iter().copied().filter(|byte| !is_separator(byte)).map(|byte| byte.to_ascii_lowercase()).collect()
}

fn is_tel(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'+' | b'*' | b'#')
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b'-' | b'.' | b'(' | b')')
}
