//! What the endpoint tells the switch: facts, each said once.

use std::fmt;
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
    /// What became of `Endpoint::probe`.
    Probed {
        /// Which probe.
        id: ProbeId,
        /// What became of it.
        result: ProbeResult,
    },
    /// Something to count or to log, that changes nothing.
    Observed(Observation),
}

/// A question by OPTIONS whether a gateway is alive. Numbered by whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProbeId(pub u64);

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeResult {
    /// The gateway has answered.
    Answered {
        /// The final status code, whatever it is.
        code: u16,
        /// Retry-After, capped at 24 h.
        retry_after: Option<Duration>,
    },
    /// It has not.
    Lost(Loss),
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
    /// Whether it may use what is kept in reserve.
    pub urgency: Urgency,
    /// The leg whose place it wants to take (RFC 3891). What names no living dialog of the same peer, or several, has
    /// been answered 481, 486, 603 or 403 and is not told.
    pub replaces: Option<Replaced>,
}

/// What a Replaces header names (RFC 3891).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The leg to be replaced.
    pub leg: LegId,
    /// How far that leg is.
    pub phase: ReplacedPhase,
}

/// How far a leg is that is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplacedPhase {
    /// It rings: our INVITE has no final response yet. The newcomer answers in its place.
    Early,
    /// It talks.
    Confirmed,
}

/// A REFER inside a dialog (RFC 3515). It waits for `LegOrder::AcceptRefer` or `RejectRefer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refer {
    /// Names it on its leg.
    pub id: ReferId,
    /// Whom the peer wants us to reach.
    pub target: ReferTarget,
    /// The whole request, for who asks.
    pub request: Request,
    /// Whether the peer wants to hear how it goes (RFC 4488).
    pub reports: Reports,
}

/// A REFER on its leg: the CSeq number, which is also the `id` of its Event (RFC 3515 2.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReferId(pub u32);

/// Whom a REFER wants us to reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReferTarget {
    /// A new party: sip, sips or tel, without URI headers and without a `method`.
    Uri(Uri),
    /// Its Replaces names another leg of the same peer: the two calls are to be joined.
    Leg(LegId),
    /// Its Replaces names nothing that could be joined.
    Unmatched {
        /// What an INVITE with that Replaces would get: 481 for no dialog or several, 486 for a dialog that is not early
        /// any more, 603 for one that has ended (RFC 3891 3).
        code: u16,
    },
}

/// Whether the sender of a REFER wants to hear how it goes (RFC 4488).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reports {
    /// By NOTIFY.
    Wanted,
    /// `Refer-Sub: false`: no NOTIFY is sent.
    Declined,
}

/// Whether a report on a REFER is the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Last {
    /// More will follow.
    No,
    /// The REFER is settled; its subscription ends.
    Yes,
}

/// What became of a report on a REFER.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notified {
    /// The NOTIFY has this final response, 481 included; that one ends the subscription, not the leg (RFC 5057).
    Answered(u16),
    /// It has none.
    Lost(Loss),
    /// Nobody listens: the REFER wanted no reports, or its subscription has ended before.
    Moot,
}

/// How urgent an INVITE is (I39).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Urgency {
    /// It calls an emergency hotline, or a trusted trunk says so by Resource-Priority (RFC 4412).
    Urgent,
    /// Any other.
    Ordinary,
}

/// What happened on one leg.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegFact {
    /// Our INVITE has arrived: a 100, if it is the first thing heard. Told once.
    Trying,
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
    /// The peer wants us to transfer the party behind this leg. Told once for each REFER of a peer that may refer.
    Referred(Box<Refer>),
    /// What became of a NOTIFY. Every `LegOrder::Notify` with `Last::Yes` on a living leg leads to exactly one of these
    /// with `Last::Yes`; a leg that ends first says so by its end.
    NotifyAnswered {
        /// Of which REFER.
        refer: ReferId,
        /// Whether it was the last one.
        last: Last,
        /// What became of it.
        result: Notified,
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

// === impl LegFact ===

impl fmt::Debug for LegFact {
    /// A session description tells where somebody is: only its length is shown (rule 18).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut with_sdp =
            |name: &str, sdp: Option<&Bytes>| f.debug_struct(name).field("sdp_bytes", &sdp.map(Bytes::len)).finish();
        match self {
            Self::Trying => f.write_str("Trying"),
            Self::Answered { sdp } => with_sdp("Answered", sdp.as_ref()),
            Self::Acked { sdp } => with_sdp("Acked", sdp.as_ref()),
            Self::Offered { sdp } => with_sdp("Offered", sdp.as_ref()),
            Self::AnswerReceived { sdp } => with_sdp("AnswerReceived", Some(sdp)),
            Self::Progress { code, sdp } => {
                let bytes = sdp.as_ref().map(Bytes::len);
                f.debug_struct("Progress").field("code", code).field("sdp_bytes", &bytes).finish()
            }
            Self::Failed(failure) => f.debug_tuple("Failed").field(failure).finish(),
            Self::OfferRefused { code } => f.debug_struct("OfferRefused").field("code", code).finish(),
            // Keys may be a card number or a password.
            Self::Digit { duration, .. } => f.debug_struct("Digit").field("duration", duration).finish_non_exhaustive(),
            Self::Referred(refer) => f.debug_tuple("Referred").field(refer).finish(),
            Self::NotifyAnswered { refer, last, result } => {
                let mut shown = f.debug_struct("NotifyAnswered");
                shown.field("refer", refer).field("last", last).field("result", result).finish()
            }
            Self::HungUp { cause } => f.debug_struct("HungUp").field("cause", cause).finish(),
            Self::Lost { loss } => f.debug_struct("Lost").field("loss", loss).finish(),
            Self::Released => f.write_str("Released"),
        }
    }
}
