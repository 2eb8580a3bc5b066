//! The chain of a ticket's events (可追溯): each one names the hash of the one before, so that none can be changed, left
//! out or put in later without being noticed (R32).
//!
//! The hash is SHA-256 over the hash of the event before and the JSON text of this one in which its own `hash` is empty,
//! both as UTF-8. It is over the text and not over our reading of it, so that a daemon of another version, or a program
//! of another make, comes to the same hash with a search, a replacement and any SHA-256.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::tickets::ids::TicketId;
use crate::tickets::ticket::Ticket;

/// How the member begins that is left empty for the hash. A quotation mark within a text is escaped in JSON, and nothing
/// free stands before it: the first place is the member.
const MEMBER: &str = "\"hash\":\"";

/// What a ticket's last event leaves for the next one. The default is a ticket without events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The last event's number; 0 if there is none yet.
    pub seq: u64,
    /// The last event's hash; empty if there is none yet.
    pub hash: String,
}

/// An event in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// The ticket with `seq`, `prev_hash` and `hash`.
    pub ticket: Ticket,
    /// The same as JSON: what is kept and sent, byte for byte.
    pub text: String,
}

impl Sealed {
    /// What the next event of the ticket is sealed with.
    pub fn link(&self) -> Link {
        Link { seq: self.ticket.seq, hash: self.ticket.hash.clone() }
    }
}

/// What is wrong with a chain. It is whoever kept it who has changed it, or a fault of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It cannot be read.
    #[error("it is no linkage ticket")]
    NoTicket,
    /// It belongs elsewhere.
    #[error("it is an event of another ticket")]
    AnotherTicket,
    /// One is missing or there twice.
    #[error("it is event {found}, and {expected} is due")]
    Gap {
        /// The number that is due.
        expected: u64,
        /// The number that it has.
        found: u64,
    },
    /// The event before is another one than it was.
    #[error("it does not continue the event before")]
    NotItsPredecessor,
    /// This event is another one than it was.
    #[error("it has been changed")]
    Changed,
}

/// Puts an event in its place behind the last one of its ticket.
pub fn seal(last: &Link, ticket: Ticket) -> Sealed {
    let seq = last.seq.saturating_add(1);
    let open = Ticket { seq, prev_hash: last.hash.clone(), hash: String::new(), ..ticket };
    let text = serde_json::to_string(&open).expect("a ticket has no map, and JSON takes every other value");
    let (before, after) = split(&text).expect("the member is written even when it is empty");
    let hash = hash(&last.hash, before, after);
    let text = format!("{before}{hash}{after}");
    Sealed { ticket: Ticket { hash, ..open }, text }
}

/// Whether a text is the event that follows the last one, unchanged. Gives what the next one must continue.
pub fn verify(last: &Link, text: &str) -> Result<Link, Broken> {
    let event: Place = serde_json::from_str(text).map_err(|_| Broken::NoTicket)?;
    let expected = last.seq.saturating_add(1);
    if event.seq != expected {
        return Err(Broken::Gap { expected, found: event.seq });
    }
    if event.prev_hash != last.hash {
        return Err(Broken::NotItsPredecessor);
    }
    let (before, rest) = split(text).ok_or(Broken::Changed)?;
    let after = rest.strip_prefix(event.hash.as_str()).ok_or(Broken::Changed)?;
    if hash(&last.hash, before, after) != event.hash {
        return Err(Broken::Changed);
    }
    Ok(Link { seq: event.seq, hash: event.hash })
}

/// Whether these are all the events of one ticket from its first on, unchanged. Says which one is not, from 0.
pub fn verify_chain<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Link, (usize, Broken)> {
    let mut last = Link::default();
    let mut ticket = None;
    for (at, text) in texts.into_iter().enumerate() {
        last = verify(&last, text).map_err(|broken| (at, broken))?;
        let its = serde_json::from_str::<Place>(text).map_err(|_| (at, Broken::NoTicket))?.ticket_id;
        if *ticket.get_or_insert(its) != its {
            return Err((at, Broken::AnotherTicket));
        }
    }
    Ok(last)
}

/// Where an event says that it stands. A newer version's other members do not matter for that.
#[derive(Deserialize)]
struct Place {
    ticket_id: TicketId,
    seq: u64,
    prev_hash: String,
    hash: String,
}

/// The text before and behind the place of the hash.
fn split(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.find(MEMBER)?.saturating_add(MEMBER.len()))
}

/// The hash of an event with nothing between `before` and `after`, in lower case hexadecimal.
fn hash(previous: &str, before: &str, after: &str) -> String {
    let digest = Sha256::new().chain_update(previous).chain_update(before).chain_update(after).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
