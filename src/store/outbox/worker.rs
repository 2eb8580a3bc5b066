//! The thread that alone writes `outbox.db`: takes what waits, writes it, tells what is written.

use std::future::Future;
use std::mem;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::ballast::{Ballast, free_bytes};
use super::condition::{Condition, LATE, Shared};
use super::dispatch::Dispatch;
use super::schema::FORM;
use super::sinks::Sinks;
use super::write::{self, Batch, Fault, Outcome, Written};
use super::{Now, OutboxError, Told, crash, keep, salvage};
use crate::base::entropy::Entropy;
use crate::base::time::Instant;
use crate::store::database::{self, OpenError};
use crate::tickets::entry::Entry;
use crate::tickets::ids::EventId;
use crate::tickets::parcel::Verdict;

/// Entries, and verdicts, of one commit at most.
const BATCH: usize = 1_024;
/// How long the disk is left alone after it has refused a commit.
const REST: Duration = Duration::from_secs(1);
/// How often gauges, ballast, and changes by the command line are looked at.
const ROUND: Duration = Duration::from_secs(5);
/// Rounds between two looks for what has expired: an hour.
const ROUNDS_OF_KEEPING: u32 = 720;
/// The WAL is moved to the file beside the commits when it has grown by so many bytes ..
const CHECKPOINT: u64 = 4 << 20;
/// .. and within a commit's turn when there was no time for it until here.
const CHECKPOINT_NOW: u64 = 64 << 20;
/// Outcomes that may wait for a disk that refuses; then nothing more is sent.
const OUTCOMES: usize = 4_096;

/// The thread's side.
pub struct Worker {
    pub(super) path: PathBuf,
    pub(super) now: Now,
    pub(super) ballast: Ballast,
    pub(super) keep: Duration,
    pub(super) sinks: Sinks,
    pub(super) entries: mpsc::Receiver<Box<Entry>>,
    pub(super) changes: mpsc::Receiver<Sinks>,
    pub(super) verdicts: mpsc::Receiver<(EventId, Verdict)>,
    pub(super) told: mpsc::Sender<Told>,
    pub(super) opened: Option<std::sync::mpsc::SyncSender<Result<(), OutboxError>>>,
    /// Dropped when the thread is done.
    pub(super) done: Option<oneshot::Sender<()>>,
    pub(super) shared: Arc<Shared>,
    pub(super) dispatch: Dispatch,
    pub(super) start: Start,
    #[cfg(feature = "faults")]
    pub(super) faults: Arc<super::fault::Faults>,
}

/// Whether the calls that the last daemon left open are yet to be ended: at the first opening, and never again.
pub(super) enum Start {
    /// The chance is for the names of their tickets' events.
    First(Entropy),
    Done,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A checkpoint under way on a connection of its own: how many frames the WAL has, and how many are in the file now.
type Checkpoint = Pin<Box<dyn Future<Output = Result<(i64, i64), sqlx::Error>> + Send>>;

/// What the thread has in its hands.
#[derive(Default)]
struct Hand {
    connection: Option<SqliteConnection>,
    batch: Batch,
    /// Entries at the front of the batch whose calls were told that they are not written yet.
    told_failed: usize,
    /// When a disk that has refused is tried again.
    rests_until: Option<Instant>,
    /// About how many bytes are in the WAL and not in the file.
    grown: u64,
    checkpoint: Option<Checkpoint>,
    version: i64,
    round: u32,
}

enum Wake {
    Entries(usize),
    Verdicts(Vec<(EventId, Verdict)>),
    Sinks(Sinks),
    Due,
    Round,
    Checkpointed(Result<(i64, i64), sqlx::Error>),
}

impl Worker {
    /// Runs until the engine lets go of its side and everything that waited is written.
    pub fn run(mut self) {
        match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime.block_on(self.work()),
            Err(error) => self.report(Err(OutboxError::Runtime(error))),
        }
    }

