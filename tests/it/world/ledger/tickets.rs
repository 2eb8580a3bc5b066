//! What the ticket stores have been told.

use std::collections::{BTreeMap, BTreeSet};

use lianxian::base::calendar::Moment;
use lianxian::base::ids::HotlineId;
use lianxian::tickets::entry::Entry;
use lianxian::tickets::ids::{EventId, LinkageId, TicketId};
use lianxian::tickets::ticket::{Event, Ticket};

/// 首接 as a record has it: platform, agent, when.
pub type First = (String, String, Option<Moment>);

/// All that was told.
#[derive(Default)]
pub struct TicketWatch {
    /// Every event, in its order.
    pub told: Vec<Ticket>,
    /// Every event's key.
    pub events: BTreeSet<EventId>,
    /// Whose record each is.
    pub owners: BTreeMap<TicketId, HotlineId>,
    /// 首接 of each contact.
    pub first: BTreeMap<LinkageId, First>,
    /// The tags that each record has had so far.
    pub tags: BTreeMap<TicketId, usize>,
    /// How often each transfer was begun.
    pub begun: BTreeMap<String, usize>,
    /// How each transfer ended, as often as that was told.
    pub ended: BTreeMap<String, Vec<Event>>,
}

impl TicketWatch {
    /// Enters what the stores are told.
    pub fn enter(&mut self, entry: &Entry) {
        for posting in &entry.postings {
            let ticket = &posting.ticket;
            self.told.push(ticket.clone());
            self.events.insert(ticket.event_id);
            self.owners.insert(ticket.ticket_id, posting.hotline.clone());
            self.first.entry(ticket.linkage_id).or_insert_with(|| first(ticket));
            *self.tags.entry(ticket.ticket_id).or_default() += ticket.tags.len();
            let Some(transfer) = ticket.call.as_ref().and_then(|call| call.transfer_id.clone()) else { continue };
            match ticket.event {
                Event::TransferStarted => *self.begun.entry(transfer).or_default() += 1,
                Event::Tagged | Event::TransferFailed => self.ended.entry(transfer).or_default().push(ticket.event),
                _ => {}
            }
        }
    }
}

/// 首接 as a record has it.
pub fn first(ticket: &Ticket) -> First {
    (ticket.first_platform.clone(), ticket.first_agent.clone(), ticket.first_answered_at)
}
