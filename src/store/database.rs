//! A SQLite file: opened durably, looked through, set aside if it is damaged, brought to the current form.
//!
//! WAL and `synchronous=FULL`: a commit is on the disk when it returns, and a torn end of the WAL is found by SQLite's
//! checksums and cut off, which loses no commit that has returned.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection};

/// How long a statement waits for another process that writes: the command line does so for moments.
const PATIENCE: Duration = Duration::from_secs(5);

/// Files up to this size are looked through when they are opened, which takes less than a second; of larger ones
/// damage is found when it is met.
const LOOKED_THROUGH: u64 = 256 << 20;

/// A file has whole pages, and a page so many bytes or twice, four times, .. as many. SQLite itself takes a file that
/// is shorter than one for an empty database.
const PAGES: u64 = 512;

/// A database of another making has at most so many set aside beside it; then the daemon would only repeat itself.
const ASIDE: u32 = 1_000;

/// How a database is to be opened.
#[derive(Debug)]
pub(super) struct Form {
    /// What brings the form before to this one; the first makes it from nothing. `user_version` counts them.
    pub(super) migrations: &'static [&'static str],
}

/// An open database.
#[derive(Debug)]
pub(super) struct Opened {
    /// The connection.
    pub(super) connection: SqliteConnection,
    /// Where the damaged one was put, if there was one.
    pub(super) aside: Option<PathBuf>,
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// A later version of the daemon made it.
    #[error("{}: of a later version (form {found}, this daemon knows {known})", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: i64,
        /// The last one that we know.
        known: usize,
    },
    /// The disk.
    #[error("{}: {error}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        error: sqlx::Error,
    },
    /// It is damaged and cannot be set aside.
    #[error("{}: damaged, and cannot be set aside: {error}", path.display())]
    Stuck {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// Opens a database for writing. A damaged one is set aside and a new one is begun.
pub(super) async fn open(path: &Path, form: &Form) -> Result<Opened, OpenError> {
    let failed = |error| OpenError::Disk { path: path.to_owned(), error };
    let damage = match looked_through(path).await {
        Ok(Found::Whole(connection)) => {
            return Ok(Opened { connection: migrated(connection, path, form).await?, aside: None });
        }
        Ok(Found::Damaged(damage)) => damage,
        Err(error) if is_damage(&error) => error.to_string(),
        Err(error) => return Err(failed(error)),
    };
    let aside = set_aside(path).map_err(|error| OpenError::Stuck { path: path.to_owned(), error })?;
    tracing::error!(event = "database_damaged", path = %path.display(), damage, aside = %aside.display(), "set aside");
    let connection = connect(path, true).await.map_err(failed)?;
    Ok(Opened { connection: migrated(connection, path, form).await?, aside: Some(aside) })
}

/// Opens a database that is there, as whoever looks at it beside the daemon does.
pub(super) async fn look(path: &Path, form: &Form) -> Result<SqliteConnection, OpenError> {
    let failed = |error| OpenError::Disk { path: path.to_owned(), error };
    let mut connection = connect(path, false).await.map_err(failed)?;
    let found = version(&mut connection).await.map_err(failed)?;
    let known = form.migrations.len();
    if usize::try_from(found).is_ok_and(|found| found <= known) {
        Ok(connection)
    } else {
        Err(OpenError::TooNew { path: path.to_owned(), found, known })
    }
}

/// Whether an error says that the file itself is damaged: `SQLITE_CORRUPT` and `SQLITE_NOTADB`, with whatever SQLite
/// adds in the upper bits.
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(11 | 26))
}

/// The primary result code of SQLite, if the error is one of SQLite's.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

async fn connect(path: &Path, create: bool) -> Result<SqliteConnection, sqlx::Error> {
    if create {
        // Citizens' numbers stand in it, and SQLite gives what it puts beside it the same rights.
        let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        made.map_err(sqlx::Error::Io)?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(create)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE)
        // The owner moves the WAL's pages to the file when there is time for it, not SQLite within a commit.
        .pragma("wal_autocheckpoint", "0");
    options.disable_statement_logging().connect().await
}

/// What a look through a database has found.
enum Found {
    Whole(SqliteConnection),
    Damaged(String),
}

async fn looked_through(path: &Path) -> Result<Found, sqlx::Error> {
    let size = fs::metadata(path).map_or(0, |file| file.len());
    if !size.is_multiple_of(PAGES) {
        return Ok(Found::Damaged(format!("{size} bytes are no whole pages")));
    }
    let mut connection = connect(path, true).await?;
    if size > LOOKED_THROUGH {
        tracing::info!(event = "database_not_looked_through", path = %path.display(), size);
        return Ok(Found::Whole(connection));
    }
    let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
    if verdict == "ok" {
        return Ok(Found::Whole(connection));
    }
    connection.close().await?;
    Ok(Found::Damaged(verdict))
}

