//! What went wrong, in the words of RFC 9457 (`application/problem+json`), always with what would be right.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of every error.
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What is asked of whoever has no token.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"lianxian\"");

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    right: String,
    hint: Hint,
}

/// What is said beside the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hint {
    None,
    /// Try again after so many seconds (RFC 9110 10.2.3).
    RetryAfter(u64),
    /// How to prove who asks (RFC 6750 3).
    Challenge,
    /// In the body: the number of the event that is due.
    ExpectedSeq(u64),
}

/// Every kind of problem there is: a closed set, listed in `docs/http.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The request itself cannot be read.
    Malformed,
    /// No token, or one that nobody has.
    Unauthorized,
    /// The token's role may not do that.
    Forbidden,
    /// There is no such thing, or it is not the asker's to see.
    NotFound,
    /// The path is right and the method is not.
    MethodNotAllowed,
    /// The request is right and the call's state is not.
    Conflict,
    /// The name fits several calls.
    Ambiguous,
    /// The body is larger than the limit.
    TooLarge,
    /// The body is not JSON.
    UnsupportedMediaType,
    /// The body is JSON and does not say what is needed.
    Unprocessable,
    /// More requests than the token may make.
    TooManyRequests,
    /// A limit of the daemon bites.
    Busy,
    /// The daemon did not answer in time; what was asked may still happen.
    TimedOut,
}

impl Kind {
    /// All of them, in the order of the documentation.
    #[cfg(test)]
    pub(super) const ALL: [Self; 13] = [
        Self::Malformed,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::Ambiguous,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Unprocessable,
        Self::TooManyRequests,
        Self::Busy,
        Self::TimedOut,
    ];

    /// The last part of its `type`, its title and its status.
    pub(super) const fn words(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Self::Malformed => ("malformed", "The request cannot be read", StatusCode::BAD_REQUEST),
            Self::Unauthorized => ("unauthorized", "No valid token", StatusCode::UNAUTHORIZED),
            Self::Forbidden => ("forbidden", "Not allowed to this token", StatusCode::FORBIDDEN),
            Self::NotFound => ("not-found", "No such thing", StatusCode::NOT_FOUND),
            Self::MethodNotAllowed => ("method-not-allowed", "Not with this method", StatusCode::METHOD_NOT_ALLOWED),
            Self::Conflict => ("conflict", "Not in the present state", StatusCode::CONFLICT),
            Self::Ambiguous => ("ambiguous", "The name fits several calls", StatusCode::CONFLICT),
            Self::TooLarge => ("too-large", "The body is too large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::UnsupportedMediaType => {
                ("unsupported-media-type", "The body is not JSON", StatusCode::UNSUPPORTED_MEDIA_TYPE)
            }
            Self::Unprocessable => ("unprocessable", "The body is not understood", StatusCode::UNPROCESSABLE_ENTITY),
            Self::TooManyRequests => ("too-many-requests", "Too many requests", StatusCode::TOO_MANY_REQUESTS),
            Self::Busy => ("busy", "Too much at once", StatusCode::SERVICE_UNAVAILABLE),
            Self::TimedOut => ("timed-out", "No answer in time", StatusCode::GATEWAY_TIMEOUT),
        }
    }
}

/// The body of a problem (RFC 9457 3), with one member of our own: what would be right.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// Which kind: `urn:lianxian:problem:<kind>`.
    #[serde(rename = "type")]
    kind: String,
    /// The kind for people; the same for every problem of the kind.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// What would be right.
    right: String,
    /// With a conflict of tickets: the number of the event that is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_seq: Option<u64>,
}

impl Problem {
    /// A problem of that kind.
    pub(super) fn new(kind: Kind, detail: impl Into<String>, right: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), right: right.into(), hint: Hint::None }
    }

    /// The same, to be tried again after so many seconds.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.hint = Hint::RetryAfter(seconds);
        self
    }

    /// The same, saying how to prove who asks (RFC 6750 3).
    pub(super) fn challenge(mut self) -> Self {
        self.hint = Hint::Challenge;
        self
    }

    /// The same, saying which event of the ticket is due.
    pub(super) fn expected_seq(mut self, seq: u64) -> Self {
        self.hint = Hint::ExpectedSeq(seq);
        self
    }

    /// What kind it is.
    #[cfg(test)]
    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// The HTTP status.
    pub(super) const fn status(&self) -> StatusCode {
        self.kind.words().2
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (slug, title, status) = self.kind.words();
        let body = ProblemBody {
            kind: format!("urn:lianxian:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: self.detail,
            right: self.right,
            expected_seq: match self.hint {
                Hint::ExpectedSeq(seq) => Some(seq),
                Hint::None | Hint::RetryAfter(_) | Hint::Challenge => None,
            },
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.hint {
            Hint::None | Hint::ExpectedSeq(_) => {}
            Hint::RetryAfter(seconds) => drop(headers.insert(header::RETRY_AFTER, seconds.into())),
            Hint::Challenge => drop(headers.insert(header::WWW_AUTHENTICATE, CHALLENGE)),
        }
        response
    }
}
