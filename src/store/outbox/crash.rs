//! Calls that the last daemon left open: it died with them. Their facts get an end before anything of this daemon's
//! calls is written.

use sqlx::{Connection, SqliteConnection};

use super::write::{self, Written};
use crate::base::ids::CallId;
use crate::base::time::WallClock;
use crate::tickets::aftermath;
use crate::tickets::entry::{Entry, EntryId};
use crate::tickets::fact::Fact;
use crate::tickets::ids::LinkageId;

/// Ends every call that has no end; gives how many. Each is one transaction: a further crash meanwhile leaves the rest
/// for the next start.
pub(super) async fn end_open_calls(connection: &mut SqliteConnection, wall: WallClock) -> Result<u64, sqlx::Error> {
    let open: Vec<(String, String)> =
        sqlx::query_as("SELECT call, linkage FROM call WHERE ended = 0").fetch_all(&mut *connection).await?;
    let mut ended = 0;
    for (call, linkage) in open {
        // Names that do not read as ours were changed by hand; they are nobody's call.
        let (Some(id), Ok(linkage)) = (call_id(&call), linkage.parse::<LinkageId>()) else { continue };
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        if end(&mut transaction, id, linkage, wall).await? {
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
    write::facts(connection, &entry, &mut Written::default()).await?;
    Ok(true)
}

fn facts_of(call: CallId, text: &str) -> Vec<Fact> {
    serde_json::from_str(text).unwrap_or_else(|error| {
        tracing::error!(event = "facts_unreadable", %call, %error);
        Vec::new()
    })
}

fn call_id(text: &str) -> Option<CallId> {
    text.parse::<LinkageId>().ok().map(|LinkageId(call)| call)
}
