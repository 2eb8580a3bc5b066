//! What the switch asks of the endpoint: orders, which never fail; failure comes back as a fact.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::fact::{Cause, Peer};
use super::flow::Flow;
use super::message::{Name, NameAddr, Uri};
use crate::base::ids::LegId;

/// An INVITE to be sent on a new leg.
#[derive(Clone)]
pub struct OutgoingInvite {
    /// The new leg's number, reserved before: the call's state and media name it before the INVITE is sent.
    pub leg: LegId,
    /// Who is called.
    pub peer: Peer,
    /// Where the request goes first: the softphone's flow, or the trunk's next hop.
    pub flow: Flow,
    /// The Request-URI.
    pub uri: Uri,
    /// From, without tag: the endpoint adds its own.
    pub from: NameAddr,
    /// To, without tag.
    pub to: NameAddr,
    /// Headers that the recipe adds: identity, privacy, context. Never Via, Route, Contact, Call-ID, CSeq.
    pub headers: Vec<(Name, Bytes)>,
    /// Our SDP offer.
    pub offer: Bytes,
    /// Max-Forwards to write: that of the caller's INVITE less one (invariant I43).
    pub max_forwards: u8,
}

/// What is to be done on an existing leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegOrder {
    /// Send a provisional response (180, 181, 182, 183); repeated each minute until the final one (RFC 3261 13.3.1.1).
    Progress {
        /// The status code.
        code: u16,
        /// Early media.
        sdp: Option<Bytes>,
    },
    /// Answer the INVITE with 200; repeated until the ACK (RFC 3261 13.3.1.4).
    Accept {
        /// Our answer, or our offer when the INVITE had none.
        sdp: Bytes,
    },
    /// Refuse the INVITE.
    Reject {
        /// The final status code, 300 and above.
        code: u16,
        /// Reason header.
        cause: Cause,
        /// Retry-After in seconds.
        retry_after_s: Option<u32>,
    },
    /// Offer a new session by re-INVITE, when the dialog allows it; glare is handled below (invariant I6).
    Offer {
        /// Our offer.
        sdp: Bytes,
    },
    /// Answer the peer's `LegFact::Offered`: its answer, or our offer if it wanted one.
    Answer {
        /// The SDP.
        sdp: Bytes,
    },
    /// Refuse the peer's `LegFact::Offered`; the session stays as it was.
    RejectOffer {
        /// 488, 491, 500 ..
        code: u16,
    },
    /// Send a key by INFO (`application/dtmf-relay`).
    Digit {
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// Milliseconds.
        duration_ms: u32,
    },
    /// End the leg by whatever its state asks for: CANCEL (owed until the first provisional), BYE (behind an owed ACK),
    /// or a final response. `LegFact::Released` follows.
    HangUp {
        /// Reason header.
        cause: Cause,
    },
}

// === impl OutgoingInvite ===

impl fmt::Debug for OutgoingInvite {
    /// The recipe's headers hold the citizen's number whole: only their names are shown (rule 18).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&Name> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("OutgoingInvite")
            .field("leg", &self.leg)
            .field("peer", &self.peer)
            .field("flow", &self.flow)
            .field("from", &self.from)
            .field("headers", &names)
            .field("max_forwards", &self.max_forwards)
            .finish_non_exhaustive()
    }
}
