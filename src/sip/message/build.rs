//! Typed values back to bytes.

use std::io::Write as _;

use bytes::Bytes;

use super::headers::Headers;
use super::name::Name;
use super::{Request, Response};

impl Request {
    /// The bytes to send: long header names, one line a header, Content-Length written from the body. A line end in a
    /// value becomes a space, so that no value can start a header of its own (V16).
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(512 + self.body.len());
        out.extend_from_slice(self.method.as_bytes());
        out.push(b' ');
        self.uri.write(&mut out);
        out.extend_from_slice(b" SIP/2.0\r\n");
        finish(out, &self.headers, &self.body)
    }
}

impl Response {
    /// The bytes to send; see [`Request::to_bytes`].
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(512 + self.body.len());
        write!(out, "SIP/2.0 {} ", self.code).expect("writing to memory cannot fail");
        write_line(&self.reason, &mut out);
        finish(out, &self.headers, &self.body)
    }
}

fn finish(mut out: Vec<u8>, headers: &Headers, body: &Bytes) -> Bytes {
    for header in headers.iter().filter(|header| header.name != Name::ContentLength) {
        out.extend_from_slice(header.name.as_bytes());
        out.extend_from_slice(b": ");
        write_line(&header.value, &mut out);
    }
    write!(out, "Content-Length: {}\r\n\r\n", body.len()).expect("writing to memory cannot fail");
    out.extend_from_slice(body);
    out.into()
}

fn write_line(value: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(value);
    for byte in out.iter_mut().skip(start).filter(|byte| matches!(byte, b'\r' | b'\n')) {
        *byte = b' ';
    }
    out.extend_from_slice(b"\r\n");
}

/// The reason phrase of a status code (RFC 3261 21 and the RFCs that add to it).
#[allow(clippy::too_many_lines, reason = "a table")]
pub fn default_reason(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        199 => "Early Dialog Terminated",
        200 => "OK",
        202 => "Accepted",
        204 => "No Notification",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        433 => "Anonymity Disallowed",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        494 => "Security Agreement Required",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        580 => "Precondition Failure",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        _ => match code / 100 {
            1 => "Progress",
            2 => "Success",
            3 => "Redirection",
            4 => "Request Failure",
            5 => "Server Failure",
            _ => "Global Failure",
        },
    }
}
