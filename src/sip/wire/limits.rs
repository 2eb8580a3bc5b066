//! What is too much, and what is said about what is wrong.

use crate::sip::message::Response;

/// Limits of one message. What is beyond them is refused, never cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of start line and headers.
    pub head: usize,
    /// Bytes of the body.
    pub body: usize,
    /// Header lines.
    pub header_count: usize,
    /// Bytes of one header line.
    pub header_value: usize,
    /// Via values: Max-Forwards allows no honest message more (RFC 3261 8.1.1.6).
    pub via_count: usize,
    /// Values of Route, Record-Route and Contact together.
    pub route_count: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 64 * 1024,
            body: 256 * 1024,
            header_count: 256,
            header_value: 8 * 1024,
            via_count: 70,
            route_count: 70,
        }
    }
}

/// What is wrong with a message. A closed set: each is a label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Defect {
    /// Nothing that looks like SIP.
    NotSip,
    /// Only line ends: a keep-alive (RFC 5626 4.4.1), not an error.
    KeepAlive,
    /// The datagram ends within the headers.
    Truncated,
    /// The request line cannot be read.
    RequestLine,
    /// The Request-URI is no URI, or carries headers (RFC 3261 19.1.5).
    RequestUri,
    /// Another version than SIP/2.0.
    Version,
    /// The status line cannot be read, or the code is none.
    StatusLine,
    /// A start line and headers beyond [`Limits::head`].
    HeadTooLarge,
    /// More lines than [`Limits::header_count`].
    TooManyHeaders,
    /// A line beyond [`Limits::header_value`].
    HeaderTooLong,
    /// More Via values than [`Limits::via_count`].
    TooManyVias,
    /// More Route, Record-Route or Contact values than [`Limits::route_count`].
    TooManyRoutes,
    /// A body beyond [`Limits::body`].
    BodyTooLarge,
    /// Content-Length is no number, there twice, or larger than the datagram.
    ContentLength,
    /// A message on a stream does not say its length (RFC 3261 18.3).
    NoContentLength,
    /// Via is missing or cannot be read.
    Via,
    /// From is missing, there twice, or cannot be read.
    From,
    /// To is missing, there twice, or cannot be read.
    To,
    /// Call-ID is missing, there twice, or cannot be read.
    CallId,
    /// CSeq is missing, there twice, cannot be read, or is 2^31 or more.
    CSeq,
    /// The method of CSeq is not that of the request line.
    CSeqMethod,
    /// A line is no header, or has control characters.
    HeaderLine,
    /// A header that is not needed cannot be read; only untrusted peers are refused for it.
    Header,
}

impl Defect {
    /// The word for metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSip => "not_sip",
            Self::KeepAlive => "keep_alive",
            Self::Truncated => "truncated",
            Self::RequestLine => "request_line",
            Self::RequestUri => "request_uri",
            Self::Version => "version",
            Self::StatusLine => "status_line",
            Self::HeadTooLarge => "head_too_large",
            Self::TooManyHeaders => "too_many_headers",
            Self::HeaderTooLong => "header_too_long",
            Self::TooManyVias => "too_many_vias",
            Self::TooManyRoutes => "too_many_routes",
            Self::BodyTooLarge => "body_too_large",
            Self::ContentLength => "content_length",
            Self::NoContentLength => "no_content_length",
            Self::Via => "via",
            Self::From => "from",
            Self::To => "to",
            Self::CallId => "call_id",
            Self::CSeq => "cseq",
            Self::CSeqMethod => "cseq_method",
            Self::HeaderLine => "header_line",
            Self::Header => "header",
        }
    }

    /// The status code of the answer.
    pub(super) fn code(self) -> u16 {
        match self {
            Self::Version => 505,
            Self::BodyTooLarge => 413,
            Self::HeadTooLarge
            | Self::TooManyHeaders
            | Self::HeaderTooLong
            | Self::TooManyVias
            | Self::TooManyRoutes => 513,
            Self::NotSip
            | Self::KeepAlive
            | Self::Truncated
            | Self::RequestLine
            | Self::RequestUri
            | Self::StatusLine
            | Self::ContentLength
            | Self::NoContentLength
            | Self::Via
            | Self::From
            | Self::To
            | Self::CallId
            | Self::CSeq
            | Self::CSeqMethod
            | Self::HeaderLine
            | Self::Header => 400,
        }
    }
}

/// Bytes that are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What is wrong.
    pub reason: Defect,
    /// What to say to the peer, if it can be answered: a request other than ACK with a usable Via. The reason phrase
    /// names the defect. It lacks the tag of To and the `received` of Via, which the endpoint adds.
    pub answer: Option<Box<Response>>,
    /// Whether a stream must be closed, because where its next message begins is not known. On datagrams it says nothing.
    pub close: bool,
}
