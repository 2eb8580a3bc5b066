//! The events of one ticket store.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::{Added, IN_FLIGHT, LONGEST_REST, PARKED, Pending, TRIP, WINDOW, pause};
use crate::base::time::Instant;
use crate::tickets::ids::{EventId, TicketId};

/// What waits for one ticket store, and how that ticket store does.
#[derive(Debug)]
pub(super) struct Lane {
    limit: usize,
    tickets: BTreeMap<TicketId, Queue>,
    /// The tickets whose first event waits, by when it may leave.
    due: BTreeSet<(Instant, TicketId)>,
    /// The tickets behind a refused event.
    parked: BTreeSet<TicketId>,
    /// Events held, over all tickets.
    held: usize,
    in_flight: usize,
    window: Window,
    /// Attempts that failed since the ticket store last answered.
    failures: u32,
    /// While it is probed: when the next probe may leave.
    probe_at: Instant,
    /// Until when it has asked to be left alone.
    rest_until: Instant,
}

/// The events of one ticket, by their `seq`. Never empty.
#[derive(Debug)]
struct Queue {
    events: VecDeque<Pending>,
    head: Head,
}

/// The first event of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    Waits { due: Instant },
    OnItsWay,
}

/// Whether everything that is to be sent is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Window {
    Whole,
    /// More lies on disk; nothing is added behind it until it has been read.
    Spilled,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            limit: IN_FLIGHT,
            tickets: BTreeMap::new(),
            due: BTreeSet::new(),
            parked: BTreeSet::new(),
            held: 0,
            in_flight: 0,
            window: Window::Whole,
            failures: 0,
            probe_at: Instant::START,
            rest_until: Instant::START,
        }
    }
}

impl Lane {
    pub(super) fn configure(&mut self, in_flight: usize) {
        self.limit = in_flight.max(1);
    }

    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    // === What waits ===

    pub(super) fn add(&mut self, now: Instant, pending: Pending) -> Added {
        if self.parked.contains(&pending.ticket) {
            return Added::Parked;
        }
        if self.window == Window::Spilled || self.held >= WINDOW {
            self.spill();
            return Added::Spilled;
        }
        self.held += 1;
        if let Some(queue) = self.tickets.get_mut(&pending.ticket) {
            queue.insert(pending);
        } else {
            self.due.insert((now, pending.ticket));
            self.tickets.insert(pending.ticket, Queue { events: [pending].into(), head: Head::Waits { due: now } });
        }
        Added::Scheduled
    }

    pub(super) const fn spill(&mut self) {
        self.window = Window::Spilled;
    }

    pub(super) fn wants_refill(&self) -> bool {
        self.window == Window::Spilled && self.held <= WINDOW / 2
    }

    pub(super) const fn begin_refill(&mut self) {
        self.window = Window::Whole;
    }

    /// Parks a ticket and forgets its events, which the outbox keeps on disk.
    pub(super) fn park(&mut self, ticket: TicketId) -> Vec<EventId> {
        self.parked.insert(ticket);
        let Some(queue) = self.tickets.remove(&ticket) else { return Vec::new() };
        match queue.head {
            Head::Waits { due } => assert!(self.due.remove(&(due, ticket)), "what waits is in the order of waiting"),
            Head::OnItsWay => self.in_flight -= 1,
        }
        self.held -= queue.events.len();
        queue.events.iter().map(|pending| pending.event).collect()
    }

    pub(super) fn unpark(&mut self, ticket: TicketId) {
        self.parked.remove(&ticket);
    }

    // === What is sent ===

    pub(super) fn next(&mut self, now: Instant) -> Option<Pending> {
        if self.next_timeout()? > now {
            return None;
        }
        let (_, ticket) = self.due.pop_first()?;
        let queue = self.tickets.get_mut(&ticket).expect("a ticket that is due has events");
        queue.head = Head::OnItsWay;
        self.in_flight += 1;
        Some(queue.events[0])
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        if self.in_flight >= self.slots() {
            return None;
        }
        let (due, _) = self.due.first()?;
        Some(self.probe_at.max(self.rest_until).max(*due))
    }

    /// How many events may be on their way now.
    fn slots(&self) -> usize {
        if self.parked.len() >= PARKED {
            0
        } else if self.failures >= TRIP {
            1
        } else {
            self.limit
        }
    }

    // === What came back ===

    pub(super) fn is_on_its_way(&self, ticket: TicketId, event: EventId) -> bool {
        self.tickets.get(&ticket).is_some_and(|queue| queue.head == Head::OnItsWay && queue.events[0].event == event)
    }

    /// The event on its way has arrived; the next one of its ticket may leave at once.
    pub(super) fn delivered(&mut self, now: Instant, ticket: TicketId) {
        self.answered();
        let queue = self.tickets.get_mut(&ticket).expect("a ticket with an event on its way is held");
        queue.events.pop_front();
        self.held -= 1;
        self.in_flight -= 1;
        if queue.events.is_empty() {
            self.tickets.remove(&ticket);
        } else {
            queue.head = Head::Waits { due: now };
            self.due.insert((now, ticket));
        }
    }

    /// The event on its way did not arrive, or nobody knows. Says when it may leave again.
    pub(super) fn failed(&mut self, now: Instant, ticket: TicketId, after: Option<Duration>, chance: u64) -> Instant {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= TRIP {
            self.probe_at = now + pause(self.failures - TRIP + 1, chance);
        }
        if let Some(after) = after {
            // 429 and 503 speak for the ticket store, not for one record.
            self.rest_until = self.rest_until.max(now + after.min(LONGEST_REST));
        }
        let queue = self.tickets.get_mut(&ticket).expect("a ticket with an event on its way is held");
        let attempts = &mut queue.events[0].attempts;
        *attempts = attempts.saturating_add(1);
        let due = now + pause(*attempts, chance);
        queue.head = Head::Waits { due };
        self.due.insert((due, ticket));
        self.in_flight -= 1;
        due.max(self.probe_at).max(self.rest_until)
    }

    /// The event on its way is refused for good: its ticket is parked.
    pub(super) fn refused(&mut self, ticket: TicketId) -> Vec<EventId> {
        self.answered();
        self.park(ticket)
    }

    /// The ticket store lives, whatever it says.
    fn answered(&mut self) {
        self.failures = 0;
        self.probe_at = Instant::START;
    }
}

impl Queue {
    /// Events are added in their order; one that is retried comes before those that were added meanwhile. Nothing
    /// overtakes the event on its way.
    fn insert(&mut self, pending: Pending) {
        let behind = match self.head {
            Head::Waits { .. } => 0,
            Head::OnItsWay => 1,
        };
        let place = self.events.partition_point(|other| other.seq < pending.seq);
        self.events.insert(place.max(behind), pending);
    }
}
