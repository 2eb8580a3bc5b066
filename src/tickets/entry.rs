//! One durable step of a call.

use serde::{Deserialize, Serialize};

use crate::base::ids::{CallId, HotlineId};
use crate::base::time::Instant;
use crate::tickets::fact::Fact;
use crate::tickets::ids::LinkageId;
use crate::tickets::ticket::Ticket;

/// Names an entry: the call, and the entry's place in that call's journal, from 1. An entry that is written twice, such
/// as after a restart from a checkpoint, is recognised by it and written once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryId {
    /// The call.
    pub call: CallId,
    /// The place.
    pub seq: u32,
}

/// What has happened to a call in one step, and what the ticket stores are to learn of it: written as a whole or not at
/// all (promise 3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub id: EntryId,
    /// The contact that the call belongs to.
    pub linkage: LinkageId,
    /// When, on the daemon's own time line: orders what the wall clock's jumps may put out of order (F21).
    pub at: Instant,
    /// When, in milliseconds since 1970 by the wall clock.
    pub unix_ms: u64,
    /// What happened, in its order.
    pub facts: Vec<Fact>,
    /// What the ticket stores learn of it, in its order.
    pub postings: Vec<Posting>,
}

/// One event of one ticket and the hotline whose ticket store gets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Posting {
    /// The hotline whose record it is: its ticket store is the receiver.
    pub hotline: HotlineId,
    /// The record as it stands with this event. `seq` and the hashes are the store's to fill in.
    pub ticket: Ticket,
}
