//! What the switch asks of the endpoint: orders, which never fail; failure comes back as a fact.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::fact::{Cause, Last, Peer, ProbeId, ReferId};
use super::flow::Flow;
use super::message::{Name, NameAddr, Uri};
use crate::base::ids::{LegId, TrunkId};

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

/// An OPTIONS outside of any dialog that asks whether a trunk's gateway is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its number.
    pub id: ProbeId,
    /// The trunk: only its networks may answer.
    pub trunk: TrunkId,
    /// Where to.
    pub flow: Flow,
    /// The Request-URI.
    pub uri: Uri,
}

/// What is to be done on an existing leg.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Somebody else is behind us from now on: our later re-INVITEs and UPDATEs say so (RFC 3325 5, trap T20). Nothing
    /// is sent for it alone.
    Present {
        /// Identity and privacy, as the recipe writes them.
        headers: Vec<(Name, Bytes)>,
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
    /// Take the peer's `LegFact::Referred`: 202, and a first NOTIFY behind it unless the peer wants none.
    AcceptRefer {
        /// Which REFER.
        refer: ReferId,
        /// What the first NOTIFY says.
        first: FirstReport,
    },
    /// Refuse the peer's `LegFact::Referred`.
    RejectRefer {
        /// Which REFER.
        refer: ReferId,
        /// The final status code, 300 and above.
        code: u16,
    },
    /// Tell the peer by NOTIFY how its REFER goes. One is on its way at a time; a newer one replaces one that waits; the
    /// last one waits at most 1 s (trap T2).
    Notify {
        /// Which REFER.
        refer: ReferId,
        /// The status of the call to the target, 100 to 699.
        status: u16,
        /// Whether it is the last one.
        last: Last,
    },
    /// End the leg by whatever its state asks for: CANCEL (owed until the first provisional), BYE (behind an owed ACK),
    /// or a final response. `LegFact::Released` follows.
    HangUp {
        /// Reason header.
        cause: Cause,
    },
}

/// What the first NOTIFY behind our 202 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FirstReport {
    /// `100 Trying`; more will follow.
    Trying,
    /// `200 OK`, and the subscription ends: for telephones that mishandle progress (trap T43). It is no success.
    SettledAtOnce,
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

// === impl LegOrder ===

impl fmt::Debug for LegOrder {
    /// Session descriptions, keys and numbers are not shown (rule 18).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Progress { code, sdp } => {
                let bytes = sdp.as_ref().map(Bytes::len);
                f.debug_struct("Progress").field("code", code).field("sdp_bytes", &bytes).finish()
            }
            Self::Accept { sdp } => f.debug_struct("Accept").field("sdp_bytes", &sdp.len()).finish(),
            Self::Offer { sdp } => f.debug_struct("Offer").field("sdp_bytes", &sdp.len()).finish(),
            Self::Present { headers } => {
                let names: Vec<&Name> = headers.iter().map(|(name, _)| name).collect();
                f.debug_struct("Present").field("headers", &names).finish()
            }
            Self::Answer { sdp } => f.debug_struct("Answer").field("sdp_bytes", &sdp.len()).finish(),
            Self::Reject { code, cause, retry_after_s } => {
                let mut shown = f.debug_struct("Reject");
                shown.field("code", code).field("cause", cause).field("retry_after_s", retry_after_s).finish()
            }
            Self::RejectOffer { code } => f.debug_struct("RejectOffer").field("code", code).finish(),
            Self::Digit { duration_ms, .. } => {
                f.debug_struct("Digit").field("duration_ms", duration_ms).finish_non_exhaustive()
            }
            Self::AcceptRefer { refer, first } => {
                f.debug_struct("AcceptRefer").field("refer", refer).field("first", first).finish()
            }
            Self::RejectRefer { refer, code } => {
                f.debug_struct("RejectRefer").field("refer", refer).field("code", code).finish()
            }
            Self::Notify { refer, status, last } => {
                let mut shown = f.debug_struct("Notify");
                shown.field("refer", refer).field("status", status).field("last", last).finish()
            }
            Self::HangUp { cause } => f.debug_struct("HangUp").field("cause", cause).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::fact::LegFact;

    #[test]
    fn orders_and_facts_show_neither_sessions_nor_keys() {
        let sdp = Bytes::from("v=0\r\nc=IN IP4 192.0.2.77\r\na=crypto:secret\r\n");
        let shown = format!(
            "{:?}{:?}{:?}{:?}",
            LegOrder::Accept { sdp: sdp.clone() },
            LegOrder::Digit { digit: '7', duration_ms: 160 },
            LegFact::Answered { sdp: Some(sdp.clone()) },
            LegFact::AnswerReceived { sdp },
        );
        assert!(!shown.contains("192") && !shown.contains("crypto") && !shown.contains('7'), "{shown}");
        assert!(shown.contains("sdp_bytes: "));
    }
}
