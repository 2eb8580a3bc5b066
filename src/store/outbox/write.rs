//! One commit: the facts, the sealed events and the outcomes of everything that waits.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{Executor, SqliteConnection};

use super::sinks::Sinks;
use crate::base::ids::CallId;
use crate::store::database::primary_code;
use crate::tickets::entry::Entry;
use crate::tickets::fact::Fact;
use crate::tickets::ids::{EventId, TicketId};
use crate::tickets::parcel::NOWHERE;
use crate::tickets::schedule::Pending;
use crate::tickets::seal::{self, Link, Sealed};
use crate::tickets::ticket::Ticket;

/// What is written together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Steps of calls, in their order.
    #[allow(clippy::vec_box, reason = "they come boxed from the switch; unboxing would copy each of them")]
    pub(super) entries: Vec<Box<Entry>>,
    /// What became of attempts, in their order.
    pub(super) outcomes: Vec<Outcome>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.outcomes.is_empty()
    }
}

/// What became of one attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The event.
    pub(super) event: EventId,
    /// Attempts so far.
    pub(super) attempts: u32,
    /// Its state after it.
    pub(super) state: State,
    /// The receipt, or why it was not taken.
    pub(super) answer: String,
    /// When, in milliseconds since 1970.
    pub(super) unix_ms: u64,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its ticket store has yet to take it.
    Pending,
    /// Its hotline has no ticket store: it is here to be exported.
    Kept,
    /// Its ticket store has it.
    Delivered,
    /// Its ticket store refuses it.
    Dead,
}

impl State {
    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Kept => "kept",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Kept, Self::Delivered, Self::Dead].into_iter().find(|state| state.word() == word)
    }
}

/// A new event for a ticket store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fresh {
    pub(super) sink: Arc<str>,
    pub(super) pending: Pending,
}

/// What a commit has done.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Events that are now to be delivered.
    pub(super) fresh: Vec<Fresh>,
    /// About how many bytes the WAL has grown by.
    pub(super) bytes: u64,
}

/// Why nothing was written. The transaction is rolled back: all of it or nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// `SQLITE_FULL`: the disk.
    #[error("the disk is full")]
    Full,
    /// The file is damaged.
    #[error("{0}")]
    Damaged(sqlx::Error),
    /// The disk, or whatever stands between it and us; it may pass.
    #[error("{0}")]
    Broken(sqlx::Error),
    /// This batch breaks a rule of the tables: a bug of ours in one of its entries.
    #[error("{0}")]
    Refused(sqlx::Error),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        match primary_code(&error) {
            Some(13) => Self::Full,
            Some(11 | 26) => Self::Damaged(error),
            // SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH.
            Some(18..=20) => Self::Refused(error),
            Some(_) | None => Self::Broken(error),
        }
    }
}

/// Writes a batch in one transaction. What is in the tables already is not written twice: an entry is known by its call
/// and place, an event by its id.
pub(super) async fn commit(connection: &mut SqliteConnection, batch: &Batch, sinks: &Sinks) -> Result<Written, Fault> {
    // Statements and not sqlx's transaction, which takes a connection for lost when a full disk has refused its COMMIT.
    connection.execute("BEGIN IMMEDIATE").await?;
    let refused = match rows(connection, batch, sinks).await {
        Ok(written) => match connection.execute("COMMIT").await {
            Ok(_) => return Ok(written),
            Err(refused) => refused,
        },
        Err(refused) => refused,
    };
    // SQLite may have done so by itself; then there is nothing to roll back, which is all the same.
    connection.execute("ROLLBACK").await.ok();
    Err(refused.into())
}

async fn rows(connection: &mut SqliteConnection, batch: &Batch, sinks: &Sinks) -> Result<Written, sqlx::Error> {
    let mut written = Written::default();
    let mut ends = HashMap::new();
    for entry in &batch.entries {
        if facts(connection, entry, &mut written).await? {
            for posting in &entry.postings {
                let sink = sinks.of(&posting.hotline);
                let ticket = posting.ticket.clone();
                event(connection, entry.id.call, ticket, sink, &mut ends, &mut written).await?;
            }
        }
    }
    for outcome in &batch.outcomes {
        settle(connection, outcome).await?;
        written.bytes += OUTCOME;
    }
    Ok(written)
}

/// What an outcome and its page are reckoned as.
const OUTCOME: u64 = 512;

