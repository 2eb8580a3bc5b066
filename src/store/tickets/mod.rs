//! `tickets.db`: the built-in ticket store, for centres that have none, and the one of the default configuration.
//!
//! Decides: whether an event is new, a replay, in conflict or out of its order; which records a question means.
//! Invariants: an event has its effect once, by its `event_id`; the events of one ticket follow one another without a
//! gap, and each continues the hash chain of the one before ([`crate::tickets::seal`]); their text is kept byte for byte;
//! whoever was answered "taken" finds the event after a power failure (WAL, synchronous=FULL). There is one [`Writer`];
//! it commits what waits together, and everybody else only reads. A file that cannot be used is no reason not to start:
//! a damaged one is set aside under another name and said so, and while there is none every request is answered
//! [`Away`], which makes whoever delivers come again.
//! Does not do: HTTP, roles and masking (`api`), deciding what happened to a ticket (`tickets`), forgetting: a record is
//! kept until the operators archive the file.

mod filter;
mod read;
#[cfg(test)]
pub(crate) mod sample;
mod schema;
#[cfg(test)]
mod tests;
mod write;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot};

pub use filter::{Filter, Span};
pub use read::{Kept, Reader};
pub use write::Writer;

use crate::tickets::seal::Broken;
use crate::tickets::ticket::{SCHEMA, Ticket};

/// The name of the file, in the folder of the store.
pub const FILE: &str = "tickets.db";
/// Events that wait for the writer. Beyond them whoever delivers comes again.
const QUEUE: usize = 256;

/// The store, for whoever asks it. Copies share it.
#[derive(Clone, Debug)]
pub struct TicketStore {
    orders: mpsc::Sender<Order>,
    reader: Arc<OnceLock<Reader>>,
}

/// One event on its way to the disk, and who waits for it.
#[derive(Debug)]
struct Order {
    event: Posted,
    answer: oneshot::Sender<Result<Taken, NotTaken>>,
}

/// An event as it came.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Read.
    pub ticket: Ticket,
    /// Byte for byte: what is kept, and what its hash is over.
    pub text: String,
}

/// What an event's sender got wrong before it comes to its place.
#[derive(Debug, thiserror::Error)]
pub enum Misread {
    /// It is not the format.
    #[error("it is no {SCHEMA}: {0}")]
    NoTicket(String),
    /// The record's name says another contact than the record.
    #[error("ticket_id and linkage_id name two contacts")]
    TwoContacts,
}

impl Posted {
    /// Reads an event.
    pub fn read(text: String) -> Result<Self, Misread> {
        // What serde says names members and places, and repeats at most a word where a word of the format was due.
        let ticket: Ticket = serde_json::from_str(&text).map_err(|error| Misread::NoTicket(error.to_string()))?;
        if ticket.schema != SCHEMA {
            return Err(Misread::NoTicket("the schema is another one".to_owned()));
        }
        if ticket.linkage_id != ticket.ticket_id.linkage {
            return Err(Misread::TwoContacts);
        }
        Ok(Self { ticket, text })
    }
}

/// An event is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Since now.
    New,
    /// It was before: the same event with the same text.
    Again,
}

/// Why an event is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Its sender uses one key for two things.
    #[error("an event of this id is kept with another content")]
    Conflict,
    /// It is not the next of its ticket, or its chain is broken: its sender's fault.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// Not now.
    #[error(transparent)]
    Away(#[from] Away),
}

/// The store cannot be asked at present: the disk, or too many at once. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ticket store cannot be used at present")]
pub struct Away;

/// The store in this file, and its writer, which must run on a thread of its own. Nothing is opened yet.
pub fn open(path: PathBuf) -> (TicketStore, Writer) {
    let (orders, queue) = mpsc::channel(QUEUE);
    let reader = Arc::new(OnceLock::new());
    let writer = Writer::new(path, queue, Arc::clone(&reader));
    (TicketStore { orders, reader }, writer)
}

impl TicketStore {
    /// Keeps an event. It is on the disk when this returns; a caller who does not wait changes nothing about that.
    pub async fn take(&self, event: Posted) -> Result<Taken, NotTaken> {
        let (answer, answered) = oneshot::channel();
        self.orders.try_send(Order { event, answer }).map_err(|_| Away)?;
        answered.await.map_err(|_| Away)?
    }

    /// For questions.
    pub fn reader(&self) -> Result<&Reader, Away> {
        self.reader.get().ok_or(Away)
    }
}
