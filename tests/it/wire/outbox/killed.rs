//! `kill -9` while the outbox writes: what it said to be written is there, once, and each ticket is one whole chain.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use lianxian::base::time;
use lianxian::store::outbox::{Outbox, Told};
use lianxian::tickets::entry::Entry;
use lianxian::tickets::ids::EventId;
use lianxian::tickets::seal;

use super::{entry, kept, open};

/// Where the child writes, and which round it is.
const FOLDER: &str = "LIANXIAN_KILLED_FOLDER";
const ROUND: &str = "LIANXIAN_KILLED_ROUND";

/// Kills.
const ROUNDS: u128 = 15;

/// Calls that write at the same time, each with a ticket of its own that lives through all rounds.
const CALLS: u128 = 8;

#[test]
fn what_was_said_to_be_written_is_there_once_however_often_the_daemon_is_killed() {
    let folder = std::env::temp_dir().join(format!("lianxian-killed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut said = Vec::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &child_test(), "--nocapture"])
            .env(FOLDER, &folder)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("written ")?.parse().ok()).collect()
        });
        // From its first breath to well into its work.
        std::thread::sleep(Duration::from_millis(u64::try_from(60 + 37 * round).unwrap()));
        child.kill().unwrap();
        child.wait().unwrap();
        let written: Vec<EventId> = reader.join().unwrap();
        said.extend(written);
    }
    assert!(said.len() > 100, "{} events were written before their daemons died", said.len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let letters = runtime.block_on(kept(&folder));
    let mut events: BTreeMap<EventId, usize> = BTreeMap::new();
    let mut tickets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for letter in &letters {
        *events.entry(letter.event.parse().unwrap()).or_default() += 1;
        tickets.entry(&letter.ticket).or_default().push(&letter.body);
    }
    for event in &said {
        assert_eq!(events.get(event), Some(&1), "{event} was said to be written");
    }
    for (ticket, texts) in tickets {
        assert!(seal::verify_chain(texts).is_ok(), "the chain of {ticket}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The name of the test below.
fn child_test() -> String {
    let (_executable, module) = module_path!().split_once("::").unwrap();
    format!("{module}::the_child_that_is_killed")
}

/// Not a test of its own: it writes until it is killed, and says what is written.
#[test]
fn the_child_that_is_killed() {
    let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) else { return };
    let outbox = open(Path::new(&folder), 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(writes(outbox, round.parse().unwrap()));
}

async fn writes(mut outbox: Outbox, round: u128) {
    for seq in 1..=u32::MAX {
        let entries: Vec<Entry> = (1..=CALLS).map(|call| entry(round, call, seq)).collect();
        let events: Vec<EventId> = entries.iter().map(|entry| entry.postings[0].ticket.event_id).collect();
        for entry in entries {
            outbox.record(time::Instant::START, Box::new(entry));
        }
        let mut open = events.len();
        while open > 0 {
            let Told::Written { ids, .. } = outbox.told().await else { panic!("the disk is sound") };
            open -= ids.len();
        }
        let mut out = std::io::stdout().lock();
        for event in events {
            writeln!(out, "written {event}").unwrap();
        }
        out.flush().unwrap();
    }
}
