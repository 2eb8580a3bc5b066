//! Via: where a request has been, and where its responses go (RFC 3261 20.42, RFC 3581).

#![warn(clippy::indexing_slicing)]

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::host::{Host, cut_port, ipv6, is_host};
use super::params::Params;
use super::typed::is_token;
use super::uri::{cut_at, write_host};

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
        let parts = Parts::read(value)?;
        let host = Host::of(value, parts.host).ok_or("no host in sent-by")?;
        let transport = match parts.transport {
            b"UDP" => Bytes::from_static(b"UDP"),
            b"TCP" => Bytes::from_static(b"TCP"),
            other => value.slice_ref(other),
        };
        // Port 0 is nobody's: it stands for the default port, not for an address to answer.
        let port = parts.port.filter(|port| *port != 0);
        Ok(Self { transport, host, port, params: Params::of_header(value, parts.params)? })
    }

    /// Whether [`Via::of`] can read it.
    pub(in crate::sip) fn check(value: &[u8]) -> Result<(), &'static str> {
        Params::check_header(Parts::read(value)?.params)
    }
}

/// A value cut into its parts.
struct Parts<'a> {
    transport: &'a [u8],
    host: &'a [u8],
    port: Option<u16>,
    params: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(value: &'a [u8]) -> Result<Self, &'static str> {
        let (name, rest) = cut(value.trim_ascii(), b'/').ok_or("no protocol")?;
        let (version, rest) = cut(rest, b'/').ok_or("no protocol version")?;
        // Any version is read: the 505 to another one must find its way (RFC 4475 3.1.2.16).
        let numeric = version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        if !name.eq_ignore_ascii_case(b"SIP") || version.is_empty() || !numeric {
            return Err("another protocol");
        }
        let space = memchr::memchr2(b' ', b'\t', rest).ok_or("no sent-by")?;
        let (transport, rest) = rest.split_at_checked(space).ok_or("no sent-by")?;
        if !is_token(transport) {
            return Err("no transport");
        }
        let (sent_by, params) = cut_at(b';', rest);
        let (host, port) =
            cut_port(sent_by.trim_ascii()).filter(|(host, _)| is_host(host)).ok_or("no host in sent-by")?;
        Ok(Self { transport, host, port, params: params.unwrap_or_default() })
    }
}

fn cut(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let (head, tail) = text.split_at_checked(memchr::memchr(separator, text)?)?;
    Some((head.trim_ascii(), tail.get(1..)?.trim_ascii()))
}
