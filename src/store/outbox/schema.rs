//! The tables of `outbox.db`. Texts and not blobs, so that an operator reads them with any SQLite shell.

use crate::store::database::Form;

/// The form of `outbox.db`.
pub(super) const FORM: Form = Form { migrations: &[FIRST] };

/// `entry`: the facts of one step of one call. `call`: one row a call, so that those without an end are found at once;
/// it goes with the call's last entry.
/// `event`: one sealed event of one ticket and what has become of it; `asked` says that the command line wants a dead
/// letter tried again and the daemon has yet to see it.
const FIRST: &str = "
BEGIN;
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    call TEXT NOT NULL,
    seq INTEGER NOT NULL,
    linkage TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    unix_ms INTEGER NOT NULL,
    facts TEXT NOT NULL,
    UNIQUE (call, seq)
) STRICT;
CREATE INDEX entry_old ON entry (unix_ms);
CREATE TABLE call (
    call TEXT PRIMARY KEY,
    linkage TEXT NOT NULL,
    ended INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX call_open ON call (call) WHERE ended = 0;
CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL UNIQUE,
    ticket TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    call TEXT NOT NULL,
    kind TEXT NOT NULL,
    sink TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'kept', 'delivered', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    written_ms INTEGER NOT NULL,
    settled_ms INTEGER,
    answer TEXT,
    asked INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL,
    UNIQUE (ticket, seq)
) STRICT;
CREATE INDEX event_pending ON event (sink, number) WHERE state = 'pending';
CREATE INDEX event_old ON event (written_ms) WHERE state = 'delivered';
CREATE INDEX event_dead ON event (ticket) WHERE state = 'dead';
CREATE INDEX event_asked ON event (number) WHERE asked = 1;
CREATE INDEX event_of_call ON event (call);
CREATE TRIGGER entry_gone AFTER DELETE ON entry BEGIN
    DELETE FROM call WHERE call = old.call AND NOT EXISTS (SELECT 1 FROM entry WHERE call = old.call);
END;
PRAGMA user_version = 1;
COMMIT;
";
