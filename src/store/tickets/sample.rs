//! Tickets for tests.

use super::Posted;
use crate::base::calendar::Moment;
use crate::base::ids::CallId;
use crate::tickets::ids::{EventId, LinkageId, TicketId};
use crate::tickets::seal::{Link, seal};
use crate::tickets::ticket::{Event, Status, Ticket};

/// The example of the format, as record 0 of a contact, made at a time, without tags.
pub(crate) fn ticket(contact: u128, unix_ms: u64) -> Ticket {
    let mut ticket: Ticket = serde_json::from_str(include_str!("../../tickets/example.json")).unwrap();
    ticket.linkage_id = LinkageId(CallId(contact));
    ticket.ticket_id = TicketId { linkage: ticket.linkage_id, number: 0 };
    ticket.at = Moment { unix_ms };
    ticket.event = Event::Created;
    ticket.status = Status::Registered;
    ticket.tags.clear();
    ticket
}

/// A ticket's events, each sealed behind the one before.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    last: Link,
}

impl Chain {
    /// The next event: the ticket as it stands with it, under an id of its own.
    pub(crate) fn next(&mut self, mut ticket: Ticket) -> Posted {
        let contact = ticket.linkage_id.0.0 << 32 | u128::from(ticket.ticket_id.number) << 16;
        ticket.event_id = EventId(contact | u128::from(self.last.seq + 1));
        let sealed = seal(&self.last, ticket);
        self.last = sealed.link();
        Posted { ticket: sealed.ticket, text: sealed.text }
    }
}
