//! Via: where a request has been, and where its responses go (RFC 3261 20.42, RFC 3581).

#![warn(clippy::indexing_slicing)]

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::host::{Host, ipv6};
use super::params::Params;
use super::uri::write_host;

/// One value of a Via header.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Via {
    /// The transport as written: `UDP`, `TCP`, or one that we do not know.
    pub transport: Bytes,
    /// The host of sent-by.
    pub host: Host,
    /// The port of sent-by, if written.
    pub port: Option<u16>,
    /// The parameters.
    pub params: Params,
}

impl Via {
    /// Reads one value.
    pub fn parse(value: &[u8]) -> Result<Self, &'static str> {
        Self::of(&Bytes::copy_from_slice(value))
    }

    /// The transaction's name. `None` for a peer of RFC 2543.
    pub fn branch(&self) -> Option<&Bytes> {
        self.params.value("branch").filter(|branch| !branch.is_empty())
    }

    /// The address that the next hop saw. RFC 5118 4.5: with or without brackets.
    pub fn received(&self) -> Option<IpAddr> {
        let value: &[u8] = self.params.value("received")?;
        let bare = value.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")).unwrap_or(value);
        let text = std::str::from_utf8(bare).ok()?;
        let v4 = || text.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
        v4().or_else(|| ipv6(bare).map(|address| address.to_canonical()))
    }

    /// The `rport` parameter (RFC 3581): `Some(None)` when it asks, `Some(Some(port))` when it is filled in.
    pub fn rport(&self) -> Option<Option<u16>> {
        let number = |value: &Bytes| std::str::from_utf8(value).ok()?.parse().ok();
        self.params.get("rport").map(|value| value.and_then(number))
    }

    /// The value as written on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(96);
        out.extend_from_slice(b"SIP/2.0/");
        out.extend_from_slice(&self.transport);
        out.push(b' ');
        write_host(&self.host, self.port, &mut out);
        self.params.write(&mut out);
        out.into()
    }

    /// Reads one value without copying it. White space may stand round every separator.
    pub fn of(value: &Bytes) -> Result<Self, &'static str> {
        let text = value.trim_ascii();
        let (name, rest) = cut(text, b'/').ok_or("no protocol")?;
        let (version, rest) = cut(rest, b'/').ok_or("no protocol version")?;
        // Any version is read: the 505 to another one must find its way (RFC 4475 3.1.2.16).
        let numeric = version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        if !name.eq_ignore_ascii_case(b"SIP") || version.is_empty() || !numeric {
            return Err("another protocol");
        }
        let rest = rest.trim_ascii_start();
        let space = memchr::memchr2(b' ', b'\t', rest).ok_or("no sent-by")?;
        let (transport, rest) = rest.split_at_checked(space).ok_or("no sent-by")?;
        if transport.is_empty()
            || !transport.iter().all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(byte))
        {
            return Err("no transport");
        }
        let (sent_by, params) = match memchr::memchr(b';', rest).and_then(|at| rest.split_at_checked(at)) {
            Some((sent_by, params)) => (sent_by, params.get(1..).unwrap_or_default()),
            None => (rest, &[][..]),
        };
        let (host, port) = Host::with_port(value, sent_by.trim_ascii()).ok_or("no host in sent-by")?;
        Ok(Self { transport: value.slice_ref(transport), host, port, params: Params::of_header(value, params)? })
    }
}

fn cut(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let (head, tail) = text.split_at_checked(memchr::memchr(separator, text)?)?;
    Some((head.trim_ascii(), tail.get(1..)?.trim_ascii()))
}