    async fn work(&mut self) {
        let mut hand = Hand::default();
        self.ballast.lay();
        match self.open(&mut hand).await {
            Ok(()) => self.report(Ok(())),
            Err(error @ (OpenError::TooNew { .. } | OpenError::Stuck { .. })) => {
                return self.report(Err(OutboxError::Unusable(error.to_string())));
            }
            // Calls go on without a disk, with an alarm.
            Err(OpenError::Disk { error, .. }) => {
                self.rest(&mut hand, &Fault::from(error));
                self.report(Ok(()));
            }
        }
        let mut rounds = tokio::time::interval(ROUND);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut verdicts = Vec::new();
        let done = self.done.take();
        loop {
            let now = (self.now)().at;
            let wait = self.wait(&hand, now);
            let takes = hand.rests_until.is_none() && hand.batch.entries.is_empty();
            let wake = tokio::select! {
                count = self.entries.recv_many(&mut hand.batch.entries, BATCH), if takes => Wake::Entries(count),
                Some(sinks) = self.changes.recv() => Wake::Sinks(sinks),
                _ = self.verdicts.recv_many(&mut verdicts, BATCH), if hand.batch.outcomes.len() < OUTCOMES
                    && !self.verdicts.is_closed() => Wake::Verdicts(mem::take(&mut verdicts)),
                () = after(wait) => Wake::Due,
                checkpointed = finished(&mut hand.checkpoint) => Wake::Checkpointed(checkpointed),
                _ = rounds.tick() => Wake::Round,
            };
            if hand.rests_until.is_some() && self.entries.is_closed() {
                break;
            }
            match wake {
                Wake::Entries(0) => break,
                Wake::Entries(_) | Wake::Due => {}
                Wake::Sinks(sinks) => {
                    self.dispatch.limit(&sinks);
                    self.sinks = sinks;
                }
                Wake::Verdicts(verdicts) => self.settle(&mut hand, verdicts),
                Wake::Round => self.round(&mut hand).await,
                Wake::Checkpointed(checkpointed) => tell_checkpoint(checkpointed),
            }
            self.write(&mut hand).await;
            self.give_out(&mut hand).await;
            self.checkpoint(&mut hand).await;
        }
        self.finish(hand).await;
        drop(done);
    }

    fn report(&mut self, opened: Result<(), OutboxError>) {
        if let Some(waits) = self.opened.take() {
            // Whoever started us has gone; then there is nobody to tell.
            waits.send(opened).ok();
        }
    }

    /// How long nothing is to be done by the clock.
    fn wait(&self, hand: &Hand, now: Instant) -> Option<Duration> {
        let due = match hand.rests_until {
            Some(until) => Some(until),
            None if hand.connection.is_some() => return self.dispatch.wait(now),
            None => None,
        };
        due.map(|at| at.since(now))
    }

    /// Opens the database; brings over what can be read of a damaged one; ends the calls that a crash has left open.
    async fn open(&mut self, hand: &mut Hand) -> Result<(), OpenError> {
        let failed = |path: &PathBuf| {
            let path = path.clone();
            move |error| OpenError::Disk { path, error }
        };
        let opened = database::open(&self.path, &FORM).await?;
        let mut connection = opened.connection;
        if let Some(aside) = opened.aside {
            salvage::bring_over(&mut connection, &aside).await.map_err(failed(&self.path))?;
        }
        if let Start::First(chance) = &mut self.start {
            crash::end_open_calls(&mut connection, (self.now)(), chance).await.map_err(failed(&self.path))?;
            self.start = Start::Done;
        }
        self.dispatch.load(&self.sinks, &mut connection).await.map_err(failed(&self.path))?;
        hand.connection = Some(connection);
        Ok(())
    }

    // === Writing ===

    /// Writes what is in hand, as often as the disk lets it be tried at once.
    async fn write(&mut self, hand: &mut Hand) {
        let now = (self.now)().at;
        if hand.batch.is_empty() && hand.connection.is_some() || hand.rests_until.is_some_and(|until| until > now) {
            return;
        }
        hand.rests_until = None;
        self.shared.in_hand.store(hand.batch.entries.len(), Ordering::Relaxed);
        while let Err(fault) = self.commit(hand).await {
            self.shared.failed_commits.fetch_add(1, Ordering::Relaxed);
            match fault {
                Fault::Full if self.ballast.give_up() => {}
                Fault::Refused(error) => self.leave_out(hand, &error),
                // A file need not be opened again for want of room, and could not be: that takes room itself.
                Fault::Full => return self.rest(hand, &fault),
                Fault::Damaged(_) | Fault::Broken(_) => {
                    hand.connection = None;
                    return self.rest(hand, &fault);
                }
            }
        }
    }

