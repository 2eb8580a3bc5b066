//! Reading a body: JSON of a known shape, no larger than the limit, nothing unknown in it.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::Api;
use super::problem::{Kind, Problem};

/// The largest body of most requests, in bytes.
pub(super) const LARGEST: usize = 64 * 1024;

/// A body, and its bytes as they came. A route whose `MOST` is not the usual one sets axum's limit to the same.
pub(super) struct Strict<T, const MOST: usize = LARGEST> {
    pub(super) value: T,
    pub(super) bytes: Bytes,
}

impl<T: DeserializeOwned, const MOST: usize> FromRequest<Api> for Strict<T, MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "the Content-Type is not application/json";
            return Err(Problem::new(Kind::UnsupportedMediaType, detail, "Content-Type: application/json"));
        }
        let bytes = Bytes::from_request(request, api).await.map_err(|error| unread(&error, MOST))?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            let kind = match error.classify() {
                serde_json::error::Category::Data => Kind::Unprocessable,
                serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof
                | serde_json::error::Category::Io => Kind::Malformed,
            };
            Problem::new(kind, error.to_string(), "a JSON object as /openapi.json describes it")
        })?;
        Ok(Self { value, bytes })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn unread(error: &BytesRejection, most: usize) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let right = format!("at most {most} bytes");
            Problem::new(Kind::TooLarge, "the body is larger than the limit", right)
        }
        _ => Problem::new(Kind::Malformed, "the body could not be read", "a complete body"),
    }
}
