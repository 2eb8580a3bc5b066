//! What waits for each ticket store, and what has been kept for long enough.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::SqliteConnection;

use super::condition::SinkPicture;
use super::write::{signed, unsigned};

/// Rows that are deleted in one transaction: a commit never waits for long behind it.
const ROWS: i64 = 500;
/// Transactions of one hour.
const TRANSACTIONS: u32 = 40;
/// What a deleted row is reckoned as in the WAL.
const PAGE: u64 = 4_096;

/// What waits for each ticket store.
pub(super) async fn sinks(connection: &mut SqliteConnection, unix_ms: u64) -> Result<Vec<SinkPicture>, sqlx::Error> {
    let mut sinks: BTreeMap<String, SinkPicture> = BTreeMap::new();
    // The index has all of it; only the oldest row of each ticket store is read.
    let pending: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT waiting.sink, waiting.count, event.written_ms FROM
         (SELECT sink, count(*) AS count, min(number) AS oldest FROM event WHERE state = 'pending' GROUP BY sink)
         AS waiting JOIN event ON event.number = waiting.oldest",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (name, count, written) in pending {
        let oldest = Duration::from_millis(unix_ms.saturating_sub(unsigned(written)));
        let picture = SinkPicture { name: name.clone(), pending: unsigned(count), oldest, dead: 0 };
        sinks.insert(name, picture);
    }
    let dead: Vec<(String, i64)> =
        sqlx::query_as("SELECT sink, count(*) FROM event WHERE state = 'dead' GROUP BY sink")
            .fetch_all(connection)
            .await?;
    for (name, count) in dead {
        let picture = SinkPicture { name: name.clone(), ..SinkPicture::default() };
        sinks.entry(name).or_insert(picture).dead = unsigned(count);
    }
    Ok(sinks.into_values().collect())
}

/// Deletes what has been kept for long enough: events that their ticket store has, as far as all events of the ticket
/// are such, and the facts of calls that have ended and of which no event is left. Gives about how far the WAL has grown.
/// An index on the time finds what is old, however much there is that is not.
pub(super) async fn expire(
    connection: &mut SqliteConnection,
    unix_ms: u64,
    keep: Duration,
) -> Result<u64, sqlx::Error> {
    let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
    let before = signed(unix_ms.saturating_sub(keep));
    let mut deleted = 0;
    for statement in [EVENTS, ENTRIES] {
        for _ in 0..TRANSACTIONS {
            let done = sqlx::query(statement).bind(before).bind(ROWS).execute(&mut *connection).await?;
            deleted += done.rows_affected();
            if done.rows_affected() < unsigned(ROWS) {
                break;
            }
        }
    }
    if deleted > 0 {
        tracing::info!(event = "outbox_expired", rows = deleted);
    }
    Ok(deleted * PAGE)
}

/// A ticket goes as a whole: its last event is what the next one would continue.
const EVENTS: &str = "DELETE FROM event WHERE number IN (
    SELECT number FROM event AS old WHERE state = 'delivered' AND written_ms < ?
    AND NOT EXISTS (SELECT 1 FROM event WHERE ticket = old.ticket AND
        (state <> 'delivered' OR written_ms >= ?1))
    LIMIT ?)";

const ENTRIES: &str = "DELETE FROM entry WHERE id IN (
    SELECT id FROM entry AS old WHERE unix_ms < ?
    AND EXISTS (SELECT 1 FROM call WHERE call = old.call AND ended = 1)
    AND NOT EXISTS (SELECT 1 FROM event WHERE call = old.call)
    LIMIT ?)";