    /// One commit of everything in hand.
    async fn commit(&mut self, hand: &mut Hand) -> Result<(), Fault> {
        let begin = (self.now)().at;
        self.shared.commit_begins(begin);
        let done = self.transaction(hand).await;
        self.shared.commit_ends();
        let written = done?;
        let now = (self.now)();
        let took = now.at.since(begin);
        let before = self.shared.enter(if took > LATE { Condition::Slow } else { Condition::Good });
        if !before.writes() {
            tracing::warn!(event = "outbox_written_again", entries = hand.batch.entries.len());
        }
        hand.grown += written.bytes;
        hand.told_failed = 0;
        self.dispatch.add(now.at, written.fresh);
        hand.batch.outcomes.clear();
        let ids = hand.batch.entries.drain(..).map(|entry| entry.id).collect();
        self.shared.in_hand.store(0, Ordering::Relaxed);
        // The engine takes what it is told at once; when it has gone nobody waits.
        self.told.send(Told::Written { ids, took }).await.ok();
        Ok(())
    }

    async fn transaction(&mut self, hand: &mut Hand) -> Result<Written, Fault> {
        #[cfg(feature = "faults")]
        self.faults.strike().await?;
        if hand.connection.is_none() {
            self.open(hand).await.map_err(|error| match error {
                OpenError::Disk { error, .. } => Fault::from(error),
                OpenError::TooNew { .. } | OpenError::Stuck { .. } => {
                    Fault::Broken(sqlx::Error::Configuration(error.into()))
                }
            })?;
        }
        let Some(connection) = &mut hand.connection else { return Ok(Written::default()) };
        write::commit(connection, &hand.batch, &self.sinks).await
    }

    /// Lets a disk rest that has refused, and tells the calls that wait.
    fn rest(&self, hand: &mut Hand, fault: &Fault) {
        let condition = if matches!(fault, Fault::Full) { Condition::Full } else { Condition::Broken };
        if self.shared.enter(condition) != condition {
            let waiting = hand.batch.entries.len() + self.entries.len();
            tracing::error!(event = "outbox_not_written", condition = condition.word(), %fault, waiting);
        }
        hand.rests_until = Some((self.now)().at + REST);
        let ids: Vec<_> = hand.batch.entries.iter().skip(hand.told_failed).map(|entry| entry.id).collect();
        hand.told_failed = hand.batch.entries.len();
        if !ids.is_empty() {
            // A full queue means an engine that has not come round for long; its calls go on by their own clocks.
            self.told.try_send(Told::Failed { ids }).ok();
        }
    }

    /// A batch that breaks a rule of the tables holds a fault of ours: the entry is found by writing one at a time.
    fn leave_out(&self, hand: &mut Hand, error: &sqlx::Error) {
        let Some(entry) = hand.batch.entries.pop() else {
            tracing::error!(event = "outcomes_lost", outcomes = hand.batch.outcomes.len(), %error);
            hand.batch.outcomes.clear();
            return;
        };
        let (call, seq) = (entry.id.call, entry.id.seq);
        tracing::error!(event = "entry_lost", %call, seq, %error, "it breaks a rule of the tables");
        self.shared.lost.fetch_add(1, Ordering::Relaxed);
        self.told.try_send(Told::Failed { ids: vec![entry.id] }).ok();
    }

    // === Delivery ===

    fn settle(&mut self, hand: &mut Hand, verdicts: Vec<(EventId, Verdict)>) {
        let wall = (self.now)();
        let outcomes = verdicts.into_iter().filter_map(|(event, verdict)| self.dispatch.settle(wall, event, verdict));
        let outcomes: Vec<Outcome> = outcomes.collect();
        hand.batch.outcomes.extend(outcomes);
    }

    async fn give_out(&mut self, hand: &mut Hand) {
        let Some(connection) = &mut hand.connection else { return };
        if hand.batch.outcomes.len() >= OUTCOMES {
            return;
        }
        let now = (self.now)().at;
        let done = match self.dispatch.refill(now, connection).await {
            Ok(()) => self.dispatch.give_out(now, connection).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            hand.connection = None;
            self.rest(hand, &error.into());
        }
    }

    // === Keeping house ===

