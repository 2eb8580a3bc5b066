//! The same message in `rsip`'s types: a second vocabulary for tools, and the oracle of differential tests.
//!
//! It is built from the canonical form (long names, unfolded, UTF-8, Content-Length as it is), never from bytes of the
//! wire: `rsip` 0.4 loses or refuses messages that Chinese networks send (trap E1).

use std::io::Write as _;

use thiserror::Error;

use super::text::decode;
use super::{Headers, Message};

/// `rsip` does not know what this message contains: a tel URI, an unknown method, an IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("beyond rsip's vocabulary: {0}")]
pub struct ViewError(String);

impl Message {
    /// This message in the types of `rsip`.
    pub fn rsip_view(&self) -> Result<rsip::SipMessage, ViewError> {
        let mut canonical = Vec::new();
        match self {
            Self::Request(request) => {
                canonical.extend_from_slice(request.method.as_bytes());
                canonical.push(b' ');
                request.uri.write(&mut canonical);
                canonical.extend_from_slice(b" SIP/2.0\r\n");
            }
            Self::Response(response) => {
                write!(canonical, "SIP/2.0 {} {}\r\n", response.code, decode(&response.reason))
                    .expect("writing to memory cannot fail");
            }
        }
        write_headers(self.headers(), &mut canonical);
        canonical.extend_from_slice(self.body());
        rsip::SipMessage::try_from(canonical).map_err(|error| ViewError(error.to_string()))
    }
}

fn write_headers(headers: &Headers, canonical: &mut Vec<u8>) {
    for header in headers.iter() {
        write!(canonical, "{}: {}\r\n", header.name, decode(&header.value)).expect("writing to memory cannot fail");
    }
    canonical.extend_from_slice(b"\r\n");
}
