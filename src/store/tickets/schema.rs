//! The file: its tables, and how it is opened.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions, Executor};

use crate::store::database::{self, OpenError};

/// The record as it stands, for the filters; each event as it came; and what a record mentions: its tags, its agents'
/// numbers (工号), its kinds of event, and the citizen's numbers.
const FORM: database::Form = database::Form {
    migrations: &["
BEGIN;
CREATE TABLE ticket (
    ticket_id  TEXT PRIMARY KEY,
    linkage_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    hash       TEXT NOT NULL,
    direction  TEXT NOT NULL,
    status     TEXT NOT NULL,
    region     TEXT NOT NULL
) STRICT;
CREATE INDEX ticket_by_time ON ticket (created_ms, ticket_id);
CREATE INDEX ticket_by_linkage ON ticket (linkage_id);
CREATE TABLE event (
    event_id  TEXT PRIMARY KEY,
    ticket_id TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    text      TEXT NOT NULL,
    UNIQUE (ticket_id, seq)
) STRICT;
CREATE TABLE mention (
    kind      TEXT NOT NULL,
    value     TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    PRIMARY KEY (kind, value, ticket_id)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
COMMIT;
"],
};

/// How long a reader waits for a free connection, and that one for a lock.
const PATIENCE: Duration = Duration::from_secs(5);
/// Readers at a time; further ones wait.
const READERS: u32 = 4;

/// Opens the file to write, and makes it if there is none; a damaged one is set aside first.
pub(super) async fn open(path: &Path) -> Result<SqliteConnection, OpenError> {
    let mut file = database::open(path, &FORM).await?.connection;
    // Nobody on the signalling side waits for this file: SQLite itself moves the WAL's pages as they add up.
    let moving = file.execute("PRAGMA wal_autocheckpoint = 1000").await;
    moving.map_err(|error| OpenError::Disk { path: path.to_owned(), error })?;
    Ok(file)
}

/// Connections that only read, opened as they are needed. A file that is not there is not made.
pub(super) fn readers(path: &Path) -> SqlitePool {
    let options =
        SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(PATIENCE).disable_statement_logging();
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}