    async fn round(&mut self, hand: &mut Hand) {
        self.shared.free_bytes.store(free_bytes(&self.path), Ordering::Relaxed);
        if hand.rests_until.is_none() {
            self.ballast.lay();
        }
        if let Err(error) = self.look_round(hand).await {
            hand.connection = None;
            self.rest(hand, &error.into());
        }
        hand.round = hand.round.wrapping_add(1);
    }

    async fn look_round(&mut self, hand: &mut Hand) -> Result<(), sqlx::Error> {
        let Some(connection) = &mut hand.connection else { return Ok(()) };
        let now = (self.now)();
        let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *connection).await?;
        if mem::replace(&mut hand.version, version) != version {
            self.dispatch.asked(now.at, connection).await?;
        }
        self.shared.show_sinks(keep::sinks(connection, now.unix_ms).await?);
        if hand.round.is_multiple_of(ROUNDS_OF_KEEPING) {
            hand.grown += keep::expire(connection, now.unix_ms, self.keep).await?;
        }
        Ok(())
    }

    /// Moves the WAL to the file: beside the commits while there is time, within one when it has grown too far.
    async fn checkpoint(&mut self, hand: &mut Hand) {
        if hand.grown >= CHECKPOINT_NOW {
            let Some(connection) = &mut hand.connection else { return };
            match frames(connection, "PRAGMA wal_checkpoint(RESTART)").await {
                Ok(_) => hand.grown = 0,
                Err(error) => self.rest(hand, &error.into()),
            }
        } else if hand.grown >= CHECKPOINT && hand.checkpoint.is_none() && hand.connection.is_some() {
            let path = self.path.clone();
            hand.grown = 0;
            hand.checkpoint = Some(Box::pin(async move {
                let mut connection = database::look(&path, &FORM).await.map_err(|error| match error {
                    OpenError::Disk { error, .. } => error,
                    OpenError::TooNew { .. } | OpenError::Stuck { .. } => sqlx::Error::Configuration(error.into()),
                })?;
                let frames = frames(&mut connection, "PRAGMA wal_checkpoint(PASSIVE)").await?;
                connection.close().await?;
                Ok(frames)
            }));
        }
    }

    /// The engine has let go: one last attempt for what a resting disk has not taken.
    async fn finish(&mut self, mut hand: Hand) {
        hand.rests_until = None;
        while let Ok(entry) = self.entries.try_recv() {
            hand.batch.entries.push(entry);
        }
        let verdicts = std::iter::from_fn(|| self.verdicts.try_recv().ok()).collect();
        self.settle(&mut hand, verdicts);
        self.write(&mut hand).await;
        let left = hand.batch.entries.len();
        if left > 0 {
            self.shared.lost.fetch_add(u64::try_from(left).unwrap_or(u64::MAX), Ordering::Relaxed);
            tracing::error!(event = "entries_lost", entries = left, "the disk takes nothing and the daemon ends");
        }
        if let Some(connection) = hand.connection {
            // SQLite moves the WAL to the file when the last connection closes.
            if let Err(error) = connection.close().await {
                tracing::warn!(event = "outbox_not_closed", %error);
            }
        }
    }
}

/// Runs a checkpoint: frames in the WAL, and frames of those that are in the file.
async fn frames(connection: &mut SqliteConnection, pragma: &'static str) -> Result<(i64, i64), sqlx::Error> {
    let (_busy, frames, moved): (i64, i64, i64) = sqlx::query_as(pragma).fetch_one(connection).await?;
    Ok((frames, moved))
}

fn tell_checkpoint(checkpointed: Result<(i64, i64), sqlx::Error>) {
    match checkpointed {
        // What was written meanwhile is still in the WAL, and counted in `grown`.
        Ok((frames, moved)) => tracing::debug!(event = "checkpoint", frames, moved),
        Err(error) => tracing::warn!(event = "checkpoint_failed", %error),
    }
}

/// Waits so long; for ever if nothing is to come.
async fn after(span: Option<Duration>) {
    match span {
        Some(span) => tokio::time::sleep(span).await,
        None => std::future::pending().await,
    }
}

/// Waits for a checkpoint that is under way; for ever if there is none.
async fn finished(checkpoint: &mut Option<Checkpoint>) -> Result<(i64, i64), sqlx::Error> {
    let Some(future) = checkpoint else { return std::future::pending().await };
    let done = future.await;
    *checkpoint = None;
    done
}
