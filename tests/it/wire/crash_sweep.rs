//! kill -9 at every step of a transfer: after each message that the daemon sends, in a run of its own. Then it starts
//! again with the same data folder, and what the ticket store has got is compared with the outbox and with what the people
//! of the call saw.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::crowd::Crowd;
use super::loopback::{Loopback, PATIENCE, wait_for};
use super::setup::{CITIZEN as NUMBER, Daemon, Setup};
use super::ticket_store::TicketStore;
use crate::world::phone::{OnInvite, Phase};

const CITIZEN: usize = 0;
const OFFICE: usize = 1;
const POLICE: usize = 2;

/// What the people of a call have seen when the daemon was killed.
#[derive(Debug)]
struct Seen {
    /// Whether the seat of 110 was answered and acknowledged.
    taken: bool,
    /// Whether the desk was told that its transfer has succeeded.
    told: bool,
    /// Messages of the daemon so far.
    messages: usize,
}

#[test]
fn whatever_step_it_is_killed_at_nothing_is_lost_doubled_or_tagged_without_an_answer() {
    let net = Loopback::new("crash-sweep");
    let store = TicketStore::open(tickets_at(&net), Vec::new());
    let whole = run(&net, &store, usize::MAX);
    assert!(whole.taken && whole.told, "without a crash the transfer succeeds: {whole:?}");
    let runs: Vec<Seen> = (1..whole.messages).map(|killed_after| run(&net, &store, killed_after)).collect();
    // The sweep has been everywhere: before the answer, between answer and success, and after it.
    assert!(runs.iter().any(|seen| !seen.taken), "no run was killed before the answer: {runs:?}");
    assert!(runs.iter().any(|seen| seen.taken && !seen.told), "no run was killed on the way: {runs:?}");
    assert!(runs.iter().any(|seen| seen.told), "no run was killed after the success: {runs:?}");
}

fn tickets_at(net: &Loopback) -> SocketAddr {
    (net.host(14), 9_000).into()
}

/// One call with one transfer, killed after so many messages; then another life of the daemon, and the comparison.
fn run(net: &Loopback, store: &TicketStore, killed_after: usize) -> Seen {
    // The first run finds none.
    std::fs::remove_dir_all(net.file("config/data")).ok();
    let before = store.kept().len();
    let mut daemon = town(net).start();
    let seen = call(net, &daemon, killed_after);
    if killed_after != usize::MAX {
        daemon.process.kill();
        drop(daemon);
        daemon = town(net).start();
    }
    let place = format!("killed after message {killed_after}, {seen:?}");
    let events = wait_for(&format!("the ticket store to have everything; {place}"), PATIENCE, || {
        let sent = outbox(net);
        let settled = sent.iter().all(|row| row["state"] == "delivered");
        let kept = store.kept().split_off(before);
        (settled && sent.len() == kept.len()).then_some(kept)
    });
    compare(&outbox(net), &events, &seen, &place);
    daemon.process.kill();
    seen
}

fn town(net: &Loopback) -> Setup<'_> {
    Setup::new(net)
        .ticket_store(&format!("http://{}/", tickets_at(net)))
        .trunk("citizens", (net.host(2), 5060))
        .trunk("office", (net.host(8), 5060))
        .trunk("police", (net.host(10), 5060))
        .rings_trunk("office", "6000")
        .hotline("110", &[("police", "110")])
}

/// The citizen calls, the desk presses, the seat answers, the citizen hangs up.
fn call(net: &Loopback, daemon: &Daemon, killed_after: usize) -> Seen {
    let mut crowd = Crowd::new(daemon.sip);
    crowd.add(NUMBER, net.host(2));
    crowd.add("6000", net.host(8));
    crowd.add("110", net.host(10));
    for place in [OFFICE, POLICE] {
        crowd.phone(place).manners.on_invite = OnInvite::Answer { after: Duration::from_millis(50) };
    }
    let over = |crowd: &Crowd| crowd.heard >= killed_after;
    crowd.act(CITIZEN, |phone, now| drop(phone.call(now, "12345")));
    crowd.until(PATIENCE, |crowd| over(crowd) || (up(crowd, OFFICE) && up(crowd, CITIZEN)));
    if !over(&crowd) {
        let talk = crowd.dialog(OFFICE).map(|dialog| dialog.call_id.clone()).expect("the desk talks");
        crowd.act(OFFICE, |phone, now| phone.refer(now, &talk, "110"));
        crowd.until(PATIENCE, |crowd| over(crowd) || (told(crowd) && ended(crowd, OFFICE)));
    }
    if !over(&crowd) {
        let talk = crowd.dialog(CITIZEN).map(|dialog| dialog.call_id.clone()).expect("the citizen has called");
        crowd.act(CITIZEN, |phone, now| phone.hang_up(now, &talk));
        crowd.until(PATIENCE, |crowd| over(crowd) || (ended(crowd, POLICE) && ended(crowd, CITIZEN)));
    }
    let taken = up(&crowd, POLICE) || ended(&crowd, POLICE);
    Seen { taken, told: told(&crowd), messages: crowd.heard }
}

fn up(crowd: &Crowd, place: usize) -> bool {
    crowd.dialog(place).is_some_and(|dialog| dialog.phase == Phase::Up)
}

fn ended(crowd: &Crowd, place: usize) -> bool {
    crowd.dialog(place).is_some_and(|dialog| matches!(dialog.phase, Phase::Over(_)))
}

fn told(crowd: &Crowd) -> bool {
    crowd.dialog(OFFICE).is_some_and(|dialog| dialog.referral.reports.contains(&(200, true)))
}

/// Compares what the outbox sent, what the ticket store has, and what the people saw.
fn compare(sent: &[Value], events: &[Value], seen: &Seen, place: &str) {
    let names = |rows: &[Value]| {
        rows.iter().fold(BTreeMap::<String, usize>::new(), |mut names, row| {
            *names.entry(text(row, "event_id")).or_default() += 1;
            names
        })
    };
    let kept = names(events);
    assert_eq!(names(sent), kept, "I27: outbox and ticket store do not have the same events; {place}");
    assert!(kept.values().all(|count| *count == 1), "doubled: {kept:?}; {place}");
    let mut last = BTreeMap::<String, u64>::new();
    for event in events {
        let seq = last.entry(text(event, "ticket_id")).or_default();
        *seq += 1;
        assert_eq!(event["seq"], *seq, "I28: out of order, or a hole; {place}");
    }
    let tagged: Vec<&Value> = events.iter().filter(|event| event["event"] == "tagged").collect();
    assert!(tagged.len() <= 1, "{} tags; {place}", tagged.len());
    assert!(tagged.is_empty() || seen.taken, "a tag without an answer; {place}");
    assert!(tagged.len() == 1 || !seen.told, "the desk was told of success, and there is no tag; {place}");
    for event in tagged {
        assert_eq!(event["tags"], json!(["已转110受理"]), "{place}");
        assert_eq!(event["status"], "结案", "{place}");
        assert_eq!(event["caller"]["number_raw"], NUMBER, "{place}");
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}")).to_owned()
}

/// Every event that was ever written, as `lianxian outbox` tells it.
fn outbox(net: &Loopback) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_lianxian"))
        .args(["outbox", "list", "--json", "--limit", "1000000", "--config"])
        .arg(net.file("config/lianxian.toml"))
        .env("LIANXIAN_TEST_SECRET", super::setup::PASSWORD)
        .output()
        .expect("the program can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "outbox list: {}: {errors}", output.status);
    let lines = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}
