//! A message as typed values: what the layers above `wire` speak.
//!
//! Decides: the meaning of a start line, a URI, a header value.
//! Invariants: header values stay bytes (a citizen's name may be GB18030) and are typed on demand; what we do not know
//! is kept, in its order; a value that was received and not changed is written back byte by byte; nothing that is
//! written can start a header of its own; `Debug` shows no one's name or number.
//! Does not do: framing (that is `wire`), matching (that is `transaction` and `dialog`). The only folder that names
//! `rsip`.

mod build;
mod headers;
mod host;
mod method;
mod name;
mod name_addr;
mod params;
mod refer_to;
mod replaces;
mod rsip_view;
mod scan;
#[cfg(test)]
mod tests;
pub mod text;
mod typed;
mod uri;
mod via;

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use build::default_reason;
pub use headers::{Header, Headers};
pub use host::Host;
pub use method::Method;
pub use name::{Name, OtherName};
pub use name_addr::NameAddr;
pub use params::Params;
pub use refer_to::{ReferTo, ReferToError};
pub use replaces::{Only, Replaces};
pub use rsip_view::ViewError;
pub(in crate::sip) use scan::Scanner;
pub use scan::split_list;
pub use typed::{CSeq, Contacts, HeaderError, MediaType};
pub(in crate::sip) use typed::{decimal, is_call_id, is_token};
pub use uri::{Scheme, Uri, UriError, escape, escape_header, unescape};
pub use via::Via;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// A request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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

// === impl Message ===

impl Message {
    /// The request, if it is one.
    pub fn as_request(&self) -> Option<&Request> {
        match self {
            Self::Request(request) => Some(request),
            Self::Response(_) => None,
        }
    }

    /// The response, if it is one.
    pub fn as_response(&self) -> Option<&Response> {
        match self {
            Self::Request(_) => None,
            Self::Response(response) => Some(response),
        }
    }

    /// The headers.
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Request(request) => &request.body,
            Self::Response(response) => &response.body,
        }
    }

    /// The bytes to send; see [`Request::to_bytes`].
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }
}

// === impl Request ===

impl Request {
    /// A request without headers.
    pub fn new(method: Method, uri: Uri) -> Self {
        Self { method, uri, headers: Headers::with_capacity(16), body: Bytes::new() }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, uri, headers, body } = self;
        write!(f, "{method} {uri:?} {headers:?} <{} bytes>", body.len())
    }
}

// === impl Response ===

impl Response {
    /// A response to `request` with the usual reason phrase: every Via, From, To, Call-ID and CSeq are copied (RFC 3261
    /// 8.2.6.2), those that are there. The tag of To is the caller's matter.
    pub fn new(code: u16, request: &Request) -> Self {
        Self::to_headers(code, &request.headers)
    }

    /// A response to a request of which only headers could be read.
    pub(in crate::sip) fn to_headers(code: u16, request: &Headers) -> Self {
        let mut headers = Headers::with_capacity(request.len().min(12));
        for name in [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq] {
            for value in request.get_all(&name) {
                headers.push(name.clone(), value.clone());
            }
        }
        // RFC 3261 8.2.6.1: the sender of a request measures the way to us by its 100.
        if code == 100 {
            let timestamp = Name::parse(b"Timestamp");
            request.get_all(&timestamp).for_each(|value| headers.push(timestamp.clone(), value.clone()));
        }
        let reason = Bytes::from_static(default_reason(code).as_bytes());
        Self { code, reason, headers, body: Bytes::new() }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, reason: _, headers, body } = self;
        write!(f, "{code} {headers:?} <{} bytes>", body.len())
    }
}
