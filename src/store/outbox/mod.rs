//! The outbox: what happened to calls, and what the ticket stores are to learn of it, in one file.
//!
//! Decides: when what is handed in is written, what is written together, what is done while the disk does not take it,
//! and which event leaves for its ticket store (by `tickets::schedule`, which knows the rules).
//! Invariants: what was said to be written is there after `kill -9` and after the power went; an entry is written as a
//! whole or not at all, and once, however often it is handed in; an event leaves only after its entry is on the disk;
//! what a ticket store has not taken is never deleted; nothing is lost unless the disk takes nothing and then memory is
//! full or the process dies, and that is counted.
//! Does not do: decide what a fact or a ticket says; send anything.
//!
//! # The way of an entry
//!
//! ```text
//!   engine --record()--> bounded queue --> thread: seal, INSERT, COMMIT --told()--> engine: Recorded
//!                                             |
//!                          Schedule: what is due --> parcels --> delivery
//!                                             ^----- verdicts ------'
//! ```
//!
//! The engine never waits: [`Outbox::record`] puts the entry into the queue and says at once if it cannot be written
//! soon. The thread takes everything that waits (at most 1,024 entries) and writes it with the outcomes of attempts in
//! one transaction: with a slow disk the batches grow by themselves (group commit). A commit has synced the WAL when it
//! returns.
//!
//! # Tables
//!
//! | table | a row is | written | deleted |
//! |---|---|---|---|
//! | `entry` | the facts of one step of a call, as JSON | by the commit | after `keep_days`, if the call has ended and no event of it is left |
//! | `call` | one call, and whether it has ended | with its entries | with its last entry |
//! | `event` | one sealed event of one ticket: its JSON byte for byte, its ticket store, its state | with its entry; state, attempts and answer by outcomes | after `keep_days`, when the whole ticket is delivered |
//!
//! Only the thread writes, but for one thing: `lianxian outbox retry` turns a dead letter back to `pending` and sets
//! `asked`. The thread notices by `PRAGMA data_version` within five seconds. Reading is open to everybody.
//!
//! The WAL is moved to the file by a second connection beside the commits when it has grown by 4 MB, and within a
//! commit's turn only when it has grown by 64 MB all the same.
//!
//! # At each limit
//!
//! | what | then |
//! |---|---|
//! | commit takes longer than 500 ms | [`Condition::Slow`]: the calls go on by their own clock, an alarm rises |
//! | disk full | the ballast is removed and the batch is tried again at once; then [`Condition::Full`]: entries wait in the queue, which is the memory for it (`waiting_entries`), and the disk is tried every second |
//! | disk refuses (EIO) | [`Condition::Broken`]: the same; the file is closed and opened again for every attempt |
//! | queue nearly full | the last quarter is for entries with tickets; facts alone are lost, counted, told in the log |
//! | queue full | the entry is lost, counted, told in the log |
//! | database damaged | set aside as `outbox-damaged-N.db`, what can be read is brought over, a new one is begun |
//! | events for a ticket store | the schedule holds 10,000 and reads the others when there is room |
//! | outcomes that cannot be written | with 4,096 of them nothing more is sent |
//! | the daemon ends | what waits is written within five seconds; what is not is counted as lost |

mod ballast;
mod condition;
mod crash;
mod dispatch;
#[cfg(feature = "faults")]
pub mod fault;
mod keep;
mod reader;
mod salvage;
mod schema;
mod sinks;
mod worker;
mod write;

#[cfg(test)]
mod tests;

pub use condition::{Condition, Picture, SinkPicture};
pub use reader::{Filter, Letter, ReadError, Reader};
pub use sinks::Sinks;
pub use worker::Worker;
pub use write::State;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::base::entropy::Entropy;
use crate::base::time::{Instant, WallClock};
use crate::tickets::entry::{Entry, EntryId};
use crate::tickets::ids::EventId;
use crate::tickets::parcel::{Parcel, Verdict};

use self::ballast::Ballast;
use self::condition::Shared;
use self::dispatch::Dispatch;
use self::worker::Start;

/// The clock that the thread is handed.
pub type Now = Arc<dyn Fn() -> WallClock + Send + Sync>;

/// Commits that the engine has yet to hear of. It hears of each within a round of its loop.
const TOLD: usize = 64;

/// How the outbox is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of `outbox.db`.
    pub folder: PathBuf,
    /// The size of the ballast; 0 for none.
    pub ballast_bytes: u64,
    /// Entries that wait in memory at most.
    pub waiting_entries: usize,
    /// How long what is done with is kept.
    pub keep: Duration,
    /// The ticket store of each hotline.
    pub sinks: Sinks,
}

/// Both ends of `delivery`, as the outbox has them.
#[derive(Debug)]
pub struct Courier {
    /// What is to be sent.
    pub parcels: mpsc::Sender<Parcel>,
    /// What has become of it.
    pub verdicts: mpsc::Receiver<(EventId, Verdict)>,
}

