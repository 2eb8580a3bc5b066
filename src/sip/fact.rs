//! What the endpoint tells the switch: facts, each said once.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::flow::Flow;
use super::message::{Request, Uri};
use crate::base::ids::{AgentId, LegId, TrunkId};

/// Who is at the other end, as proved by source address or digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Peer {
    /// A configured trunk, known by its source address.
    Trunk(TrunkId),
    /// A softphone that proved its password.
    Softphone(AgentId),
}

/// Something the switch must know.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new INVITE from an admitted peer. The endpoint has sent 100 and numbered the leg.
    Incoming(Box<IncomingInvite>),
    /// A leg's dialog moved on.
    Leg {
        /// Which leg.
        leg: LegId,
        /// What happened.
        fact: LegFact,
    },
    /// A softphone can now be reached at these contacts (all of its live ones).
    Registered {
        /// Whose contacts.
        agent: AgentId,
        /// Where, newest first. Never empty.
        contacts: Vec<ContactRoute>,
    },
    /// A softphone cannot be reached any more: expired, removed, or its flow is gone.
    Unregistered {
        /// Whose contacts are gone.
        agent: AgentId,
    },
    /// Something to count or to log, that changes nothing.
    Observed(Observation),
}

/// One way to reach a registered softphone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRoute {
    /// The contact URI, the Request-URI of calls to it.
    pub uri: Uri,
    /// The flow it registered over (RFC 5626): requests go back over it.
    pub flow: Flow,
}

/// An INVITE that starts a call.
#[derive(Clone, Debug)]
pub struct IncomingInvite {
    /// The new leg.
    pub leg: LegId,
    /// Who sent it.
    pub peer: Peer,
    /// Over which flow.
    pub flow: Flow,
    /// The whole request, for routing and identity.
    pub request: Request,
    /// Its SDP offer. `None` asks us for the offer in our 200 (RFC 3264, delayed offer).
    pub offer: Option<Bytes>,
    /// Max-Forwards for the legs that follow: already decremented.
    pub max_forwards: u8,
}

/// What happened on one leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegFact {
    /// A provisional response above 100 to our INVITE.
    Progress {
        /// 180, 181, 182, 183 or 199.
        code: u16,
        /// Early media's SDP; an answer to our offer that a later 200 may repeat or, from another fork, replace.
        sdp: Option<Bytes>,
    },
    /// A 2xx to our INVITE. It has been ACKed.
    Answered {
        /// The answer to our offer.
        sdp: Option<Bytes>,
    },
    /// Our INVITE came to nothing: a final response above 299, a time-out, or a transport failure. The leg is over.
    Failed(Failure),
    /// The ACK to our 2xx arrived.
    Acked {
        /// The answer, if our 2xx carried the offer.
        sdp: Option<Bytes>,
    },
    /// The peer offers a new session in a re-INVITE or UPDATE. It waits for `LegOrder::Answer` or `RejectOffer`.
    Offered {
        /// Its offer. `None`: a re-INVITE without SDP, which wants our offer.
        sdp: Option<Bytes>,
    },
    /// The answer to our own re-INVITE.
    AnswerReceived {
        /// The answer.
        sdp: Bytes,
    },
    /// Our re-INVITE was refused; the session stays as it was. Glare (491) is repeated by the endpoint, not told.
    OfferRefused {
        /// The final response.
        code: u16,
    },
    /// The peer pressed a key and said so by INFO.
    Digit {
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// How long, as the peer says; default 160 ms.
        duration: Duration,
    },
    /// The peer ended the leg on purpose: BYE, or CANCEL before our final response. The leg is over.
    HungUp {
        /// Its Reason header, if any.
        cause: Cause,
    },
    /// The leg is gone though nobody hung up: 481, 408, no ACK, flow lost, session expired. The leg is over.
    Lost {
        /// How we know.
        loss: Loss,
    },
    /// What we hung up or rejected has been confirmed or given up. The leg is over and forgotten.
    Released,
}

/// How a leg was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Loss {
    /// The peer does not know the dialog (481).
    DialogUnknown,
    /// A request of ours was never answered (408, Timer B or F).
    Timeout,
    /// Our 2xx was never ACKed (64*T1).
    NoAck,
    /// The transport failed.
    Transport,
    /// The session timer ran out (RFC 4028).
    SessionExpired,
}

/// Why an INVITE came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The final status code; 408 for a time-out, 503 for a transport failure (RFC 3261 8.1.3.1).
    pub code: u16,
    /// Q.850 and text, if the peer gave them.
    pub cause: Cause,
    /// Retry-After, capped at 24 h.
    pub retry_after: Option<Duration>,
}

/// Why a leg ended (RFC 3326), at least one of the two known in the end (invariant I45).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// SIP status.
    pub sip: Option<u16>,
    /// Q.850 cause value.
    pub q850: Option<u8>,
}

/// Something worth a counter, a log line or an audit line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// A request arrived.
    Request {
        /// Its method, `other` if unknown.
        method: &'static str,
        /// Whether we received it.
        inbound: bool,
    },
    /// A response was sent or received.
    Response {
        /// The status code.
        code: u16,
        /// Whether we received it.
        inbound: bool,
    },
    /// We sent something again.
    Retransmission,
    /// Bytes that are no message, or a message with a defect; counted by reason.
    ParseError {
        /// A closed set of words.
        reason: &'static str,
    },
    /// A request that we refused, or a source that we do not know; one audit line.
    Refused {
        /// Where it came from.
        flow: Flow,
        /// A closed set of words.
        reason: &'static str,
    },
    /// A fact that a state ignores on purpose.
    Ignored {
        /// Why.
        why: &'static str,
    },
}