/// Writes the facts of an entry; `false` if they are there already.
pub(super) async fn facts(
    connection: &mut SqliteConnection,
    entry: &Entry,
    written: &mut Written,
) -> Result<bool, sqlx::Error> {
    let call = entry.id.call.to_string();
    let linkage = entry.linkage.to_string();
    let facts = serde_json::to_string(&entry.facts).expect("facts have no map, and JSON takes every other value");
    let done = sqlx::query(
        "INSERT INTO entry (call, seq, linkage, at_ns, unix_ms, facts) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (call, seq) DO NOTHING",
    )
    .bind(&call)
    .bind(entry.id.seq)
    .bind(&linkage)
    .bind(signed(entry.at.as_nanos()))
    .bind(signed(entry.unix_ms))
    .bind(&facts)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let ended = entry.facts.iter().any(|fact| matches!(fact, Fact::Ended { .. }));
    sqlx::query(
        "INSERT INTO call (call, linkage, ended) VALUES (?, ?, ?)
         ON CONFLICT (call) DO UPDATE SET ended = 1 WHERE excluded.ended = 1 AND ended = 0",
    )
    .bind(&call)
    .bind(&linkage)
    .bind(ended)
    .execute(&mut *connection)
    .await?;
    written.bytes += u64::try_from(facts.len()).unwrap_or(u64::MAX) + ROW;
    Ok(true)
}

/// What a row costs beside its text.
const ROW: u64 = 256;

/// Seals an event behind the last one of its ticket and writes it.
pub(super) async fn event(
    connection: &mut SqliteConnection,
    call: CallId,
    ticket: Ticket,
    sink: Arc<str>,
    ends: &mut HashMap<TicketId, Link>,
    written: &mut Written,
) -> Result<(), sqlx::Error> {
    let (id, name) = (ticket.ticket_id, ticket.event_id);
    let known: Option<i64> = sqlx::query_scalar("SELECT number FROM event WHERE event = ?")
        .bind(name.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    if known.is_some() {
        return Ok(());
    }
    let last = match ends.remove(&id) {
        Some(link) => link,
        None => last_of(connection, id).await?,
    };
    let written_ms = ticket.at.unix_ms;
    let kind = word(&ticket);
    let sealed = seal::seal(&last, ticket);
    ends.insert(id, sealed.link());
    let Sealed { ticket, text } = sealed;
    let state = if *sink == *NOWHERE { State::Kept } else { State::Pending };
    sqlx::query(
        "INSERT INTO event (event, ticket, seq, hash, call, kind, sink, state, written_ms, body)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(name.to_string())
    .bind(id.to_string())
    .bind(signed(ticket.seq))
    .bind(&ticket.hash)
    .bind(call.to_string())
    .bind(kind)
    .bind(&*sink)
    .bind(state.word())
    .bind(signed(written_ms))
    .bind(&text)
    .execute(&mut *connection)
    .await?;
    written.bytes += u64::try_from(text.len()).unwrap_or(u64::MAX) + ROW;
    if state == State::Pending {
        let pending = Pending { event: name, ticket: id, seq: ticket.seq, attempts: 0 };
        written.fresh.push(Fresh { sink, pending });
    }
    Ok(())
}

/// What the next event of a ticket is sealed with.
async fn last_of(connection: &mut SqliteConnection, ticket: TicketId) -> Result<Link, sqlx::Error> {
    let last: Option<(i64, String)> =
        sqlx::query_as("SELECT seq, hash FROM event WHERE ticket = ? ORDER BY seq DESC LIMIT 1")
            .bind(ticket.to_string())
            .fetch_optional(connection)
            .await?;
    Ok(last.map_or_else(Link::default, |(seq, hash)| Link { seq: unsigned(seq), hash }))
}

/// Writes what became of an attempt. One that was settled meanwhile, such as by the command line, stays as it is.
async fn settle(connection: &mut SqliteConnection, outcome: &Outcome) -> Result<(), sqlx::Error> {
    let settled = match outcome.state {
        State::Pending | State::Kept => None,
        State::Delivered | State::Dead => Some(signed(outcome.unix_ms)),
    };
    sqlx::query(
        "UPDATE event SET state = ?, attempts = ?, settled_ms = ?, answer = ? WHERE event = ? AND state = 'pending'",
    )
    .bind(outcome.state.word())
    .bind(outcome.attempts)
    .bind(settled)
    .bind(&outcome.answer)
    .bind(outcome.event.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// The word of a ticket's event in the format, such as `tagged`.
pub(super) fn word(ticket: &Ticket) -> String {
    match serde_json::to_value(ticket.event) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

/// SQLite has only signed numbers. What does not fit is as good as never.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