/// Why the outbox cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// Its file is of a later version, or damaged and not to be moved.
    #[error("{0}")]
    Unusable(String),
    /// The thread cannot run.
    #[error("the outbox's runtime: {0}")]
    Runtime(io::Error),
    /// The thread has died.
    #[error("the outbox's thread has died")]
    Died,
}

/// The file of a folder's outbox.
pub fn file(folder: &Path) -> PathBuf {
    folder.join("outbox.db")
}

/// What the engine is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// These are on the disk.
    Written {
        /// Which.
        ids: Vec<EntryId>,
        /// How long the commit took.
        took: Duration,
    },
    /// These are not, and will not be soon. They are still tried.
    Failed {
        /// Which.
        ids: Vec<EntryId>,
    },
}

/// What has become of an entry that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is written next.
    Soon,
    /// It waits in memory for a disk that refuses.
    Waits,
    /// It is lost.
    Lost,
}

/// The engine's side.
#[derive(Debug)]
pub struct Outbox {
    entries: mpsc::Sender<Box<Entry>>,
    changes: mpsc::Sender<Sinks>,
    told: mpsc::Receiver<Told>,
    opened: std::sync::mpsc::Receiver<Result<(), OutboxError>>,
    done: oneshot::Receiver<()>,
    shared: Arc<Shared>,
    waiting_entries: usize,
}

/// Both sides. Nothing is opened before [`Worker::run`] has a thread.
pub fn create(settings: Settings, now: Now, chance: &mut Entropy, courier: Courier) -> (Outbox, Worker) {
    let Settings { folder, ballast_bytes, waiting_entries, keep, sinks } = settings;
    let waiting_entries = waiting_entries.max(1);
    let (entries, waiting) = mpsc::channel(waiting_entries);
    let (changes, changed) = mpsc::channel(1);
    let (tell, told) = mpsc::channel(TOLD);
    let (report, opened) = std::sync::mpsc::sync_channel(1);
    let (finish, done) = oneshot::channel();
    let shared = Arc::new(Shared::default());
    let worker = Worker {
        path: file(&folder),
        now,
        ballast: Ballast::of(&folder, ballast_bytes),
        keep,
        sinks,
        entries: waiting,
        changes: changed,
        verdicts: courier.verdicts,
        told: tell,
        opened: Some(report),
        done: Some(finish),
        shared: Arc::clone(&shared),
        dispatch: Dispatch::new(chance.fork(), courier.parcels),
        start: Start::First(chance.fork()),
        #[cfg(feature = "faults")]
        faults: Arc::default(),
    };
    (Outbox { entries, changes, told, opened, done, shared, waiting_entries }, worker)
}

impl Outbox {
    /// Waits until the thread has opened the file, or says why it never will. Only for the start: it blocks.
    pub fn opened(&self) -> Result<(), OutboxError> {
        self.opened.recv().unwrap_or(Err(OutboxError::Died))
    }

    /// Hands an entry in. Never waits.
    pub fn record(&self, now: Instant, entry: Box<Entry>) -> Taken {
        let id = entry.id;
        // Facts alone leave room for what the ticket stores are to learn.
        let reserved = if entry.postings.is_empty() { self.waiting_entries / 4 } else { 0 };
        if self.entries.capacity() <= reserved || self.entries.try_send(entry).is_err() {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            tracing::error!(event = "entry_lost", call = %id.call, seq = id.seq, "no room in memory");
            return Taken::Lost;
        }
        if self.shared.condition(now).writes() { Taken::Soon } else { Taken::Waits }
    }

    /// What is on the disk now, or will not be soon. Cancelling it loses nothing.
    pub async fn told(&mut self) -> Told {
        match self.told.recv().await {
            Some(told) => told,
            // The thread has died, which the engine's tasks tell.
            None => std::future::pending().await,
        }
    }

    /// Where other ticket stores are told after a reload.
    pub fn changes(&self) -> mpsc::Sender<Sinks> {
        self.changes.clone()
    }

    /// The outbox as it is now.
    pub fn picture(&self, now: Instant) -> Picture {
        let shared = &self.shared;
        Picture {
            condition: shared.condition(now),
            waiting: self.entries.max_capacity() - self.entries.capacity() + shared.in_hand.load(Ordering::Relaxed),
            lost: shared.lost.load(Ordering::Relaxed),
            failed_commits: shared.failed_commits.load(Ordering::Relaxed),
            free_bytes: shared.free_bytes.load(Ordering::Relaxed),
            sinks: shared.sinks(),
        }
    }

    /// Lets everything that waits be written; `false` if that was not done in time.
    pub async fn close(self, patience: Duration) -> bool {
        let Self { entries, told, done, .. } = self;
        drop((entries, told));
        // The thread drops its end without a word: that is the word.
        tokio::time::timeout(patience, done).await.is_ok()
    }
}
