//! What a party's process and its director say to each other: one JSON object a line.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The first line to a party: who it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Script {
    pub(super) role: Role,
    /// Its own SIP address.
    pub(super) sip: SocketAddr,
    /// Its own RTP address.
    pub(super) rtp: SocketAddr,
    /// Where the daemon is.
    pub(super) daemon: SocketAddr,
    /// The tone it speaks with.
    pub(super) tone_hz: u32,
    /// The tones it listens for: everybody's.
    pub(super) listens_for: Vec<u32>,
}

/// What it does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Role {
    /// Calls a hotline over a trunk, by a number of its own.
    Citizen { number: String, dials: String },
    /// Registers and answers.
    Agent { number: String, realm: String, password: String },
    /// Answers what comes over its trunk.
    Seat { number: String },
}

/// A later line to a party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cue {
    /// Call.
    Call,
    /// Press the transfer key of the telephone: REFER to this number.
    Transfer { to: String },
    /// Hang up, if nobody has, then say what was heard.
    HangUp,
    /// Only say what was heard.
    Listen,
}

/// A line from a party.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Line {
    /// The sockets are bound; an agent is registered.
    Ready,
    /// A SIP message left or arrived.
    Message { at_ms: u64, way: Way, what: String },
    /// An agent's telephone rings and shows this number: in From, and in P-Asserted-Identity if there is one.
    Shown { from: String, asserted: Option<String> },
    /// The call is up.
    Talking,
    /// The last word on the transfer that was pressed: the code in the NOTIFY that ends the subscription.
    Transferred { code: u16 },
    /// The call is over.
    Over,
    /// What was heard.
    Heard(Heard),
    /// Something that ends the story.
    Failed { why: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Way {
    Sent,
    Received,
}

/// What a party heard, tone by tone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Heard {
    /// Milliseconds of each tone; shorter than 30 ms at a time counts as nothing.
    pub(super) tones_ms: BTreeMap<u32, u32>,
    /// The longest pause between the first and the last sound of each tone, in milliseconds.
    pub(super) longest_gap_ms: BTreeMap<u32, u32>,
    /// Which tone was heard when, from the first sound to the last.
    pub(super) timeline: Vec<Span>,
    /// RTP packets that arrived.
    pub(super) packets: u32,
}

/// A stretch of one tone, or of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    /// The tone; `None` is silence.
    pub(super) tone_hz: Option<u32>,
    /// How long, in milliseconds.
    pub(super) ms: u32,
}
