//! Which event is sent to which ticket store next, how often and when.
//!
//! Decides: the order of the events of one ticket, how many are on their way to a ticket store at a time, when one that
//! was not taken is sent again, when a ticket store is left alone.
//! Invariants: of one ticket only the first event that is not taken yet is ever on its way, so that its events arrive in
//! the order of their `seq` (I28); one ticket never waits for another, one ticket store never for another; nothing
//! expires; what is held in memory is bounded, whatever lies on disk.
//! Does not do: keep an event (the outbox on disk does, and gives the same ones again after a restart), send it.
//!
//! **A refused event holds its own ticket, and nothing else** (F16). The events after it would reach the ticket store with
//! a gap in their `seq` and in their chain of hashes, and a 结案 whose 登记 was refused is not a record of anything; so the
//! ticket is parked, with all that follows, until somebody has seen to it and asks for a [`Schedule::retry`]. The records
//! of everybody else flow on.
//!
//! **A ticket store that fails altogether is probed, not hammered.** After [`TRIP`] failures in a row with no answer
//! between them it gets one event at a time, at growing intervals of at most [`LONGEST_PAUSE`]; the first one that it
//! answers opens it wide again. Each probe is the event that has been due for the longest time, so that one which the
//! ticket store cannot digest never stands before the others.
//!
//! **Bounded memory.** A lane holds [`WINDOW`] events. What does not fit is *spilled*: it stays on disk, everything after
//! it too, and [`Schedule::refill`] says when there is room to read again.

mod lane;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use self::lane::Lane;
use crate::base::time::Instant;
use crate::tickets::ids::{EventId, TicketId};
use crate::tickets::parcel::Verdict;

/// How many events of one ticket store are held in memory.
pub const WINDOW: usize = 10_000;

/// How many events are on their way to a ticket store at a time, unless [`Schedule::configure`] says otherwise.
pub const IN_FLIGHT: usize = 8;

/// Failures in a row after which a ticket store is probed with one event at a time.
pub const TRIP: u32 = 5;

/// How many tickets of one ticket store may be parked. Beyond it the fault lies in the configuration, not in the records,
/// and the ticket store gets nothing more until one of them is retried.
pub const PARKED: usize = 10_000;

/// The pause after a first failure is at most this long; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause between two attempts, however many have failed.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The longest rest that a ticket store may ask for (Retry-After, RFC 9110 10.2.3).
pub const LONGEST_REST: Duration = Duration::from_secs(3_600);

/// An event that waits for its ticket store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The event.
    pub event: EventId,
    /// Its ticket.
    pub ticket: TicketId,
    /// Its number within the ticket.
    pub seq: u64,
    /// How often it has been tried before, as the outbox remembers it.
    pub attempts: u32,
}

/// What became of an event that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is held, and given out in its turn.
    Scheduled,
    /// It was held already.
    Known,
    /// There is no room: it and all that come after it are asked for again by [`Schedule::refill`].
    Spilled,
    /// Its ticket is parked behind a refused event: [`Schedule::retry`] of that one comes first.
    Parked,
}

/// One attempt that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The ticket store, by its name in the configuration.
    pub store: Arc<str>,
    /// The event.
    pub event: EventId,
    /// Its ticket.
    pub ticket: TicketId,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// What the outbox writes down about an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Delivered: the receipt.
    Delivered,
    /// Tried in vain; it is sent again then, or later if its ticket store is left alone.
    Again {
        /// When.
        at: Instant,
    },
    /// A dead letter; its ticket is parked.
    Parked,
    /// Nobody waits for this verdict: the event is not on its way.
    Stray,
}

/// The events that wait, by ticket store.
#[derive(Debug, Default)]
pub struct Schedule {
    lanes: BTreeMap<Arc<str>, Lane>,
    /// Where each event that is held is to be found.
    places: BTreeMap<EventId, (Arc<str>, TicketId)>,
}

impl Schedule {
    /// A schedule with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many events may be on their way to a ticket store at a time; at least one.
    pub fn configure(&mut self, store: &Arc<str>, in_flight: usize) {
        self.lane(store).configure(in_flight);
    }

