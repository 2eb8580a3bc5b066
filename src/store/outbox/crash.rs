//! Calls that the last daemon left open: it died with them. Their facts get an end, and a ticket of which a transfer was
//! under way learns that it failed, before anything of this daemon's calls is written.

use std::collections::HashMap;

use sqlx::{Connection, SqliteConnection};

use super::write::{self, Written};
use crate::base::calendar::Moment;
use crate::base::entropy::Entropy;
use crate::base::ids::CallId;
use crate::base::time::WallClock;
use crate::tickets::aftermath;
use crate::tickets::entry::{Entry, EntryId};
use crate::tickets::fact::Fact;
use crate::tickets::ids::{EventId, LinkageId};
use crate::tickets::ticket::Ticket;

/// Ends every call that has no end; gives how many. Each is one transaction: a further crash meanwhile leaves the rest
/// for the next start.
pub(super) async fn end_open_calls(
    connection: &mut SqliteConnection,
    wall: WallClock,
    chance: &mut Entropy,
) -> Result<u64, sqlx::Error> {
    let open: Vec<(String, String)> =
        sqlx::query_as("SELECT call, linkage FROM call WHERE ended = 0").fetch_all(&mut *connection).await?;
    let mut ended = 0;
    for (call, linkage) in open {
        // Names that do not read as ours were changed by hand; they are nobody's call.
        let (Some(id), Ok(linkage)) = (call_id(&call), linkage.parse::<LinkageId>()) else { continue };
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        if end(&mut transaction, id, linkage, wall, chance).await? {
            ended += 1;
        }
        transaction.commit().await?;
    }
    if ended > 0 {
        tracing::warn!(event = "calls_ended_by_crash", calls = ended, "the last daemon did not end them");
    }
    Ok(ended)
}

async fn end(
    connection: &mut SqliteConnection,
    call: CallId,
    linkage: LinkageId,
    wall: WallClock,
    chance: &mut Entropy,
) -> Result<bool, sqlx::Error> {
    let rows: Vec<(u32, String)> = sqlx::query_as("SELECT seq, facts FROM entry WHERE call = ? ORDER BY seq")
        .bind(call.to_string())
        .fetch_all(&mut *connection)
        .await?;
    let known: Vec<Fact> = rows.iter().flat_map(|(_, facts)| facts_of(call, facts)).collect();
    let facts = aftermath::of(&known);
    let last = rows.last().map_or(0, |(seq, _)| *seq);
    let Some(seq) = last.checked_add(1).filter(|_| !facts.is_empty()) else { return Ok(false) };
    let id = EntryId { call, seq };
    let entry = Entry { id, linkage, at: wall.at, unix_ms: wall.unix_ms, facts, postings: Vec::new() };
    let mut written = Written::default();
    write::facts(connection, &entry, &mut written).await?;
    let mut ends = HashMap::new();
    for (sink, body) in last_events(connection, call).await? {
        let Ok(ticket) = serde_json::from_str::<Ticket>(&body) else {
            tracing::error!(event = "ticket_unreadable", %call, "its transfer has no end");
            continue;
        };
        let name = EventId::new(wall.unix_ms, chance.next_u128());
        if let Some(ticket) = aftermath::cut(&ticket, name, Moment { unix_ms: wall.unix_ms }) {
            write::event(connection, call, ticket, sink.into(), &mut ends, &mut written).await?;
        }
    }
    Ok(true)
}

fn facts_of(call: CallId, text: &str) -> Vec<Fact> {
    serde_json::from_str(text).unwrap_or_else(|error| {
        tracing::error!(event = "facts_unreadable", %call, %error);
        Vec::new()
    })
}

/// The last event of each ticket that the call has written to, and its ticket store.
async fn last_events(connection: &mut SqliteConnection, call: CallId) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT sink, body FROM event AS last WHERE ticket IN (SELECT ticket FROM event WHERE call = ?)
         AND NOT EXISTS (SELECT 1 FROM event WHERE ticket = last.ticket AND seq > last.seq) ORDER BY number",
    )
    .bind(call.to_string())
    .fetch_all(connection)
    .await
}

fn call_id(text: &str) -> Option<CallId> {
    text.parse::<LinkageId>().ok().map(|LinkageId(call)| call)
}
