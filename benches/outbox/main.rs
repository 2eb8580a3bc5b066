//! How many facts a second reach the disk, and how long the commit takes that a call waits for.
//!
//! The outbox runs on its thread as in the daemon. Beside it, in the same run, a bare file is appended to and synced as
//! often as the outbox commits: the floor of the disk at that moment. `scripts/bench` runs it.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark reads the clock and prints")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lianxian::base::entropy::Entropy;
use lianxian::base::ids::{CallId, LegId};
use lianxian::base::time::{self, WallClock};
use lianxian::store::outbox::{self, Courier, Outbox, Settings, Sinks, Taken, Told};
use lianxian::tickets::entry::{Entry, EntryId};
use lianxian::tickets::fact::{Fact, Party};
use lianxian::tickets::ids::LinkageId;
use tokio::sync::mpsc;

/// Facts of the storm, in entries of a few as calls make them.
const FACTS: u32 = 60_000;
const FACTS_OF_AN_ENTRY: u32 = 3;
/// Entries that wait for the disk at a time.
const AT_ONCE: usize = 4_000;
/// Single entries that are measured: a call that waits for its own.
const SINGLE: u32 = 300;

fn main() {
    let folder = std::env::temp_dir().join(format!("lianxian-bench-outbox-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder of our own");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut outbox = open(&folder);
    let (storm, mut commits) = runtime.block_on(storm(&mut outbox));
    let mut singles = runtime.block_on(singles(&mut outbox));
    let mut floors = floors(&folder.join("floor"));
    runtime.block_on(outbox.close(Duration::from_secs(10)));
    let rate = f64::from(FACTS) / storm.as_secs_f64();
    println!("{FACTS} facts into the outbox: {rate:.0} facts/s in {} commits", commits.len());
    println!("{:<28}{:>10}{:>10}{:>10}", "ms", "p50", "p99", "worst");
    row("commit in the storm", &mut commits);
    row("one entry until it is told", &mut singles);
    row("append and sync, same disk", &mut floors);
    fs::remove_dir_all(&folder).expect("it is our folder");
}

fn row(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!("{name:<28}{:>10.3}{:>10.3}{:>10.3}", at(50), at(99), at(100));
}

fn open(folder: &Path) -> Outbox {
    let start = Instant::now();
    let now = move || {
        let at = time::Instant::from_nanos(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
        WallClock { at, unix_ms: 1_780_000_000_000 }
    };
    let (parcels, _) = mpsc::channel(1);
    let (_, verdicts) = mpsc::channel(1);
    let settings = Settings {
        folder: PathBuf::from(folder),
        ballast_bytes: 0,
        waiting_entries: 2 * AT_ONCE,
        keep: Duration::from_secs(86_400),
        sinks: Sinks::default(),
    };
    let courier = Courier { parcels, verdicts };
    let (outbox, worker) = outbox::create(settings, Arc::new(now), &mut Entropy::from_number(1), courier);
    std::thread::spawn(move || worker.run());
    outbox.opened().expect("the outbox opens");
    outbox
}

fn entry(call: u128, seq: u32) -> Entry {
    let call = CallId(call);
    let facts = (0..FACTS_OF_AN_ENTRY)
        .map(|leg| Fact::LegBegan { leg: LegId(leg.into()), party: Party::Caller, presented: None })
        .collect();
    let id = EntryId { call, seq };
    Entry { id, linkage: LinkageId(call), at: time::Instant::START, unix_ms: 0, facts, postings: Vec::new() }
}

/// Everything at once: how long it took, and each commit.
async fn storm(outbox: &mut Outbox) -> (Duration, Vec<Duration>) {
    let begin = Instant::now();
    let (mut waiting, mut commits) = (0, Vec::new());
    for number in 0..FACTS / FACTS_OF_AN_ENTRY {
        let taken = outbox.record(time::Instant::START, Box::new(entry(u128::from(number / 10), number % 10 + 1)));
        assert_eq!(taken, Taken::Soon);
        waiting += 1;
        while waiting >= AT_ONCE {
            waiting -= told(outbox, &mut commits).await;
        }
    }
    while waiting > 0 {
        waiting -= told(outbox, &mut commits).await;
    }
    (begin.elapsed(), commits)
}

async fn told(outbox: &mut Outbox, commits: &mut Vec<Duration>) -> usize {
    match outbox.told().await {
        Told::Written { ids, took } => {
            commits.push(took);
            ids.len()
        }
        Told::Failed { ids } => panic!("the disk refuses {} entries", ids.len()),
    }
}

/// One entry after the other: from handing it in to being told.
async fn singles(outbox: &mut Outbox) -> Vec<Duration> {
    let mut times = Vec::new();
    for seq in 1..=SINGLE {
        let begin = Instant::now();
        outbox.record(time::Instant::START, Box::new(entry(u128::MAX, seq)));
        told(outbox, &mut Vec::new()).await;
        times.push(begin.elapsed());
    }
    times
}

/// A page appended to a file and synced.
fn floors(path: &Path) -> Vec<Duration> {
    let mut file = File::create(path).expect("a file of our own");
    (0..SINGLE)
        .map(|_| {
            let begin = Instant::now();
            file.write_all(&[0x5a; 4_096]).expect("the disk takes it");
            file.sync_data().expect("the disk syncs");
            begin.elapsed()
        })
        .collect()
}
