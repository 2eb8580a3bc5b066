//! Request methods (RFC 3261 7.1).

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A request method. Unknown ones are kept, so that 405 and 501 can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Method {
    /// RFC 3261.
    Invite,
    /// RFC 3261.
    Ack,
    /// RFC 3261.
    Bye,
    /// RFC 3261.
    Cancel,
    /// RFC 3261.
    Options,
    /// RFC 3261.
    Register,
    /// RFC 3262.
    Prack,
    /// RFC 3311.
    Update,
    /// RFC 6086.
    Info,
    /// RFC 3515.
    Refer,
    /// RFC 6665.
    Notify,
    /// RFC 6665.
    Subscribe,
    /// RFC 3428.
    Message,
    /// RFC 3903.
    Publish,
    /// Anything else, case kept: methods are case-sensitive.
    Other(Bytes),
}

impl Method {
    /// Reads a method. Never fails: what is unknown is kept.
    pub fn parse(name: &[u8]) -> Self {
        Self::known(name).unwrap_or_else(|| Self::Other(Bytes::copy_from_slice(name)))
    }

    /// Reads a method that lies in `source`, without copying it.
    pub(in crate::sip) fn of(source: &Bytes, name: &[u8]) -> Self {
        Self::known(name).unwrap_or_else(|| Self::Other(source.slice_ref(name)))
    }

    /// The method as written on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        if let Self::Other(name) = self { name } else { self.label().as_bytes() }
    }

    /// A word from a closed set, for metrics and logs: `other` for unknown methods.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
            Self::Prack => "PRACK",
            Self::Update => "UPDATE",
            Self::Info => "INFO",
            Self::Refer => "REFER",
            Self::Notify => "NOTIFY",
            Self::Subscribe => "SUBSCRIBE",
            Self::Message => "MESSAGE",
            Self::Publish => "PUBLISH",
            Self::Other(_) => "other",
        }
    }

    fn known(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"OPTIONS" => Self::Options,
            b"REGISTER" => Self::Register,
            b"PRACK" => Self::Prack,
            b"UPDATE" => Self::Update,
            b"INFO" => Self::Info,
            b"REFER" => Self::Refer,
            b"NOTIFY" => Self::Notify,
            b"SUBSCRIBE" => Self::Subscribe,
            b"MESSAGE" => Self::Message,
            b"PUBLISH" => Self::Publish,
            _ => return None,
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}
