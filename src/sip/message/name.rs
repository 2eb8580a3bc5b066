//! Header names: the known ones as an enum, any other kept as it was spelled.

#![warn(clippy::indexing_slicing)]

use std::fmt;
use std::hash::{Hash, Hasher};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Declares the known names once: variant and long form.
macro_rules! names {
    ($($(#[$doc:meta])* $variant:ident $text:literal;)*) => {
        /// A header name, compact forms already expanded (RFC 3261 7.3.3).
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Name {
            $($(#[$doc])* $variant,)*
            /// Any other, spelling kept; equality ignores ASCII case.
            Other(OtherName),
        }

        impl Name {
            /// The long form, as written on the wire.
            pub fn as_bytes(&self) -> &[u8] {
                match self {
                    $(Self::$variant => $text.as_bytes(),)*
                    Self::Other(name) => &name.0,
                }
            }
        }
    };
}

names! {
    /// Accept
    Accept "Accept";
    /// Allow
    Allow "Allow";
    /// Authorization
    Authorization "Authorization";
    /// Call-ID, i
    CallId "Call-ID";
    /// Call-Info
    CallInfo "Call-Info";
    /// Contact, m
    Contact "Contact";
    /// Content-Disposition
    ContentDisposition "Content-Disposition";
    /// Content-Encoding, e
    ContentEncoding "Content-Encoding";
    /// Content-Length, l
    ContentLength "Content-Length";
    /// Content-Type, c
    ContentType "Content-Type";
    /// CSeq
    CSeq "CSeq";
    /// Date
    Date "Date";
    /// Diversion, RFC 5806
    Diversion "Diversion";
    /// Event, o
    Event "Event";
    /// Expires
    Expires "Expires";
    /// From, f
    From "From";
    /// History-Info, RFC 7044
    HistoryInfo "History-Info";
    /// Max-Forwards
    MaxForwards "Max-Forwards";
    /// Min-Expires
    MinExpires "Min-Expires";
    /// Min-SE, RFC 4028
    MinSe "Min-SE";
    /// P-Asserted-Identity, RFC 3325
    PAssertedIdentity "P-Asserted-Identity";
    /// P-Preferred-Identity, RFC 3325
    PPreferredIdentity "P-Preferred-Identity";
    /// Privacy, RFC 3323
    Privacy "Privacy";
    /// Proxy-Authenticate
    ProxyAuthenticate "Proxy-Authenticate";
    /// Proxy-Authorization
    ProxyAuthorization "Proxy-Authorization";
    /// Proxy-Require
    ProxyRequire "Proxy-Require";
    /// RAck, RFC 3262
    RAck "RAck";
    /// Reason, RFC 3326
    Reason "Reason";
    /// Record-Route
    RecordRoute "Record-Route";
    /// Refer-Sub, RFC 4488
    ReferSub "Refer-Sub";
    /// Refer-To, r, RFC 3515
    ReferTo "Refer-To";
    /// Referred-By, b, RFC 3892
    ReferredBy "Referred-By";
    /// Remote-Party-ID, draft-ietf-sip-privacy-04
    RemotePartyId "Remote-Party-ID";
    /// Replaces, RFC 3891
    Replaces "Replaces";
    /// Require
    Require "Require";
    /// Resource-Priority, RFC 4412
    ResourcePriority "Resource-Priority";
    /// Retry-After
    RetryAfter "Retry-After";
    /// Route
    Route "Route";
    /// RSeq, RFC 3262
    RSeq "RSeq";
    /// Server
    Server "Server";
    /// Session-Expires, x, RFC 4028
    SessionExpires "Session-Expires";
    /// Subject, s
    Subject "Subject";
    /// Subscription-State
    SubscriptionState "Subscription-State";
    /// Supported, k
    Supported "Supported";
    /// To, t
    To "To";
    /// Unsupported
    Unsupported "Unsupported";
    /// User-Agent
    UserAgent "User-Agent";
    /// User-to-User, RFC 7433
    UserToUser "User-to-User";
    /// Via, v
    Via "Via";
    /// Warning
    Warning "Warning";
    /// WWW-Authenticate
    WwwAuthenticate "WWW-Authenticate";
}

impl Name {
    /// Reads a name in its long or compact form, in any case. White space round it is ignored.
    pub fn parse(name: &[u8]) -> Self {
        let name = name.trim_ascii();
        Self::known(name).unwrap_or_else(|| Self::Other(OtherName(Bytes::copy_from_slice(name))))
    }

    /// Reads a name that lies in `source`, without copying it.
    pub(in crate::sip) fn of(source: &Bytes, name: &[u8]) -> Self {
        Self::known(name).unwrap_or_else(|| Self::Other(OtherName(source.slice_ref(name))))
    }

    fn known(name: &[u8]) -> Option<Self> {
        if let [letter] = name {
            return Self::compact(letter.to_ascii_lowercase());
        }
        // Nearly every name is spelled as the RFC spells it: an exact comparison first.
        let candidates = Self::of_length(name.len());
        let exact = candidates.iter().find(|(text, _)| *text == name);
        let found = exact.or_else(|| candidates.iter().find(|(text, _)| text.eq_ignore_ascii_case(name)));
        found.map(|(_, known)| known.clone())
    }

    /// The known names of one length: a header costs a handful of comparisons.
    fn of_length(length: usize) -> &'static [(&'static [u8], Self)] {
        match length {
            2 => &[(b"To", Self::To)],
            3 => &[(b"Via", Self::Via)],
            4 => &[
                (b"CSeq", Self::CSeq),
                (b"Date", Self::Date),
                (b"From", Self::From),
                (b"RAck", Self::RAck),
                (b"RSeq", Self::RSeq),
            ],
            5 => &[(b"Allow", Self::Allow), (b"Event", Self::Event), (b"Route", Self::Route)],
            6 => &[
                (b"Accept", Self::Accept),
                (b"Min-SE", Self::MinSe),
                (b"Reason", Self::Reason),
                (b"Server", Self::Server),
            ],
            7 => &[
                (b"Call-ID", Self::CallId),
                (b"Contact", Self::Contact),
                (b"Expires", Self::Expires),
                (b"Privacy", Self::Privacy),
                (b"Require", Self::Require),
                (b"Subject", Self::Subject),
                (b"Warning", Self::Warning),
            ],
            8 => &[(b"Refer-To", Self::ReferTo), (b"Replaces", Self::Replaces)],
            9 => &[
                (b"Call-Info", Self::CallInfo),
                (b"Diversion", Self::Diversion),
                (b"Refer-Sub", Self::ReferSub),
                (b"Supported", Self::Supported),
            ],
            10 => &[(b"User-Agent", Self::UserAgent)],
            11 => &[
                (b"Min-Expires", Self::MinExpires),
                (b"Referred-By", Self::ReferredBy),
                (b"Retry-After", Self::RetryAfter),
                (b"Unsupported", Self::Unsupported),
            ],
            12 => &[
                (b"Content-Type", Self::ContentType),
                (b"History-Info", Self::HistoryInfo),
                (b"Max-Forwards", Self::MaxForwards),
                (b"Record-Route", Self::RecordRoute),
                (b"User-to-User", Self::UserToUser),
            ],
            13 => &[(b"Authorization", Self::Authorization), (b"Proxy-Require", Self::ProxyRequire)],
            14 => &[(b"Content-Length", Self::ContentLength)],
            15 => &[(b"Remote-Party-ID", Self::RemotePartyId), (b"Session-Expires", Self::SessionExpires)],
            16 => &[(b"Content-Encoding", Self::ContentEncoding), (b"WWW-Authenticate", Self::WwwAuthenticate)],
            17 => &[(b"Resource-Priority", Self::ResourcePriority)],
            18 => &[(b"Proxy-Authenticate", Self::ProxyAuthenticate), (b"Subscription-State", Self::SubscriptionState)],
            19 => &[
                (b"Content-Disposition", Self::ContentDisposition),
                (b"P-Asserted-Identity", Self::PAssertedIdentity),
                (b"Proxy-Authorization", Self::ProxyAuthorization),
            ],
            20 => &[(b"P-Preferred-Identity", Self::PPreferredIdentity)],
            _ => &[],
        }
    }

    fn compact(letter: u8) -> Option<Self> {
        Some(match letter {
            b'b' => Self::ReferredBy,
            b'c' => Self::ContentType,
            b'e' => Self::ContentEncoding,
            b'f' => Self::From,
            b'i' => Self::CallId,
            b'k' => Self::Supported,
            b'l' => Self::ContentLength,
            b'm' => Self::Contact,
            b'o' => Self::Event,
            b'r' => Self::ReferTo,
            b's' => Self::Subject,
            b't' => Self::To,
            b'v' => Self::Via,
            b'x' => Self::SessionExpires,
            // Names without a variant of their own are expanded too, so that each has one spelling.
            b'a' => Self::Other(OtherName(Bytes::from_static(b"Accept-Contact"))),
            b'd' => Self::Other(OtherName(Bytes::from_static(b"Request-Disposition"))),
            b'j' => Self::Other(OtherName(Bytes::from_static(b"Reject-Contact"))),
            b'u' => Self::Other(OtherName(Bytes::from_static(b"Allow-Events"))),
            b'y' => Self::Other(OtherName(Bytes::from_static(b"Identity"))),
            _ => return None,
        })
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self::parse(name.as_bytes())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

/// A name that has no variant of its own.
#[derive(Clone, Serialize, Deserialize)]
pub struct OtherName(Bytes);

impl OtherName {
    /// The name as it was spelled.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for OtherName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for OtherName {}

impl Hash for OtherName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|byte| byte.to_ascii_lowercase().hash(state));
    }
}

impl fmt::Debug for OtherName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.escape_ascii().to_string())
    }
}