async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await
}

async fn migrated(mut connection: SqliteConnection, path: &Path, form: &Form) -> Result<SqliteConnection, OpenError> {
    let failed = |error| OpenError::Disk { path: path.to_owned(), error };
    let found = version(&mut connection).await.map_err(failed)?;
    let known = form.migrations.len();
    let missing = usize::try_from(found).ok().and_then(|found| form.migrations.get(found..));
    let Some(missing) = missing else {
        return Err(OpenError::TooNew { path: path.to_owned(), found, known });
    };
    // Each of them sets `user_version` itself, in its own transaction.
    for migration in missing {
        connection.execute(*migration).await.map_err(failed)?;
    }
    Ok(connection)
}

/// Gives a database and what belongs to it another name, `outbox-damaged-1.db`, and says which.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let aside = (1..=ASIDE)
        .map(|number| path.with_file_name(format!("{stem}-damaged-{number}.db")))
        .find(|aside| !aside.exists())
        .ok_or_else(|| io::Error::other("too many were set aside already"))?;
    for suffix in ["-wal", "-shm", ""] {
        match fs::rename(with_suffix(path, suffix), with_suffix(&aside, suffix)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {}
            Err(error) => return Err(error),
        }
    }
    // The new names are on the disk before a new file takes the old one.
    File::open(path.parent().unwrap_or_else(|| Path::new(".")))?.sync_all()?;
    Ok(aside)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
pub(in crate::store) mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A folder that is thrown away.
    pub(in crate::store) struct Scratch(PathBuf);

    impl Scratch {
        pub(in crate::store) fn new(name: &str) -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let own = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("lianxian-store-{name}-{}-{own}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub(in crate::store) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    const FORM: Form =
        Form { migrations: &["BEGIN; CREATE TABLE row (number INTEGER) STRICT; PRAGMA user_version = 1; COMMIT;"] };

    async fn count(connection: &mut SqliteConnection) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM row").fetch_one(connection).await.unwrap()
    }

    /// Rows 0 to 999, moved to the file.
    async fn filled(path: &Path) {
        let mut connection = open(path, &FORM).await.unwrap().connection;
        for number in 0..1_000 {
            sqlx::query("INSERT INTO row VALUES (?)").bind(number).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
    }

    #[tokio::test]
    async fn a_database_is_made_once_and_its_rows_stay() {
        let scratch = Scratch::new("made");
        let path = scratch.path().join("a.db");
        filled(&path).await;
        let mut again = open(&path, &FORM).await.unwrap();
        assert_eq!((count(&mut again.connection).await, again.aside), (1_000, None));
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut again.connection).await.unwrap();
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut again.connection).await.unwrap();
        assert_eq!((mode.as_str(), synchronous), ("wal", 2), "WAL and FULL: a commit is on the disk");
        for file in ["a.db", "a.db-wal"] {
            let rights = fs::metadata(scratch.path().join(file)).unwrap().permissions().mode();
            assert_eq!(rights & 0o777, 0o600, "{file} is nobody else's");
        }
    }

    #[tokio::test]
    async fn a_damaged_database_is_set_aside_under_another_name_and_never_overwritten() {
        for (name, at) in [("header", 0), ("page", 4_096)] {
            let scratch = Scratch::new(name);
            let path = scratch.path().join("a.db");
            filled(&path).await;
            let mut bytes = fs::read(&path).unwrap();
            bytes[at..at + 100].fill(0x5a);
            fs::write(&path, &bytes).unwrap();
            let mut opened = open(&path, &FORM).await.unwrap();
            assert_eq!(count(&mut opened.connection).await, 0, "{name}: a new one is begun");
            let aside = opened.aside.unwrap();
            assert_eq!(aside, scratch.path().join("a-damaged-1.db"));
            assert_eq!(fs::read(&aside).unwrap(), bytes, "{name}: the damaged one is as it was");
        }
    }

    #[tokio::test]
    async fn a_database_of_a_later_version_is_left_alone() {
        let scratch = Scratch::new("later");
        let path = scratch.path().join("a.db");
        let mut connection = open(&path, &FORM).await.unwrap().connection;
        connection.execute("PRAGMA user_version = 2").await.unwrap();
        connection.close().await.unwrap();
        assert!(matches!(open(&path, &FORM).await, Err(OpenError::TooNew { found: 2, known: 1, .. })));
        assert!(matches!(look(&path, &FORM).await, Err(OpenError::TooNew { found: 2, known: 1, .. })));
    }
}
