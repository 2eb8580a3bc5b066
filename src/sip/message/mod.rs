//! A message as typed values: what the layers above `wire` speak.
//!
//! Decides: the meaning of a start line, a URI, a header value.
//! Invariants: header values stay bytes (a citizen's name may be GB18030) and are typed on demand; what we do not know
//! is kept, in its order; a value that was received and not changed is written back byte by byte.
//! Does not do: framing (that is `wire`), matching (that is `transaction` and `dialog`). The only folder that names `rsip`.

use std::net::IpAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A request method (RFC 3261 7.1). Unknown ones are kept, so that 405 and 501 can be sent.
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

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The Request-URI.
    pub uri: Uri,
    /// All headers, in order.
    pub headers: Headers,
    /// The body, cut by Content-Length.
    pub body: Bytes,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The status code, 100 to 699.
    pub code: u16,
    /// The reason phrase, any bytes.
    pub reason: Bytes,
    /// All headers, in order.
    pub headers: Headers,
    /// The body, cut by Content-Length.
    pub body: Bytes,
}

/// A header name, compact forms already expanded (RFC 3261 7.3.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Name {
    /// Accept
    Accept,
    /// Allow
    Allow,
    /// Authorization
    Authorization,
    /// Call-ID, i
    CallId,
    /// Call-Info
    CallInfo,
    /// Contact, m
    Contact,
    /// Content-Disposition
    ContentDisposition,
    /// Content-Encoding, e
    ContentEncoding,
    /// Content-Length, l
    ContentLength,
    /// Content-Type, c
    ContentType,
    /// CSeq
    CSeq,
    /// Date
    Date,
    /// Diversion, RFC 5806
    Diversion,
    /// Event, o
    Event,
    /// Expires
    Expires,
    /// From, f
    From,
    /// History-Info, RFC 7044
    HistoryInfo,
    /// Max-Forwards
    MaxForwards,
    /// Min-Expires
    MinExpires,
    /// Min-SE, RFC 4028
    MinSe,
    /// P-Asserted-Identity, RFC 3325
    PAssertedIdentity,
    /// P-Preferred-Identity, RFC 3325
    PPreferredIdentity,
    /// Privacy, RFC 3323
    Privacy,
    /// Proxy-Authenticate
    ProxyAuthenticate,
    /// Proxy-Authorization
    ProxyAuthorization,
    /// Proxy-Require
    ProxyRequire,
    /// RAck, RFC 3262
    RAck,
    /// Reason, RFC 3326
    Reason,
    /// Record-Route
    RecordRoute,
    /// Refer-To, r
    ReferTo,
    /// Referred-By, b
    ReferredBy,
    /// Remote-Party-ID (draft-ietf-sip-privacy-04)
    RemotePartyId,
    /// Replaces, RFC 3891
    Replaces,
    /// Require
    Require,
    /// Resource-Priority, RFC 4412
    ResourcePriority,
    /// Retry-After
    RetryAfter,
    /// Route
    Route,
    /// RSeq, RFC 3262
    RSeq,
    /// Server
    Server,
    /// Session-Expires, x, RFC 4028
    SessionExpires,
    /// Subject, s
    Subject,
    /// Subscription-State
    SubscriptionState,
    /// Supported, k
    Supported,
    /// To, t
    To,
    /// Unsupported
    Unsupported,
    /// User-Agent
    UserAgent,
    /// User-to-User, RFC 7433
    UserToUser,
    /// Via, v
    Via,
    /// Warning
    Warning,
    /// WWW-Authenticate
    WwwAuthenticate,
    /// Any other, spelling kept; equality ignores ASCII case.
    Other(OtherName),
}

/// The headers of a message, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    list: Vec<Header>,
}

/// One header line: a name and its value, unfolded and trimmed, not decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The name.
    pub name: Name,
    /// The value's bytes.
    pub value: Bytes,
}
