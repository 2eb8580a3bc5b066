//! The outbox on a real disk, with faults that are planted in it.

#![allow(clippy::disallowed_methods, reason = "these tests wait for a real disk")]

mod delivering;
mod failing;
mod starting;
mod writing;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::sync::mpsc;

use super::fault::Faults;
use super::schema::FORM;
use super::*;
use crate::base::calendar::Moment;
use crate::base::ids::{CallId, HotlineId, LegId};
use crate::store::database::{self, tests::Scratch};
use crate::tickets::entry::Posting;
use crate::tickets::fact::{Fact, Party};
use crate::tickets::ids::{LinkageId, TicketId};
use crate::tickets::ticket::Ticket;

/// Nothing of these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// An outbox whose thread runs.
struct Running {
    outbox: Outbox,
    parcels: mpsc::Receiver<Parcel>,
    verdicts: mpsc::Sender<(EventId, Verdict)>,
    faults: Arc<Faults>,
    now: Now,
    thread: JoinHandle<()>,
}

fn settings(folder: &Path) -> Settings {
    Settings {
        folder: folder.to_owned(),
        ballast_bytes: 0,
        waiting_entries: 10_000,
        keep: Duration::from_secs(86_400),
        sinks: Sinks::new([(HotlineId::from("119"), "none".into())]),
    }
}

/// A clock that begins at a moment of 2026.
fn clock() -> Now {
    let start = std::time::Instant::now();
    Arc::new(move || {
        let at = Instant::from_nanos(u64::try_from(start.elapsed().as_nanos()).unwrap());
        WallClock { at, unix_ms: 1_780_000_000_000 + at.as_nanos() / 1_000_000 }
    })
}

impl Running {
    fn start(settings: Settings) -> Self {
        let running = Self::try_start(settings);
        running.outbox.opened().unwrap();
        running
    }

    fn try_start(settings: Settings) -> Self {
        let (send, parcels) = mpsc::channel(16);
        let (verdicts, receive) = mpsc::channel(16);
        let now = clock();
        let courier = Courier { parcels: send, verdicts: receive };
        let (outbox, worker) = create(settings, Arc::clone(&now), &mut Entropy::from_number(7), courier);
        let faults = Arc::clone(&worker.faults);
        let thread = std::thread::spawn(move || worker.run());
        Self { outbox, parcels, verdicts, faults, now, thread }
    }

    fn record(&self, entry: Entry) -> Taken {
        self.outbox.record((self.now)().at, Box::new(entry))
    }

    fn condition(&self) -> Condition {
        self.outbox.picture((self.now)().at).condition
    }

    async fn told(&mut self) -> Told {
        tokio::time::timeout(PATIENCE, self.outbox.told()).await.expect("the outbox says nothing")
    }

    /// Waits until so many entries are said to be written.
    async fn written(&mut self, count: usize) -> Vec<EntryId> {
        let mut written = Vec::new();
        while written.len() < count {
            if let Told::Written { ids, took: _ } = self.told().await {
                written.extend(ids);
            }
        }
        written
    }

    async fn parcel(&mut self) -> Parcel {
        tokio::time::timeout(PATIENCE, self.parcels.recv()).await.expect("nothing is sent").unwrap()
    }

    async fn verdict(&self, parcel: &Parcel, verdict: Verdict) {
        self.verdicts.send((parcel.event, verdict)).await.unwrap();
    }

    /// Everything that waits is written, and the file is closed.
    async fn close(self) {
        assert!(self.outbox.close(PATIENCE).await);
        self.thread.join().unwrap();
    }
}

// === What is written ===

/// A step of a call that has just begun.
fn step(call: u128, seq: u32) -> Entry {
    let call = CallId(call);
    let fact = if seq == 1 {
        Fact::LegBegan { leg: LegId(1), party: Party::Caller, presented: None }
    } else {
        Fact::Rang { leg: LegId(1) }
    };
    Entry {
        id: EntryId { call, seq },
        linkage: LinkageId(call),
        at: Instant::from_nanos(u64::from(seq)),
        unix_ms: 1_780_000_000_000,
        facts: vec![fact],
        postings: Vec::new(),
    }
}

/// A step with which a record of 12345 gets an event.
fn posted(call: u128, seq: u32) -> Entry {
    posted_to("12345", call, seq)
}

fn posted_to(hotline: &str, call: u128, seq: u32) -> Entry {
    let mut ticket: Ticket = serde_json::from_str(include_str!("../../../tickets/example.json")).unwrap();
    ticket.linkage_id = LinkageId(CallId(call));
    ticket.ticket_id = TicketId { linkage: ticket.linkage_id, number: 0 };
    ticket.event_id = EventId::new(1_780_000_000_000, call << 20 | u128::from(seq));
    ticket.at = Moment { unix_ms: 1_780_000_000_000 };
    let posting = Posting { hotline: HotlineId::from(hotline), ticket };
    Entry { postings: vec![posting], ..step(call, seq) }
}

/// Looks into the file beside the thread.
async fn look(folder: &Path) -> SqliteConnection {
    database::look(&file(folder), &FORM).await.unwrap()
}

async fn number(folder: &Path, question: &'static str) -> i64 {
    sqlx::query_scalar(question).fetch_one(&mut look(folder).await).await.unwrap()
}

async fn word(folder: &Path, question: &'static str) -> String {
    sqlx::query_scalar(question).fetch_one(&mut look(folder).await).await.unwrap()
}