    /// An event that is not delivered yet. Adding it twice does nothing.
    pub fn add(&mut self, now: Instant, store: &Arc<str>, pending: Pending) -> Added {
        if self.places.contains_key(&pending.event) {
            return Added::Known;
        }
        let added = self.lane(store).add(now, pending);
        if added == Added::Scheduled {
            self.places.insert(pending.event, (Arc::clone(store), pending.ticket));
        }
        added
    }

    /// A ticket whose event was refused before the daemon was started.
    pub fn park(&mut self, store: &Arc<str>, ticket: TicketId) {
        let forgotten = self.lane(store).park(ticket);
        self.forget(&forgotten);
    }

    /// A refused event is to be tried again. What follows it in its ticket is read from disk with the next
    /// [`Schedule::refill`].
    pub fn retry(&mut self, now: Instant, store: &Arc<str>, pending: Pending) -> Added {
        self.lane(store).unpark(pending.ticket);
        let added = self.add(now, store, pending);
        self.spill(store);
        added
    }

    /// More of a ticket store's events lie on disk than are held here, as at the start of the daemon.
    pub fn spill(&mut self, store: &Arc<str>) {
        self.lane(store).spill();
    }

    /// A ticket store whose events lie on disk while there is room here. The caller adds the oldest [`WINDOW`] + 1 events
    /// of that ticket store that are neither delivered nor parked, in their order; those that are held already do not
    /// count twice, and those beyond the room spill again.
    pub fn refill(&mut self) -> Option<Arc<str>> {
        let (store, lane) = self.lanes.iter_mut().find(|(_, lane)| lane.wants_refill())?;
        lane.begin_refill();
        Some(Arc::clone(store))
    }

    /// The next attempt that is due. It is on its way from now on, until [`Schedule::settle`].
    pub fn next(&mut self, now: Instant) -> Option<Due> {
        self.lanes.iter_mut().find_map(|(store, lane)| {
            let Pending { event, ticket, attempts, .. } = lane.next(now)?;
            Some(Due { store: Arc::clone(store), event, ticket, attempt: attempts.saturating_add(1) })
        })
    }

    /// When [`Schedule::next`] has something to give out, unless something is added or settled before.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.lanes.values().filter_map(Lane::next_timeout).min()
    }

    /// What a ticket store said to an attempt. `chance` is any random number: pauses are drawn from the whole span up to
    /// their limit, so that events which failed together are not sent again together.
    pub fn settle(&mut self, now: Instant, event: EventId, verdict: &Verdict, chance: u64) -> Settled {
        let Some((store, ticket)) = self.places.get(&event).cloned() else { return Settled::Stray };
        let lane = self.lane(&store);
        if !lane.is_on_its_way(ticket, event) {
            return Settled::Stray;
        }
        match verdict {
            Verdict::Taken { .. } => {
                lane.delivered(now, ticket);
                self.places.remove(&event);
                Settled::Delivered
            }
            Verdict::NotNow { after, .. } => Settled::Again { at: lane.failed(now, ticket, *after, chance) },
            Verdict::Refused { .. } => {
                let forgotten = lane.refused(ticket);
                self.forget(&forgotten);
                Settled::Parked
            }
        }
    }

    /// How many failures in a row a ticket store has had with no answer between them; from [`TRIP`] on it is probed.
    pub fn failures(&self, store: &str) -> u32 {
        self.lanes.get(store).map_or(0, Lane::failures)
    }

    fn lane(&mut self, store: &Arc<str>) -> &mut Lane {
        self.lanes.entry(Arc::clone(store)).or_default()
    }

    fn forget(&mut self, events: &[EventId]) {
        for event in events {
            self.places.remove(event);
        }
    }
}

/// Any moment from none to `first` doubled `failures - 1` times, at most [`LONGEST_PAUSE`]: exponential back-off with
/// full jitter.
fn pause(failures: u32, chance: u64) -> Duration {
    let doubled = FIRST_PAUSE * 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
    let ceiling = doubled.min(LONGEST_PAUSE).as_nanos();
    let drawn = (ceiling * u128::from(chance)) >> 64;
    Duration::from_nanos(u64::try_from(drawn).unwrap_or(u64::MAX))
}
