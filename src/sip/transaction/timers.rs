//! The timers of RFC 3261 17 and RFC 6026, by their letters.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A transaction timer. The letter is the RFC's; each variant says what its firing means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// Our INVITE is unanswered on an unreliable transport: send it again, twice as late each time.
    A,
    /// Our INVITE had no response at all: it has failed.
    B,
    /// Our request is unanswered on an unreliable transport: send it again, at most every T2.
    E,
    /// Our request had no final response: it has failed.
    F,
    /// Our non-2xx response to an INVITE was not ACKed on an unreliable transport: send it again, at most every T2.
    G,
    /// Our non-2xx response was never ACKed: give up.
    H,
    /// No more repeated ACKs are expected: forget the transaction.
    I,
    /// No more repeated requests are expected: forget the transaction.
    J,
    /// No more repeated responses to our request are expected: forget the transaction.
    K,
    /// The 2xx to the peer's INVITE has had its time (RFC 6026 7.1): forget the transaction.
    L,
    /// No more 2xx to our INVITE, of this fork or another, are expected (RFC 6026 7.2), nor a first late one to an INVITE
    /// that was given up: forget the transaction.
    M,
    /// Our non-2xx was received and ACKed; no more repetitions of it are expected: forget the transaction.
    D,
}

/// The values the timers are made of (RFC 3261 table 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Round-trip estimate.
    pub t1: Duration,
    /// The longest interval between two repetitions of a non-INVITE request or of a response to an INVITE.
    pub t2: Duration,
    /// How long a message may stay in the network.
    pub t4: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl Timing {
    /// 64*T1: how long a transaction waits for its peer (timers B, F, H, J, L, M).
    pub fn patience(&self) -> Duration {
        self.t1 * 64
    }

    /// Timer D: at least 32 s, whatever T1 is (RFC 3261 17.1.1.2).
    pub fn d(&self) -> Duration {
        self.patience().max(Duration::from_secs(32))
    }

    /// The interval after `interval`, doubled up to T2.
    pub fn doubled(&self, interval: Duration) -> Duration {
        (interval * 2).min(self.t2)
    }
}

/// Whether the transport repeats lost bytes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reliability {
    /// TCP and what runs on it.
    Reliable,
    /// UDP.
    Unreliable,
}
