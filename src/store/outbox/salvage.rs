//! What can be read of a damaged outbox is brought over to the new one.

use std::path::Path;

use sqlx::{Executor, SqliteConnection};

/// Rows that are brought over in one statement, as long as all of them can be read.
const ROWS: i64 = 500;

/// How a table is read.
struct Table {
    /// Copies so many rows behind a place.
    forward: &'static str,
    /// The last place among them.
    forward_end: &'static str,
    /// Copies so many rows before a place.
    backward: &'static str,
    /// The first place among them.
    backward_end: &'static str,
}

const EVENTS: Table = Table {
    forward: "INSERT OR IGNORE INTO event SELECT * FROM damaged.event WHERE number > ? ORDER BY number LIMIT ?",
    forward_end: "SELECT max(number) FROM (SELECT number FROM damaged.event WHERE number > ? ORDER BY number LIMIT ?)",
    backward: "INSERT OR IGNORE INTO event SELECT * FROM damaged.event WHERE number < ? ORDER BY number DESC LIMIT ?",
    backward_end: "SELECT min(number) FROM
                   (SELECT number FROM damaged.event WHERE number < ? ORDER BY number DESC LIMIT ?)",
};

const ENTRIES: Table = Table {
    forward: "INSERT OR IGNORE INTO entry SELECT * FROM damaged.entry WHERE id > ? ORDER BY id LIMIT ?",
    forward_end: "SELECT max(id) FROM (SELECT id FROM damaged.entry WHERE id > ? ORDER BY id LIMIT ?)",
    backward: "INSERT OR IGNORE INTO entry SELECT * FROM damaged.entry WHERE id < ? ORDER BY id DESC LIMIT ?",
    backward_end: "SELECT min(id) FROM (SELECT id FROM damaged.entry WHERE id < ? ORDER BY id DESC LIMIT ?)",
};

/// The calls of the entries that were saved.
const CALLS: &str = "INSERT OR IGNORE INTO call (call, linkage, ended)
    SELECT call, linkage, max(facts LIKE '%\"fact\":\"ended\"%') FROM entry GROUP BY call";

/// Copies every row that can be read: from the first on until the damage, and from the last on until the damage. What
/// was saved is told, and the damaged file stays where it is for whoever can save more.
pub(super) async fn bring_over(connection: &mut SqliteConnection, aside: &Path) -> Result<(), sqlx::Error> {
    let attached = sqlx::query("ATTACH DATABASE ? AS damaged")
        .bind(aside.to_string_lossy().into_owned())
        .execute(&mut *connection);
    if let Err(error) = attached.await {
        tracing::error!(event = "nothing_saved", aside = %aside.display(), %error, "of a damaged outbox");
        return Ok(());
    }
    let events = EVENTS.save(connection).await;
    let entries = ENTRIES.save(connection).await;
    let detached = connection.execute("DETACH DATABASE damaged").await;
    connection.execute(CALLS).await?;
    tracing::error!(event = "outbox_saved", aside = %aside.display(), entries, events, "of a damaged outbox");
    if let Err(error) = detached {
        tracing::warn!(event = "damaged_outbox_not_closed", %error);
    }
    Ok(())
}

impl Table {
    /// Copies what can be read; gives how many rows.
    async fn save(&self, connection: &mut SqliteConnection) -> u64 {
        let forward = read(connection, (self.forward, self.forward_end), 0).await;
        forward + read(connection, (self.backward, self.backward_end), i64::MAX).await
    }
}

/// Copies in one direction until the damage or the end; near the damage one row at a time.
async fn read(connection: &mut SqliteConnection, (copy, end): (&'static str, &'static str), start: i64) -> u64 {
    let (mut place, mut rows, mut saved) = (start, ROWS, 0);
    loop {
        match chunk(connection, (copy, end), place, rows).await {
            Ok(Some((last, new))) => {
                saved += new;
                place = last;
                if new == 0 && start != 0 {
                    // From here on everything has come from the other side.
                    return saved;
                }
            }
            Ok(None) => return saved,
            Err(error) if rows == 1 => {
                tracing::error!(event = "outbox_unreadable", place, %error);
                return saved;
            }
            Err(_) => rows = 1,
        }
    }
}

/// Copies so many rows from a place on: the last place among them, and how many are new. None at the end of the table.
async fn chunk(
    connection: &mut SqliteConnection,
    (copy, end): (&'static str, &'static str),
    place: i64,
    rows: i64,
) -> Result<Option<(i64, u64)>, sqlx::Error> {
    let last: Option<i64> = sqlx::query_scalar(end).bind(place).bind(rows).fetch_one(&mut *connection).await?;
    let Some(last) = last else { return Ok(None) };
    let done = sqlx::query(copy).bind(place).bind(rows).execute(connection).await?;
    Ok(Some((last, done.rows_affected())))
}
