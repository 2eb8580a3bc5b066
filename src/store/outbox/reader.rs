//! The outbox as the command line sees it: beside the daemon, or while none runs.

use std::path::Path;

use serde::Serialize;
use sqlx::SqliteConnection;

use super::file;
use super::schema::FORM;
use super::write::{State, unsigned};
use crate::store::database;
use crate::tickets::ids::{EventId, TicketId};

/// A reader of one folder's outbox.
#[derive(Debug)]
pub struct Reader {
    connection: SqliteConnection,
}

/// Why it cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none: no daemon has run in that folder.
    #[error("{}: no outbox here: no daemon has run with this folder", .0.display())]
    Nowhere(std::path::PathBuf),
    /// It cannot be opened.
    #[error("{0}")]
    Unusable(String),
    /// The database refuses.
    #[error("the outbox: {0}")]
    Database(#[from] sqlx::Error),
}

/// Which events are meant; what is not given is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Where they stand.
    pub state: Option<State>,
    /// Their ticket store.
    pub sink: Option<String>,
    /// Their ticket.
    pub ticket: Option<TicketId>,
    /// Only what was written behind this number.
    pub after: i64,
    /// So many at most.
    pub limit: u32,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Its place in the outbox.
    pub number: i64,
    /// Its name.
    #[serde(rename = "event_id")]
    pub event: String,
    /// Its ticket.
    #[serde(rename = "ticket_id")]
    pub ticket: String,
    /// Its place within the ticket.
    pub seq: u64,
    /// What happened, such as `tagged`.
    #[serde(rename = "event")]
    pub kind: String,
    /// Its ticket store.
    pub sink: String,
    /// Where it stands.
    pub state: State,
    /// Attempts so far.
    pub attempts: u32,
    /// When it happened, in milliseconds since 1970.
    pub written_ms: u64,
    /// When it was delivered or refused.
    pub settled_ms: Option<u64>,
    /// The receipt, or what was said to the last attempt.
    pub answer: Option<String>,
    /// The event as it is sent.
    #[serde(skip)]
    pub body: String,
}

/// The columns of a [`Letter`].
type Row = (i64, String, String, i64, String, String, String, u32, i64, Option<i64>, Option<String>, String);

impl Reader {
    /// Opens the outbox of a folder.
    pub async fn open(folder: &Path) -> Result<Self, ReadError> {
        let path = file(folder);
        if !path.exists() {
            return Err(ReadError::Nowhere(path));
        }
        let opened = database::look(&path, &FORM).await;
        Ok(Self { connection: opened.map_err(|error| ReadError::Unusable(error.to_string()))? })
    }

    /// The events of a filter, in the order in which they were written.
    pub async fn list(&mut self, filter: &Filter) -> Result<Vec<Letter>, ReadError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT number, event, ticket, seq, kind, sink, state, attempts, written_ms, settled_ms, answer, body
             FROM event WHERE number > ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR sink = ?3)
             AND (?4 IS NULL OR ticket = ?4) ORDER BY number LIMIT ?5",
        )
        .bind(filter.after)
        .bind(filter.state.map(State::word))
        .bind(&filter.sink)
        .bind(filter.ticket.map(|ticket| ticket.to_string()))
        .bind(filter.limit)
        .fetch_all(&mut self.connection)
        .await?;
        Ok(rows.into_iter().filter_map(letter).collect())
    }

    /// One event.
    pub async fn show(&mut self, event: EventId) -> Result<Option<Letter>, ReadError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT number, event, ticket, seq, kind, sink, state, attempts, written_ms, settled_ms, answer, body
             FROM event WHERE event = ?",
        )
        .bind(event.to_string())
        .fetch_optional(&mut self.connection)
        .await?;
        Ok(row.and_then(letter))
    }

    /// Has a dead letter tried again; `false` if there is no such dead letter. A daemon that runs sees it within seconds,
    /// another one at its start.
    pub async fn retry(&mut self, event: EventId) -> Result<bool, ReadError> {
        let done = sqlx::query("UPDATE event SET state = 'pending', asked = 1 WHERE event = ? AND state = 'dead'")
            .bind(event.to_string())
            .execute(&mut self.connection)
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

/// None for a state that we do not know, which no daemon writes.
fn letter(row: Row) -> Option<Letter> {
    let (number, event, ticket, seq, kind, sink, state, attempts, written, settled, answer, body) = row;
    Some(Letter {
        number,
        event,
        ticket,
        seq: unsigned(seq),
        kind,
        sink,
        state: State::of_word(&state)?,
        attempts,
        written_ms: unsigned(written),
        settled_ms: settled.map(unsigned),
        answer,
        body,
    })
}
