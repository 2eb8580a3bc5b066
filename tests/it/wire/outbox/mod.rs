//! The outbox on real disks: killed while it writes, and on one that is full.

mod disk_full;
mod killed;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lianxian::base::calendar::Moment;
use lianxian::base::entropy::Entropy;
use lianxian::base::ids::{CallId, HotlineId, LegId};
use lianxian::base::time::{self, WallClock};
use lianxian::store::outbox::{self, Courier, Filter, Letter, Outbox, Reader, Settings, Sinks};
use lianxian::tickets::entry::{Entry, EntryId, Posting};
use lianxian::tickets::fact::{Fact, Party};
use lianxian::tickets::ids::{EventId, LinkageId, TicketId};
use lianxian::tickets::ticket::Ticket;
use tokio::sync::mpsc;

/// An outbox whose thread runs and from which nothing is delivered.
fn open(folder: &Path, ballast_bytes: u64) -> Outbox {
    let start = Instant::now();
    let now = move || {
        let at = time::Instant::from_nanos(u64::try_from(start.elapsed().as_nanos()).unwrap());
        WallClock { at, unix_ms: 1_780_000_000_000 }
    };
    let (parcels, _) = mpsc::channel(1);
    let (_, verdicts) = mpsc::channel(1);
    let settings = Settings {
        folder: folder.to_owned(),
        ballast_bytes,
        waiting_entries: 10_000,
        keep: Duration::from_secs(86_400),
        sinks: Sinks::default(),
    };
    let courier = Courier { parcels, verdicts };
    let (outbox, worker) = outbox::create(settings, Arc::new(now), &mut Entropy::from_number(1), courier);
    std::thread::spawn(move || worker.run());
    outbox.opened().unwrap();
    outbox
}

/// A step of a call with an event of a ticket. Calls of different rounds are different ones; the ticket goes on.
fn entry(round: u128, call: u128, seq: u32) -> Entry {
    let mut ticket: Ticket = serde_json::from_str(include_str!("../../../../src/tickets/example.json")).unwrap();
    ticket.linkage_id = LinkageId(CallId(call));
    ticket.ticket_id = TicketId { linkage: ticket.linkage_id, number: 0 };
    ticket.event_id = EventId::new(1_780_000_000_000, round << 40 | call << 32 | u128::from(seq));
    ticket.at = Moment { unix_ms: 1_780_000_000_000 };
    Entry {
        id: EntryId { call: CallId(round << 32 | call), seq },
        linkage: ticket.linkage_id,
        at: time::Instant::START,
        unix_ms: 1_780_000_000_000,
        facts: vec![Fact::LegBegan { leg: LegId(1), party: Party::Caller, presented: None }],
        postings: vec![Posting { hotline: HotlineId::from("12345"), ticket }],
    }
}

/// Every event that is kept, in order.
async fn kept(folder: &Path) -> Vec<Letter> {
    let mut reader = Reader::open(folder).await.unwrap();
    reader.list(&Filter { limit: 1_000_000, ..Filter::default() }).await.unwrap()
}
