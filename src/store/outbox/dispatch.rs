//! From the tables to the ticket stores: gives out what is due, takes what became of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::sync::mpsc;

use super::sinks::Sinks;
use super::write::{Fresh, Outcome, State, unsigned};
use crate::base::entropy::Entropy;
use crate::base::time::{Instant, WallClock};
use crate::tickets::ids::{EventId, TicketId};
use crate::tickets::parcel::{Parcel, Verdict};
use crate::tickets::schedule::{Pending, Schedule, Settled, WINDOW};

/// How soon `delivery` is looked at again when it has as much as it takes.
const FULL: Duration = Duration::from_millis(20);

/// A row of what waits: event, ticket, seq, attempts, ticket store.
type Row = (String, String, i64, u32, String);

/// What is due, and what is on its way.
#[derive(Debug)]
pub(super) struct Dispatch {
    schedule: Schedule,
    chance: Entropy,
    parcels: mpsc::Sender<Parcel>,
    /// Which attempt each event on its way is.
    attempts: HashMap<EventId, u32>,
}

impl Dispatch {
    pub(super) fn new(chance: Entropy, parcels: mpsc::Sender<Parcel>) -> Self {
        Self { schedule: Schedule::new(), chance, parcels, attempts: HashMap::new() }
    }

    /// How many events may be on their way to each ticket store.
    pub(super) fn limit(&mut self, sinks: &Sinks) {
        for (store, in_flight) in sinks.limits() {
            self.schedule.configure(store, in_flight);
        }
    }

    /// Learns what waits on disk, at the start and after the database was opened again.
    pub(super) async fn load(&mut self, sinks: &Sinks, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        self.schedule = Schedule::new();
        self.limit(sinks);
        self.attempts.clear();
        let parked: Vec<(String, String)> =
            sqlx::query_as("SELECT sink, ticket FROM event WHERE state = 'dead'").fetch_all(&mut *connection).await?;
        for (sink, ticket) in parked {
            if let Ok(ticket) = ticket.parse() {
                self.schedule.park(&sink.into(), ticket);
            }
        }
        let sinks: Vec<String> = sqlx::query_scalar("SELECT DISTINCT sink FROM event WHERE state = 'pending'")
            .fetch_all(&mut *connection)
            .await?;
        for sink in sinks {
            self.schedule.spill(&sink.into());
        }
        Ok(())
    }

    /// Events that have just been committed.
    pub(super) fn add(&mut self, now: Instant, fresh: Vec<Fresh>) {
        for Fresh { sink, pending } in fresh {
            self.schedule.add(now, &sink, pending);
        }
    }

    /// Reads what there is room for.
    pub(super) async fn refill(&mut self, now: Instant, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        while let Some(sink) = self.schedule.refill() {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT event, ticket, seq, attempts, sink FROM event AS waiting
                 WHERE sink = ? AND state = 'pending'
                 AND NOT EXISTS (SELECT 1 FROM event WHERE ticket = waiting.ticket AND state = 'dead')
                 ORDER BY number LIMIT ?",
            )
            .bind(&*sink)
            .bind(i64::try_from(WINDOW).unwrap_or(i64::MAX).saturating_add(1))
            .fetch_all(&mut *connection)
            .await?;
            for (_, pending) in rows.iter().filter_map(read) {
                self.schedule.add(now, &sink, pending);
            }
        }
        Ok(())
    }

    /// Dead letters that the command line wants tried again.
    pub(super) async fn asked(&mut self, now: Instant, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT event, ticket, seq, attempts, sink FROM event WHERE asked = 1 AND state = 'pending' LIMIT 1000",
        )
        .fetch_all(&mut *connection)
        .await?;
        for (sink, pending) in rows.iter().filter_map(read) {
            tracing::info!(event = "dead_letter_retried", id = %pending.event, sink = &*sink);
            self.schedule.retry(now, &sink, pending);
        }
        sqlx::query("UPDATE event SET asked = 0 WHERE asked = 1").execute(connection).await?;
        Ok(())
    }

    /// Gives out what is due, as far as `delivery` takes it.
    pub(super) async fn give_out(
        &mut self,
        now: Instant,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        while let Ok(permit) = self.parcels.try_reserve() {
            let Some(due) = self.schedule.next(now) else { return Ok(()) };
            let body: Option<String> = sqlx::query_scalar("SELECT body FROM event WHERE event = ?")
                .bind(due.event.to_string())
                .fetch_optional(&mut *connection)
                .await?;
            let Some(body) = body else { continue };
            self.attempts.insert(due.event, due.attempt);
            permit.send(Parcel {
                event: due.event,
                ticket: due.ticket,
                store: due.store,
                attempt: due.attempt,
                body: body.into(),
            });
        }
        Ok(())
    }

    /// How long nothing is to be given out; none while there is nothing at all.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let due = self.schedule.next_timeout()?.since(now);
        if self.parcels.is_closed() {
            return None;
        }
        Some(if self.parcels.capacity() == 0 { due.max(FULL) } else { due })
    }

    /// What a ticket store said to an attempt, as it is to be written down.
    pub(super) fn settle(&mut self, wall: WallClock, event: EventId, verdict: Verdict) -> Option<Outcome> {
        let settled = self.schedule.settle(wall.at, event, &verdict, self.chance.next_u64());
        let state = match settled {
            Settled::Delivered => State::Delivered,
            Settled::Again { .. } => State::Pending,
            Settled::Parked => State::Dead,
            Settled::Stray => return None,
        };
        let attempts = self.attempts.remove(&event).unwrap_or(1);
        let answer = match verdict {
            Verdict::Taken { receipt } => receipt,
            Verdict::NotNow { why, after: _ } | Verdict::Refused { why } => why,
        };
        if state == State::Dead {
            tracing::error!(event = "dead_letter", id = %event, why = answer, "a ticket store refuses a record");
        }
        Some(Outcome { event, attempts, state, answer, unix_ms: wall.unix_ms })
    }
}

/// A row whose names are as we have written them; others have been changed by hand, and stay where they are.
fn read((event, ticket, seq, attempts, sink): &Row) -> Option<(Arc<str>, Pending)> {
    let (event, ticket): (EventId, TicketId) = (event.parse().ok()?, ticket.parse().ok()?);
    Some((sink.as_str().into(), Pending { event, ticket, seq: unsigned(*seq), attempts: *attempts }))
}
