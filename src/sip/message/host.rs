//! The host of a URI or a Via: a name or an address.

#![warn(clippy::indexing_slicing)]

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A host (RFC 3261 25.1). IPv4-mapped IPv6 addresses are read as the IPv4 address they mean (V18).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Host {
    /// A domain name, as written.
    Name(Bytes),
    /// An address.
    Ip(IpAddr),
}

impl Host {
    /// Reads `example.com`, `192.0.2.1` or `[2001:db8::1]`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let source = Bytes::copy_from_slice(text);
        Self::of(&source, &source)
    }

    /// The address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Name(_) => None,
        }
    }

    /// Whether both mean the same host: names compare without case.
    pub fn equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(two)) => one.eq_ignore_ascii_case(two),
            (Self::Ip(one), Self::Ip(two)) => one == two,
            (Self::Name(_), Self::Ip(_)) | (Self::Ip(_), Self::Name(_)) => false,
        }
    }

    /// Reads a host that lies in `source`.
    pub(super) fn of(source: &Bytes, text: &[u8]) -> Option<Self> {
        if let [b'[', inner @ .., b']'] = text {
            return ipv6(inner).map(|address| Self::Ip(address.to_canonical()));
        }
        if !is_host(text) {
            return None;
        }
        let starts_like_an_address = text.first().is_some_and(u8::is_ascii_digit);
        let address = starts_like_an_address.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten();
        Some(address.map_or_else(|| Self::Name(source.slice_ref(text)), |address| Self::Ip(IpAddr::V4(address))))
    }
}

/// Whether [`Host::of`] can read it.
pub(super) fn is_host(text: &[u8]) -> bool {
    if let [b'[', inner @ .., b']'] = text {
        return ipv6(inner).is_some();
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !text.is_empty() && text.iter().all(plain)
}

/// Cuts `host` and `host:port`, with the white space that a Via allows round the colon.
pub(super) fn cut_port(text: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let colon = match text.first() {
        Some(b'[') => {
            let bracket = memchr::memchr(b']', text)?;
            memchr::memchr(b':', text.get(bracket..)?).map(|at| at.saturating_add(bracket))
        }
        Some(_) | None => memchr::memchr(b':', text),
    };
    let Some((host, port)) = colon.and_then(|at| text.split_at_checked(at)) else {
        return Some((text, None));
    };
    let port = std::str::from_utf8(port.get(1..)?.trim_ascii()).ok()?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.then(|| port.parse::<u16>().ok()).flatten()?;
    Some((host.trim_ascii(), Some(port)))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&String::from_utf8_lossy(name)),
            Self::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// An IPv6 address without brackets. RFC 5118 4.10: the grammar of RFC 3261 could produce three colons in a row, which
/// mean two.
pub(super) fn ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= 64)?;
    text.parse().ok().or_else(|| text.contains(":::").then(|| text.replacen(":::", "::", 1).parse().ok()).flatten())
}
