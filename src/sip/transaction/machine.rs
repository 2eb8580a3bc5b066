//! What the four machines have in common: their surroundings and what they ask for.

use std::time::Duration;

use smallvec::SmallVec;

use super::timers::{Reliability, Timer, Timing};
use crate::base::time::Instant;
use crate::base::timer::TimerTable;

/// The class of a response, as far as a transaction cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 1xx.
    Provisional,
    /// 2xx.
    Success,
    /// 3xx to 6xx.
    Refusal,
}

impl Class {
    /// The class of a status code.
    pub const fn of(code: u16) -> Self {
        match code {
            0..=199 => Self::Provisional,
            200..=299 => Self::Success,
            300.. => Self::Refusal,
        }
    }
}

/// What a machine asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send our request, or our last response, (again).
    Transmit,
    /// Send the ACK to the non-2xx response at hand (RFC 3261 17.1.1.3).
    Acknowledge,
    /// Give the message at hand to the transaction's user.
    Deliver,
    /// Tell the user that our non-2xx to an INVITE has arrived for certain.
    Settled,
    /// Tell the user that the peer was silent for too long.
    TimedOut,
    /// Tell the user that the transport failed.
    TransportFailed,
}

/// The surroundings of a machine during one input.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The time.
    pub now: Instant,
    /// T1, T2, T4.
    pub timing: Timing,
    /// Of the transport in use.
    pub reliability: Reliability,
    /// The machine's timers.
    pub timers: &'a mut TimerTable<Timer>,
    /// What it asks for, in order.
    pub effects: SmallVec<[Effect; 3]>,
}

impl Scene<'_> {
    /// Arms a timer to fire `after` now.
    pub fn arm(&mut self, timer: Timer, after: Duration) {
        self.timers.set(timer, self.now + after);
    }
}
