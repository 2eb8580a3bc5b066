//! One event on its way to a ticket store.

use std::sync::Arc;
use std::time::Duration;

use crate::tickets::ids::{EventId, TicketId};

/// What one attempt needs. The outbox gives it out, and gets a [`Verdict`] back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The event, and the idempotency key.
    pub event: EventId,
    /// Its ticket: the next event of the same ticket waits for this one.
    pub ticket: TicketId,
    /// The ticket store, by its name in the configuration.
    pub store: Arc<str>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The sealed ticket: `linkage-ticket/1` as JSON.
    pub body: Arc<str>,
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The ticket store has it.
    Taken {
        /// What it said, such as its own number of the record; kept as the receipt.
        receipt: String,
    },
    /// Not now: the same event is sent again, with the same key.
    NotNow {
        /// Why, for people.
        why: String,
        /// How long the ticket store asked us to wait (Retry-After, RFC 9110 10.2.3).
        after: Option<Duration>,
    },
    /// Never: the ticket store refuses this record. It is set aside as a dead letter, and an alarm rises (F16).
    Refused {
        /// Why, for people.
        why: String,
    },
}

/// The name of the ticket store that is part of the daemon.
pub const BUILTIN: &str = "builtin";

/// What a hotline names whose events are not sent anywhere: they stay in the outbox, for export (R46).
pub const NOWHERE: &str = "none";
