//! Through which numbers a call has come: Diversion and History-Info as one chain (RFC 7544).

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::caller_id::Presentation;
use super::claims::Claim;
use crate::base::number::Number;
use crate::base::pii::Pii;

/// The longest chain that is kept. Of a longer one the first number called and the latest ones stay.
const MAX_HOPS: usize = 16;

/// One number that the call has been to, and left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The number as the network wrote it.
    pub number: Pii,
    /// The same, normalised.
    pub normal: Number,
    /// Why the call went on from there. `None`: it was passed on without having been diverted.
    pub left: Option<Left>,
    /// Whether the number may be shown outside the trust domain: `privacy=full` (RFC 5806), `Privacy=history` (RFC
    /// 7044).
    pub presentation: Presentation,
}

/// Why a call went on from a number: the words of Diversion (RFC 5806 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Left {
    /// Nobody says.
    Unknown,
    /// It was busy.
    UserBusy,
    /// It did not answer.
    NoAnswer,
    /// It forwards every call.
    Unconditional,
    /// A person sent it on.
    Deflection,
    /// It could not be reached.
    Unavailable,
    /// It forwards at this hour.
    TimeOfDay,
    /// It is not to be disturbed.
    DoNotDisturb,
    /// Its user is elsewhere.
    FollowMe,
    /// It is out of service.
    OutOfService,
    /// Its user is away.
    Away,
}

const WORDS: &[(Left, &str)] = &[
    (Left::Unknown, "unknown"),
    (Left::UserBusy, "user-busy"),
    (Left::NoAnswer, "no-answer"),
    (Left::Unconditional, "unconditional"),
    (Left::Deflection, "deflection"),
    (Left::Unavailable, "unavailable"),
    (Left::TimeOfDay, "time-of-day"),
    (Left::DoNotDisturb, "do-not-disturb"),
    (Left::FollowMe, "follow-me"),
    (Left::OutOfService, "out-of-service"),
    (Left::Away, "away"),
];

impl Left {
    /// The word of Diversion.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(left, _)| *left == self).map_or("unknown", |(_, word)| word)
    }

    /// The reason that a Diversion's word says.
    pub fn of_word(word: &[u8]) -> Self {
        let known = WORDS.iter().find(|(_, known)| word.eq_ignore_ascii_case(known.as_bytes()));
        known.map_or(Self::Unknown, |(left, _)| *left)
    }

    /// The cause of History-Info (RFC 4458, mapped as RFC 7544 4.1 says).
    pub const fn cause(self) -> u16 {
        match self {
            Self::UserBusy => 486,
            Self::NoAnswer => 408,
            Self::Unconditional => 302,
            Self::Deflection => 480,
            Self::Unavailable => 503,
            Self::Unknown | Self::TimeOfDay | Self::DoNotDisturb | Self::FollowMe | Self::OutOfService | Self::Away => {
                404
            }
        }
    }

    /// The reason that a cause of History-Info says.
    pub const fn of_cause(cause: u16) -> Self {
        match cause {
            486 => Self::UserBusy,
            408 => Self::NoAnswer,
            302 => Self::Unconditional,
            480 | 487 => Self::Deflection,
            503 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }
}

/// One value of Diversion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diversion {
    /// Who diverted.
    pub by: Claim,
    /// `reason`.
    pub reason: Bytes,
    /// Whether `privacy` is anything but `off`.
    pub private: bool,
}

/// One entry of History-Info.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Where the call was sent.
    pub target: Claim,
    /// The `cause` of its URI: why the entry before was left (RFC 4458).
    pub cause: Option<u16>,
    /// The Reason in its URI: why it was left itself (RFC 7044 10.2).
    pub reason: Option<u16>,
    /// Whether its URI asks for privacy.
    pub private: bool,
}

/// The chain that an INVITE shows, the number called first standing first. `area` as in [`Number::parse`].
///
/// History-Info tells more than Diversion and wins where both are there (RFC 7544 6.2).
pub fn read(diversions: &[Diversion], history: &[Entry], area: Option<&str>) -> Vec<Hop> {
    let mut hops = if history.len() > 1 { of_history(history, area) } else { of_diversions(diversions, area) };
    if hops.len() > MAX_HOPS {
        hops.drain(1..=hops.len() - MAX_HOPS);
    }
    hops
}

/// RFC 5806 5.1: the topmost is the latest.
fn of_diversions(diversions: &[Diversion], area: Option<&str>) -> Vec<Hop> {
    let hop =
        |diversion: &Diversion| hop(&diversion.by, Some(Left::of_word(&diversion.reason)), diversion.private, area);
    diversions.iter().rev().filter_map(hop).collect()
}

/// The last entry is where the call is now: with us.
fn of_history(history: &[Entry], area: Option<&str>) -> Vec<Hop> {
    let pairs = history.iter().zip(history.iter().skip(1));
    let hop = |(entry, next): (&Entry, &Entry)| {
        hop(&entry.target, next.cause.or(entry.reason).map(Left::of_cause), entry.private, area)
    };
    pairs.filter_map(hop).collect()
}

fn hop(claim: &Claim, left: Option<Left>, private: bool, area: Option<&str>) -> Option<Hop> {
    let number = claim.number()?;
    let presentation = if private { Presentation::Restricted } else { Presentation::Allowed };
    Some(Hop { number: Pii::new(number), normal: Number::parse(number, area), left, presentation })
}
