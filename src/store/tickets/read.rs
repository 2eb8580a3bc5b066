//! Questions.

use std::path::Path;

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite};

use super::{Away, Filter, schema};
use crate::tickets::ids::TicketId;
use crate::tickets::ticket::Ticket;

/// Reads the file. Copies share its few connections.
#[derive(Clone, Debug)]
pub struct Reader {
    file: SqlitePool,
}

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Read.
    pub ticket: Ticket,
    /// Byte for byte as it came: its hash can be computed again.
    pub text: String,
}

impl Reader {
    /// The largest page, in records or events.
    pub const PAGE: usize = 500;

    /// Of this file. It is opened when it is first asked, and not made if it is not there.
    pub fn new(path: &Path) -> Self {
        Self { file: schema::readers(path) }
    }

    /// The events of a record in their order, after the one with that number: at most [`Reader::PAGE`].
    pub async fn timeline(&self, id: TicketId, after: u64) -> Result<Vec<Kept>, Away> {
        let rows = sqlx::query("SELECT text FROM event WHERE ticket_id = ? AND seq > ? ORDER BY seq LIMIT ?")
            .bind(id.to_string())
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(signed(Self::PAGE))
            .fetch_all(&self.file)
            .await;
        rows.map_err(away)?.iter().map(kept).collect()
    }

    /// The records that a filter means, the latest first, after (before in time) the record of that id: at most `limit`
    /// and [`Reader::PAGE`]. A record that is not there is followed by none.
    pub async fn list(&self, filter: &Filter, after: Option<TicketId>, limit: usize) -> Result<Vec<Kept>, Away> {
        let mut question: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT event.text FROM ticket JOIN event ON event.ticket_id = ticket.ticket_id AND event.seq = ticket.seq \
             WHERE true",
        );
        filter.narrow(&mut question);
        if let Some(after) = after {
            question.push(
                " AND (ticket.created_ms, ticket.ticket_id) < \
                 (SELECT last.created_ms, last.ticket_id FROM ticket AS last WHERE last.ticket_id = ",
            );
            question.push_bind(after.to_string()).push(")");
        }
        question.push(" ORDER BY ticket.created_ms DESC, ticket.ticket_id DESC LIMIT ");
        question.push_bind(signed(limit.min(Self::PAGE)));
        let rows = question.build().fetch_all(&self.file).await;
        rows.map_err(away)?.iter().map(kept).collect()
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn kept(row: &SqliteRow) -> Result<Kept, Away> {
    let text: String = row.try_get("text").map_err(away)?;
    match serde_json::from_str(&text) {
        Ok(ticket) => Ok(Kept { ticket, text }),
        Err(error) => {
            // Where in the text is said, and nothing of what it says.
            tracing::error!(event = "tickets_unreadable", line = error.line(), column = error.column());
            Err(Away)
        }
    }
}

fn away(error: sqlx::Error) -> Away {
    tracing::error!(event = "tickets_not_read", %error);
    Away
}
