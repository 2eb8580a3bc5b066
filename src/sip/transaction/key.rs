//! What makes two messages belong to one transaction: RFC 3261 17.1.3, 17.2.3 and 8.2.2.2.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::sip::message::{Host, Method, Request, Response};

/// The magic cookie that marks a branch as unique (RFC 3261 8.1.1.7).
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// Identifies a transaction that the peer started.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ServerKey {
    /// The peer follows RFC 3261: its branch is unique within its sent-by.
    Branch {
        /// Branch of the top Via.
        branch: Bytes,
        /// Host of the top Via's sent-by.
        host: Host,
        /// Port of the top Via's sent-by.
        port: Option<u16>,
        /// The method, INVITE for an ACK.
        method: Method,
    },
    /// The peer follows RFC 2543: everything that a retransmission repeats. The To tag and the Request-URI are left
    /// out, so that the ACK to a response of ours, which has our tag, finds its INVITE.
    Legacy {
        /// Call-ID.
        call_id: Bytes,
        /// From tag.
        from_tag: Option<Bytes>,
        /// CSeq number.
        number: u32,
        /// The top Via as written.
        via: Bytes,
        /// The method, INVITE for an ACK.
        method: Method,
    },
}

impl ServerKey {
    /// The key of a request. `None` if it lacks what every request must have.
    pub fn of(request: &Request) -> Option<Self> {
        let method = if request.method == Method::Ack { Method::Invite } else { request.method.clone() };
        let via = request.headers.top_via().ok()?;
        if let Some(branch) = via.branch()
            && branch.len() > MAGIC_COOKIE.len()
            && branch.get(..MAGIC_COOKIE.len()).is_some_and(|cookie| cookie.eq_ignore_ascii_case(MAGIC_COOKIE))
        {
            let branch = branch.clone();
            return Some(Self::Branch { branch, host: via.host, port: via.port, method });
        }
        let number = request.headers.cseq().ok()?.number;
        let call_id = request.headers.call_id().ok()?;
        let from_tag = request.headers.from().ok()?.tag().cloned();
        Some(Self::Legacy { call_id, from_tag, number, via: via.to_bytes(), method })
    }

    /// The key of the INVITE that a CANCEL with this key means (RFC 3261 9.2).
    #[must_use]
    pub fn of_cancelled(self) -> Self {
        match self {
            Self::Branch { branch, host, port, method: _ } => {
                Self::Branch { branch, host, port, method: Method::Invite }
            }
            Self::Legacy { call_id, from_tag, number, via, method: _ } => {
                Self::Legacy { call_id, from_tag, number, via, method: Method::Invite }
            }
        }
    }
}

/// Identifies a transaction that we started.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClientKey {
    /// Our branch: 64 random bits and our marker.
    pub branch: Bytes,
    /// The method of the CSeq, which tells a CANCEL from its INVITE.
    pub method: Method,
}

impl ClientKey {
    /// The key of a response. `None` if it lacks what every response must have.
    pub fn of(response: &Response) -> Option<Self> {
        let branch = response.headers.top_via().ok()?.branch()?.clone();
        let method = response.headers.cseq().ok()?.method;
        Some(Self { branch, method })
    }
}

/// Identifies a request that reached us over two paths (RFC 3261 8.2.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MergeKey {
    call_id: Bytes,
    from_tag: Option<Bytes>,
    number: u32,
    method: Method,
}

impl MergeKey {
    /// The key of a request without To tag. `None` for one inside a dialog.
    pub fn of(request: &Request) -> Option<Self> {
        if request.headers.to().ok()?.tag().is_some() {
            return None;
        }
        Some(Self {
            call_id: request.headers.call_id().ok()?,
            from_tag: request.headers.from().ok()?.tag().cloned(),
            number: request.headers.cseq().ok()?.number,
            method: request.method.clone(),
        })
    }
}
